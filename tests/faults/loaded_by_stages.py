"""What stages load while they run; the server that forks their processes has loaded it before."""

import importlib

for name in (
    "apache_beam.typehints.intrinsic_one_ops",
    "apache_beam.typehints.opcodes",
    "assay.cli.run",
    "assay.cli.stage",
    "assay.engine.memory",
    "assay.models.callable",
    "assay.readers.parquet",
    "assay.run.command",
    "assay.run.local",
    "google.cloud.storage",
    "pyarrow.pandas_compat",
    "pyarrow.vendored.version",
    "tests.end_to_end.scores",
    "tests.faults.small_run",
):
    importlib.import_module(name)

importlib.import_module("assay.metrics.declare").definitions()
