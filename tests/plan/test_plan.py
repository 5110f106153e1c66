import dataclasses
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.cli import main
from assay.errors import ConfigError, PipelineError
from assay.plan.as_json import digest, from_json, to_json
from assay.plan.checks import check
from assay.plan.filled import with_defaults, with_params
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Edge, Plan, Stage, Task, edges
from assay.report.graph import as_mermaid, as_tree
from assay.types import LAST_EXTRACTOR_STAGE_NAME
from tests.small_analysis import ANALYSIS

METRICS = Stage(name="Metrics", kind=EVALUATE, run_after="SliceKeys", outputs=("metrics", "plots"))


def plan_of(*evaluators, extractors=("Features", "SliceKeys"), writers=(), tasks=None, **fields):
    stages = (
        Stage(name="Read", kind=READ_INPUTS),
        *(Stage(name=name, kind=EXTRACT, adds=("features",)) for name in extractors),
        *(evaluators or (METRICS,)),
        Stage(name="Gate", kind=GATE),
        Stage(name="Write", kind=WRITE_RESULTS, settings={"writers": [{"name": name} for name in writers]}),
    )
    defaults = {"inputs": {"format": "csv", "files": ["/d/a.csv"]}, "eval_config": {}, "output": "/out"}
    return Plan(
        stages=stages,
        tasks=(Task(name="Analyse", stages=tuple(s.name for s in stages)),) if tasks is None else tasks,
        **{**defaults, **fields},
    )


def evaluator(name, *outputs, run_after=""):
    return Stage(name=name, kind=EVALUATE, run_after=run_after, outputs=outputs)


def refused(plan, error=PipelineError):
    with pytest.raises(error) as caught:
        check(plan)
    return str(caught.value)


# Reading and writing


def test_a_plan_read_back_is_equal():
    plan = plan_of(
        METRICS,
        evaluator("Drift", "drift", run_after="Features"),
        writers=("WriteDrift",),
        models=({"name": "m", "uri": "gs://b/m", "type": "keras", "features": ("a", "b")},),
        params={"date": None, "who": "me"},
        max_bad_rows=0.001,
        eval_config={"x": [1, 2.5, None, True, {"y": "ü"}]},
    )
    assert from_json(to_json(plan)) == plan
    assert to_json(from_json(to_json(plan))) == to_json(plan)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(settings=st.dictionaries(st.text(), json_values, max_size=4))
def test_any_json_settings_survive_the_round_trip(settings):
    plan = plan_of(evaluator("E", "x"), inputs={"files": [], "args": settings}, resolved=True)
    assert from_json(to_json(plan)) == plan


def test_a_field_that_came_later_is_there_only_where_it_says_something():
    """So that plans of before keep their digests."""
    assert not {"options", "output_file_format"} & json.loads(to_json(plan_of())).keys()
    later = plan_of(options=("--runner=PrismRunner",), output_file_format="parquet")
    assert from_json(to_json(later)) == later


def test_the_digest_follows_the_content_and_not_the_order_of_keys():
    plan = plan_of(inputs={"format": "csv", "files": ["/d/a.csv"]})
    assert digest(plan) == digest(plan_of(inputs={"files": ["/d/a.csv"], "format": "csv"}))
    assert digest(plan) != digest(dataclasses.replace(plan, min_rows=2))
    assert re.fullmatch("[0-9a-f]{64}", digest(plan))


@pytest.mark.parametrize("value", [float("nan"), {1: "a"}, b"bytes", object(), [float("inf")], {"a": {2, 3}}])
def test_a_setting_that_is_no_json_is_refused(value):
    with pytest.raises(PipelineError, match=r"stage 'S': settings.x.*: expected"):
        Stage(name="S", kind=EXTRACT, settings={"x": value})


def edited(**changes):
    return json.dumps({**json.loads(to_json(plan_of())), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "plan: expected JSON, found '{'"),
        ("[]", "expected version 1, found None"),
        (edited(version=2), "expected version 1, found 2"),
        (edited(colour="red"), "plan: expected the keys"),
        (edited(min_rows="3"), "plan.min_rows: expected int, found '3'"),
        (edited(min_rows=True), "plan.min_rows: expected int, found True"),
        (edited(resolved=0), "plan.resolved: expected bool, found 0"),
        (edited(stages=[{"name": "x"}]), "plan.stages[0]: expected the keys"),
        (edited(models=["m"]), "plan.models: expected a list of dict"),
        (edited(params={"a": 1}), "params.a: expected text or null, found 1"),
    ],
)
def test_json_that_is_no_plan_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        from_json(text)
    assert message in str(caught.value)


def test_json_of_stages_that_do_not_fit_is_refused():
    with pytest.raises(PipelineError, match="run_after"):
        from_json(to_json(plan_of(evaluator("E", "x", run_after="Nowhere"))))
    with pytest.raises(PipelineError, match="a root of checkpoints has a folder 'plans' of its own"):
        from_json(to_json(plan_of(tasks=(Task(name="plans", stages=tuple(s.name for s in plan_of().stages)),))))


# Checks


def test_a_sound_plan_passes():
    check(plan_of(METRICS, evaluator("A", "a"), evaluator("B", "metrics", run_after=LAST_EXTRACTOR_STAGE_NAME)))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (plan_of(extractors=("Same", "Same")), "two stages have the name 'Same'"),
        (plan_of(writers=("Gate",)), "two stages have the name 'Gate'"),
        (plan_of(evaluator("Features", "x")), "two stages have the name 'Features'"),
        (plan_of(evaluator("E", "x", run_after="Featurs")), "did you mean 'Features'?"),
        (plan_of(evaluator("E", "x", run_after="Gate")), "run_after names no extractor: 'Gate'"),
        (plan_of(evaluator("E")), "evaluator 'E': expected at least one output key"),
        (plan_of(evaluator("E", "x"), evaluator("F", "x")), "'F': output key 'x' belongs to evaluator 'E'"),
        (plan_of(evaluator("E", "validations")), "output key 'validations' belongs to the gate"),
        (plan_of(extractors=(LAST_EXTRACTOR_STAGE_NAME,)), "found the name '<last-extractor>'"),
        (plan_of(evaluator("runs", "x")), "a root of checkpoints has a folder 'runs' of its own"),
        (plan_of(evaluator("Plans", "x")), "a root of checkpoints has a folder 'Plans' of its own"),
        (plan_of(extractors=("scratch",)), "a root of checkpoints has a folder 'scratch' of its own"),
        (plan_of(extractors=("RUNS",)), "a root of checkpoints has a folder 'RUNS' of its own"),
        (plan_of(writers=("plans",)), "settings.writers[0].name: a root of checkpoints has a folder 'plans'"),
        (plan_of(extractors=("a/../b",)), "found the name 'a/../b'"),
        (plan_of(extractors=("",)), "found the name ''"),
        (plan_of(writers=("no good",)), "settings.writers[0].name"),
        (plan_of(Stage(name="E", kind="evaluat", outputs=("x",))), "did you mean 'evaluate'?"),
        (plan_of(Stage(name="E", kind=GATE)), "expected one stage of kind gate, found 2"),
        (plan_of(Stage(name="E", kind=EXTRACT, outputs=("x",))), "only evaluators have run_after and outputs"),
        (plan_of(METRICS, Stage(name="Late", kind=EXTRACT)), "expected the order read-inputs, extract"),
        (plan_of(tasks=()), "expected every stage of the plan in one task; 'Features' is in 0"),
    ],
)
def test_stages_that_do_not_fit_together_are_refused(plan, message):
    assert message in refused(plan)


@pytest.mark.parametrize("name", ["runs", "Plans", "SCRATCH"])
@pytest.mark.parametrize(
    "command", [["run", "--checkpoints=root"], ["check"], ["plan"], ["compile", "kfp", "-op.yaml"]]
)
def test_every_command_refuses_a_stage_called_as_a_folder_of_a_root(tmp_path, monkeypatch, capsys, command, name):
    own = f"{{name: {name}, factory: 'own:make', run_after: ExtractFeatures, outputs: [zz]}}"
    (tmp_path / "a.yaml").write_text(f"{ANALYSIS}evaluators: [{own}]\n")
    (tmp_path / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    monkeypatch.chdir(tmp_path)
    assert main([*command, "a.yaml"]) == 64
    assert f"a root of checkpoints has a folder '{name}' of its own; choose another name" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"a.yaml", "d.csv"}


def test_every_stage_is_in_one_task_that_comes_after_earlier_ones():
    names = [stage.name for stage in plan_of().stages]
    first, rest = Task(name="First", stages=tuple(names[:2])), tuple(names[2:])
    check(plan_of(tasks=(first, Task(name="Rest", stages=rest, after=("First",)))))
    twice = plan_of(tasks=(first, Task(name="Rest", stages=(*rest, names[0]))))
    assert "'Read' is in 2" in refused(twice)
    cycle = plan_of(tasks=(dataclasses.replace(first, after=("Rest",)), Task(name="Rest", stages=rest)))
    assert "task 'First': expected after to name earlier tasks, found 'Rest'" in refused(cycle)
    same = plan_of(tasks=(first, Task(name="First", stages=rest)))
    assert "two tasks have the name 'First'" in refused(same)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"output": "out"}, "output"),
        ({"inputs": {"format": "csv", "files": ["/ok", "a.csv"]}}, "inputs.files[1]"),
        ({"inputs": {"files": ["/ok"], "join": {"files": ["/ok", "b.csv"]}}}, "inputs.join.files[1]"),
        ({"models": ({"name": "m", "type": "keras", "uri": "m.keras"},)}, "models[0].uri"),
    ],
)
def test_no_relative_file_stands_in_a_plan(fields, path):
    assert refused(plan_of(**fields), ConfigError).startswith(f"{path}: expected an absolute path or a URI")


def test_an_import_path_of_a_callable_model_is_no_file():
    check(plan_of(models=({"name": "m", "type": "callable", "uri": "pkg.models:predict"},)))


# Parameters


def test_parameters_change_every_value_and_no_key_or_name():
    plan = plan_of(
        Stage(name="E", kind=EVALUATE, outputs=("x",), settings={"args": {"n": 3, "deep": [{"a": "${who}"}]}}),
        inputs={"format": "csv", "files": ["/data/${date}/${who}-*.csv"]},
        models=({"name": "m", "type": "keras", "uri": "gs://b/${date}.keras"},),
        eval_config={"model_specs": [{"label_key": "${who}"}]},
        output="/out/${date}",
        params={"date": None, "who": "me"},
    )
    done = with_params(plan, {"date": "2026-11-01"})
    assert done.inputs["files"] == ["/data/2026-11-01/me-*.csv"]
    assert done.models[0]["uri"] == "gs://b/2026-11-01.keras"
    assert done.eval_config == {"model_specs": [{"label_key": "me"}]}
    assert done.output == "/out/2026-11-01"
    assert done.stage("E").settings == {"args": {"n": 3, "deep": [{"a": "me"}]}}
    assert done.params == {"date": "2026-11-01", "who": "me"}
    assert done.resolved
    assert edges(done) == edges(plan)
    assert from_json(to_json(done)) == done


def test_two_dollars_stand_for_a_literal_one():
    plan = plan_of(output="/out/$${date}/${date}/$x/$$", params={"date": "d"})
    assert with_params(plan, {}).output == "/out/${date}/d/$x/$$"


def test_what_a_parameter_brings_is_not_looked_into():
    assert with_params(plan_of(output="/o/${a}", params={"a": None}), {"a": "${b}$${c}"}).output == "/o/${b}$${c}"


def test_an_empty_value_is_a_value():
    assert with_params(plan_of(output="/o${a}", params={"a": None}), {"a": ""}).output == "/o"


def test_a_resolved_plan_takes_no_further_parameters():
    done = with_params(plan_of(params={"a": "1"}), {})
    assert with_params(done, {}) == done
    with pytest.raises(ConfigError, match="come too late"):
        with_params(done, {"a": "2"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "parameter 'date' must be given: --param date=VALUE, or in Python {'date': VALUE}"),
        ({"dat": "x"}, "unknown parameter 'dat'; did you mean 'date'? there are date, who"),
    ],
)
def test_missing_and_unknown_parameters_are_refused(values, message):
    with pytest.raises(ConfigError) as caught:
        with_params(plan_of(params={"date": None, "who": "me"}), values)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("/o/${dates}", "output: unknown parameter 'dates' in '/o/${dates}'; did you mean 'date'? there are date"),
        ("/o/${a-b}", "output: expected ${name}, found '/o/${a-b}'; write $${ for a literal ${"),
        ("/o/${", "output: expected ${name}, found '/o/${'; write $${ for a literal ${"),
    ],
)
def test_a_reference_to_no_parameter_is_refused(output, message):
    plan = plan_of(output=output, params={"date": "x"})
    assert refused(plan, ConfigError) == message
    with pytest.raises(ConfigError):
        with_params(plan, {})


def test_a_parameter_in_a_key_is_refused():
    plan = plan_of(eval_config={"feature_values": {"${date}": "x"}}, params={"date": "x"})
    assert "eval_config.feature_values: the key '${date}' has a parameter" in refused(plan, ConfigError)


def test_a_parameter_at_the_start_of_a_place_must_bring_an_absolute_one():
    plan = plan_of(output="${root}/x", params={"root": None})
    assert with_params(plan, {"root": "gs://bucket"}).output == "gs://bucket/x"
    with pytest.raises(ConfigError, match="output: expected an absolute path or a URI in a plan, found 'rel/x'"):
        with_params(plan, {"root": "rel"})


def test_other_defaults_leave_the_parameters_open():
    plan = with_defaults(plan_of(output="/o/${a}", params={"a": None}), {"a": "1"})
    assert (plan.output, plan.params, plan.resolved) == ("/o/${a}", {"a": "1"}, False)
    with pytest.raises(ConfigError, match="unknown parameter 'b'"):
        with_defaults(plan, {"b": "1"})


# Edges and pictures


def test_an_evaluator_starts_from_the_extractor_that_it_names():
    plan = plan_of(
        evaluator("AsRead", "a"),
        evaluator("Early", "b", run_after="Features"),
        evaluator("Last", "metrics", run_after=LAST_EXTRACTOR_STAGE_NAME),
    )
    assert edges(plan) == (
        Edge("Read", "Features"),
        Edge("Features", "SliceKeys"),
        Edge("Read", "AsRead", "run_after"),
        Edge("Features", "Early", "run_after"),
        Edge("SliceKeys", "Last", "run_after"),
        Edge("Last", "Gate", "metrics"),
        Edge("AsRead", "Write", "a"),
        Edge("Early", "Write", "b"),
        Edge("Last", "Write", "metrics"),
        Edge("Gate", "Write", "validations"),
    )


def test_without_extractors_the_last_one_is_the_reading():
    plan = plan_of(evaluator("E", "x", run_after=LAST_EXTRACTOR_STAGE_NAME), extractors=())
    assert plan.extractor_before(plan.stage("E")) == "Read"


def test_an_unknown_stage_is_refused_with_a_near_miss():
    with pytest.raises(PipelineError, match="did you mean 'Features'"):
        plan_of().stage("Feature")


def test_the_tree_puts_evaluators_under_their_extractors():
    plan = plan_of(METRICS, evaluator("Drift", "drift"), writers=("W1", "W2"), params={"date": None})
    assert as_tree(plan) == (
        "date = (must be given)\n"
        "Analyse\n"
        "├─ Read  [csv: /d/a.csv]\n"
        "│  └─ Drift  [run_after reading; outputs drift]\n"
        "├─ Features  [adds features]\n"
        "├─ SliceKeys  [adds features]\n"
        "│  └─ Metrics  [run_after SliceKeys; outputs metrics, plots]\n"
        "├─ Gate  [outputs validations]\n"
        "└─ Write  [to /out]\n"
        "   ├─ W1\n"
        "   └─ W2\n"
    )


def test_the_tree_of_several_tasks_names_what_they_wait_for():
    names = tuple(stage.name for stage in plan_of().stages)
    tasks = (Task(name="First", stages=names[:3]), Task(name="Rest", stages=names[3:], after=("First",)))
    lines = as_tree(plan_of(tasks=tasks)).splitlines()
    assert "Rest  [after First]" in lines
    assert "├─ Metrics  [run_after SliceKeys; outputs metrics, plots]" in lines


def test_the_flowchart_labels_run_after():
    lines = [line.strip() for line in as_mermaid(plan_of()).splitlines()]
    assert lines[0] == "flowchart LR"
    assert 's2["SliceKeys"]' in lines
    assert 's3["Metrics"]' in lines
    assert 's2 -->|"run_after"| s3' in lines
    assert "s0 --> s1" in lines


def test_plan_loads_the_standard_library_and_assay_only():
    code = "import sys; old = {*sys.modules}; import assay.plan.plan, assay.report.graph; print(*{*sys.modules} - old)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded - {"assay"} <= sys.stdlib_module_names
