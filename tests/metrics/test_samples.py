"""The store behind feature samplers: the first values of each slice, whatever the batches and splits."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.wrong_side import SampleTable, WrongSide
from assay.metrics.entries.selection import columns_of
from assay.metrics.entries.streams import Stream
from assay.metrics.shown_values import shown_values
from assay.metrics.states.contributions import Shown
from assay.metrics.states.samples import Samples, SampleStore

from .asked import asked
from .engine import EVERY_SLICE, config_of, cut, evaluated

LIMIT = 3


def filled(slices, values):
    store = SampleStore(LIMIT)
    for start in range(0, len(values), 7):
        part = slice(start, start + 7)
        store.add(slices[part], 5, Shown(values[part], None))
    return store.take(np.arange(5))


def shown(samples, slices):
    return [values.tolist() for values in samples.read(np.array(slices), 1)]


def test_each_slice_keeps_its_first_values_in_order_whatever_the_batches_and_splits():
    rng = np.random.default_rng(0)
    slices, values = rng.choice([0, 1, 3, 4], 60, p=[0.7, 0.2, 0.07, 0.03]), np.arange(60).astype(object)
    expected = [[v for s, v in zip(slices, values, strict=True) if s == i][:LIMIT] for i in range(5)]
    assert shown(filled(slices, values), range(5)) == expected
    parts = [filled(slices[:20], values[:20]), filled(slices[20:], values[20:]).take(np.array([4, 3, 1, 0]))]
    merged = Samples.merged(parts, [np.arange(5), np.array([4, 3, 1, 0])], 5)
    assert shown(merged, range(5)) == expected
    assert shown(merged, [3, 0]) == [expected[3], expected[0]]


def test_rows_on_the_wrong_side_are_shown_unless_they_have_no_weight_or_no_value():
    batch = {
        "features": {"name": pa.array(["a", "b", None, "d", "e", "f"])},
        "labels": np.array([0.0, 0, 0, 0, 1, 1]),
        "predictions": np.array([0.9, 0.5, 0.8, 0.7, 0.1, 0.9]),
        "example_weights": np.array([1.0, 1, 1, 0, 1, 1]),
    }
    for label, expected in ((0.0, (["a"], [0])), (1.0, (["e"], [4]))):
        needs = WrongSide(label, "name")
        stream = Stream(weighted=True, reads=needs.reads)
        assert stream.columns == ("name",)
        table = SampleTable(10, 0.5, label)
        assert needs.tables() == (table,)
        examples = stream.view.entries(columns_of(batch, stream))
        added = table.contribution(examples, ScoreBins(examples))
        assert (np.asarray(added.values).tolist(), np.asarray(added.entries).tolist()) == expected


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([2**53 + 1, None, 2**62 + 1]), [2**53 + 1, None, 2**62 + 1]),
        (np.array([2**53 + 1, 0, 7]), [2**53 + 1, 0, 7]),
        (pa.array([2**64 - 1, 1, None], pa.uint64()), [2**64 - 1, 1, None]),
        (pa.array([0.1, 11.29, None], pa.float32()), [0.1, 11.29, None]),
        (pa.array([0.1 + 1e-12, 1e300, 3.0]), [0.1 + 1e-12, 1e300, 3.0]),
        (pa.array(["a", None, "é"]).dictionary_encode(), ["a", None, "é"]),
        (pa.array([b"\xff", b"", None]), [b"\xff", b"", None]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([Decimal("1.50"), Decimal(0), None]), ["1.50", "0.00", None]),
        (pa.array([datetime.datetime(2024, 3, 1), None], pa.timestamp("ns")), ["2024-03-01 00:00:00", None]),
        (np.array(["2024-03-01", "2024-03-02"], "datetime64[s]"), ["2024-03-01 00:00:00", "2024-03-02 00:00:00"]),
        (pa.array([["a", "b"], [], None, ["c"]]), ['["a", "b"]', "[]", None, '["c"]']),
        (pa.array([[[1], [2**53 + 1]], [[]]]), ["[[1], [9007199254740993]]", "[[]]"]),
        (np.array([[0.1, 2], [3, 4]], np.float32), ["[0.1, 2.0]", "[3.0, 4.0]"]),
        (np.array([[[1], [2]]]), ["[[1], [2]]"]),
        (pa.array([{"a": 1}, None]), ['{"a": 1}', None]),
    ],
    ids=lambda value: str(getattr(value, "type", getattr(value, "dtype", ""))),
)
def test_a_value_is_shown_as_it_is(column, shown):
    assert shown_values(column, np.arange(len(column))) == shown
    assert shown_values(column, np.array([len(column) - 1, 0])) == [shown[-1], shown[0]]


def test_a_text_of_a_file_is_shown_as_long_as_the_column_holds_its_number():
    column, texts = pa.array([7.0, 5.5, 1e5, 9.0, 3.0]), pa.array(["007", None, "1E5", "08", "3"])
    assert shown_values(column, np.arange(5), texts) == ["007", 5.5, "1E5", 9.0, 3]
    assert shown_values(pa.array(["a", "b", "c", "d", "e"]), np.array([4, 0]), texts) == ["e", "a"]


# FixedSizeSample ------------------------------------------------------------------------------------------------------


def drawn(batch, sizes, weighted=False, **settings):
    """slice key -> values drawn, where the rows are cut into splits of such sizes."""
    asked_for = asked("FixedSizeSample", **{"size": 8, **settings})
    config = config_of(asked_for, EVERY_SLICE, weighted)
    values = evaluated([(0, cut(batch, *sizes))], config)
    return {key: next(iter(of_slice.values())).tolist() for key, of_slice in values.items()}


def numbered_rows(rows):
    group = pa.array(np.random.default_rng(4).choice(["a", "b"], rows))
    features = {"group": group, "level": pa.array(np.arange(rows) % 2), "id": pa.array(np.arange(rows))}
    return {"features": features, "example_weights": np.where(np.arange(rows) % 10 == 0, 50.0, 1.0)}


def test_a_fixed_size_sample_draws_the_same_rows_however_they_are_cut():
    batch = numbered_rows(2000)
    whole = drawn(batch, [], sampled_key="id")
    assert {len(values) for values in whole.values()} == {8}
    assert all(len(set(values)) == 8 for values in whole.values())
    assert drawn(batch, [1, 700, 3], sampled_key="id") == whole
    assert drawn(batch, [], sampled_key="id", random_seed=1) != whole
    of_a = np.flatnonzero(np.array(batch["features"]["group"].to_pylist()) == "a")
    assert set(whole[(("group", "a"),)]) <= set(of_a.tolist())


def test_all_rows_are_drawn_where_there_are_few_and_none_without_weight_or_value():
    batch = numbered_rows(40)
    ids = [None if i % 4 == 1 else i for i in range(40)]
    batch["features"]["id"], batch["example_weights"][3] = pa.array(ids, pa.int64()), 0.0
    values = drawn(batch, [7], weighted=True, sampled_key="id", size=100)[()]
    assert sorted(values) == [i for i in ids if i not in (None, 3)]


def test_rows_are_drawn_in_proportion_to_their_weights_or_alike_without_weights():
    batch = numbered_rows(2000)
    heavy = {}
    for weighted in (False, True):
        samples = [drawn(batch, [], weighted, sampled_key="id", random_seed=seed)[()] for seed in range(40)]
        heavy[weighted] = np.mean(np.concatenate(samples) % 10 == 0)
    assert heavy[False] == pytest.approx(0.1, abs=0.07)
    assert heavy[True] == pytest.approx(50 / 59, abs=0.08)
