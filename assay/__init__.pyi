"""The types of the public names, which `__init__.py` loads when they are first used."""

from assay.api import analyze_raw_data as analyze_raw_data
from assay.api import run_model_analysis as run_model_analysis
from assay.config.resolved import parse_eval_config as parse_eval_config
from assay.config.resolved import resolve_eval_config as resolve_eval_config
from assay.evaluators.analysis_table import AnalysisTableEvaluator as AnalysisTableEvaluator
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator as MetricsAndPlotsEvaluator
from assay.evaluators.validations import Validate as Validate
from assay.extractors.by_model_spec import (
    ExampleWeightsExtractor as ExampleWeightsExtractor,
)
from assay.extractors.by_model_spec import (
    LabelsExtractor as LabelsExtractor,
)
from assay.extractors.by_model_spec import (
    MaterializedPredictionsExtractor as MaterializedPredictionsExtractor,
)
from assay.extractors.features import FeaturesExtractor as FeaturesExtractor
from assay.extractors.per_row import UnbatchExtractor as UnbatchExtractor
from assay.extractors.per_row import per_row as per_row
from assay.extractors.predict import PredictExtractor as PredictExtractor
from assay.extractors.predictions import PredictionsExtractor as PredictionsExtractor
from assay.extractors.slice_keys import SliceKeyExtractor as SliceKeyExtractor
from assay.extractors.transformed_features import TransformedFeaturesExtractor as TransformedFeaturesExtractor
from assay.models.model import ModelRef as ModelRef
from assay.notebook.compare import RunComparison as RunComparison
from assay.notebook.compare import compare as compare
from assay.notebook.eval_result import (
    EvalResult as EvalResult,
)
from assay.notebook.eval_result import (
    load_eval_result as load_eval_result,
)
from assay.notebook.frames import metrics_frame as metrics_frame
from assay.notebook.frames import plots_frame as plots_frame
from assay.plan.analysis_file import load_analysis as load_analysis
from assay.proposal.propose import Proposal as Proposal
from assay.proposal.propose import propose_analysis as propose_analysis
from assay.proto.config_pb2 import EvalConfig as EvalConfig
from assay.readers.read_inputs import ReadInputs as ReadInputs
from assay.readers.source import Source as Source
from assay.results.files import (
    load_attributions as load_attributions,
)
from assay.results.files import (
    load_metrics as load_metrics,
)
from assay.results.files import (
    load_plots as load_plots,
)
from assay.results.files import (
    load_validation_result as load_validation_result,
)
from assay.results.files import (
    load_verdict as load_verdict,
)
from assay.results.found_slices import load_found_slices as load_found_slices
from assay.results.latest import results_folder as results_folder
from assay.run.defaults import (
    default_evaluators as default_evaluators,
)
from assay.run.defaults import (
    default_extractors as default_extractors,
)
from assay.run.defaults import (
    default_writers as default_writers,
)
from assay.run.pipeline import (
    ExtractAndEvaluate as ExtractAndEvaluate,
)
from assay.run.pipeline import (
    ExtractEvaluateAndWriteResults as ExtractEvaluateAndWriteResults,
)
from assay.run.pipeline import (
    WriteResults as WriteResults,
)
from assay.slicing.fanout import FanoutSlices as FanoutSlices
from assay.types import (
    ANALYSIS_KEY as ANALYSIS_KEY,
)
from assay.types import (
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME as ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
)
from assay.types import (
    ATTRIBUTIONS_KEY as ATTRIBUTIONS_KEY,
)
from assay.types import (
    BASELINE_KEY as BASELINE_KEY,
)
from assay.types import (
    CANDIDATE_KEY as CANDIDATE_KEY,
)
from assay.types import (
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME as EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    EXAMPLE_WEIGHTS_KEY as EXAMPLE_WEIGHTS_KEY,
)
from assay.types import (
    FEATURES_EXTRACTOR_STAGE_NAME as FEATURES_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    FEATURES_KEY as FEATURES_KEY,
)
from assay.types import (
    FIND_SLICES_EVALUATOR_STAGE_NAME as FIND_SLICES_EVALUATOR_STAGE_NAME,
)
from assay.types import (
    FOUND_SLICES_KEY as FOUND_SLICES_KEY,
)
from assay.types import (
    GATE_STAGE_NAME as GATE_STAGE_NAME,
)
from assay.types import (
    INPUT_KEY as INPUT_KEY,
)
from assay.types import (
    LABELS_EXTRACTOR_STAGE_NAME as LABELS_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    LABELS_KEY as LABELS_KEY,
)
from assay.types import (
    LAST_EXTRACTOR_STAGE_NAME as LAST_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME as MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME as METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
)
from assay.types import (
    METRICS_KEY as METRICS_KEY,
)
from assay.types import (
    PLOTS_KEY as PLOTS_KEY,
)
from assay.types import (
    PREDICT_EXTRACTOR_STAGE_NAME as PREDICT_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    PREDICTIONS_EXTRACTOR_STAGE_NAME as PREDICTIONS_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    PREDICTIONS_KEY as PREDICTIONS_KEY,
)
from assay.types import (
    READ_INPUTS_STAGE_NAME as READ_INPUTS_STAGE_NAME,
)
from assay.types import (
    ROW_TYPES_KEY as ROW_TYPES_KEY,
)
from assay.types import (
    SLICE_KEY_EXTRACTOR_STAGE_NAME as SLICE_KEY_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    SLICE_KEY_TYPES_KEY as SLICE_KEY_TYPES_KEY,
)
from assay.types import (
    SLICE_KEYS_KEY as SLICE_KEYS_KEY,
)
from assay.types import (
    SOURCE_KEY as SOURCE_KEY,
)
from assay.types import (
    TEXTS_KEY as TEXTS_KEY,
)
from assay.types import TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME as TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME
from assay.types import (
    TRANSFORMED_FEATURES_KEY as TRANSFORMED_FEATURES_KEY,
)
from assay.types import (
    UNBATCH_EXTRACTOR_STAGE_NAME as UNBATCH_EXTRACTOR_STAGE_NAME,
)
from assay.types import (
    VALIDATIONS_KEY as VALIDATIONS_KEY,
)
from assay.types import WRITE_ANALYSIS_TABLE_STAGE_NAME as WRITE_ANALYSIS_TABLE_STAGE_NAME
from assay.types import WRITE_EVAL_CONFIG_STAGE_NAME as WRITE_EVAL_CONFIG_STAGE_NAME
from assay.types import WRITE_FOUND_SLICES_STAGE_NAME as WRITE_FOUND_SLICES_STAGE_NAME
from assay.types import WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME as WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME
from assay.types import WRITE_METRICS_TABLE_STAGE_NAME as WRITE_METRICS_TABLE_STAGE_NAME
from assay.types import (
    WRITE_RESULTS_STAGE_NAME as WRITE_RESULTS_STAGE_NAME,
)
from assay.types import (
    Evaluation as Evaluation,
)
from assay.types import (
    Evaluator as Evaluator,
)
from assay.types import (
    Extractor as Extractor,
)
from assay.types import (
    Extracts as Extracts,
)
from assay.types import (
    Writer as Writer,
)
from assay.writers.eval_config import EvalConfigWriter as EvalConfigWriter
from assay.writers.metrics_plots_and_validations import (
    MetricsPlotsAndValidationsWriter as MetricsPlotsAndValidationsWriter,
)
from assay.writers.write import Write as Write

__version__: str
