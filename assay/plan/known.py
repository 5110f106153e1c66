"""The formats, model types and writers that an analysis file may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

TENSORFLOW_FORMATS = ("tfrecord",)


FORMATS = (*TENSORFLOW_FORMATS, "csv", "parquet", "jsonl")


TENSORFLOW_MODELS = ("saved_model", "keras")


MODEL_TYPES = (*TENSORFLOW_MODELS, "callable")


WRITERS = ("WriteMetricsPlotsAndValidations", "WriteEvalConfig", "WriteMetricsTable")
"""The writers of every plan."""


ANALYSIS_TABLE_WRITER = "WriteAnalysisTable"
