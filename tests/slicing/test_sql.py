"""Slices by SQL: those of TFMA's form of a query, and the same as by features."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.config.resolved import check_eval_config, columns_of, parse_eval_config
from assay.errors import ColumnTypeError, EvalConfigError
from assay.proto.config_pb2 import SlicingSpec
from assay.slicing.codes import codes_of, slice_rows
from assay.slicing.specs import Slicing, slicing_of

FEATURES = {
    "sex": pa.array(["F", "M", None, "F"]),
    "age": pa.array([17, 40, 65, None], pa.int32()),
    "price": pa.array([11.29, 0.5, 2.0, np.nan], pa.float32()),
    "tags": pa.array([["a", "b"], [], ["b", "b"], None]),
    "raw": pa.array([b"F", b"M", None, b"F"]),
    "coded": pa.array(["x", None, "x", "y"]).dictionary_encode(),
}


def members(sql, features=FEATURES, rows=4):
    """Values of the slice -> rows in it."""
    slicing = slicing_of(SlicingSpec(slice_keys_sql=sql))
    codes = codes_of(slice_rows([slicing], features, rows)[slicing.name].column)
    owner = np.arange(rows) if codes.rows is None else codes.rows
    return {tuple(value for _, value in key): owner[codes.codes == i].tolist() for i, key in enumerate(codes.keys)}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT STRUCT(sex) FROM example.sex", {("F",): [0, 3], ("M",): [1]}),
        ("select struct(sex) from example.sex as sex;".rstrip(";"), {("F",): [0, 3], ("M",): [1]}),
        ("SELECT STRUCT(s AS sex) FROM UNNEST(example.sex) AS s", {("F",): [0, 3], ("M",): [1]}),
        ("SELECT STRUCT(raw) FROM example.raw", {("F",): [0, 3], ("M",): [1]}),
        ("SELECT STRUCT(coded) FROM example.coded", {("x",): [0, 2], ("y",): [3]}),
        ("SELECT STRUCT(price) FROM example.price", {(11.29,): [0], (0.5,): [1], (2.0,): [2]}),
        ("SELECT STRUCT(sex) FROM example.sex, example.age WHERE age = 40", {("M",): [1]}),
        ("SELECT STRUCT(sex, age) FROM example.sex, example.age", {(17, "F"): [0], (40, "M"): [1]}),
        ("SELECT STRUCT(tags) FROM example.tags", {("a",): [0], ("b",): [0, 2]}),
        ("SELECT STRUCT(a, b) FROM example.tags a, example.tags b WHERE a < b", {("a", "b"): [0]}),
        ("SELECT STRUCT(age < 18 AS minor) FROM example.age", {(1,): [0], (0,): [1, 2]}),
        ('SELECT STRUCT(IF(age < 18, "low", \'high\') AS who) FROM example.age', {("low",): [0], ("high",): [1, 2]}),
        ("SELECT STRUCT(CASE WHEN age >= 65 THEN 'old' END AS old) FROM example.age", {("old",): [2]}),
        ("SELECT STRUCT(ARRAY_LENGTH(example.tags) AS many) FROM example.sex", {(2,): [0], (0,): [1, 3]}),
        ("SELECT STRUCT(sex) FROM example.sex WHERE ARRAY_LENGTH(example.age) = 0", {("F",): [3]}),
        ("SELECT STRUCT(CAST(age AS STRING) AS age) FROM example.age WHERE age > 17", {("40",): [1], ("65",): [2]}),
        ("SELECT DISTINCT STRUCT(sex) /* all */ FROM example.sex -- of them", {("F",): [0, 3], ("M",): [1]}),
        ('SELECT STRUCT(sex) FROM example.sex WHERE REGEXP_CONTAINS(sex, r"^F$")', {("F",): [0, 3]}),
        ("SELECT STRUCT('all' AS rows)", {("all",): [0, 1, 2, 3]}),
        ("SELECT STRUCT(unknown) FROM example.unknown", {}),
    ],
)  # fmt: skip
def test_a_query_puts_each_row_into_the_slices_of_its_structs(sql, expected):
    assert members(sql) == expected


def test_many_combinations_of_values_give_the_same_as_few():
    rng = np.random.default_rng(0)
    features = {"x": pa.array(rng.random(500)), "g": pa.array(rng.choice(list("abc"), 500))}
    found = members("SELECT STRUCT(x > 0.5 AS high, g) FROM example.x, example.g", features, 500)
    frame = pd.DataFrame({name: column.to_pandas() for name, column in features.items()})
    high = frame["x"] > 0.5
    assert found == {
        (g, above): frame.index[(frame["g"] == g) & (high == bool(above))].tolist() for g in "abc" for above in (0, 1)
    }


def test_lists_of_few_combinations_and_several_slices_a_row():
    features = {"g": pa.array(["a", "b"] * 50)}
    sql = "SELECT STRUCT(part) FROM example.g, UNNEST(example.g) AS part"
    assert members(sql, features, 100) == {("a",): list(range(0, 100, 2)), ("b",): list(range(1, 100, 2))}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT sex FROM example.sex", "selects sex; expected SELECT STRUCT"),
        ("SELECT STRUCT(age + 1) FROM example.age", r"field age \+ 1 without a name; write STRUCT\(age \+ 1 AS name\)"),
        ("SELECT STRUCT(sex) FROM people", "has people in FROM; expected example.feature"),
        ("SELECT STRUCT(sex) FROM example.sex GROUP BY sex", "has GROUP, which cannot be translated"),
        ("SELECT STRUCT(RAND() AS r)", "has RAND, .* the same in every run"),
        ("SELECT STRUCT(a) FROM example.a UNION ALL SELECT STRUCT(b) FROM example.b", "one slicing spec for each"),
        ("SELECT STRUCT(sex) FROM example.sex WHERE 'a' IN UNNEST(example.tags)", r"write list_contains\(example"),
        ("SELECT STRUCT(sex) FROM example.sex; DROP", "cannot be read from '; DROP' on"),
        ("FROM example.sex", "has FROM where it cannot be"),
        ("", None),
    ],
)
def test_what_cannot_be_translated_is_refused_with_the_cure(sql, message):
    if message is None:
        assert slicing_of(SlicingSpec(slice_keys_sql=sql)) == Slicing()
        return
    config = parse_eval_config({"model_specs": [{}], "slicing_specs": [{"slice_keys_sql": sql}]})
    with pytest.raises(EvalConfigError, match=rf"^slicing_specs\[0\].slice_keys_sql: the query .*{message}"):
        check_eval_config(config)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT STRUCT(nobody) FROM example.sex",
        "SELECT STRUCT(sex + 1 AS sex) FROM example.sex",
        "SELECT STRUCT((SELECT max(content) FROM read_text('/etc/hosts')) AS x) FROM example.sex",
        "SELECT STRUCT((SELECT 1 FROM (COPY x TO 'y')) AS x) FROM example.sex",
    ],
)
def test_what_duckdb_does_not_take_is_one_line_and_files_stay_closed(sql):
    with pytest.raises(EvalConfigError, match=r"^slice_keys_sql: DuckDB does not take it: ") as refusal:
        members(sql)
    assert "\n" not in str(refusal.value)


def test_a_field_that_is_a_list_is_refused():
    with pytest.raises(ColumnTypeError, match="column 'tags' has type list"):
        members("SELECT STRUCT(example.tags AS tags) FROM example.sex")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"feature_keys": ["sex"]}, r"feature_keys: slice_keys_sql is set too"),
        ({"missing": "slice"}, r"missing: slice_keys_sql is set too"),
    ],
)
def test_a_query_stands_alone_in_its_spec(spec, message):
    asked = {"slice_keys_sql": "SELECT STRUCT(sex) FROM example.sex", **spec}
    with pytest.raises(EvalConfigError, match=message):
        check_eval_config(parse_eval_config({"model_specs": [{}], "slicing_specs": [asked]}))


def test_slices_of_a_query_are_not_taken_for_those_of_the_feature():
    specs = [{"feature_keys": ["sex"]}, {"slice_keys_sql": "SELECT STRUCT(sex) FROM example.sex, example.age"}]
    with pytest.raises(EvalConfigError, match=r"\[1\]: slicing_specs\[0\] makes slices of sex too.* AS other_name"):
        check_eval_config(parse_eval_config({"model_specs": [{}], "slicing_specs": specs}))


def test_the_columns_of_a_query_are_read():
    sql = "SELECT STRUCT(s AS sex) FROM example.sex AS s, example.age WHERE ARRAY_LENGTH(example.tags) > 0"
    config = parse_eval_config({"model_specs": [{"label_key": "y"}], "slicing_specs": [{"slice_keys_sql": sql}]})
    assert list(columns_of(config)) == ["y", "sex", "age", "tags"]


def test_a_run_has_the_slices_of_a_query_and_thresholds_find_them():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"label": rng.integers(0, 2, 300), "score": rng.random(300), "age": rng.integers(10, 90, 300)})
    sql = "SELECT STRUCT(IF(age < 18, 'minor', 'adult') AS who) FROM example.age"
    threshold = {
        "slicing_specs": [{"feature_values": {"who": "minor"}}],
        "threshold": {"value_threshold": {"upper_bound": 0}},
    }
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{"slice_keys_sql": sql}],
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount", "per_slice_thresholds": [threshold]}]}],
    }
    result = assay.analyze_raw_data(frame, config)
    found = dict(zip(*(result.to_frame()[name] for name in ("slice", "value")), strict=True))
    minors = int((frame["age"] < 18).sum())
    assert found == {"who=minor": minors, "who=adult": 300 - minors}
    assert [reason.slice for reason in result.verdict.reasons] == ["who=minor"]
