"""Tables of rows: the same bits for any order of the rows and any parts, and what becomes of odd columns."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from assay.discovery.cells import MIXED, NUMBER, OTHER, TEXT, TOO_MANY, Cells, coded, joined
from assay.discovery.tables import Tables, merged
from assay.slicing.bins import binned
from assay.slicing.feature_bins import Bins
from tests.discovery.tables import groups_in, tables_of, texts


def rows_of(seed, rows):
    rng = np.random.default_rng(seed)
    ids = np.array([f"id{i}" for i in rng.integers(0, 150, rows)], object)
    features = {
        "text": texts(rng.integers(0, 5, rows), missing=0.1, rng=rng),
        "whole": pa.array(rng.integers(-20, 500, rows)),
        "real": np.where(rng.random(rows) < 0.05, np.nan, rng.standard_cauchy(rows)),
        "year": pa.array(rng.integers(2015, 2025, rows), mask=rng.random(rows) < 0.1),
        "many": pa.array(ids).dictionary_encode(),
    }
    return features, rng.exponential(size=rows), rng.integers(0, 2, rows)


def part(features, losses, halves, at):
    arrow = pa.array(at)
    chosen = {n: c[at] if isinstance(c, np.ndarray) else c.take(arrow) for n, c in features.items()}
    return chosen, losses[at], halves[at]


def same(one: Tables, other: Tables) -> bool:
    return (
        one.cells == other.cells
        and np.array_equal(one.total, other.total)
        and one.top == other.top
        and all(np.array_equal(table, other.singles[name]) for name, table in one.singles.items())
        and one.pairs.keys() == other.pairs.keys()
        and all(np.array_equal(table, other.pairs[pair]) for pair, table in one.pairs.items())
    )


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_any_order_and_any_parts_of_the_rows_give_the_same_bits(seed, bounded):
    rng = np.random.default_rng(100 + seed)
    features, losses, halves = rows_of(seed, 2000)
    losses = losses.clip(0, 16) if bounded else losses * np.exp(rng.normal(0, 12, 2000))
    whole = tables_of(features, losses, halves, bounded=bounded)
    order = rng.permutation(2000)
    cuts = np.sort(rng.integers(0, 2001, 5))
    parts = [tables_of(*part(features, losses, halves, at), bounded=bounded) for at in np.split(order, cuts) if len(at)]
    together = Tables(bounded, 2)
    for one in [parts[i] for i in rng.permutation(len(parts))]:
        together = merged(together, one)
    assert same(together, whole)
    # and so do batches that are added to what is held of those before
    held = Tables(bounded, 2)
    for at in np.split(order, cuts):
        if len(at):
            held = tables_of(*part(features, losses, halves, at), bounded=bounded, held=held)
    assert same(held, whole)


def test_rows_and_losses_of_a_cell_are_those_of_its_rows():
    features, losses, halves = rows_of(3, 1000)
    tables = tables_of(features, losses.clip(0, 16), halves)
    mine = np.array([value == "v2" for value in features["text"].to_pylist()])
    at = tables.cells["text"].texts.index("v2")
    for half in (0, 1):
        assert tables.singles["text"][0, at, half] == (mine & (halves == half)).sum()
        assert tables.singles["text"][1, at, half] / 2**27 == pytest.approx(losses[mine & (halves == half)].sum())


def test_a_feature_that_only_some_batches_have_is_missing_in_the_others():
    features, losses, halves = rows_of(4, 600)
    without = {name: column for name, column in features.items() if name != "text"}
    late = tables_of(features, losses.clip(0, 16), halves, held=tables_of(without, losses.clip(0, 16), halves))
    assert late.singles["text"][0, -1].sum() == 600 + features["text"].null_count
    assert late.pairs["text", "whole"][0].sum() == 1200


# Cells ----------------------------------------------------------------------------------------------------------------


def test_numbers_fall_into_bins_of_about_equal_size_with_round_edges():
    rng = np.random.default_rng(5)
    age, zeros = rng.integers(17, 91, 20_000), np.zeros(20_000)
    one = groups_in(tables_of({"age": age}, zeros, rng.integers(0, 2, 20_000)))["age"]
    assert all(edge == int(edge) for edge in one.edges)
    counts = np.histogram(age, [-np.inf, *one.edges, np.inf])[0]
    assert len(counts) == len(one.groups)
    assert 5 <= len(counts) <= 11
    assert counts.max() < 2.5 * counts.min()


def test_few_whole_numbers_are_values_and_not_bins():
    one = groups_in(tables_of({"year": np.array([2020, 2021, 2021])}, np.zeros(3), np.zeros(3, int)))["year"]
    assert [group.value for group in one.groups] == ["2020", "2021"]
    assert not one.edges


def test_edges_between_fractions_have_few_digits():
    column = np.array([0.1, 0.2, 0.3, 0.7] * 3)
    assert groups_in(tables_of({"x": column}, np.zeros(12), np.zeros(12, int)))["x"].edges == (0.2, 0.3, 0.7)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(5))
def test_an_eval_config_with_these_edges_has_the_same_bins(seed, kind):
    rng = np.random.default_rng(seed)
    some = [rng.normal(size=3000), rng.choice([0.1, 0.2, 0.3, 0.7, 11.29], 3000), rng.lognormal(8, 3, 3000)]
    for column in some:
        tables = tables_of({"x": column.astype(kind)}, np.zeros(3000), np.zeros(3000, int))
        one = groups_in(tables)["x"]
        of_groups = np.zeros(len(one.groups), int)
        np.add.at(of_groups, one.of_cells, tables.singles["x"][0].sum(axis=-1))
        expected = binned(pa.array(column.astype(kind)), Bins(one.edges), "x").to_pylist()
        assert dict(zip([group.value for group in one.groups], of_groups, strict=True)) == Counter(expected)


def test_rare_values_are_one_group():
    column = texts([0] * 50 + [1] * 40 + [2, 3, 4, 5, 6])
    one = groups_in(tables_of({"x": column}, np.zeros(95), np.zeros(95, int)), min_rows=10)["x"]
    assert [(group.value, group.rare) for group in one.groups] == [("v0", 0), ("v1", 0), ("", 5)]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([[1], [2, 3]]), OTHER),
        (pa.array([b"\xff", b"a"]), OTHER),
        (np.zeros((2, 3)), OTHER),
        (pa.array([True, False]), NUMBER),
        (pa.array(["a", None]).dictionary_encode(), TEXT),
        (pa.array([None, None]), "nothing"),
        (pa.array([np.inf, np.nan]), "nothing"),
        (pa.array([f"{i}" for i in range(10_001)]), TOO_MANY),
    ],
)
def test_columns_of_any_type_have_cells_or_say_what_they_are(column, kind):
    codes, cells = coded(column, "x", Cells())
    assert cells.kind == kind
    assert len(codes) == len(column)
    assert codes.max(initial=0) < cells.size


def test_texts_in_some_files_and_numbers_in_others_are_told_whatever_comes_first():
    many, text, number, other = Cells(TOO_MANY), Cells(TEXT, texts=("a",)), Cells(NUMBER, (1,)), Cells(OTHER)
    for one in (many, text, other):
        assert joined(one, number).kind == joined(number, one).kind == MIXED
        assert joined(joined(one, number), many).kind == MIXED
    assert joined(many, text).kind == joined(text, many).kind == TOO_MANY
