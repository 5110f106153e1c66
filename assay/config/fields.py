"""Every field of the EvalConfig, and which module uses it. No field is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from assay.config.paths import join
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig

Kind = TypeVar("Kind", bound=Message)


FIELDS: Mapping[str, str] = {
    "EvalConfig.model_specs": "config.resolved",
    "EvalConfig.slicing_specs": "slicing.specs",
    "EvalConfig.cross_slicing_specs": "slicing.pairs",
    "EvalConfig.metrics_specs": "metrics.binding.bound",
    "EvalConfig.options": "config.resolved",
    "EvalConfig.bins": "slicing.feature_bins",
    "EvalConfig.disparities": "slicing.disparities",
    "Disparity.slicing_spec": "slicing.disparities",
    "Disparity.reference": "slicing.disparities",
    "Disparity.metrics": "slicing.disparities",
    "FeatureBins.edges": "slicing.feature_bins",
    "FeatureBins.by": "slicing.feature_bins",
    "ModelSpec.name": "config.resolved",
    "ModelSpec.model_type": "models.configured",
    "ModelSpec.signature_name": "models.configured",
    "ModelSpec.preprocessing_function_names": "models.preprocessing",
    "ModelSpec.label_key": "extractors.named_columns",
    "ModelSpec.label_keys": "extractors.named_columns",
    "ModelSpec.prediction_key": "extractors.named_columns",
    "ModelSpec.prediction_keys": "extractors.named_columns",
    "ModelSpec.example_weight_key": "extractors.named_columns",
    "ModelSpec.example_weight_keys": "extractors.named_columns",
    "ModelSpec.is_baseline": "config.resolved",
    "ModelSpec.padding_options": "metrics.entries.padding",
    "PaddingOptions.label_int_padding": "metrics.entries.meaning",
    "PaddingOptions.label_float_padding": "metrics.entries.meaning",
    "PaddingOptions.prediction_int_padding": "metrics.entries.meaning",
    "PaddingOptions.prediction_float_padding": "metrics.entries.meaning",
    "ModelSpec.inference_batch_size": "models.configured",
    "ModelSpec.positive_label": "metrics.entries.labels",
    "ModelSpec.classes": "metrics.entries.labels",
    "ModelSpec.sparse_labels": "metrics.entries.labels",
    "ModelSpec.link": "metrics.entries.probabilities",
    "ModelSpec.scale": "metrics.entries.probabilities",
    "ModelSpec.outputs": "metrics.entries.meaning",
    "OutputSpec.positive_label": "metrics.entries.labels",
    "OutputSpec.classes": "metrics.entries.labels",
    "OutputSpec.sparse_labels": "metrics.entries.labels",
    "OutputSpec.link": "metrics.entries.probabilities",
    "OutputSpec.scale": "metrics.entries.probabilities",
    "SlicingSpec.feature_keys": "slicing.specs",
    "SlicingSpec.feature_values": "slicing.specs",
    "SlicingSpec.missing": "slicing.specs",
    "SlicingSpec.slice_keys_sql": "slicing.sql_text",
    "MetricsSpec.metrics": "metrics.binding.bound",
    "MetricsSpec.model_names": "metrics.binding.bound",
    "MetricsSpec.output_names": "metrics.binding.bound",
    "MetricsSpec.output_weights": "metrics.binding.output_means",
    "MetricsSpec.binarize": "metrics.binding.parts",
    "MetricsSpec.aggregate": "metrics.binding.parts",
    "AggregationOptions.micro_average": "metrics.binding.parts",
    "AggregationOptions.macro_average": "metrics.binding.parts",
    "AggregationOptions.weighted_macro_average": "metrics.binding.parts",
    "AggregationOptions.class_weights": "metrics.binding.parts",
    "AggregationOptions.top_k_list": "metrics.binding.parts",
    "MetricsSpec.example_weights": "metrics.binding.bound",
    "MetricsSpec.query_key": "metrics.binding.bound",
    "MetricsSpec.thresholds": "gate.thresholds",
    "MetricsSpec.per_slice_thresholds": "gate.thresholds",
    "MetricsSpec.cross_slice_thresholds": "gate.thresholds",
    "MetricConfig.class_name": "metrics.binding.bound",
    "MetricConfig.module": "metrics.binding.bound",
    "MetricConfig.config": "metrics.binding.bound",
    "MetricConfig.threshold": "gate.thresholds",
    "MetricConfig.per_slice_thresholds": "gate.thresholds",
    "MetricConfig.cross_slice_thresholds": "gate.thresholds",
    "BinarizationOptions.class_ids": "metrics.binding.parts",
    "BinarizationOptions.k_list": "metrics.binding.parts",
    "BinarizationOptions.top_k_list": "metrics.binding.parts",
    "ExampleWeightOptions.weighted": "metrics.binding.bound",
    "ExampleWeightOptions.unweighted": "metrics.binding.bound",
    "MetricThreshold.value_threshold": "gate.validate",
    "MetricThreshold.change_threshold": "gate.validate",
    "GenericValueThreshold.lower_bound": "gate.validate",
    "GenericValueThreshold.upper_bound": "gate.validate",
    "GenericChangeThreshold.absolute": "gate.validate",
    "GenericChangeThreshold.relative": "gate.validate",
    "GenericChangeThreshold.direction": "gate.validate",
    "PerSliceMetricThresholds.thresholds": "gate.thresholds",
    "PerSliceMetricThreshold.slicing_specs": "gate.thresholds",
    "PerSliceMetricThreshold.threshold": "gate.thresholds",
    "CrossSliceMetricThresholds.thresholds": "gate.thresholds",
    "CrossSliceMetricThreshold.cross_slicing_specs": "gate.thresholds",
    "CrossSliceMetricThreshold.threshold": "gate.thresholds",
    "CrossSlicingSpec.baseline_spec": "slicing.pairs",
    "CrossSlicingSpec.slicing_specs": "slicing.pairs",
    "Options.include_default_metrics": "run.default_metrics",
    "Options.compute_confidence_intervals": "metrics.states.resampling",
    "Options.confidence_intervals": "metrics.states.resampling",
    "Options.min_slice_size": "evaluators.metrics_and_plots",
    "Options.round_counts_to": "metrics.binding.rounding",
    "Options.disabled_outputs": "evaluators.metrics_and_plots",
    "RepeatedInt32Value.values": "metrics.binding.parts",
    "ConfidenceIntervalOptions.method": "metrics.states.resampling",
    "ConfidenceIntervalOptions.replicates": "metrics.states.resampling",
    "ConfidenceIntervalOptions.interval": "metrics.states.resampling",
    "ConfidenceIntervalOptions.resample_by": "metrics.states.resampling",
    "RepeatedStringValue.values": "metrics.binding.bound",
}
"""Message and field -> the module that uses it."""


def refuse_unused_fields(config: EvalConfig) -> None:
    """Refuses a field that means nothing because another one is not set.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    options = config.options
    if options.HasField("confidence_intervals") and not options.HasField("compute_confidence_intervals"):
        raise EvalConfigError(
            "options.confidence_intervals: compute_confidence_intervals is not set, so there are none; set it to true, "
            "or remove the field"
        )


def entries(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yields (path, value) of each entry of a map or list; of another field, its one value."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key in sorted(value):
            yield f"{path}[{key!r}]", value[key]
    elif field.is_repeated:
        for i, item in enumerate(value):
            yield f"{path}[{i}]", item
    else:
        yield path, value


def messages_in(message: Message, kind: type[Kind], path: str = "") -> Iterator[tuple[str, Kind]]:
    """Yields (path, message) of every message of this kind inside another; not copies, so they can be changed."""
    if isinstance(message, kind):
        yield path, message
        return
    for field, value in message.ListFields():
        for inner_path, inner in entries(field, value, join(path, field.name)):
            if isinstance(inner, Message):
                yield from messages_in(inner, kind, inner_path)
