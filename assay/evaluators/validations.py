"""The gate as a step of a pipeline: metrics -> validations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam

from assay.config.thresholds import check_thresholds
from assay.engine.of_all import OfAll
from assay.gate import validate as of_gate
from assay.gate.found_slices import FoundSlices, FoundThreshold
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.types import FOUND_SLICES_KEY, METRICS_KEY, VALIDATIONS_KEY, Evaluation


class Validate(beam.PTransform):
    """Evaluation -> the same with `validations`: one serialised ValidationResult, as `assay.gate.validate` finds it."""

    def __init__(
        self,
        eval_config: EvalConfig,
        *,
        rubber_stamp: bool = False,
        gate: Mapping[str, Any] | None = None,
        found: FoundThreshold | None = None,
    ) -> None:
        super().__init__()
        check_thresholds(eval_config)
        self._config, self._rubber_stamp, self._gate = eval_config.SerializeToString(), rubber_stamp, dict(gate or {})
        self._found = found

    def expand(self, evaluation: Evaluation) -> Evaluation:
        if METRICS_KEY not in evaluation:
            return evaluation
        result = evaluation[METRICS_KEY] | "Validate" >> OfAll(
            validate,
            None if self._found is None else evaluation[FOUND_SLICES_KEY],
            config=self._config,
            rubber_stamp=self._rubber_stamp,
            gate=self._gate,
            threshold=self._found,
        )
        return {**evaluation, VALIDATIONS_KEY: result}


def validate(
    metrics: Iterable[bytes],
    found: Iterable[Mapping[str, Any]] = (),
    *,
    config: bytes,
    rubber_stamp: bool,
    gate: Mapping[str, Any] | None = None,
    threshold: FoundThreshold | None = None,
) -> bytes:
    """`gate.validate` on serialised messages, and on the records of a search where there is a threshold for these."""
    result = of_gate.validate(
        (MetricsForSlice.FromString(record) for record in metrics),
        EvalConfig.FromString(config),
        rubber_stamp=rubber_stamp,
        gate=gate,
        found=None if threshold is None else FoundSlices(threshold, next(iter(found), None)),
    )
    encoded: bytes = result.SerializeToString()
    return encoded
