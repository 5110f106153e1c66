"""Classes, averages, top k, outputs and queries: the keys and values of TFMA itself, whose right keys are told here.

Where TFMA is wrong, see `exceptions`; the right values are in `test_right_shapes`.
"""

import re
from functools import lru_cache

import numpy as np
import pytest

import assay
from assay.metrics.keys import AggregationType, MetricKey
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_from_proto, plot_key_from_proto, slice_key_from_proto
from tests.conformance.problem_shapes import (
    PROBLEMS,
    Problem,
    Spec,
    config_of,
)
from tests.conformance.record_numbers import number_in, parts_of_plot
from tests.conformance.recorded import SOURCES, cells_of, results_of_tfma
from tests.conformance.tfma_runs import run_tfma


def marks(problem: Problem):
    return [pytest.mark.slow] if problem.is_wide else []


def spec_at(name: str, spec: str) -> Spec:
    return PROBLEMS[name].specs[spec]


def cases(*names: str):
    return [
        pytest.param(name, spec, marks=marks(PROBLEMS[name]), id=f"{name}: {spec}")
        for name in names or PROBLEMS
        for spec in PROBLEMS[name].specs
    ]


# What each says -------------------------------------------------------------------------------------------------------


def right_key(key: MetricKey, problem: Problem) -> MetricKey:
    """TFMA's key as its own thresholds look for it: with the average that the spec asks for.

    TFMA leaves the average out of the keys of some metrics, and calls a weighted macro average a macro average.
    """
    spec = spec_of(key.name, problem)
    average = re.search(r"(weighted_macro|macro|micro)_average", spec.options)
    is_class = key.sub_key is not None and key.sub_key.class_id is not None
    if average is None or is_class:
        return key
    return key._replace(aggregation_type=AggregationType(**{average.group(): True}))


def spec_of(name: str, problem: Problem) -> Spec:
    """The spec that a value comes from."""
    _, slash, spec = name.rpartition("/")
    return problem.specs[spec] if slash else next(spec for spec in problem.specs.values() if name in spec.names)


def metrics_in(records):
    found = {}
    for record in records:
        message = MetricsForSlice.FromString(record.SerializeToString())
        for entry in message.metric_keys_and_values:
            where = slice_key_from_proto(message.slice_key), metric_key_from_proto(entry.key)
            found[where] = number_in(entry.value), entry.HasField("confidence_interval")
    return found


def plots_in(records):
    found = {}
    for record in records:
        message = PlotsForSlice.FromString(record.SerializeToString())
        for entry in message.plot_keys_and_values:
            found[slice_key_from_proto(message.slice_key), plot_key_from_proto(entry.key)] = parts_of_plot(entry.value)
    return found


def failures_in(result):
    """(slice, metric, threshold) of every failure."""
    return {
        (
            slice_key_from_proto(part.slice_key),
            metric_key_from_proto(failure.metric_key),
            failure.metric_threshold.SerializeToString(deterministic=True),
        )
        for part in ValidationResult.FromString(result.SerializeToString()).metric_validations_per_slice
        for failure in part.failures
    }


@pytest.fixture(scope="module", params=SOURCES)
def folders(request, tmp_path_factory):
    """name -> folder of TFMA's results, of one run for all specs of a problem."""

    @lru_cache
    def folder_of(name):
        folder, problem = tmp_path_factory.mktemp("theirs"), PROBLEMS[name]
        frame, config = problem.frame(), config_of(problem)
        results_of_tfma(
            name,
            [cells_of(frame), config, problem.has_baseline],
            lambda folder: run_tfma(frame, config, folder, has_baseline=problem.has_baseline),
            folder,
            request.param,
            is_recorded=not problem.is_wide,
        )
        return str(folder)

    return folder_of


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """name -> folder of our results, of one run for all specs of a problem."""

    @lru_cache
    def folder_of(name):
        folder, problem = str(tmp_path_factory.mktemp("ours")), PROBLEMS[name]
        assay.analyze_raw_data(problem.frame(), config_of(problem), folder)
        return folder

    return folder_of


# The comparison -------------------------------------------------------------------------------------------------------


def is_of(name: str, spec: str, problem: Problem) -> bool:
    return spec_of(name, problem) is problem.specs[spec]


def check_equal(found, expected, where, scale=0.0):
    """Within 1e-6, of numbers or of cells, of which one that is not there holds nothing."""
    if isinstance(expected, dict):
        nothing = np.zeros_like(next(iter(expected.values())))
        for cell in expected.keys() | found.keys():
            check_equal(found.get(cell, nothing), expected.get(cell, nothing), (where, cell))
        return

    assert np.shape(found) == np.shape(expected), (where, found, expected)
    tolerance = 1e-6 * np.maximum(np.abs(expected), scale) + 1e-9
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        is_close = (found == expected) | (np.abs(found - expected) <= tolerance) | np.isnan(found) & np.isnan(expected)
    assert is_close.all(), (where, found, expected)


def scale_of(slice_key, key, values):
    """A difference is as exact as the values that it is made of."""
    value, _ = values[slice_key, key._replace(is_diff=False)]
    return np.nan_to_num(np.abs(value)) if key.is_diff and not isinstance(value, dict) else 0.0


@pytest.mark.parametrize(("name", "spec"), cases())
def test_keys_and_values_are_those_of_tfma(name, spec, folders, evaluated):
    import tensorflow_model_analysis as tfma

    problem = PROBLEMS[name]
    ours = metrics_in(assay.load_metrics(evaluated(name)))
    theirs = {
        (slice_key, right_key(key, problem)): value
        for (slice_key, key), value in metrics_in(tfma.load_metrics(folders(name))).items()
    }
    keys = {where for where in theirs if is_of(where[1].name, spec, problem)}
    assert keys == {where for where in ours if is_of(where[1].name, spec, problem)}
    for where in keys:
        (mine, has_mine), (expected, has_interval) = ours[where], theirs[where]
        check_equal(mine, expected, where, scale_of(*where, theirs))
        assert has_mine == has_interval, where


PLOTS = [case for case in cases() if any("Plot" in asked for asked, _ in spec_at(*case.values).metrics.values())]


@pytest.mark.parametrize(("name", "spec"), PLOTS)
def test_plots_are_those_of_tfma(name, spec, folders, evaluated):
    import tensorflow_model_analysis as tfma

    problem = PROBLEMS[name]
    ours, theirs = (
        {where: plot for where, plot in plots.items() if is_of(where[1].name, spec, problem)}
        for plots in (plots_in(assay.load_plots(evaluated(name))), plots_in(tfma.load_plots(folders(name))))
    )
    assert set(ours) == set(theirs)
    assert theirs
    for where, parts in theirs.items():
        assert set(ours[where]) == set(parts)
        for part, expected in parts.items():
            check_equal(ours[where][part], expected, (where, part))


@pytest.mark.parametrize(("name", "spec"), cases("two models with thresholds", "queries with thresholds"))
def test_thresholds_on_parts_and_averages_fail_where_those_of_tfma_do(name, spec, folders, evaluated):
    import tensorflow_model_analysis as tfma

    problem = PROBLEMS[name]
    ours, theirs = (
        {failure for failure in failures_in(result) if is_of(failure[1].name, spec, problem)}
        for result in (
            assay.load_validation_result(evaluated(name)),
            tfma.load_validation_result(folders(name)),
        )
    )
    assert ours == theirs
    assert theirs


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(problem)) for name, problem in PROBLEMS.items()])
def test_every_spec_of_a_problem_has_values(name, folders):
    import tensorflow_model_analysis as tfma

    names = {key.name for _, key in metrics_in(tfma.load_metrics(folders(name)))}
    plots = {key.name for _, key in plots_in(tfma.load_plots(folders(name)))}
    problem = PROBLEMS[name]
    for spec in problem.specs:
        assert [found for found in names | plots if is_of(found, spec, problem)], spec
