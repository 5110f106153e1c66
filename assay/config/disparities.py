"""The disparities of an EvalConfig."""

from __future__ import annotations

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig


def check_disparities(config: EvalConfig) -> None:
    """Refuses disparities without groups, without metrics, or with a reference of several slices.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    seen: dict[str, str] = {}
    for i, disparity in enumerate(config.disparities):
        path, groups, reference = f"disparities[{i}]", disparity.slicing_spec, disparity.reference
        if not (groups.feature_keys or groups.slice_keys_sql):
            raise EvalConfigError(f"{path}.slicing_spec: expected several slices, such as {{feature_keys: [sex]}}")
        if reference.feature_keys or reference.slice_keys_sql:
            raise EvalConfigError(
                f"{path}.reference: expected one slice, such as {{feature_values: {{sex: Male}}}}, or none for all rows"
            )
        if not disparity.metrics:
            raise EvalConfigError(f"{path}.metrics: expected names of metrics, found none")
        text = ",".join(sorted({*groups.feature_keys, *groups.feature_values})) or groups.slice_keys_sql
        other = seen.setdefault(text, path)
        if other != path:
            raise EvalConfigError(f"{path}.slicing_spec: {other} has the same groups; put all metrics into one of them")
