"""What is written of attributions for each slice: AttributionsForSlice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.errors import PipelineError
from assay.metrics.keys import AttributionsKey, MetricKey
from assay.metrics.values import ByFeature, Floats, Value
from assay.proto import metrics_for_slice_pb2 as pb
from assay.results.keys import metric_key_to_proto, slice_key_to_proto
from assay.types import SliceKey


def attribution_records(keys: Sequence[SliceKey], values: Mapping[AttributionsKey, Value]) -> Iterator[bytes]:
    """Yields one serialised AttributionsForSlice for each of s slices.

    Args:
        keys: the s slices.
        values: of each key, for each slice the numbers of each feature.

    Raises:
        PipelineError: a value of another form.
    """
    for at, slice_key in enumerate(keys):
        record = pb.AttributionsForSlice(slice_key=slice_key_to_proto(slice_key))
        for key, value in values.items():
            if not isinstance(value, ByFeature):
                raise PipelineError(f"attributions {key.name!r}: expected numbers by feature, found another value")
            item = record.attributions_keys_and_values.add(key=_key(key))
            for feature, numbers in value.values[at].items():
                item.values[feature].CopyFrom(_number_or_array(numbers))
        yield record.SerializeToString(deterministic=True)


def _key(key: AttributionsKey) -> pb.AttributionsKey:
    same = metric_key_to_proto(MetricKey(*key[:4], example_weighted=key.example_weighted))
    message = pb.AttributionsKey(name=same.name, model_name=same.model_name, output_name=same.output_name)
    if same.HasField("sub_key"):
        message.sub_key.CopyFrom(same.sub_key)
    if same.HasField("example_weighted"):
        message.example_weighted.CopyFrom(same.example_weighted)
    return message


def _number_or_array(numbers: Floats) -> pb.MetricValue:
    value = pb.MetricValue()
    if len(numbers) == 1:
        value.double_value.value = numbers[0]
    else:
        value.array_value.data_type = pb.ArrayValue.FLOAT64
        value.array_value.shape.append(len(numbers))
        value.array_value.float64_values.extend(numbers)
    return value
