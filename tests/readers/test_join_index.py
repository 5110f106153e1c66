import datetime
import itertools
import string

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ColumnTypeError
from assay.extracts.keys import check_same_kind, comparable, hashes, together
from assay.readers import join_index
from assay.readers.join_index import index_of


def keys(*columns):
    return [comparable(column if isinstance(column, pa.Array) else pa.array(column), "f: key") for column in columns]


def found(there, asked):
    return index_of(keys(*there)).find(keys(*asked)).tolist()


DAY = datetime.date(2026, 11, 1)
NOON = datetime.datetime(2026, 11, 1, 12)


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (["b", "a", "", "ab", "a\0"], ["a", "c", "a\0", "", "b"]),
        (pa.array(["b", "a", "", "ab", "a\0"], pa.large_string()), pa.array(["a", "c", "a\0", "", "b"], pa.binary())),
        (["b", "a", "", "ab", "a\0"], pa.array(["a", "c", "a\0", "", "b"]).dictionary_encode()),
        (pa.array(["b", "a", "", "ab", "a\0"], pa.string_view()), pa.array([*"ac", "a\0", "", "b"], pa.binary_view())),
        ([7, -1, 0, 9, 2**62], [-1, 5, 2**62, 0, 7]),
        (pa.array([7, 1, 0, 9, 20], pa.uint8()), pa.array([1, 5, 20, 0, 7], pa.int32())),
        (pa.array([2**64 - 1, 1, 0, 9, 2**63], pa.uint64()), pa.array([1, 5, 2**63, 0, 2**64 - 1], pa.uint64())),
        ([7.0, -1.0, 0.0, 9.0, 2.0**53], pa.array([-1, 5, 2**53, 0, 7])),
        (
            pa.array([DAY + datetime.timedelta(d) for d in (7, 1, 0, 9, 20)], pa.date64()),
            pa.array([DAY + datetime.timedelta(d) for d in (1, 5, 20, 0, 7)]),
        ),
        (
            pa.array([NOON + datetime.timedelta(d) for d in (7, 1, 0, 9, 20)], pa.timestamp("us")),
            pa.array([NOON + datetime.timedelta(d) for d in (1, 5, 20, 0, 7)], pa.timestamp("s")),
        ),
        (
            pa.array([NOON + datetime.timedelta(d) for d in (7, 1, 0, 9, 20)], pa.timestamp("us", "UTC")),
            pa.array([NOON + datetime.timedelta(d) for d in (1, 5, 20, 0, 7)], pa.timestamp("ms", "Asia/Tokyo")),
        ),
    ],
)
def test_equal_keys_meet_whatever_their_types(there, asked):
    assert found([there], [asked]) == [1, -1, 4, 2, 0]


UNSIGNED = pa.array([2**64 - 1, 2**63, 7], pa.uint64())


@pytest.mark.parametrize(
    ("there", "asked", "partners"),
    [
        (UNSIGNED, [-1, -(2**63), 7, 8], [-1, -1, 2, -1]),
        ([-1, -(2**63), 7], pa.array([2**64 - 1, 2**63, 7, 8], pa.uint64()), [-1, -1, 2, -1]),
        (UNSIGNED, pa.array([2**63, 2**63 - 1, 7, None], pa.uint64()), [1, -1, 2, -1]),
        (UNSIGNED, pa.array([-1, 7], pa.int8()), [-1, 2]),
        (UNSIGNED, [7.0, -1.0], [2, -1]),
        ([2**63 - 1, -2], pa.array([2**63 - 1, 2**64 - 2], pa.uint64()), [0, -1]),
        (UNSIGNED, pa.nulls(2), [-1, -1]),
    ],
)
def test_a_number_beyond_int64_is_no_negative_one(there, asked, partners):
    assert found([there], [asked]) == partners


def test_keys_of_several_files_can_be_negative_and_beyond_int64():
    column = together(keys(UNSIGNED, [-1, -(2**63)], pa.nulls(1), [5.0]))
    index = index_of([column])
    assert not len(index.repeated)
    assert index.find(keys([-1, 7, 5, 6])).tolist() == [3, 2, 6, -1]
    assert index.find(keys(UNSIGNED)).tolist() == [0, 1, 2]
    assert index_of([together(keys(UNSIGNED, [3, 7]))]).repeated.tolist() == [[2, 4]]


def test_truth_values_can_be_part_of_a_key():
    assert found([[1, 1, 2], [True, False, True]], [[1, 2, 1], [False, False, True]]) == [1, -1, 0]


@pytest.mark.parametrize("value", ["a", 1])
def test_what_is_missing_never_matches_and_never_repeats(value):
    index = index_of(keys([None, value, None]))
    assert not len(index.repeated)
    assert index.find(keys([None, value])).tolist() == [-1, 1]


def test_nan_is_missing():
    assert found([pa.array([float("nan"), 1.0])], [pa.array([float("nan"), 1.0])]) == [-1, 1]


def test_a_key_with_a_missing_part_never_matches():
    assert found([["a", "a", None], [1, None, 1]], [["a", "a", None], [1, None, 1]]) == [0, -1, -1]


def test_slices_of_columns_are_keys_as_well():
    texts, numbers = pa.array([*"zyabcx"]), pa.array([9, 8, 1, 2, None, 7])
    assert found([texts.slice(2, 3)], [texts.slice(3, 2)]) == [1, 2]
    assert found([numbers.slice(2, 3)], [numbers.slice(3, 2)]) == [1, -1]


def test_an_index_of_nothing_finds_nothing():
    assert found([pa.array([], pa.int64())], [[1, 2]]) == [-1, -1]
    assert found([[None, None]], [[1, 2]]) == [-1, -1]
    assert found([[1]], [pa.array([], pa.int64())]) == []


def test_all_missing_goes_with_any_kind():
    assert found([["a", "b"]], [pa.nulls(2)]) == [-1, -1]


def test_texts_of_every_length_are_told_apart():
    rng = np.random.default_rng(1)
    texts = sorted({"".join(rng.choice([*string.ascii_letters, "é", "\0"], size)) for size in range(70)})
    texts += [text + "\0" for text in texts if text + "\0" not in texts]
    assert found([texts], [texts[::-1]]) == list(range(len(texts)))[::-1]


def test_shifting_characters_from_one_part_of_a_key_to_the_next_gives_another_key():
    assert found([["ab", "a"], ["c", "bc"]], [["a", "ab", ""], ["bc", "c", "abc"]]) == [1, 0, -1]


def test_different_keys_of_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(join_index, "hashes", lambda parts, salt: hashes(parts, salt) % np.uint64(7 + salt))
    there = [f"k{i}" for i in range(40)]
    index = index_of(keys(there))
    assert index.salt > 0
    assert index.find(keys([*there, *(f"x{i}" for i in range(500))])).tolist() == [*range(40), *[-1] * 500]


def test_hashes_spread():
    pairs = np.array(list(itertools.product(range(300), range(300))))
    assert len(set(hashes(keys(pairs[:, 0], pairs[:, 1]), 0).tolist())) == len(pairs)
    assert len(set(hashes(keys([f"{a}-{b}" for a, b in pairs]), 0).tolist())) == len(pairs)


def test_repeated_keys_are_listed_in_the_order_of_the_table():
    assert index_of(keys([5, 3, 5, 3, 3, None, None])).repeated.tolist() == [[0, 2], [1, 3], [3, 4]]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1.0, 0.5]), "f: key holds 0.5; a key that is a float must be a whole number"),
        (pa.array([2.0**53 + 2]), r"must be a whole number of at most 2\^53"),
        (pa.array([[1], [2]]), "f: key has type list"),
        (pa.array([datetime.datetime(9999, 1, 1)], pa.timestamp("s")), "f: key: not to be compared"),
    ],
)
def test_what_cannot_be_a_key_is_refused(column, message):
    with pytest.raises(ColumnTypeError, match=message):
        comparable(column, "f: key")


def test_kinds_that_never_match_are_refused():
    with pytest.raises(ColumnTypeError, match=r"a: id holds text \(string\), b: id holds whole numbers \(int64\)"):
        check_same_kind(pa.string(), "a: id", pa.int64(), "b: id")
    check_same_kind(pa.null(), "a: id", pa.int64(), "b: id")
    check_same_kind(pa.dictionary(pa.int32(), pa.string()), "a: id", pa.large_string(), "b: id")
