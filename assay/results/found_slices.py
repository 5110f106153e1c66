"""The slices that a run has found."""

from __future__ import annotations

from typing import Any

from assay import storage
from assay.errors import CorruptFileError
from assay.results.files import listed
from assay.results.latest import results_folder
from assay.storage.file_paths import FilePath
from assay.text import json_text

FOUND_SLICES_FILE = "found_slices.json"


def load_found_slices(output_path: FilePath) -> dict[str, Any] | None:
    """What a run's search for slices has found, as `found_slices.json` has it; None if there was no search.

    Args:
        output_path: output of an analysis, of which the latest run is opened; or the folder of a run.

    Raises:
        ResultsError: no such folder.
        CorruptFileError: the file is damaged.
    """
    folder = results_folder(output_path)
    if FOUND_SLICES_FILE not in listed(folder):
        return None
    path = storage.join(folder, FOUND_SLICES_FILE)
    try:
        found = json_text.loads(storage.read(path))
    except ValueError as error:
        raise CorruptFileError(f"{path}: expected JSON; {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("slices"), list):
        raise CorruptFileError(f"{path}: expected an object with a list of slices")
    return found
