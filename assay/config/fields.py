"""Every field of the EvalConfig: which module uses it, or why it is refused. No field is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from assay.config.paths import join
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig

Kind = TypeVar("Kind", bound=Message)


class Honoured(NamedTuple):
    """A field that is used.

    Attributes:
        by: the module that uses it.
    """

    by: str


class Refused(NamedTuple):
    """A field that assay does not use, so that a config with it is refused.

    Attributes:
        why: what assay does not do.
        cure: what to do instead.
        unless: values that are accepted, as they ask for what assay does anyway.
    """

    why: str
    cure: str
    unless: tuple[Any, ...] = ()


FIELDS: Mapping[str, Honoured | Refused] = {
    "EvalConfig.model_specs": Honoured("config.resolved"),
    "EvalConfig.slicing_specs": Honoured("slicing.specs"),
    "EvalConfig.cross_slicing_specs": Honoured("slicing.pairs"),
    "EvalConfig.metrics_specs": Honoured("metrics.binding.bound"),
    "EvalConfig.options": Honoured("config.resolved"),
    "EvalConfig.bins": Honoured("slicing.feature_bins"),
    "EvalConfig.disparities": Honoured("slicing.disparities"),
    "Disparity.slicing_spec": Honoured("slicing.disparities"),
    "Disparity.reference": Honoured("slicing.disparities"),
    "Disparity.metrics": Honoured("slicing.disparities"),
    "FeatureBins.edges": Honoured("slicing.feature_bins"),
    "FeatureBins.by": Honoured("slicing.feature_bins"),
    "ModelSpec.name": Honoured("config.resolved"),
    "ModelSpec.model_type": Honoured("models.configured"),
    "ModelSpec.signature_name": Honoured("models.configured"),
    "ModelSpec.preprocessing_function_names": Honoured("models.preprocessing"),
    "ModelSpec.label_key": Honoured("extractors.named_columns"),
    "ModelSpec.label_keys": Honoured("extractors.named_columns"),
    "ModelSpec.prediction_key": Honoured("extractors.named_columns"),
    "ModelSpec.prediction_keys": Honoured("extractors.named_columns"),
    "ModelSpec.example_weight_key": Honoured("extractors.named_columns"),
    "ModelSpec.example_weight_keys": Honoured("extractors.named_columns"),
    "ModelSpec.is_baseline": Honoured("config.resolved"),
    "ModelSpec.padding_options": Honoured("metrics.entries.padding"),
    "PaddingOptions.label_int_padding": Honoured("metrics.entries.meaning"),
    "PaddingOptions.label_float_padding": Honoured("metrics.entries.meaning"),
    "PaddingOptions.prediction_int_padding": Honoured("metrics.entries.meaning"),
    "PaddingOptions.prediction_float_padding": Honoured("metrics.entries.meaning"),
    "ModelSpec.inference_batch_size": Honoured("models.configured"),
    "ModelSpec.positive_label": Honoured("metrics.entries.labels"),
    "ModelSpec.classes": Honoured("metrics.entries.labels"),
    "ModelSpec.sparse_labels": Honoured("metrics.entries.labels"),
    "ModelSpec.link": Honoured("metrics.entries.probabilities"),
    "ModelSpec.scale": Honoured("metrics.entries.probabilities"),
    "ModelSpec.outputs": Honoured("metrics.entries.meaning"),
    "OutputSpec.positive_label": Honoured("metrics.entries.labels"),
    "OutputSpec.classes": Honoured("metrics.entries.labels"),
    "OutputSpec.sparse_labels": Honoured("metrics.entries.labels"),
    "OutputSpec.link": Honoured("metrics.entries.probabilities"),
    "OutputSpec.scale": Honoured("metrics.entries.probabilities"),
    "SlicingSpec.feature_keys": Honoured("slicing.specs"),
    "SlicingSpec.feature_values": Honoured("slicing.specs"),
    "SlicingSpec.missing": Honoured("slicing.specs"),
    "SlicingSpec.slice_keys_sql": Honoured("slicing.sql_text"),
    "MetricsSpec.metrics": Honoured("metrics.binding.bound"),
    "MetricsSpec.model_names": Honoured("metrics.binding.bound"),
    "MetricsSpec.output_names": Honoured("metrics.binding.bound"),
    "MetricsSpec.output_weights": Honoured("metrics.binding.output_means"),
    "MetricsSpec.binarize": Honoured("metrics.binding.parts"),
    "MetricsSpec.aggregate": Honoured("metrics.binding.parts"),
    "AggregationOptions.micro_average": Honoured("metrics.binding.parts"),
    "AggregationOptions.macro_average": Honoured("metrics.binding.parts"),
    "AggregationOptions.weighted_macro_average": Honoured("metrics.binding.parts"),
    "AggregationOptions.class_weights": Honoured("metrics.binding.parts"),
    "AggregationOptions.top_k_list": Honoured("metrics.binding.parts"),
    "MetricsSpec.example_weights": Honoured("metrics.binding.bound"),
    "MetricsSpec.query_key": Honoured("metrics.binding.bound"),
    "MetricsSpec.thresholds": Honoured("gate.thresholds"),
    "MetricsSpec.per_slice_thresholds": Honoured("gate.thresholds"),
    "MetricsSpec.cross_slice_thresholds": Honoured("gate.thresholds"),
    "MetricConfig.class_name": Honoured("metrics.binding.bound"),
    "MetricConfig.module": Honoured("metrics.binding.bound"),
    "MetricConfig.config": Honoured("metrics.binding.bound"),
    "MetricConfig.threshold": Honoured("gate.thresholds"),
    "MetricConfig.per_slice_thresholds": Honoured("gate.thresholds"),
    "MetricConfig.cross_slice_thresholds": Honoured("gate.thresholds"),
    "BinarizationOptions.class_ids": Honoured("metrics.binding.parts"),
    "BinarizationOptions.k_list": Honoured("metrics.binding.parts"),
    "BinarizationOptions.top_k_list": Honoured("metrics.binding.parts"),
    "ExampleWeightOptions.weighted": Honoured("metrics.binding.bound"),
    "ExampleWeightOptions.unweighted": Honoured("metrics.binding.bound"),
    "MetricThreshold.value_threshold": Honoured("gate.validate"),
    "MetricThreshold.change_threshold": Honoured("gate.validate"),
    "GenericValueThreshold.lower_bound": Honoured("gate.validate"),
    "GenericValueThreshold.upper_bound": Honoured("gate.validate"),
    "GenericChangeThreshold.absolute": Honoured("gate.validate"),
    "GenericChangeThreshold.relative": Honoured("gate.validate"),
    "GenericChangeThreshold.direction": Honoured("gate.validate"),
    "PerSliceMetricThresholds.thresholds": Honoured("gate.thresholds"),
    "PerSliceMetricThreshold.slicing_specs": Honoured("gate.thresholds"),
    "PerSliceMetricThreshold.threshold": Honoured("gate.thresholds"),
    "CrossSliceMetricThresholds.thresholds": Honoured("gate.thresholds"),
    "CrossSliceMetricThreshold.cross_slicing_specs": Honoured("gate.thresholds"),
    "CrossSliceMetricThreshold.threshold": Honoured("gate.thresholds"),
    "CrossSlicingSpec.baseline_spec": Honoured("slicing.pairs"),
    "CrossSlicingSpec.slicing_specs": Honoured("slicing.pairs"),
    "Options.include_default_metrics": Refused(
        "metrics that a model was compiled with are not computed, as a plan knows its metrics before it opens a model",
        "name the metrics in metrics_specs and set the field to false",
        unless=(False,),
    ),
    "Options.compute_confidence_intervals": Honoured("metrics.states.resampling"),
    "Options.confidence_intervals": Honoured("metrics.states.resampling"),
    "Options.min_slice_size": Honoured("evaluators.metrics_and_plots"),
    "Options.disabled_outputs": Honoured("evaluators.metrics_and_plots"),
    "RepeatedInt32Value.values": Honoured("metrics.binding.parts"),
    "ConfidenceIntervalOptions.method": Honoured("metrics.states.resampling"),
    "RepeatedStringValue.values": Honoured("metrics.binding.bound"),
}
"""Message and field -> whether it is used. Fields of a message that is refused are refused with it."""


def refuse_unused_fields(config: EvalConfig) -> None:
    """Refuses a config with a field that no part of assay uses.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    _refuse_in(config, "")
    options = config.options
    if options.HasField("confidence_intervals") and not options.HasField("compute_confidence_intervals"):
        raise EvalConfigError(
            "options.confidence_intervals: compute_confidence_intervals is not set, so there are none; set it to true, "
            "or remove the field"
        )


def _refuse_in(message: Message, path: str) -> None:
    for field, value in message.ListFields():
        entry = FIELDS[f"{message.DESCRIPTOR.name}.{field.name}"]
        field_path = join(path, field.name)
        if isinstance(entry, Refused) and _plain(value) not in entry.unless:
            raise EvalConfigError(f"{field_path}: {entry.why}; {entry.cure}")
        for inner_path, inner in entries(field, value, field_path):
            if isinstance(inner, Message) and not _is_box(inner):
                _refuse_in(inner, inner_path)


def _plain(value: Any) -> Any:
    return getattr(value, "value", value) if isinstance(value, Message) and _is_box(value) else value


def _is_box(message: Message) -> bool:
    """Whether a message is only the box of a number, so that the number can be unset."""
    return message.DESCRIPTOR.full_name.startswith("google.protobuf.")


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
