"""Imports Beam without its connectors to other systems, which take twice as long to import as all else of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_OPTIONAL = frozenset(
    {
        "IPython",  # of a progress bar in notebooks
        "apache_beam.io.aws.s3filesystem",
        "apache_beam.io.azure.blobstoragefilesystem",
        "apache_beam.io.gcp.bigquery",
        "apache_beam.io.gcp.gcsfilesystem",
        "apache_beam.io.hadoopfilesystem",
        "bson",
        "google.cloud.dataflow",
        "pandas",
        "pymongo",
    }
)
"""Modules without which Beam imports as well: it does so where an extra of it is not installed."""


def import_core_of_beam() -> None:
    """Imports Beam as if nothing optional were installed, unless it is loaded already.

    Afterwards `apache_beam.io` lacks the transforms for BigQuery, MongoDB and other systems, and Beam's own file
    systems know local files only. assay uses neither; call this only in a process that runs no code but assay's own.
    """
    if "apache_beam" not in sys.modules:
        with _hidden(_OPTIONAL):
            importlib.import_module("apache_beam")


@contextmanager
def _hidden(names: frozenset[str]) -> Iterator[None]:
    """Makes modules as good as not installed, but for those that are loaded already."""
    finder = _Without(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Without:
    """Finds none of some modules, and lets others look for everything else."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """As `importlib.abc.MetaPathFinder` has it."""
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is not imported with the core of Beam", name=name)
