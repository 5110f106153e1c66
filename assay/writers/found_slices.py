"""The slices that were found, as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import apache_beam as beam

from assay.results.found_slices import FOUND_SLICES_FILE
from assay.storage.file_paths import FilePath
from assay.types import FOUND_SLICES_KEY, WRITE_FOUND_SLICES_STAGE_NAME, Writer
from assay.writers.files import path_in, write_file
from assay.writers.write import Write


def FoundSlicesWriter(output_path: FilePath) -> Writer:
    """Writer of `found_slices.json`: what was searched, and a list of the slices that were found."""
    write = beam.Map(_written, path=path_in(output_path, FOUND_SLICES_FILE)).with_output_types(str)
    return Writer(WRITE_FOUND_SLICES_STAGE_NAME, Write(FOUND_SLICES_KEY, write))


def _written(record: Mapping[str, Any], path: str) -> str:
    content = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    return write_file(path, f"{content}\n".encode("utf-8", "surrogatepass"))
