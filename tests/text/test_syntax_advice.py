"""What is wrong with YAML or JSON comes with what to do, whatever its parser says of it."""

import json

import pytest

from assay.errors import ConfigError
from assay.text.syntax_advice import json_advice
from assay.yaml_text import parse_json, parse_yaml

YAML = {
    "a:\n\tb: c": "indent with spaces",
    'a: "b': "close the quote",
    "a: b: c": "in quotes",
    "a: [1, 2": "close the list with ]",
    "a: {b: 1": "close the mapping with }",
    "a: *b": "in quotes",
    "a: !b c": "remove the tag",
    "a: 1\n---\nb: 1": "remove the line ---",
    "a: 1\na: 2": "remove one",
    "a: \0": "remove it",
    "[a]: b": "put it in quotes",
}
JSON = {
    '{"a": 1,}': "remove the comma behind the last entry",
    "[1,]": "remove the comma behind the last entry",
    '{"a": 1 "b": 2}': "put a comma between two entries",
    "{'a': 1}": "in double quotes",
    "{a: 1}": "put the key in double quotes",
    '{"a": True}': "in lower case",
    '{"a" 1}': "write a colon behind the key",
    '{"a": }': "give a value here",
    '{"a": 1 // one\n}': "remove the comment",
    '{"a": 1': "close every {",
    '{"a": 1}}': "remove what follows the end",
    '{"a': "close the quote",
    '{"a\nb": 1}': "close the quote on the same line",
    '{"a": "\\d"}': "for a backslash",
    " ": "it is empty: write an object",
}


@pytest.mark.parametrize("text", YAML)
def test_yaml_that_is_none_comes_with_place_and_cure(text):
    with pytest.raises(ConfigError, match=r"^line \d, column \d+: ") as caught:
        parse_yaml(text)
    assert YAML[text] in str(caught.value)


@pytest.mark.parametrize("text", JSON)
def test_json_that_is_none_comes_with_place_and_cure(text):
    with pytest.raises(ConfigError, match=r"^line \d, column \d+: expected JSON; ") as caught:
        parse_json(text)
    assert JSON[text] in str(caught.value)


@pytest.mark.parametrize("end", range(1, 40))
def test_json_that_is_cut_off_anywhere_has_a_cure(end):
    text = '{"a": [1, {"b": "c\\u0041"}, true], "d": null}'[:end]
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    assert json_advice(caught.value.msg, text, caught.value.pos).startswith("; ")
