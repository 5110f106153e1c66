"""The four nouns of an evaluation and the names reserved in it. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import apache_beam as beam

Extracts: TypeAlias = dict[str, Any]
"""A batch of rows: a dict whose leaves (numpy arrays, Arrow arrays) share their leading dimension."""

Evaluation: TypeAlias = "dict[str, beam.PCollection[Any]]"
"""What evaluators produce: output key -> PCollection. Exists while the pipeline is built."""

SliceKey: TypeAlias = tuple[tuple[str, str | int | float | None], ...]
"""(feature, value) pairs sorted by feature; `()` is the overall slice. The value None is that of rows without one."""

MISSING = "(missing)"
"""The text of a slice's value where rows have none; a text of the data that is like it stands in quotes."""


class SlicePair(NamedTuple):
    """Two slices that are compared: values of the pair are those of `baseline` minus those of `comparison`."""

    baseline: SliceKey
    comparison: SliceKey


class Extractor(NamedTuple):
    """A step that takes Extracts and returns Extracts."""

    stage_name: str
    ptransform: beam.PTransform[Any, Any]


class Evaluator(NamedTuple):
    """A step that takes the Extracts as the extractor `run_after` left them and returns an Evaluation.

    `run_after` is an extractor's stage name, `LAST_EXTRACTOR_STAGE_NAME`, or "" for the Extracts as read.
    """

    stage_name: str
    run_after: str
    ptransform: beam.PTransform[Any, Any]


class Writer(NamedTuple):
    """A step that takes the Evaluation of all evaluators and writes some of its outputs."""

    stage_name: str
    ptransform: beam.PTransform[Any, Any]


# Keys of Extracts. A key that starts with an underscore is assay's own and no writer shows it.
INPUT_KEY = "input"
FEATURES_KEY = "features"
TRANSFORMED_FEATURES_KEY = "transformed_features"
LABELS_KEY = "labels"
PREDICTIONS_KEY = "predictions"
EXAMPLE_WEIGHTS_KEY = "example_weights"
ATTRIBUTIONS_KEY = "attributions"
SLICE_KEY_TYPES_KEY = "_slice_key_types"
SLICE_KEYS_KEY = "slice_keys"
SOURCE_KEY = "_source"
TEXTS_KEY = "_texts"
"""Column -> the text (n,) that the file has, null where the column's number says all of it: as a slice value `007` is
not 7. Only of columns whose type was told from the values of a file: of CSV files, and of JSON lines that have whole
numbers which no float can hold."""
ROW_TYPES_KEY = "_column_types"

# Keys of an Evaluation.
METRICS_KEY = "metrics"
PLOTS_KEY = "plots"
VALIDATIONS_KEY = "validations"
ANALYSIS_KEY = "analysis"
FOUND_SLICES_KEY = "found_slices"

SHARED_OUTPUTS = (METRICS_KEY, PLOTS_KEY, ATTRIBUTIONS_KEY)
"""Outputs that several evaluators may have, which meet by slice; any other has one owner."""

TFRECORD, PARQUET = "tfrecord", "parquet"
OUTPUT_FILE_FORMATS = (TFRECORD, PARQUET)
"""Formats of the files of metrics, plots, attributions and validations."""

# Names of models in a comparison.
BASELINE_KEY = "baseline"
CANDIDATE_KEY = "candidate"

# Stage names.
READ_INPUTS_STAGE_NAME = "ReadInputs"
FEATURES_EXTRACTOR_STAGE_NAME = "ExtractFeatures"
TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME = "ExtractTransformedFeatures"
LABELS_EXTRACTOR_STAGE_NAME = "ExtractLabels"
EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME = "ExtractExampleWeights"
PREDICTIONS_EXTRACTOR_STAGE_NAME = "ExtractPredictions"
MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME = "ExtractMaterializedPredictions"
PREDICT_EXTRACTOR_STAGE_NAME = "Predict"
SLICE_KEY_EXTRACTOR_STAGE_NAME = "ExtractSliceKeys"
UNBATCH_EXTRACTOR_STAGE_NAME = "ExtractUnbatchedInputs"
LAST_EXTRACTOR_STAGE_NAME = "<last-extractor>"
METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME = "EvaluateMetricsAndPlots"
ANALYSIS_TABLE_EVALUATOR_STAGE_NAME = "EvaluateExtracts"
FIND_SLICES_EVALUATOR_STAGE_NAME = "FindSlices"
GATE_STAGE_NAME = "Gate"
WRITE_RESULTS_STAGE_NAME = "WriteResults"
WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME = "WriteMetricsPlotsAndValidations"
WRITE_EVAL_CONFIG_STAGE_NAME = "WriteEvalConfig"
WRITE_METRICS_TABLE_STAGE_NAME = "WriteMetricsTable"
WRITE_ANALYSIS_TABLE_STAGE_NAME = "WriteAnalysisTable"
WRITE_FOUND_SLICES_STAGE_NAME = "WriteFoundSlices"
