"""Imports Beam without its connectors to other systems, which take twice as long to import as all else of it."""

from __future__ import annotations

import importlib
import logging
import sys

from assay.hidden_modules import HiddenModules

_OPTIONAL = HiddenModules(
    "apache_beam.internal.dill_pickler",
    "apache_beam.io.aws.s3filesystem",
    "apache_beam.io.azure.blobstoragefilesystem",
    "apache_beam.io.gcp.bigquery",
    "apache_beam.io.gcp.gcsfilesystem",
    "apache_beam.io.hadoopfilesystem",
    "apitools.base.py.exceptions",
    "bson",
    "google.cloud.dataflow",
    "pandas",
    "pymongo",
)
"""Modules without which Beam imports as well, as it does where an extra of it is not installed."""

_NOTEBOOK = HiddenModules("IPython")
"""What Beam looks for with every pipeline, and imports if it is there, to see whether it runs in a notebook."""


def import_core_of_beam() -> None:
    """Imports Beam as if nothing optional were installed, unless it is loaded already.

    Afterwards `apache_beam.io` lacks the transforms for BigQuery, MongoDB and other systems, and Beam's own file
    systems know local files only. assay uses neither; call this only in a process that runs no code but assay's own.
    """
    if "apache_beam" in sys.modules:
        return
    logging.getLogger("apache_beam.io.mongodbio").disabled = True  # it would tell that it cannot work now
    sys.meta_path[:0] = [_OPTIONAL, _NOTEBOOK]
    try:
        importlib.import_module("apache_beam")
    finally:
        sys.meta_path.remove(_OPTIONAL)
