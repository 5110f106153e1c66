import subprocess
import sys
from types import SimpleNamespace

import pytest

import assay
import assay.run
from assay.cli import main, run
from assay.errors import AssayError, MissingColumnError, ModelError, TransientError
from assay.plan.as_json import from_json

ANALYSIS = """
params: {date: null, who: me}
inputs: {format: csv, files: "data/${date}/*.csv"}
eval_config:
  model_specs: [{label_key: y, prediction_key: p}]
  metrics_specs: [{metrics: [{class_name: ExampleCount}]}]
output: out/${who}
"""


@pytest.fixture
def analysis(tmp_path):
    file = tmp_path / "analysis.yaml"
    file.write_text(ANALYSIS)
    return str(file)


@pytest.fixture
def local(monkeypatch):
    """Stands in for what runs a plan; `calls` has what it was called with, `raises` what it shall raise."""
    stand_in = SimpleNamespace(calls=[], raises=None, status="NOT_BLESSED")

    def called(plan, **options):
        stand_in.calls.append((plan, options))
        if stand_in.raises:
            raise stand_in.raises
        return SimpleNamespace(output=plan.output, verdict=SimpleNamespace(status=stand_in.status), left_out=["a line"])

    stand_in.run = stand_in.check = called
    monkeypatch.setattr(assay.run, "local", stand_in, raising=False)
    monkeypatch.setattr(assay.run, "check", stand_in, raising=False)
    return stand_in


@pytest.fixture
def shown(monkeypatch):
    """Stands in for what shows results; has what it was asked for."""
    calls = []
    monkeypatch.setattr(run, "show_results", lambda results, **_: calls.append(results))
    monkeypatch.setattr(run, "write_page", lambda results, page: calls.append((results, page)))
    return calls


def error_of(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").rstrip("\n")


# plan


def test_plan_prints_a_tree_with_the_parameters_left_open(analysis, capsys):
    assert main(["plan", analysis]) == 0
    out = capsys.readouterr().out
    assert out.startswith("date = (must be given)\nwho = me\nAnalyse\n├─ ReadInputs  [csv: ")
    assert "/data/${date}/*.csv]" in out


def test_plan_prints_the_plan_itself_as_json(analysis, capsys):
    assert main(["plan", analysis, "--format", "json"]) == 0
    plan = from_json(capsys.readouterr().out)
    assert (plan.params, plan.resolved) == ({"date": None, "who": "me"}, False)


def test_plan_prints_a_flowchart_with_run_after_on_its_edges(analysis, capsys):
    assert main(["plan", analysis, "--format", "mermaid"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("flowchart LR\n")
    assert '-->|"run_after"|' in out


def test_plan_resolves_once_all_parameters_are_given(analysis, capsys):
    assert main(["plan", analysis, "--param", "date=2026-11-01", "--format", "json"]) == 0
    plan = from_json(capsys.readouterr().out)
    assert plan.resolved
    assert plan.inputs["files"][0].endswith("/data/2026-11-01/*.csv")
    assert main(["plan", analysis, "--param", "who=you", "--format", "json"]) == 0
    plan = from_json(capsys.readouterr().out)
    assert (plan.params, plan.resolved) == ({"date": None, "who": "you"}, False)


# run and check


def test_run_gives_the_resolved_plan_and_shows_progress_on_stderr(analysis, local, shown, tmp_path, capsys):
    assert main(["run", analysis, "--param", "date=a=b", "--param", "who=you"]) == 0
    ((plan, options),) = local.calls
    assert plan.resolved
    assert plan.params == {"date": "a=b", "who": "you"}
    assert options == {"checkpoints": None, "progress": sys.stderr, "options": ()}
    assert shown == [f"{tmp_path}/out/you"]
    assert capsys.readouterr().out == f"NOT_BLESSED  {tmp_path}/out/you\nPage: {tmp_path}/out/you/page.html\n"


def test_run_passes_on_where_checkpoints_are_and_what_is_for_beam(analysis, local, shown):
    assert main(["run", analysis, "--param", "date=1", "--checkpoints", "gs://b/c", "--", "--runner=X"]) == 0
    options = local.calls[0][1]
    assert (options["checkpoints"], options["options"]) == ("gs://b/c", ("--runner=X",))


def test_a_quiet_run_prints_the_verdict_only(analysis, local, shown, tmp_path, capsys):
    local.status = "BLESSED"
    assert main(["run", analysis, "--param", "date=1", "--quiet"]) == 0
    assert local.calls[0][1]["progress"] is None
    assert capsys.readouterr().out == f"BLESSED  {tmp_path}/out/me\n"
    assert shown == []


def test_a_run_writes_its_page_where_asked(analysis, local, shown, tmp_path):
    assert main(["run", analysis, "--param", "date=1", "--quiet", "--html", "page.html"]) == 0
    assert shown == [(f"{tmp_path}/out/me", "page.html")]


@pytest.mark.parametrize(("flags", "import_code"), [([], False), (["--import"], True)])
def test_check_imports_code_only_when_asked(analysis, local, capsys, flags, import_code):
    assert main(["check", analysis, "--param", "date=1", *flags]) == 0
    ((plan, options),) = local.calls
    assert plan.resolved
    assert options == {"import_code": import_code}
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{analysis}: ok (")
    assert said[1:] == ["a line"]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_parameter_is_refused_before_anything_runs(analysis, local, capsys, command):
    assert main([command, analysis]) == 64
    assert (
        error_of(capsys)
        == f"{analysis}: parameter 'date' must be given: --param date=VALUE, or in Python {{'date': VALUE}}"
    )
    assert not local.calls


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_an_unknown_parameter_is_refused_with_a_near_miss(analysis, local, capsys, command):
    assert main([command, analysis, "--param", "date=1", "--param", "wo=x"]) == 64
    assert "unknown parameter 'wo'; did you mean 'who'?" in error_of(capsys)
    assert not local.calls


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (ModelError("no model"), 64, "{file}: no model"),
        (TransientError("try later"), 75, "try later"),
        (AssayError("broken"), 1, "broken"),
        (RuntimeError("Traceback\nassay.errors.MissingColumnError: no 'x' [while running 'A/B']"), 64, "no 'x'"),
        (ValueError("odd\nsecond line"), 1, "ValueError: odd (--verbose shows where)"),
        (KeyError(), 1, "KeyError: (--verbose shows where)"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(analysis, local, capsys, raised, code, message):
    local.raises = raised
    assert main(["check", analysis, "--param", "date=1"]) == code
    assert error_of(capsys) == message.format(file=analysis)


def test_verbose_shows_the_traceback(analysis, local, capsys):
    local.raises = MissingColumnError("no column")
    assert main(["check", analysis, "--param", "date=1", "--verbose"]) == 64
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.endswith(f"error: {analysis}: no column\n")


def test_an_interrupt_ends_with_130(analysis, local, capsys):
    local.raises = KeyboardInterrupt()
    assert main(["run", analysis, "--param", "date=1"]) == 130
    assert capsys.readouterr().err.endswith("error: interrupted\n")


# Usage


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'."),
        (["plan"], "Missing argument 'ANALYSIS'."),
        (["plan", "a", "--format", "xml"], "'xml' is not one of 'tree', 'json', 'mermaid'."),
        (["run", "a", "--param", "date"], "expected NAME=VALUE, found 'date'"),
        (["run", "a", "--param", "=x"], "expected NAME=VALUE, found '=x'"),
        (["run", "a", "--param", "a=1", "--param", "a=2"], "a is given twice"),
        (["run", "nowhere.yaml"], "nowhere.yaml: expected a file that can be read; No such file or directory"),
    ],
)
def test_a_wrong_call_ends_with_64(capsys, args, message):
    assert main(args) == 64
    assert message in error_of(capsys)


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 64
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "show", "plan", "check"])
def test_every_command_has_help(capsys, command):
    assert main([command, "--help"]) == 0
    assert f"Usage: assay {command}" in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; old = set(sys.modules); from assay.cli import main; main(['--help']); "
        "print(*{n.partition('.')[0] for n in set(sys.modules) - old})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.splitlines()[-1].split())
    assert loaded - sys.stdlib_module_names <= {"assay", "click"}
