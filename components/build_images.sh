#!/usr/bin/env bash
# Builds assay-core:VERSION and assay-tensorflow:VERSION, or the images of IMAGES, and writes what is in them to out/images/*.cdx.json.
# Exit code 3: no Docker engine is to be had here, or no `boot` program of Beam.
#
# IMAGES      of core, tensorflow and tensorflow-gpu; otherwise the first two.
# BASE_IMAGE  where to start from: any image with Python 3.11 and venv; name its digest too, to have the same again
#             (NAME@sha256:...). Otherwise python:3.11-slim, or, where no registry answers, a base of Debian's packages,
#             made here (root, on Debian), which is the same to the last bit as long as Debian's packages are.
# BOOT_IMAGE  an image with Beam's program /opt/apache/beam/boot. Otherwise one made here by Go, or, without Go, Beam's own image.
# CA_BUNDLE   certificates that pip shall trust; they do not end up in the image.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n*** images: %s ***\n\n' "$*" >&2; }

none() {
  say "NO IMAGES: $*"
  exit 3
}

no_engine() { none "$*. Install and start Docker, or run this as root on Debian"; }

# Debian's client can drive BuildKit by itself; a newer one that comes first in PATH may lack the plugin for it.
docker() { DOCKER_BUILDKIT=1 "$client" "$@"; }
client=/usr/bin/docker
[[ -x $client ]] || client=$(type -P docker || echo /usr/bin/docker)

install() {
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    no_engine "$* cannot be installed (root and apt-get are needed)"
  fi
  say "installing $*"
  (
    flock 9 # what is made beside the images may install as well: .ci/installed
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null
  ) 9>"${TMPDIR:-/tmp}/assay-apt-get"
}

start_engine() {
  docker info >/dev/null 2>&1 && return
  ((EUID == 0)) || no_engine "no Docker engine answers user $EUID"
  if ! [[ -x $client ]] || ! command -v dockerd >/dev/null; then
    install docker.io
    client=/usr/bin/docker
  fi
  if [[ $(readlink /proc/[0-9]*/exe) != */dockerd* ]]; then
    say "starting dockerd; its log is /var/log/dockerd.log"
    rm -f /run/docker.pid /run/docker/containerd/containerd.pid # of one that was killed; the numbers may be others' now
    setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  fi
  for _ in {1..120}; do
    docker info >/dev/null 2>&1 && return
    sleep 0.5
  done
  tail -n 5 /var/log/dockerd.log >&2
  no_engine "dockerd does not start"
}

# Times in the files of a base are those of this day, so that two bases of the same packages are the same.
make_base() {
  export SOURCE_DATE_EPOCH=1767225600
  command -v mmdebstrap >/dev/null || install mmdebstrap
  say "no registry answers: making $1 of Debian's packages"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv,tzdata \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"' bookworm - |
    docker import --change 'CMD ["python3"]' - "$1" >/dev/null
}

# The tag of a base made here is a digest of how it is made.
find_base() {
  base=${BASE_IMAGE:-python:3.11-slim}
  local made
  made=assay-base:$(declare -f make_base | sha256sum | cut -c 1-12)
  if [[ -n ${BASE_IMAGE:-} ]] || docker image inspect "$base" >/dev/null 2>&1; then
    return
  elif docker image inspect "$made" >/dev/null 2>&1; then
    base=$made
  elif ! timeout 120 "$client" pull --quiet "$base" >/dev/null 2>&1; then
    base=$made
    make_base "$base"
  fi
}

# The digest by which a registry knows the base; of a base made here, that of its files.
find_digest() {
  local form='{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{index .RootFS.Layers 0}}{{end}}'
  docker image inspect "$base" >/dev/null 2>&1 || "$client" pull --quiet "$base" >/dev/null
  digest=$(docker image inspect --format "$form" "$base")
  [[ $digest != *@sha256:* ]] || base=$digest # from now on it is this one, whatever becomes of its tag
  digest=${digest#*@}
  say "base $base, $digest"
}

# An image of one file: Beam's program that starts Python workers, of the version of Beam in the images.
find_boot() {
  local version
  version=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' constraints-core.txt)
  boot=${BOOT_IMAGE:-assay-boot:$version}
  if [[ -n ${BOOT_IMAGE:-} ]] || docker image inspect "$boot" >/dev/null 2>&1; then
    return
  elif command -v go >/dev/null; then
    make_boot "$boot"
  else
    boot=apache/beam_python3.11_sdk:$version
    "$client" pull --quiet "$boot" >/dev/null ||
      none "neither Go nor $boot is to be had, for Beam's program \`boot\`. Install Go, or set BOOT_IMAGE"
  fi
}

make_boot() {
  say "making $1 by Go"
  local folder=$scratch/boot
  mkdir -p "$folder/opt/apache/beam"
  components/boot.sh "$folder/opt/apache/beam"
  tar --create --directory "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1767225600 opt |
    docker import - "$1" >/dev/null
}

# What pip needs of this machine goes in as secrets: seen during the build, in no layer.
write_secrets() {
  secrets=$scratch/secrets
  mkdir "$secrets"
  local bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
  [[ -s $bundle ]] || return 0
  cp "$bundle" "$secrets/ca"
  printf '[global]\ncert = /run/secrets/ca\n' >"$secrets/pip.conf"
}

build() {
  local tag=assay-$1:$version started=$SECONDS given=() secret size
  for secret in "$secrets"/*; do
    [[ ! -e $secret ]] || given+=(--secret "id=${secret##*/},src=$secret")
  done
  docker build --quiet "${given[@]}" --file components/Dockerfile --tag "$tag" --build-arg IMAGE="$1" \
    --build-arg BASE_IMAGE="$base" --build-arg BASE_DIGEST="$digest" --build-arg BOOT_IMAGE="$boot" \
    --build-arg VERSION="$version" --build-arg REVISION="$revision" . >/dev/null
  size=$(docker image inspect --format '{{.Size}}' "$tag")
  mkdir -p out/images
  docker run --rm --network none --entrypoint cat "$tag" /usr/share/assay/sbom.json >"out/images/assay-$1-$version.cdx.json"
  printf '%s: %d MB, %d s\n' "$tag" $((size / 1000000)) $((SECONDS - started))
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null || echo unknown)
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
start_engine
find_base
find_digest
find_boot
write_secrets
for image in ${IMAGES:-core tensorflow}; do
  build "$image"
done
