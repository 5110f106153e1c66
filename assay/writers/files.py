"""Whole files of one element each."""

from __future__ import annotations

import uuid

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


def path_in(folder: str, name: str) -> str:
    """The path of a file in a folder of any file system that Beam knows."""
    path: str = FileSystems.join(folder, name)
    return path


def create_files(pipeline: beam.Pipeline, contents: dict[str, bytes]) -> beam.PCollection[str]:
    """Writes files whose content is known when the pipeline is built; path -> content."""
    return pipeline | beam.Impulse() | beam.FlatMap(_written, contents=contents).with_output_types(str)


def _written(_: bytes, contents: dict[str, bytes]) -> list[str]:
    return [write_file(path, content) for path, content in sorted(contents.items())]


def write_file(path: str, content: bytes) -> str:
    """Writes a file that is there whole or not at all; returns its path."""
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(content)
    FileSystems.rename([temporary], [path])
    return path
