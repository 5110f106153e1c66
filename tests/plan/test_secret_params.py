"""Secret parameters reach the user's own code and nothing else: no plan, result, command line or message."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.checkpoints.digests import settings_of
from assay.cli import main
from assay.errors import AssayError, ConfigError
from assay.models.model import ModelRef
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import from_json, to_json
from assay.plan.filled import with_params
from assay.plan.secret_params import digests_of, looks_secret, refuse_values, value_of, variable_of
from assay.text.redaction import redacted
from tests.secret_code import OWN, SECRET, telling


def analysis_of(**more: Any) -> dict[str, Any]:
    return {
        "params": {"db_password": None, "date": "2026-11-01"},
        "inputs": {"format": "csv", "files": ["d.csv"]},
        "output": "out",
        "extractors": [
            {
                "name": "Own",
                "factory": "own:make",
                "args": {"dsn": "postgres://u:${db_password}@h/${date}", "nested": [{"again": "${db_password}"}]},
                "adds": ["features"],
            }
        ],
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
        },
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", "")
    monkeypatch.delenv("ASSAY_PARAM_DB_PASSWORD")
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--checkpoints", "root"]])
@pytest.mark.parametrize("door", ["environment", "--param"])
def test_a_secret_reaches_the_factory_and_no_file(folder, monkeypatch, capsys, options, door):
    (folder / "a.json").write_text(json.dumps(analysis_of(analysis_table=True)))
    given = ["--param", f"db_password={SECRET}"] if door == "--param" else []
    if door == "environment":
        monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    assert main(["run", "a.json", "--quiet", *given, *options]) == 0
    printed = capsys.readouterr()
    assert f"postgres://u:{SECRET}@h/2026-11-01" in (folder / "seen.txt").read_text()
    assert telling(folder) == []
    assert SECRET not in printed.out + printed.err
    (results,) = [json.loads(file.read_text()) for file in folder.rglob("results.json")]
    assert results["params"] == {"db_password": "${db_password}", "date": "2026-11-01"}


def test_without_a_value_the_variable_is_named(folder, capsys):
    (folder / "a.json").write_text(json.dumps(analysis_of()))
    assert main(["run", "a.json", "--quiet"]) == 64
    assert "expected its value in the environment, as ASSAY_PARAM_DB_PASSWORD" in capsys.readouterr().err


@pytest.mark.parametrize("factory", ["own:refuse", "own:model"])
def test_what_own_code_says_of_its_arguments_is_shown_without_the_secret(folder, monkeypatch, capsys, factory):
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    content = analysis_of()
    content["extractors"][0]["factory"] = factory
    (folder / "a.json").write_text(json.dumps(content))
    assert main(["run", "a.json", "--quiet"]) != 0
    assert SECRET not in capsys.readouterr().err


def test_a_plan_holds_the_reference_also_once_it_is_resolved(folder):
    plan = with_params(compile_analysis(analysis_of(), folder), {"db_password": SECRET, "date": "2026-11-02"})
    assert SECRET not in to_json(plan)
    assert "postgres://u:${db_password}@h/2026-11-02" in to_json(plan)
    assert from_json(to_json(plan)) == plan
    assert value_of("db_password") == SECRET


def test_another_secret_is_another_checkpoint_of_the_stages_that_use_it_alone(folder, monkeypatch):
    plan = with_params(compile_analysis(analysis_of(), folder), {})

    def settings() -> dict[str, Any]:
        return {stage.name: settings_of(plan, stage) for stage in plan.stages}

    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", "one")
    first = settings()
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", "two")
    second = settings()
    assert [name for name in first if first[name] != second[name]] == ["Own"]
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", "one")
    assert settings() == first
    assert "one" not in json.dumps(first["Own"]["secrets"])


def test_a_guess_at_a_secret_is_dear(monkeypatch):
    monkeypatch.setenv("ASSAY_PARAM_TOKEN", "x")
    started = time.process_time()
    digests_of("${token}", ["token"])
    assert time.process_time() - started > 0.005


@pytest.mark.parametrize(
    "name",
    ["db_password", "PASSWORD", "api_key", "apikey", "access_token", "client_secret", "dsn", "gcp_credentials"],
)
def test_names_that_tell_of_a_secret(name):
    assert looks_secret(name)
    assert variable_of(name) == f"ASSAY_PARAM_{name.upper()}"


@pytest.mark.parametrize("name", ["date", "label_key", "tokenizer", "version", "secretary", "passwords_checked", "key"])
def test_names_that_do_not(name):
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("params", "secrets"),
    [
        ({"date": "x", "db_password": None}, ("db_password",)),
        ({"date": {"secret": True}}, ("date",)),
        ({"token": {"secret": False, "default": "t"}}, ()),
        ({"token": {"secret": False}, "other": {"secret": True}}, ("other",)),
    ],
)
def test_the_analysis_file_says_which_are_secret(folder, params, secrets):
    assert compile_analysis(analysis_of(params=params, extractors=[]), folder).secrets == secrets


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"params": {"db_password": "in the file", "date": "x"}},
            r"params\.db_password: a secret has no value in a file",
        ),
        ({"output": "out/${db_password}"}, "output: refers to the parameter 'db_password', which is secret"),
        ({"inputs": {"format": "csv", "files": ["${db_password}.csv"]}}, "inputs: refers to the parameter"),
        ({"params": {"db_password": {"secret": "yes"}, "date": "x"}}, r"params\.db_password\.secret: expected true"),
        ({"params": {"db_password": {"hidden": True}, "date": "x"}}, r"params\.db_password\.hidden: unknown key"),
    ],
)
def test_where_a_secret_would_have_to_be_kept_or_shown_it_is_refused(folder, change, message):
    with pytest.raises(ConfigError, match=message):
        compile_analysis(analysis_of(**change), folder)


def test_a_value_cannot_bring_a_reference_to_a_secret(folder):
    plan = compile_analysis(analysis_of(), folder)
    with pytest.raises(ConfigError, match="the value of one refers to 'db_password'"):
        with_params(plan, {"date": "${db_password}"})


def test_another_value_in_the_same_process_is_refused(folder):
    plan = compile_analysis(analysis_of(), folder)
    with_params(plan, {"db_password": SECRET})
    with_params(plan, {"db_password": SECRET})
    with pytest.raises(ConfigError, match="'db_password' is secret and has another value in this process already"):
        with_params(plan, {"db_password": "other"})
    assert value_of("db_password") == SECRET


def test_a_secret_may_be_given_to_a_plan_that_has_its_other_parameters(folder):
    plan = with_params(compile_analysis(analysis_of(), folder), {"date": "2026-11-02"})
    assert with_params(plan, {"db_password": SECRET}) == plan
    assert value_of("db_password") == SECRET
    with pytest.raises(ConfigError, match=r"parameters \['date'\] come too late"):
        with_params(plan, {"date": "2026-11-03"})


@pytest.mark.parametrize("form", ["tree", "json", "mermaid"])
@pytest.mark.parametrize("given", [["db_password=" + SECRET], ["db_password=" + SECRET, "date=2026-11-02"]])
def test_the_command_that_prints_a_plan_does_not_print_a_secret(folder, capsys, form, given):
    content = analysis_of()
    content["params"]["date"] = None
    content["output"] = "out/${date}"
    (folder / "a.json").write_text(json.dumps(content))
    arguments = [argument for param in given for argument in ("--param", param)]
    assert main(["plan", "a.json", "--format", form, *arguments]) == 0
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    if form == "json":
        assert from_json(printed.out).resolved is (len(given) == 2)


def test_a_callable_model_gets_its_secret(folder, monkeypatch):
    content = analysis_of(extractors=[])
    content["models"] = [{"name": "m", "type": "callable", "uri": "own:model", "args": {"dsn": "${db_password}"}}]
    content["eval_config"]["model_specs"] = [{"label_key": "label"}]
    (folder / "a.json").write_text(json.dumps(content))
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    assert main(["run", "a.json", "--quiet", "--checkpoints", "root"]) == 0
    assert telling(folder) == []


def test_texts_are_shown_without_the_values(monkeypatch):
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    assert redacted(f"no route to u:{SECRET}@h") == "no route to u:${db_password}@h"
    monkeypatch.setenv("ASSAY_PARAM_X", "")
    assert redacted("abc") == "abc"
    monkeypatch.setenv("ASSAY_PARAM_A", SECRET[:8])  # the start of the other one
    assert redacted(SECRET) == "${db_password}"
    monkeypatch.delenv("ASSAY_PARAM_A")
    assert os.environ["ASSAY_PARAM_DB_PASSWORD"] == SECRET


@pytest.mark.parametrize(
    "secret",
    ["eyJhbGciOi" * 80, "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkq\n-----END PRIVATE KEY-----\n", "two  words"],
    ids=["longer than what is shown", "of several lines", "with two blanks"],
)
def test_a_message_is_without_the_value_before_it_is_shortened(monkeypatch, secret):
    monkeypatch.setenv("ASSAY_PARAM_TOKEN", secret)
    assert str(ConfigError(f"401 for {secret}!")) == "401 for ${token}!"
    assert "MIIEvgIBADANBgkq" not in str(ConfigError(f"cannot parse {secret.splitlines()[-2:]}"))


# From Python ----------------------------------------------------------------------------------------------------------


def evaluated(folder: Path, **changes: Any) -> Any:
    """What a model says that needs a password; with other arguments where they are given."""
    given = {
        "eval_config": {**analysis_of()["eval_config"], "model_specs": [{"label_key": "label"}]},
        "data_location": folder / "d.csv",
        "file_format": "csv",
        "output_path": folder / "out",
        "params": {"db_password": SECRET},
        "models": [ModelRef("m", "own:model", "callable", args={"dsn": "u:${db_password}@h"})],
    }
    return assay.run_model_analysis(**{**given, **changes})


@pytest.mark.parametrize(
    ("name", "value"),
    [("db_password", SECRET), ("mirror", {"secret": True, "default": SECRET}), ("db_password", None)],
    ids=["by its name", "because it says so", "from the environment"],
)
def test_a_model_gets_its_secret_from_python_and_no_file_has_it(folder, monkeypatch, name, value):
    if value is None:
        monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    models = [ModelRef("m", "own:model", "callable", args={"dsn": f"u:${{{name}}}@{folder.name}"})]
    result = evaluated(folder, params={name: value}, models=models)
    assert result.get_metrics_for_slice()["example_count"] == {"doubleValue": 2.0}
    assert f"u:{SECRET}@{folder.name}" in (folder / "seen.txt").read_text()
    assert telling(folder) == []


def test_from_python_too_the_variable_is_named_where_there_is_no_value(folder):
    with pytest.raises(ConfigError, match="expected its value in the environment, as ASSAY_PARAM_DB_PASSWORD"):
        evaluated(folder, params={"db_password": None})


@pytest.mark.parametrize("value", [SECRET, "", 0, False])
def test_any_value_of_a_secret_is_refused_where_it_would_be_kept_but_for_none(value):
    params = {"date": "2026-11-01", "db_password": value, "token": None}
    with pytest.raises(ConfigError, match="params: 'db_password' is secret; set ASSAY_PARAM_DB_PASSWORD by"):
        refuse_values(params, ("token", "db_password"), "params", "by hand")
    refuse_values({**params, "db_password": None}, ("token", "db_password"), "params", "by hand")


SLICED = {**analysis_of()["eval_config"], "slicing_specs": [{"feature_values": {"score": "${db_password}"}}]}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"eval_config": SLICED}, "eval_config"),
        ({"data_location": "${db_password}.csv"}, "data_location"),
        ({"output_path": "out/${db_password}"}, "output_path"),
        ({"join": {"files": "${db_password}.csv", "on": ["label"]}}, r"inputs\.join"),
        ({"models": [ModelRef("m", "own:${db_password}", "callable")]}, "model 'm': uri"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_python_refuses_a_secret_where_it_would_have_to_be_kept_or_shown(folder, change, where):
    with pytest.raises(ConfigError, match=f"{where}: refers to the parameter 'db_password', which is secret"):
        evaluated(folder, **change)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("uri", ["eval_config", "output_path"])
def test_data_in_memory_are_evaluated_without_any_secret(folder, uri):
    rows = [{"label": 1, "score": 0.5}, {"label": 0, "score": 0.2}]
    given = {"eval_config": analysis_of()["eval_config"], "output_path": f"{folder}/out", "params": {"api_key": SECRET}}
    assay.analyze_raw_data(rows, **given)
    assert telling(folder) == []
    config = {**given["eval_config"], "model_specs": [{"label_key": "label", "prediction_key": "${api_key}"}]}
    wrong = {"eval_config": config, "output_path": f"{folder}/${{api_key}}"}
    with pytest.raises(ConfigError, match=f"{uri}: refers to the parameter 'api_key', which is secret"):
        assay.analyze_raw_data(rows, **{**given, uri: wrong[uri]})


def test_what_is_called_like_a_secret_and_is_none_can_stand_anywhere(folder):
    config = {**analysis_of()["eval_config"], "model_specs": [{"label_key": "label", "prediction_key": "${token}"}]}
    params = {"token": {"secret": False, "default": "score"}}
    result = evaluated(folder, eval_config=config, models=(), params=params)
    assert result.get_metrics_for_slice()["example_count"] == {"doubleValue": 2.0}


def test_what_own_code_says_of_its_arguments_is_shown_to_python_without_the_secret(folder):
    other = f"other-{SECRET}"  # of two calls in one process each keeps its own
    for secret in (SECRET, other):
        models = [ModelRef("m", "own:refuse", "callable", args={"dsn": "u:${db_password}@h"})]
        with pytest.raises(AssayError, match=r"cannot reach u:\$\{db_password\}@h") as refused:
            evaluated(folder, params={"db_password": secret}, models=models)
        assert SECRET not in str(refused.value)
