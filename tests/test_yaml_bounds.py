"""What somebody else wrote as YAML or JSON ends in one line, whatever it would unfold to."""

import os
import subprocess
import sys
import time

import pandas as pd
import pytest

from assay import analyze_raw_data
from assay.cli import main
from assay.errors import ConfigError, EvalConfigError, UsageError
from assay.yaml_text import parse_json, parse_yaml

COUNT = {"metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}]}
ALIASES = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
HOSTILE = {
    "aliases of aliases": (ALIASES, "aliases"),
    "an alias within itself": ("a: &a [*a]", "aliases"),
    "lists within lists": ("[" * 5_000 + "]" * 5_000, "deep"),
    "mappings within mappings": ("{a: " * 400 + "1" + "}" * 400, "deep"),
    "a number of 5,000 digits": ("min_rows: " + "9" * 5_000, "digits"),
    "a key twice among 60,000": ("".join(f"k{i}: 1\n" for i in range(60_000)) + "k5: 2\n", "k5"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_yaml_that_unfolds_without_end_is_refused_at_once(name):
    text, message = HOSTILE[name]
    started = time.process_time()
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text)
    assert time.process_time() - started < 30


def test_aliases_that_a_person_writes_are_taken():
    assert parse_yaml("a: &a [1, 2]\nb: [*a, *a]\nc: *a\n") == {"a": [1, 2], "b": [[1, 2], [1, 2]], "c": [1, 2]}


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 200 + "]" * 200, '{"a": ' + "9" * 5_000 + "}"])
def test_json_that_is_too_deep_or_too_long_a_number_is_refused(text):
    with pytest.raises(ConfigError, match="JSON"):
        parse_json(text)


@pytest.mark.parametrize("text", ["o\\ud800ut", "\\udfff"])
@pytest.mark.parametrize("field", ["output", "files", "label_key", "key", "param"])
def test_half_of_a_character_is_refused_by_name(text, field, tmp_path, capsys):
    line = checked(tmp_path, field, text, capsys)
    assert "expected JSON; the text " in line
    assert "has half of a surrogate pair in it" in line


@pytest.mark.parametrize("field", ["output", "files"])
def test_a_name_that_no_file_can_have_is_refused(field, tmp_path, capsys):
    assert f"{field}: expected a name that a file can have" in checked(tmp_path, field, "a\\u0000b", capsys).replace(
        "inputs.files[0]", "files"
    )


def checked(tmp_path, field, text, capsys):
    """The one line about an analysis file in which one text is another."""
    file = tmp_path / "a.json"
    file.write_text(
        """
        {"params": {"p": "my param"}, "inputs": {"format": "csv", "files": ["my files"]}, "output": "my output",
         "eval_config": {"model_specs": [{"label_key": "my label_key", "prediction_keys": {"my key": "p"}}],
                         "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}}
        """.replace(f"my {field}", text)
    )
    assert main(["check", str(file)]) == 64
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {file}: ")
    return line


def test_python_refuses_half_of_a_character_and_a_name_that_no_file_can_have():
    rows = pd.DataFrame({"label": [0, 1], "prediction": [0.25, 0.75]})
    for config in ({"model_specs": [{"label_key": "\ud800"}]}, {"\udfff": 1}):
        with pytest.raises(EvalConfigError, match="half of a surrogate pair"):
            analyze_raw_data(rows, config)
    for name in ("a\0b", "\ud800"):
        with pytest.raises(UsageError, match="output_path: expected text that can name a file"):
            analyze_raw_data(rows, COUNT, output_path=name)


@pytest.mark.parametrize("name", ["aliases of aliases", "lists within lists", "a number of 5,000 digits"])
def test_the_command_ends_with_64_and_one_line(name, tmp_path, capsys):
    file = tmp_path / "a.yaml"
    file.write_text(HOSTILE[name][0])
    assert main(["check", str(file)]) == 64
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {file}: ")


@pytest.mark.parametrize("key", ["analysis", "eval_config_file"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(key, tmp_path):
    pipe, file = tmp_path / "pipe.yaml", tmp_path / "a.yaml"
    os.mkfifo(pipe)
    file.write_text(f"inputs: {{format: csv, files: [d.csv]}}\neval_config_file: {pipe}\noutput: out\n")
    command = (sys.executable, "-m", "assay", "check", str(pipe if key == "analysis" else file))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 64
    assert "expected a regular file" in done.stderr
