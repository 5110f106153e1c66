#!/usr/bin/env bash
# components/pin.sh UV: writes constraints-core.txt and constraints-tensorflow.txt, all that is in each image,
# and constraints-airflow.txt, with what is newest today.
set -euo pipefail
cd "$(dirname "$0")/.."

# tensorflow-cpu is the same TensorFlow without code for devices that no image has.
pin() {
  local image=$1
  shift
  {
    echo "# All that is in the image assay-$image, for Python 3.11. Made by \`make pins\`."
    "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 --constraint constraints.txt \
      "${@/#/--extra=}" pyproject.toml | sed 's/^tensorflow==/tensorflow-cpu==/'
  } >"constraints-$image.txt"
}

uv=$1
pin core core
pin tensorflow core tensorflow
{
  echo "# The resolution that the tests of the Airflow operators ran with, for Python 3.11. Made by \`make pins\`."
  "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 --extra airflow-dev --upgrade pyproject.toml
} >constraints-airflow.txt
