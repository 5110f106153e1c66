"""Whatever the data: a file that can be run, or one error that says what to do."""

import datetime
import decimal
import string

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assay
from assay.cli import main
from assay.config.resolved import check_eval_config, parse_eval_config, resolve_eval_config
from assay.errors import UsageError
from assay.plan.analysis_file import load_analysis
from assay.proposal.facts import facts_of

HOSTILE_NAMES = [
    "",
    " ",
    "a: b",
    "# no comment",
    "- item",
    "yes",
    "null",
    "1",
    "1e5",
    "${date}",
    "$${x}",
    "${",
    "{a}",
    "[b]",
    '"',
    "'",
    "\\",
    "a\nb",
    "tab\t",
    "\x1b[2J",
    "\u202egnp",
    "\u2028",
    "\x00",
    "\ufeff",
    "\uffff",
    "café",
    "名前",
    "😀",
    "*a",
    "&a",
    "!tag",
    "|",
    ">",
    "%",
    "@at",
    "`tick`",
    "x" * 300,
]

ROWS = 24


def column_of(kind: str, rng: np.random.Generator) -> pa.Array:
    """Some rows of a kind that data have."""
    numbers = rng.integers(0, 5, ROWS)
    made = {
        "few": lambda: pa.array(numbers),
        "texts": lambda: pa.array([f"t{n}" for n in numbers]),
        "bytes": lambda: pa.array([b"\xff\xfe"] * ROWS),
        "hostile texts": lambda: pa.array([HOSTILE_NAMES[n] for n in rng.integers(0, len(HOSTILE_NAMES), ROWS)]),
        "booleans": lambda: pa.array(numbers > 2),
        "floats": lambda: pa.array(rng.normal(size=ROWS)),
        "shares": lambda: pa.array(rng.random(ROWS)),
        "no numbers": lambda: pa.array([np.nan, np.inf, -np.inf] * (ROWS // 3)),
        "ids": lambda: pa.array(np.arange(ROWS)),
        "large": lambda: pa.array([2**63 - 1] * ROWS),
        "days": lambda: pa.array([datetime.date(2026, 1, 1 + int(n)) for n in numbers]),
        "moments": lambda: pa.array([datetime.datetime(2026, 1, 1, int(n), tzinfo=datetime.UTC) for n in numbers]),
        "decimals": lambda: pa.array([decimal.Decimal(int(n)) / 10 for n in numbers]),
        "lists": lambda: pa.array([list(range(n)) for n in numbers.tolist()]),
        "vectors": lambda: pa.array([[0.2, 0.3, 0.5]] * ROWS),
        "lists of lists": lambda: pa.array([[[1.0]]] * ROWS),
        "lists of texts": lambda: pa.array([["a", "b"][: n % 3] for n in numbers.tolist()]),
        "objects": lambda: pa.array([{"a": 1}] * ROWS),
        "nulls": lambda: pa.nulls(ROWS),
        "null texts": lambda: pa.nulls(ROWS, pa.string()),
        "some nulls": lambda: pa.array([None if n == 0 else int(n) for n in numbers]),
        "constant": lambda: pa.array([1] * ROWS),
        "categories": lambda: pa.array([f"t{n}" for n in numbers]).dictionary_encode(),
        "zeros and ones": lambda: pa.array(numbers % 2),
    }
    return made[kind]()


KINDS = [
    *(
        "few",
        "texts",
        "booleans",
        "floats",
        "shares",
        "ids",
        "large",
        "days",
        "moments",
        "decimals",
        "lists",
        "vectors",
    ),
    *("objects", "nulls", "constant", "bytes", "hostile texts", "no numbers", "lists of lists", "lists of texts"),
    *("null texts", "some nulls", "categories", "zeros and ones"),
]
NAMES = st.one_of(
    st.sampled_from(HOSTILE_NAMES),
    st.sampled_from(
        ["label", "target", "score", "prob_a", "prob_b", "query", "sample_weight", "weight", "y_pred", "id"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


@st.composite
def tables(draw):
    """Tables of any columns, most of them with something like a label and a prediction."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    names = draw(st.lists(NAMES, max_size=6, unique=True))
    columns = {name: column_of(draw(st.sampled_from(KINDS)), rng) for name in names}
    if draw(st.booleans()):
        columns["label"] = column_of(draw(st.sampled_from(KINDS)), rng)
        columns["score"] = column_of(draw(st.sampled_from(["shares", "floats", "vectors", "zeros and ones"])), rng)
    return pa.table(columns) if columns else pa.table({"": pa.nulls(ROWS)})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_of_any_table_comes_a_config_that_passes_all_checks_or_an_error_of_ours(table):
    try:
        proposal = assay.propose_analysis(table)
    except UsageError:
        return
    config = resolve_eval_config(parse_eval_config(proposal.eval_config))
    check_eval_config(config)
    assert all(line.isprintable() for line in proposal.text.splitlines())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_of_any_file_comes_an_analysis_that_can_be_loaded_or_an_error_of_ours(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("any")
    pq.write_table(table, folder / "data.parquet")
    code = main(["init", str(folder / "data.parquet"), "-o", str(folder / "a.yaml")])
    assert code in (0, 64)
    assert (folder / "a.yaml").exists() == (code == 0)
    if code == 0:
        assert main(["check", str(folder / "a.yaml")]) == 0


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_an_analysis_of_any_file_runs_to_a_verdict(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("any")
    pq.write_table(table, folder / "data.parquet")
    if main(["init", str(folder / "data.parquet"), "-o", str(folder / "a.yaml")]) == 0:
        assert main(["run", str(folder / "a.yaml"), "--quiet"]) == 0, (folder / "a.yaml").read_text()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_column_of_any_name_can_be_label_prediction_weight_and_slice(name):
    if not name:
        return
    rng = np.random.default_rng(0)
    score = rng.random(200)
    shares = {
        "label": rng.random(200) < score,
        "score": score,
        "few": rng.choice(["a", "b"], 200),
        "w": rng.random(200),
    }
    for role, options in {
        "label": {"label": name},
        "score": {"predictions": name},
        "few": {"slices": [name]},
        "w": {"weight": name},
    }.items():
        frame = pd.DataFrame({name if key == role else key: values for key, values in shares.items()})
        proposal = assay.propose_analysis(frame, **{"label": "label", "predictions": "score", **options})
        config = resolve_eval_config(parse_eval_config(proposal.eval_config))
        check_eval_config(config)
        assert name.replace("${", "$${") in str(proposal.eval_config) or repr(name.replace("${", "$${"))[1:-1] in str(
            proposal.eval_config
        )


def test_a_hostile_name_is_evaluated_as_it_is():
    frame = pd.DataFrame({"${date}": [0, 1, 1, 0] * 5, "a: #b\n": [0.1, 0.9, 0.6, 0.7] * 5, "x${": ["u", "v"] * 10})
    proposal = assay.propose_analysis(frame, label="${date}", predictions="a: #b\n", slices=["x${"])
    result = assay.analyze_raw_data(frame, proposal.eval_config)
    assert (("x${", "u"),) in result.get_slice_names()


def test_five_thousand_columns_make_a_short_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    columns = {f"f{i}": rng.integers(0, 3, 300) for i in range(5000)}
    score = rng.random(300)
    pd.DataFrame({**columns, "label": rng.random(300) < score, "score": score}).to_parquet(tmp_path / "wide.parquet")
    assert main(["init", str(tmp_path / "wide.parquet"), "-o", str(tmp_path / "a.yaml")]) == 0, capsys.readouterr().err
    text = (tmp_path / "a.yaml").read_text()
    assert text.count("feature_keys: [f") <= 2 * 8
    assert len(text.splitlines()) < 200
    load_analysis(tmp_path / "a.yaml", {})


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"id": range(50), "other_id": range(50, 100)}, "prediction|label"),
        ({"label": [0, 1] * 10}, r"no column is named like a prediction.*models: \[\{name: my_model"),
        ({"score": [0.1, 0.9] * 10, "x": [0.5, 0.25] * 10, "t": ["a"] * 20}, "no column is named like a label"),
        (
            {"label": [0, 1] * 10, "target": [1, 1, 0, 0] * 5, "score": [0.1, 0.9] * 10},
            "several columns may be the label",
        ),
        (
            {"label": [0, 1] * 10, "pred_a": [0.1, 0.9] * 10, "b_score": [5.0, 9] * 10},
            "several columns may be the predict",
        ),
        ({"label": ["a", "b", "c", "d"] * 5, "score": [0.1, 0.9] * 10}, "4 different labels.*positive"),
        ({"label": [None] * 20, "score": [0.1, 0.9] * 10}, "label"),
        ({"label": [0, 1] * 10, "score": [np.nan] * 20}, "prediction"),
        ({"label": [[0], [1]] * 10, "score": [0.1, 0.9] * 10}, "holds lists, and predictions are one number a row"),
        ({"label": [0, 7] * 10, "probabilities": [[0.5, 0.25, 0.25]] * 20}, "2 different labels.*3 numbers"),
        ({"label": ["cat", "dog"] * 10, "prediction": ["cat", "dog"] * 10}, "holds texts"),
    ],
)
def test_where_nobody_can_tell_one_line_says_what_to_do(frame, said):
    with pytest.raises(UsageError, match=said):
        assay.propose_analysis(pd.DataFrame(frame))


def test_no_rows_are_an_error():
    with pytest.raises(UsageError, match="expected rows"):
        assay.propose_analysis(pd.DataFrame({"label": [], "score": []}))


@pytest.mark.parametrize(
    "content", [b"", b"label,score\n", b"\x89PNG\r\n\x1a\n\0\0", b'[{"label": 1}]', b"<html></html>"]
)
def test_a_file_that_has_no_rows_or_is_no_table_is_an_error(content, tmp_path, capsys):
    (tmp_path / "data.csv").write_bytes(content)
    assert main(["init", str(tmp_path / "data.csv"), "-o", str(tmp_path / "a.yaml")]) == 64
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.yaml").exists()


def test_one_row_gives_a_file_without_a_threshold():
    proposal = assay.propose_analysis(pd.DataFrame({"label": [1], "score": [0.4]}))
    assert "Its value is undefined in the sample, the only row: there is no threshold" in proposal.text
    assert "lower_bound" not in str(proposal.eval_config)


def test_a_name_that_is_there_twice_is_passed_over(tmp_path, capsys):
    columns = [pa.array([0, 1] * 10), pa.array([0.2, 0.8] * 10), pa.array(["a", "b"] * 10), pa.array(["a", "b"] * 10)]
    table = pa.table(columns, names=["label", "score", "x", "x"])
    pq.write_table(table, tmp_path / "twice.parquet")
    (tmp_path / "twice.csv").write_text("label,score,x,x\n" + "0,0.2,a,b\n1,0.7,b,b\n" * 10)
    for name in ("twice.parquet", "twice.csv"):
        assert main(["init", str(tmp_path / name), "-o", "-"]) == 0, capsys.readouterr().err
        assert "x: the name is there twice" in capsys.readouterr().out
    assert "x: the name is there twice" in assay.propose_analysis(table).text


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-(2**62), 2**62), st.booleans()), min_size=1))
def test_facts_count_what_is_missing_and_what_differs(values):
    try:
        column = pa.array(values)
    except pa.ArrowException:
        return
    facts = facts_of("x", column)
    present = [v for v in values if v is not None and v == v]
    assert facts.missing == len(values) - len(present)
    if present and pa.types.is_floating(column.type):
        assert facts.distinct == len({0.0 if v == 0 else float(v) for v in present}) or 0.0 in present


@pytest.mark.parametrize("text", [*HOSTILE_NAMES, *string.printable])
def test_any_text_comes_back_from_yaml_as_it_was(text):
    from assay.plan.params import substitute
    from assay.proposal.yaml_words import comment, flow
    from assay.yaml_text import parse_yaml

    written = f"a: {flow([text, {'k': text}])} # {comment(text)}\nb: 1\n"
    assert substitute(parse_yaml(written), {}) == {"a": [text, {"k": text}], "b": 1}
