"""Stages that turn an Evaluation into files."""

from assay.writers.analysis_table import AnalysisTableWriter
from assay.writers.eval_config import EvalConfigWriter
from assay.writers.found_slices import FoundSlicesWriter
from assay.writers.metrics_plots_and_validations import MetricsPlotsAndValidationsWriter
from assay.writers.metrics_table import MetricsTableWriter
from assay.writers.write import Write

__all__ = [
    "AnalysisTableWriter",
    "EvalConfigWriter",
    "FoundSlicesWriter",
    "MetricsPlotsAndValidationsWriter",
    "MetricsTableWriter",
    "Write",
]
