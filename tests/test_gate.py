import json
import math
import random
import time

import numpy as np
import pytest

from assay import gate
from assay.config import check_eval_config, parse_eval_config, resolve_eval_config
from assay.errors import EvalConfigError, ResultsError
from assay.metrics.keys import AggregationType, MetricKey, SubKey
from assay.proto.config_pb2 import SlicingSpec
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.records import metric_key_to_proto, metric_records, slice_key_to_proto, too_small_records

OVERALL = ()
FEMALE = (("sex", "Female"),)
MALE = (("sex", "Male"),)
AUC = MetricKey("auc", example_weighted=False)
CANDIDATE = MetricKey("auc", "candidate", example_weighted=False)
CHANGE = CANDIDATE._replace(is_diff=True)
BASELINE = CANDIDATE._replace(model_name="baseline")
TWO_MODELS = [{"name": "candidate"}, {"name": "baseline", "is_baseline": True}]


def at_least(bound):
    return {"value_threshold": {"lower_bound": bound}}


def at_most(bound):
    return {"value_threshold": {"upper_bound": bound}}


def change(direction=None, **bounds):
    named = {"direction": f"{direction}_IS_BETTER"} if direction else {}
    return {"change_threshold": {**named, **bounds}}


def auc(threshold=None, **more):
    return {"class_name": "AUC", **({"threshold": threshold} if threshold else {}), **more}


def config(*metrics, models=(), spec=None, **more):
    parsed = parse_eval_config({"model_specs": models, "metrics_specs": [{"metrics": metrics, **(spec or {})}], **more})
    return resolve_eval_config(parsed)


def record(slice_key, values, rows=10):
    """One slice; a pair of slice keys makes a difference between slices."""
    message = MetricsForSlice(rows=rows)
    if slice_key and isinstance(slice_key[0], tuple) and not isinstance(slice_key[0][0:1], str) and _is_pair(slice_key):
        message.cross_slice_key.baseline_slice_key.CopyFrom(slice_key_to_proto(slice_key[0]))
        message.cross_slice_key.comparison_slice_key.CopyFrom(slice_key_to_proto(slice_key[1]))
    else:
        message.slice_key.CopyFrom(slice_key_to_proto(slice_key))
    for key, value in values.items():
        message.metric_keys_and_values.add(key=metric_key_to_proto(key)).value.double_value.value = value
    return message
