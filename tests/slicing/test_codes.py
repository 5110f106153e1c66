"""Which slices a row is in."""

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ColumnTypeError, EvalConfigError
from assay.proto.config_pb2 import CrossSlicingSpec, EvalConfig, SlicingSpec
from assay.slicing.coded import code as code_of
from assay.slicing.codes import KeysOfLast, codes_of, column_of_keys, slice_rows
from assay.slicing.specs import Slicing, matches, slicing_of, slicings_of
from assay.slicing.text import check_apart, slice_text

FEATURES = {
    "sex": pa.array(["F", "M", None, "F"]),
    "zip": pa.array([94043, 10001, 94043, None], pa.int32()),
    "zip_text": pa.array(["94043", "10001", "94043", None]).dictionary_encode(),
    "score": np.array([0.1, np.nan, 2.0, 0.1]),
    "tags": pa.array([["a", "b"], [], ["b", "b"], None]),
    "pair": np.array([[1, 2], [2, 2], [3, 1], [1, 1]]),
    "flag": pa.array([True, False, None, True]),
}


def slice_column(slicing, features, rows):
    return slice_rows([slicing], features, rows)[slicing.name].column


def members(slicing, features=FEATURES, rows=4):
    """Slice key -> rows in it."""
    codes = codes_of(slice_column(slicing, features, rows))
    if codes.codes is None:
        return {codes.keys[0]: list(range(rows))}
    owner = np.arange(rows) if codes.rows is None else codes.rows
    return {key: owner[codes.codes == i].tolist() for i, key in enumerate(codes.keys)}


@pytest.mark.parametrize(
    ("slicing", "expected"),
    [
        (Slicing(), {(): [0, 1, 2, 3]}),
        (Slicing(("sex",)), {(("sex", "F"),): [0, 3], (("sex", "M"),): [1]}),
        (Slicing(("zip",)), {(("zip", 94043),): [0, 2], (("zip", 10001),): [1]}),
        (Slicing(("flag",)), {(("flag", 0),): [1], (("flag", 1),): [0, 3]}),
        (Slicing((), (("zip", "94043"),)), {(("zip", 94043),): [0, 2]}),
        (Slicing((), (("zip", "94043.5"),)), {}),
        (Slicing((), (("pair", "1.5"),)), {}),
        (Slicing((), (("zip_text", "94043"),)), {(("zip_text", "94043"),): [0, 2]}),
        (Slicing((), (("score", "0.1"),)), {(("score", 0.1),): [0, 3]}),
        (Slicing(("tags",)), {(("tags", "a"),): [0], (("tags", "b"),): [0, 2]}),
        (Slicing(("pair",)), {(("pair", 1),): [0, 2, 3], (("pair", 2),): [0, 1], (("pair", 3),): [2]}),
        (Slicing(("sex",), (("tags", "b"),)), {(("sex", "F"), ("tags", "b")): [0]}),
        (Slicing(("sex", "zip")), {(("sex", "F"), ("zip", 94043)): [0], (("sex", "M"), ("zip", 10001)): [1]}),
        (Slicing(("unknown",)), {}),
    ],
    ids=lambda value: value.name if isinstance(value, Slicing) else "",
)
def test_puts_each_row_into_the_slices_of_its_own_values(slicing, expected):
    assert members(slicing) == expected


MISSING_CASES = [
    (Slicing(("sex",), missing=True), {"F": [0, 3], "M": [1], None: [2]}, 0),
    (Slicing(("zip",), missing=True), {94043: [0, 2], 10001: [1], None: [3]}, 0),
    (Slicing(("score",), missing=True), {0.1: [0, 3], 2.0: [2], None: [1]}, 0),
    (Slicing(("tags",), missing=True), {"a": [0], "b": [0, 2], None: [1, 3]}, 0),
    (Slicing(("flag",), missing=True), {0: [1], 1: [0, 3], None: [2]}, 0),
    (Slicing(("unknown",), missing=True), {None: [0, 1, 2, 3]}, 0),
    (Slicing((), (("sex", "(missing)"),), missing=True), {None: [2]}, 0),
    (Slicing((), (("tags", "(missing)"),), missing=True), {None: [1, 3]}, 0),
    (Slicing(("sex", "zip"), missing=True),
     {("F", 94043): [0], ("M", 10001): [1], (None, 94043): [2], ("F", None): [3]}, 0),
    (Slicing(("zip",), (("sex", "F"),), missing=True), {("F", 94043): [0], ("F", None): [3]}, 1),
    (Slicing(("sex", "tags"), missing=True),
     {("F", "a"): [0], ("F", "b"): [0], ("M", None): [1], (None, "b"): [2], ("F", None): [3]}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("slicing", "expected", "left_out"), MISSING_CASES, ids=[c[0].name for c in MISSING_CASES])
def test_rows_without_a_value_are_a_slice_where_that_is_asked_for(slicing, expected, left_out):
    found = {tuple(value for _, value in key): rows for key, rows in members(slicing).items()}
    assert found == {value if isinstance(value, tuple) else (value,): rows for value, rows in expected.items()}
    assert slice_rows([slicing], FEATURES, 4)[slicing.name].left_out == left_out


def test_a_text_that_reads_like_a_missing_value_is_another_slice():
    features = {"x": pa.array(["(missing)", None, "a"])}
    found = members(Slicing(("x",), missing=True), features, 3)
    assert {slice_text(key): rows for key, rows in found.items()} == {
        'x="(missing)"': [0], "x=(missing)": [1], "x=a": [2],
    }  # fmt: skip
    assert members(Slicing((), (("x", "(missing)"),)), features, 3) == {(("x", "(missing)"),): [0]}


def test_a_threshold_finds_the_slice_of_rows_without_a_value():
    assert matches((("x", None),), slicing_of(SlicingSpec(feature_values={"x": "(missing)"})))
    assert matches((("x", None),), slicing_of(SlicingSpec(feature_keys=["x"])))
    assert not matches((("x", None),), slicing_of(SlicingSpec(feature_values={"x": "a"})))


def test_crosses_of_two_multivalent_features_hold_every_pair_of_a_row_once():
    features = {"a": pa.array([["x", "y"], ["x"]]), "b": pa.array([[1, 2], [2, 2]])}
    assert members(Slicing(("a", "b")), features, 2) == {
        (("a", "x"), ("b", 1)): [0],
        (("a", "x"), ("b", 2)): [0, 1],
        (("a", "y"), ("b", 1)): [0],
        (("a", "y"), ("b", 2)): [0],
    }


def test_lists_no_value_of_a_dictionary_that_no_row_has():
    filtered = {"zip_text": FEATURES["zip_text"].take(pa.array([1]))}
    assert members(Slicing(("zip_text",)), filtered, 1) == {(("zip_text", "10001"),): [0]}


def test_a_slice_column_still_speaks_of_its_rows_after_some_were_taken():
    column = slice_column(Slicing(("sex",)), FEATURES, 4).take(pa.array([1, 2]))
    codes = codes_of(column)
    assert codes.keys == [(("sex", "M"),)]
    np.testing.assert_array_equal(codes.codes, [0, -1])


def test_a_cross_with_more_combinations_than_rows_can_have_counts_only_those_that_occur():
    rng = np.random.default_rng(0)
    features = {name: pa.array(rng.integers(0, 3000, 5000)) for name in "ab"}
    found = members(Slicing(("a", "b")), features, 5000)
    pairs = list(zip(features["a"].to_pylist(), features["b"].to_pylist(), strict=True))
    assert {tuple(v for _, v in key): len(rows) for key, rows in found.items()} == {
        p: pairs.count(p) for p in set(pairs)
    }


@pytest.mark.parametrize(
    "slicing",
    [Slicing(), Slicing(("sex",)), Slicing(("tags",)), Slicing(("sex", "zip")), Slicing(("sex", "zip"), missing=True)],
    ids=lambda s: s.name,
)
def test_a_column_made_from_keys_has_the_same_members(slicing):
    keys = [[key for key, rows in members(slicing).items() if row in rows] for row in range(4)]
    codes = codes_of(column_of_keys(keys))
    owner = np.arange(4) if codes.rows is None else codes.rows
    entries = np.zeros(4, int) if codes.codes is None else codes.codes
    assert {(int(r), codes.keys[c]) for r, c in zip(owner, entries, strict=True)} == {
        (r, key) for key, rows in members(slicing).items() for r in rows
    }


def test_refuses_a_column_whose_values_cannot_name_a_slice():
    with pytest.raises(ColumnTypeError, match="'s' has type struct"):
        slice_column(Slicing(("s",)), {"s": pa.array([{"x": 1}])}, 1)
    with pytest.raises(ColumnTypeError, match="'b' has type binary"):
        slice_column(Slicing(("b",)), {"b": pa.array([b"\xff"])}, 1)


def test_slicings_of_a_config_are_distinct_and_overall_only_if_none_is_given():
    specs = [SlicingSpec(feature_keys=["b", "a", "a"]), SlicingSpec(feature_keys=["a", "b"])]
    assert slicings_of(EvalConfig(slicing_specs=specs)) == (Slicing(("a", "b")),)
    assert slicings_of(EvalConfig()) == (Slicing(),)
    cross = CrossSlicingSpec(baseline_spec=SlicingSpec(feature_values={"a": "1"}))
    assert slicings_of(EvalConfig(cross_slicing_specs=[cross])) == (Slicing(), Slicing((), (("a", "1"),)))


def test_refuses_a_feature_that_is_enumerated_and_fixed_at_once():
    with pytest.raises(EvalConfigError, match=r"\['a'\] stand both"):
        slicing_of(SlicingSpec(feature_keys=["a"], feature_values={"a": "1"}))


def test_a_key_matches_the_slicing_that_makes_it():
    key = (("sex", "F"), ("zip", 94043))
    assert matches(key, Slicing(("sex", "zip")))
    assert matches(key, Slicing(("sex",), (("zip", "94043"),)))
    assert not matches(key, Slicing(("sex",), (("zip", "94044"),)))
    assert not matches(key, Slicing(("sex",)))
    assert matches((), Slicing())


def test_shows_a_key_to_people():
    assert slice_text(()) == "Overall"
    assert slice_text((("a", 1), ("b", "x"))) == "a=1, b=x"


@pytest.mark.parametrize(
    "keys",
    [
        [(("a", "x, b=y"),), (("a", "x"), ("b", "y"))],
        [(("a", ""),), (("a", " "),), (("a", '""'),)],
        [(("a=b", "c"),), (("a", "b=c"),)],
        [(("a", "1, c"), ("d", "2")), (("a", "1"), ("c, d", "2"))],
        [(("a", "x\ny"),), (("a", "x\\ny"),), (("a", '"x\\ny"'),)],
        [(("a", 0.1),), (("a", float(np.float32(0.1))),), (("a", 0.1 + 1e-12),)],
        [(("a", 2**53),), (("a", 2**53 + 1),)],
        [(("a", "x vs b=y"),), (("a", "x vs Overall"),), ()],
    ],
)
def test_two_keys_never_look_alike(keys):
    assert len(set(map(slice_text, keys))) == len(keys)


def test_what_is_clear_stands_without_quotes():
    key = (("age", "(0, 18]"), ("city", "New York"), ("size", 0.5), ("when", "2024-03-01 12:00:00"))
    assert slice_text(key) == "age=(0, 18], city=New York, size=0.5, when=2024-03-01 12:00:00"


@pytest.mark.parametrize("value", [1, 0.5, 20240103.0])
def test_a_number_and_its_text_in_one_column_are_refused(value):
    with pytest.raises(ColumnTypeError, match=f"column 'by' holds '{value}' as text in some rows and as a number"):
        check_apart([(("by", value),), (("by", str(value)),)])
    check_apart([(("by", value),), (("by", f"0{value}"),)])


@pytest.mark.parametrize(
    ("texts", "numbers", "expected"),
    [
        ([None, "007", None], pa.array([7, 7, 8]), [7, "007", 8]),
        (["1E5", None, "1.50"], pa.array([1e5, 0.5, 1.5]), ["1E5", 0.5, "1.50"]),
        (["007", "008", None], pa.array([7, 9, 8]), ["007", 9, 8]),  # an extractor has changed the second
        (["007", "008", None], pa.array(["a", "b", "c"]), ["a", "b", "c"]),
        (["007", None, None], pa.array([7, None, 8]), ["007", None, 8]),
    ],
)
def test_a_text_that_says_more_than_its_number_is_the_slice_s_value(texts, numbers, expected):
    found = slice_rows([Slicing(("zip",))], {"zip": numbers}, 3, {"zip": pa.array(texts, pa.string())})["zip"]
    codes = codes_of(found.column)
    assert codes.codes is not None
    keys = [codes.keys[code][0][1] if code >= 0 else None for code in codes.codes]
    assert (keys, found.left_out) == (expected, expected.count(None))


def test_rows_without_a_value_of_a_feature_are_counted_for_each_slicing():
    slicings = [Slicing(), Slicing(("sex",)), Slicing(("sex", "zip")), Slicing(("tags",)), Slicing(("unknown",))]
    left_out = {name: found.left_out for name, found in slice_rows(slicings, FEATURES, 4).items()}
    assert left_out == {"overall": 0, "sex": 1, "sex,zip": 2, "tags": 2, "unknown": 4}
    fixed = Slicing((), (("zip", "94043"),))
    assert slice_rows([fixed], FEATURES, 4)[fixed.name].left_out == 1  # rows with another value are not missed


@pytest.mark.parametrize(
    "slicings",
    [
        [Slicing(("a,b",)), Slicing(("a", "b"))],
        [Slicing((), (("a", "x,b"),)), Slicing(("b",), (("a", "x"),)), Slicing((), (("a", '"x,b"'),))],
        [
            Slicing((), (("a", "1"), ("b", "2"))),
            Slicing((), (("a", "1,b=2"),)),
            Slicing((), (("a", "1"), ("b", '"2"'))),
        ],
        [Slicing((), (("a=b", "c"),)), Slicing((), (("a", "b=c"),)), Slicing(("a=b=c",)), Slicing(('"a=b"=c',))],
        [Slicing(), Slicing(("overall",)), Slicing(("",)), Slicing(("Overall",)), Slicing((), (("", "overall"),))],
        [Slicing(("a",)), Slicing(("a ",)), Slicing((), (("a", ""),)), Slicing((), (("a", " "),)), Slicing(('"a"',))],
        [Slicing(("a\nb",)), Slicing(("a\\nb",))],
        [Slicing(("a",)), Slicing(("a",), missing=True), Slicing(("a or (missing)",)), Slicing(("a, or (missing)",))],
    ],
    ids=str,
)
def test_two_slicings_never_share_a_name(slicings):
    assert len({slicing.name for slicing in slicings}) == len(slicings)


def test_names_that_are_clear_stand_as_they_are():
    assert [Slicing().name, Slicing(("sex", "zip")).name, Slicing(("b",), (("a", "New York"),)).name] == [
        "overall",
        "sex,zip",
        "a=New York,b",
    ]


def test_a_column_with_a_comma_in_its_name_is_sliced_beside_the_cross_of_the_two_halves():
    features = {"a": pa.array(["x", "y"]), "b": pa.array([1, 2]), "a,b": pa.array(["p", "q"])}
    slicings = [Slicing(("a", "b")), Slicing(("a,b",)), Slicing()]
    found = {key for sliced in slice_rows(slicings, features, 2).values() for key in codes_of(sliced.column).keys}
    assert found == {
        (("a", "x"), ("b", 1)),
        (("a", "y"), ("b", 2)),
        (("a,b", "p"),),
        (("a,b", "q"),),
        (),
    }


def test_a_feature_of_many_slicings_is_coded_once(monkeypatch):
    coded = []

    def code(column, name, bins):
        coded.append(name)
        return code_of(column, name, bins)

    monkeypatch.setattr("assay.slicing.codes.code", code)
    slicings = [
        Slicing(("sex",)),
        Slicing(("sex", "zip")),
        Slicing(("zip",), (("sex", "F"),)),
        Slicing(("tags", "sex")),
    ]
    slice_rows(slicings, FEATURES, 4)
    assert sorted(coded) == ["sex", "tags", "zip"]


def test_a_config_s_text_that_is_no_value_of_the_column_is_refused():
    for column, text in (("zip", "not a number"), ("flag", "maybe"), ("pair", "1,5")):
        with pytest.raises(ColumnTypeError, match=f"column '{column}' has type .* and '{text}' is not a value"):
            slice_column(Slicing((), ((column, text),)), FEATURES, 4)


def test_batches_with_the_same_slices_share_one_list_of_keys():
    last = KeysOfLast()
    columns = [
        slice_column(Slicing(("x",)), {"x": pa.array(list(texts))}, 4) for texts in ("abab", "abba", "baac", "abab")
    ]
    lists = [codes_of(column, last).keys for column in columns]
    assert lists[0] is lists[1]
    assert lists == [codes_of(column).keys for column in columns]


def test_keys_of_another_type_are_not_those_of_the_last_batch():
    last = KeysOfLast()
    for kind in (pa.int64(), pa.float64(), pa.string(), pa.int8()):
        column = slice_column(Slicing(("x",)), {"x": pa.array([1, 2, 1]).cast(kind)}, 3)
        assert repr(codes_of(column, last).keys) == repr(codes_of(column).keys)
