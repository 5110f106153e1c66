"""Random eval configs, right and wrong in many places, end in results, or in an error that names the field."""

import copy
import math
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import assay
from assay.errors import AssayError, ConfigError, InputError
from assay.plan.analysis_file import compile_analysis

KNOWN: dict[str, list[Any]] = {
    "class_name": ["AUC", "Precision", "TPR", "BinaryAccuracy", "CalibrationPlot", "MeanLabel", "ExampleCount", "AUK"],
    "feature_keys": [["group"], ["level"], ["group", "level"], [], ["gone"]],
    "feature_values": [{"group": "a"}, {"level": "1"}, {"gone": "x"}, {}],
    "label_key": ["label", "gone"],
    "prediction_key": ["score", "gone"],
    "example_weight_key": ["weight", "gone"],
    "config": [
        {"thresholds": [0.5]},
        {"thresholds": 0.25},
        {"num_thresholds": 7},
        {"thresholds": []},
        {"thresholdz": 1},
        '"thresholds": 0.1, "thresholds": 0.2',
        '"num_thresholds": Infinity',
    ],
    "value_threshold": [{"lower_bound": 0.5}, {"upper_bound": {"value": 0.5}}, {"lower_bound": 1, "upper_bound": 0}],
    "change_threshold": [{"direction": "HIGHER_IS_BETTER", "absolute": 0.1}, {"direction": 7}, {"direction": "UP"}],
    "min_slice_size": [0, 1, 3, 10**6, "2", -1, 2**31],
    "round_counts_to": [0, 1, 3, 10**6, "3", -1],
    "model_names": [["candidate"], ["gone"], []],
    "output_names": [[]],
}
"""Values worth trying for a field."""

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 3.7, math.inf, "", "junk", "0.5", [], [1], {}, {"a": 1}, [[]], [None], {"": {}}]
)


def base(*, two=False):
    keys = {"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}
    models = [{"name": "candidate", **keys}, {"name": "baseline", "is_baseline": True, **keys}] if two else [keys]
    bounds = {"value_threshold": {"lower_bound": 0.5, "upper_bound": 0.9}}
    per_slice = [{"slicing_specs": [{"feature_keys": ["group"]}], "threshold": copy.deepcopy(bounds)}]
    metrics = [
        {"class_name": "ExampleCount"},
        {"class_name": "TPR", "config": {"thresholds": [0.25, 0.5]}},
        {"class_name": "AUC", "threshold": bounds, "per_slice_thresholds": per_slice},
        {"class_name": "CalibrationPlot"},
    ]
    return {
        "model_specs": models,
        "slicing_specs": [{}, {"feature_keys": ["group"]}, {"feature_values": {"level": "1"}}],
        "metrics_specs": [{"metrics": metrics}],
        "options": {"min_slice_size": 3, "round_counts_to": 3},
    }


def places(value, path=()):
    """Paths of every value below the root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def configs(draw):
    """A config with up to four changes: a value replaced, removed, doubled, or a field that does not exist."""
    config = base(two=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 4))):
        found = list(places(config))
        if not found:
            break
        change(draw, config, draw(st.sampled_from(found)))
    return config


def change(draw, config, path):
    parent = config
    for key in path[:-1]:
        parent = parent[key]
    key = path[-1]
    action = draw(st.sampled_from(["known", "known", "known", "junk", "remove", "double", "add"]))
    if action == "known" and key in KNOWN:
        parent[key] = copy.deepcopy(draw(st.sampled_from(KNOWN[key])))
    elif action == "junk":
        parent[key] = copy.deepcopy(draw(JUNK))
    elif action == "remove":
        del parent[key]
    elif action == "double" and isinstance(parent, list) and len(parent) < 9:
        parent.append(copy.deepcopy(parent[key]))
    elif action == "add" and isinstance(parent[key], dict):
        parent[key][draw(st.sampled_from(["junk", "Name", "class_name", "threshold", ""]))] = copy.deepcopy(draw(JUNK))


FIELD = re.compile(r"(eval_config|eval config)\W|(model|slicing|metrics)_specs|options|columns?\b|the data has no")


def compiled(config):
    """Compiles an analysis of the config; returns the error's text, or None."""
    content = {"inputs": {"format": "parquet", "files": ["x.parquet"]}, "eval_config": config, "output": "out"}
    try:
        compile_analysis(content, Path())
    except ConfigError as error:
        return str(error)
    return None


def check_compiles_or_names_the_field(config):
    before = copy.deepcopy(config)
    message = compiled(config)
    assert repr(config) == repr(before)  # whoever gave it keeps it
    if message is not None:
        assert "\n" not in message
        assert FIELD.search(message), message
    if repr(before) in (repr(base()), repr(base(two=True))):
        assert message is None


CALM: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "report_multiple_bugs": False}
TABLE = pa.table(
    {
        "label": [0.0, 1.0, 1.0, 0.0, 1.0, 0.0],
        "score": [0.1, 0.9, 0.4, 0.6, 0.7, 0.2],
        "weight": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "group": ["a", "b", "a", None, "b", "a"],
        "level": [1, 1, 2, 2, None, 1],
    }
)


@settings(max_examples=400, derandomize=True, phases=[Phase.generate], **CALM)
@given(configs())
def test_a_random_config_becomes_a_plan_or_an_error_that_names_the_field(config):
    check_compiles_or_names_the_field(config)


@pytest.mark.slow
@settings(max_examples=10_000, **CALM)
@given(configs())
def test_many_random_configs_become_plans_or_errors_that_name_the_field(config):
    check_compiles_or_names_the_field(config)


def check_runs_or_names_the_place(config):
    """What compiles also runs, or names a column; counts are right whatever else the config asks for."""
    try:
        result = assay.analyze_raw_data(TABLE, config)
    except InputError as error:
        message = str(error)
        named = re.search(r"column|no labels|no predictions|no example_weights", message)
    except ConfigError as error:
        message = str(error)
        named = FIELD.search(message)
    except AssayError as error:
        message, named = f"{type(error).__name__}: {error}", None
    else:
        check_counts(result)
        return
    assert named, message


def check_counts(result):
    """The overall slice of a weighted or an unweighted count."""
    overall = dict(result.slicing_metrics).get((), {}).get("", {}).get("", {})
    if "example_count" in overall:
        assert overall["example_count"] in ({"doubleValue": 21.0}, {"doubleValue": 6.0})


@settings(max_examples=15, derandomize=True, phases=[Phase.generate], **CALM)
@given(configs())
def test_a_random_config_runs_or_ends_in_an_error_that_names_the_place(config):
    check_runs_or_names_the_place(config)


@pytest.mark.slow
@settings(max_examples=1000, **CALM)
@given(configs())
def test_many_random_configs_run_or_end_in_errors_that_name_the_place(config):
    check_runs_or_names_the_place(config)
