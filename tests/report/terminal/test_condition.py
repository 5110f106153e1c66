"""Conditions on slices: what they mean, and what is said of those that cannot be read."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import UsageError
from assay.report.terminal.condition import Kind, condition_of

NAMES: dict[str, Kind] = {
    "auc": "number",
    "rows": "number",
    "slice": "text",
    "auc change": "number",
    "fpr@0.25": "number",
}
ROW = {"auc": 0.65, "rows": 800.0, "slice": "sex=Female", "auc change": math.nan, "fpr@0.25": 0.1}


def holds(text, **values):
    return condition_of(text, NAMES)({**ROW, **values}.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auc < 0.7 and rows > 500", True),
        ("auc < 0.7 and rows > 900", False),
        ("auc > 0.7 or rows > 500", True),
        ("not auc > 0.7", True),
        ("not (auc < 0.7 and rows > 500)", False),
        ("auc >= .65 and auc <= 6.5e-1 and auc == 0.65 and auc = 0.65 and not auc != 0.65", True),
        ("0.7 > auc", True),
        ("auc > -1 and auc > +0.1", True),
        ("fpr@0.25 <= 0.1", True),
        ("auc > 0.7 and rows > 900 or rows > 500", True),  # `and` binds more than `or`
        ("auc > 0.7 and (rows > 900 or rows > 500)", False),
        ("not auc > 0.7 and rows > 500", True),  # `not` binds more than `and`
        ('slice = "sex=Female"', True),
        ("slice != 'sex=Female'", False),
        ('"female" in slice', True),
        ("not 'race' in slice", True),
        ("auc<0.7and(rows>500)", True),
    ],
)
def test_a_condition_means_what_it_says(text, expected):
    assert holds(text) is expected


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "=", "!="])
def test_no_comparison_with_an_undefined_value_is_true(sign):
    assert not holds(f"`auc change` {sign} 0")
    assert holds(f"not `auc change` {sign} 0")


def test_undefined_values_can_be_asked_for():
    assert holds("`auc change` = undefined and auc != undefined")
    assert not holds("`auc change` != undefined or undefined == auc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at its end: expected a name, a number or a text in quotes"),
        ("auk < 0.7", "at character 1, 'auk': there is no such name; did you mean 'auc'?"),
        ("rows > 5 and zzz = 1", "at character 14, 'zzz': there is no such name; there are auc, rows, slice"),
        ("auc 0.7", "at character 5, '0.7': expected a comparison such as `auc < 0.7`"),
        ("auc <", "at its end: expected a name, a number or a text in quotes"),
        ("auc < 0.7 rows > 5", "at character 11, 'rows': expected `and` or `or`"),
        ("0.5 < auc < 0.7", "at character 11, '<': expected `and` or `or`"),
        ("(auc < 0.7", "at its end: expected `)`"),
        ("auc < 0.7)", "at character 10, ')': expected `and` or `or`"),
        ("auc < 'x'", "at character 7, \"'x'\": expected a number to compare with auc"),
        ("slice > 3", "at character 9, '3': expected a text to compare with slice"),
        ("3 in slice", "at character 1, '3': expected a text beside `in`"),
        ("auc in slice", "at character 1, 'auc': expected a text beside `in`"),
        ("auc < undefined", "at character 5, '<': expected = or != beside `undefined`"),
        ("auc ~ 3", "at character 5, '~': expected a name, a number, a text or a sign"),
        ("slice = 'open", 'at character 9, "\'": expected a name, a number, a text or a sign'),
        ("and", "at character 1, 'and': expected a name"),
        ("auc.__class__ < 3", "at character 1, 'auc.__class__': there is no such name"),
        ("(" * 60 + "auc < 1" + ")" * 60, "expected at most 50 `not` and brackets within each other"),
        ("not " * 5000 + "auc < 1", "expected at most 50"),
    ],
)
def test_a_condition_that_cannot_be_read_is_told_with_its_place(text, message):
    with pytest.raises(UsageError) as error:
        holds(text)
    assert str(error.value).startswith(message) or message in str(error.value)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_an_error_of_our_own(text):
    with contextlib.suppress(UsageError):
        assert holds(text) in (True, False)


comparison = st.tuples(st.sampled_from(["auc", "rows"]), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
numbers = st.floats(-1000, 1000).map(lambda number: round(number, 3))
expressions = st.recursive(
    st.builds(lambda pair, number: f"{pair[0]} {pair[1]} {number!r}", comparison, numbers),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=8,
)


@given(expressions, numbers, numbers)
def test_a_condition_without_undefined_values_means_what_it_means_in_python(text, auc, rows):
    names = {"auc": auc, "rows": rows}
    assert holds(text, **names) is eval(text, {"__builtins__": {}}, names)  # made above
