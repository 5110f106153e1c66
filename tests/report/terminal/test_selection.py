"""Which slices are shown, and in which order."""

import numpy as np
import pytest

from assay.errors import ResultsError, UsageError
from assay.report.evidence import evidence_of
from assay.report.figures import figures_of, named, of_candidates
from assay.report.terminal.selection import Selection, chosen_slices, limited
from assay.types import SliceKey
from tests.report.made_results import save

SLICES: list[SliceKey] = [(), *((("city", name),) for name in ("Bonn", "Nice", "Oslo", "Rome"))]
AUC = np.array([0.7, 0.9, 0.5, np.nan, 0.55])
ROWS = np.array([100, 40, 30, 20, 10])


@pytest.fixture
def evidence(tmp_path):
    return evidence_of(save(tmp_path, SLICES, AUC, rows=ROWS))


def chosen(evidence, **wanted):
    slices = chosen_slices(evidence, figures_of(evidence), Selection(**wanted))
    return [slice_.name.removeprefix("city=") for slice_ in slices]


def test_by_default_the_overall_slice_is_first_then_those_that_fail_then_the_worst(evidence):
    assert chosen(evidence) == ["Overall", "Nice", "Rome", "Oslo", "Bonn"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("rows", ["Rome", "Oslo", "Nice", "Bonn"]),
        ("rows:desc", ["Bonn", "Nice", "Oslo", "Rome"]),
        ("rows:asc", ["Rome", "Oslo", "Nice", "Bonn"]),
        ("name", ["Bonn", "Nice", "Oslo", "Rome"]),
        ("name:desc", ["Rome", "Oslo", "Nice", "Bonn"]),
        ("auc", ["Nice", "Rome", "Bonn", "Oslo"]),
        ("auc:desc", ["Bonn", "Rome", "Nice", "Oslo"]),
        ("auc change", ["Nice", "Rome", "Bonn", "Oslo"]),
        ("`auc change`:desc", ["Bonn", "Rome", "Nice", "Oslo"]),
    ],
)
def test_slices_are_sorted_by_any_figure_undefined_ones_last_and_overall_first(evidence, sort, expected):
    assert chosen(evidence, sort=sort) == ["Overall", *expected]


def test_slices_are_filtered_by_text_condition_and_failures_together(evidence):
    assert chosen(evidence, failed=True) == ["Nice", "Rome", "Oslo"]
    assert chosen(evidence, where="auc < 0.6 and rows > 20") == ["Nice"]
    assert chosen(evidence, where="auc = undefined", slices="city") == ["Oslo"]
    assert chosen(evidence, where="`auc change` > 0.1") == ["Bonn"]
    by_name = chosen(evidence, where="`auc old` >= 0.7 and 'o' in slice", sort="name:desc")
    assert by_name == ["Overall", "Rome", "Oslo", "Bonn"]
    assert chosen(evidence, failed=True, where="auc > 0.6") == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"sort": "auk"}, "--sort: there is no 'auk'; did you mean 'auc'"),
        ({"sort": "zzzz:desc"}, "--sort: there is no 'zzzz'; there are rows, name, auc"),
        ({"where": "rows >"}, "--where: at its end"),
        ({"where": "auk > 1"}, "--where: at character 1, 'auk'"),
        ({"slices": "Paris"}, "no slice has 'Paris' in its name; the 5 slices are Overall"),
    ],
)
def test_what_is_not_there_is_told(evidence, wanted, message):
    with pytest.raises((UsageError, ResultsError), match=message.replace("(", r"\(")):
        chosen(evidence, **wanted)


def test_the_overall_slice_does_not_count_among_the_first(evidence):
    slices = chosen_slices(evidence, figures_of(evidence), Selection())
    assert [s.name for s in limited(slices, evidence, 1)] == ["Overall", "city=Nice"]
    assert len(limited(slices[1:], evidence, 1)) == 1
    assert limited(slices, evidence, None) == slices


def test_figures_are_named_after_metric_model_and_change(evidence):
    names = [figure.name for figure in figures_of(evidence)]
    assert names == [
        "auc",
        "auc old",
        "auc change",
        "mean_squared_error",
        "mean_squared_error old",
        "mean_squared_error change",
    ]
    own = of_candidates(figures_of(evidence), evidence)
    assert [figure.name for figure in own] == [name for name in names if not name.endswith(" old")]


def test_metrics_are_found_by_any_of_their_names_in_the_order_asked_for(evidence):
    figures = figures_of(evidence)
    assert [f.name for f in named(figures, ["auc_diff", "mean_squared_error old"])] == [
        "auc change",
        "mean_squared_error old",
    ]
    with pytest.raises(ResultsError, match=r"no metric 'acu'.*did you mean 'auc'"):
        named(figures, ["acu"])
