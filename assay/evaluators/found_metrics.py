"""Metrics and plots of the slices that a search has found, by one more pass over the rows."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton

from assay.discovery.with_metrics import FoundSlicings, slicings_in, with_found_slices, with_places
from assay.evaluators.metrics_and_plots import EvaluateMetricsAndPlots
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.slicing.specs import slicings_of
from assay.types import METRICS_KEY, Extracts

_MARK = MetricsForSlice(is_found=True).SerializeToString()


class EvaluateFoundSlices(beam.PTransform):
    """(PCollection[Extracts], PCollection of one record of a search) -> records by output, those of metrics marked.

    Args:
        eval_config: of the metrics.
        most: slices that may be found.
        skip_bad_rows: as for `MetricsAndPlotsEvaluator`.
        seed: likewise.
    """

    def __init__(self, eval_config: EvalConfig, most: int, *, skip_bad_rows: bool = False, seed: int = 0) -> None:
        super().__init__()
        config = with_places(eval_config, most)
        self._places = slicings_of(config)
        self._evaluate = EvaluateMetricsAndPlots(config, skip_bad_rows, seed, is_second=True)

    def expand(
        self, both: tuple[beam.PCollection[Extracts], beam.PCollection[dict[str, Any]]]
    ) -> dict[str, beam.PCollection[bytes]]:
        extracts, record = both
        found = record | "Slicings" >> beam.Map(slicings_in).with_output_types(FoundSlicings)
        outputs = (
            extracts
            | "Slice" >> beam.Map(with_found_slices, AsSingleton(found), self._places).with_output_types(Extracts)
            | "Evaluate" >> self._evaluate
        )
        if METRICS_KEY in outputs:
            marked = outputs[METRICS_KEY] | "Mark" >> beam.Map(_marked).with_output_types(bytes)
            outputs = {**outputs, METRICS_KEY: marked}
        return dict(outputs)


def _marked(metrics: bytes) -> bytes:
    return metrics + _MARK
