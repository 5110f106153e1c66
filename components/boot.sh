#!/usr/bin/env bash
# boot.sh FOLDER: builds Beam's program `boot`, which starts Python workers for an engine, by Go, for the version of Beam in
# the images. The same version of Go gives the same bytes.
set -euo pipefail
folder=$(realpath "$1")
cd "$(dirname "$0")/.."

version=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' constraints-core.txt)
GOBIN=$folder CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' \
  go install -ldflags='-s -w' "github.com/apache/beam/sdks/v2/python/container@v$version"
mv "$folder/container" "$folder/boot"
