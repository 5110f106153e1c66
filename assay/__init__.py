"""Model evaluation as steps of a workflow orchestrator.

The public names stand in `_HOMES`; each loads its module when it is first used, so that `import assay` stays light.
"""

import importlib  # and nothing else: with `python -m assay`, the current folder is still first on the path here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "AnalysisTableEvaluator": "assay.evaluators.analysis_table",
    "EvalConfig": "assay.proto.config_pb2",
    "EvalConfigWriter": "assay.writers.eval_config",
    "EvalResult": "assay.notebook.eval_result",
    "Evaluation": "assay.types",
    "Evaluator": "assay.types",
    "ExampleWeightsExtractor": "assay.extractors.by_model_spec",
    "ExtractAndEvaluate": "assay.run.pipeline",
    "ExtractEvaluateAndWriteResults": "assay.run.pipeline",
    "Extractor": "assay.types",
    "Extracts": "assay.types",
    "FanoutSlices": "assay.slicing.fanout",
    "FeaturesExtractor": "assay.extractors.features",
    "LabelsExtractor": "assay.extractors.by_model_spec",
    "MaterializedPredictionsExtractor": "assay.extractors.by_model_spec",
    "MetricsAndPlotsEvaluator": "assay.evaluators.metrics_and_plots",
    "MetricsPlotsAndValidationsWriter": "assay.writers.metrics_plots_and_validations",
    "ModelRef": "assay.models.model",
    "Proposal": "assay.proposal.propose",
    "PredictExtractor": "assay.extractors.predict",
    "PredictionsExtractor": "assay.extractors.predictions",
    "ReadInputs": "assay.readers.read_inputs",
    "RunComparison": "assay.notebook.compare",
    "SliceKeyExtractor": "assay.extractors.slice_keys",
    "Source": "assay.readers.source",
    "TransformedFeaturesExtractor": "assay.extractors.transformed_features",
    "UnbatchExtractor": "assay.extractors.per_row",
    "Validate": "assay.evaluators.validations",
    "Write": "assay.writers.write",
    "WriteResults": "assay.run.pipeline",
    "Writer": "assay.types",
    "analyze_raw_data": "assay.api",
    "compare": "assay.notebook.compare",
    "default_evaluators": "assay.run.defaults",
    "default_extractors": "assay.run.defaults",
    "default_writers": "assay.run.defaults",
    "load_analysis": "assay.plan.analysis_file",
    "load_attributions": "assay.results.files",
    "load_eval_result": "assay.notebook.eval_result",
    "load_found_slices": "assay.results.found_slices",
    "load_metrics": "assay.results.files",
    "load_plots": "assay.results.files",
    "load_validation_result": "assay.results.files",
    "load_verdict": "assay.results.files",
    "metrics_frame": "assay.notebook.frames",
    "plots_frame": "assay.notebook.frames",
    "propose_analysis": "assay.proposal.propose",
    "per_row": "assay.extractors.per_row",
    "resolve_eval_config": "assay.config.resolved",
    "results_folder": "assay.results.latest",
    "parse_eval_config": "assay.config.resolved",
    "run_model_analysis": "assay.api",
}
"""Public name -> the module that it lives in. The constants of `assay.types` are public too."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> "Any":
    if name in _HOMES:
        return getattr(_imported(_HOMES[name]), name)
    if name.endswith(("_KEY", "_STAGE_NAME")):
        return getattr(importlib.import_module("assay.types"), name)
    raise AttributeError(f"module 'assay' has no attribute {name!r}")


def _imported(module: str) -> "ModuleType":
    try:
        return importlib.import_module(module)
    except ImportError as error:
        from assay.extras import missing_package

        missing = missing_package(error)
        if missing is None:
            raise
        raise missing from None
