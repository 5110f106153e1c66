"""Labels that metrics need, and that no model spec names."""

from __future__ import annotations

from assay.errors import EvalConfigError
from assay.metrics.binding.bound import metrics_of
from assay.proto.config_pb2 import EvalConfig


def refuse_no_labels(config: EvalConfig, *, own_modules: bool = True) -> None:
    """Refuses model specs without a label key, though metrics of their model need labels.

    Only for runs in which no custom code adds the labels.

    Args:
        config: a resolved config.
        own_modules: as for `metrics_of`.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    metrics = metrics_of(config, own_modules=own_modules)
    for i, spec in enumerate(config.model_specs):
        needing = [m.class_name for m in metrics if m.stream.model_name == spec.name and m.stream.reads.labels]
        if needing and not (spec.label_key or spec.label_keys):
            raise EvalConfigError(
                f"model_specs[{i}].label_key: expected the column with the labels, which {needing[0]} needs; found none"
            )
