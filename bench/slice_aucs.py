"""AUC of each slice in a folder of results, of assay or of TFMA, as JSON.

python -m bench.slice_aucs out/bench/results/FOLDER

TFMA's files are in assay's format, so one reader does for both.
"""

from __future__ import annotations

import json
import sys

from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.files import load_metrics
from bench import slice_name


def main(results: str) -> None:
    """Prints name of the slice -> AUC."""
    print(json.dumps({"aucs": {name_of(record): auc_of(record) for record in load_metrics(results)}}))


def name_of(record: MetricsForSlice) -> str:
    """What the peers call the slice too."""
    return slice_name(tuple(key.bytes_value.decode() for key in record.slice_key.single_slice_keys))


def auc_of(record: MetricsForSlice) -> float:
    """The slice's AUC, without its interval."""
    (auc,) = (pair.value for pair in record.metric_keys_and_values if pair.key.name == "auc")
    return auc.bounded_value.value.value if auc.HasField("bounded_value") else auc.double_value.value


if __name__ == "__main__":
    main(sys.argv[1])
