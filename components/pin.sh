#!/usr/bin/env bash
# components/pin.sh UV: writes what is in each image, with hashes: constraints-core.txt, constraints-tensorflow.txt,
# constraints-tensorflow-gpu.txt, constraints-tools.txt, constraints-sbom.txt; and constraints-airflow.txt and constraints-docs.txt, with what is newest
# today.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 "$@"; }

# Names and versions from standard input -> the same, with the hashes of their files; no address of any.
hashed() { compile --no-deps --generate-hashes -; }

# tensorflow-cpu is the same TensorFlow without code for devices that no image has.
pin() {
  local image=$1
  shift
  {
    echo "# All that is in the image assay-$image, for Python 3.11. Made by \`make pins\`."
    compile --constraint constraints.txt "${@/#/--extra=}" pyproject.toml |
      sed 's/^tensorflow==/tensorflow-cpu==/' | hashed
  } >"constraints-$image.txt"
}

uv=$1
pin core core
pin tensorflow core tensorflow
{
  echo "# All that is in the image assay-tensorflow-gpu, for Python 3.11. Made by \`make pins\`."
  compile --python-platform linux --constraint constraints.txt --extra core --extra gpu pyproject.toml | hashed
} >constraints-tensorflow-gpu.txt
{
  echo "# What installs packages in the images, and builds the wheel. Made by \`make pins\`."
  { grep '^setuptools==' constraints.txt; compile - <<<pip; } | hashed
} >constraints-tools.txt
{
  echo "# What writes the list of packages of an image, and is in none of them. Made by \`make pins\`."
  compile - <<<cyclonedx-bom | hashed
} >constraints-sbom.txt
{
  echo "# The resolution that the tests of the Airflow operators ran with, for Python 3.11. Made by \`make pins\`."
  compile --extra airflow-dev --upgrade pyproject.toml
} >constraints-airflow.txt
{
  echo "# The resolution that the documentation site is built with, for Python 3.11. Made by \`make pins\`."
  compile --extra docs --upgrade pyproject.toml
} >constraints-docs.txt
