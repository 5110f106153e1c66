"""Whole files of one element each."""

from __future__ import annotations

import glob
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apache_beam as beam

from assay import storage
from assay.errors import ConfigError, ResultsError, TransientError
from assay.storage.file_paths import FilePath, path_text

_PASSING = ("No space left", "File too large", "quota", "Input/output error")
"""What a system says about faults that may pass; Parquet's writer reports only this text."""

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp$")


def path_in(folder: FilePath, name: str) -> str:
    """The path of a file in a folder that a user may have given as `os.PathLike`; `storage.join` takes text."""
    return storage.join(path_text(folder, "output_path"), name)


def create_files(pipeline: beam.Pipeline, contents: dict[str, bytes]) -> beam.PCollection[str]:
    """Writes files whose content is known when the pipeline is built; path -> content."""
    return pipeline | beam.Impulse() | beam.FlatMap(_written, contents=contents).with_output_types(str)


def _written(_: bytes, contents: dict[str, bytes]) -> list[str]:
    return [write_file(path, content) for path, content in sorted(contents.items())]


def write_file(path: str, content: bytes) -> str:
    """Writes a whole file, or none if that fails; returns its path.

    Raises:
        ResultsError: it cannot be written.
        TransientError: there is no space for it.
    """
    with writing(path):
        storage.write(path, content)
    return path


def temporary_name(path: str) -> str:
    """A unique name beside `path`, for a file that is renamed to `path` when it is complete."""
    return f"{path}.{uuid.uuid4().hex}.tmp"


def remove(path: str) -> None:
    """Removes a temporary file if it exists. Never raises, as it is called when something else has failed."""
    with suppress(Exception):
        storage.delete(path)


def remove_temporaries(folder: str) -> None:
    """Removes temporary files of writers that did not finish. Never raises, either."""
    with suppress(Exception):
        for file in storage.match(path_in(glob.escape(folder), "*.tmp")):
            if _TEMPORARY.search(file):
                remove(file)


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Turns errors of file systems into ours, which name the file."""
    try:
        yield
    except (ConfigError, OSError, ValueError) as error:
        kind = TransientError if any(text in str(error) for text in _PASSING) else ResultsError
        raise kind(f"{path}: cannot be written: {error}") from error
