"""Components by themselves, behind a stand-in for a cluster's launcher and its rules."""

import json
import os
import re
import time
import uuid
from itertools import pairwise
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from kfp import dsl

from assay import cli, storage
from assay.cli import main
from assay.components import stage_components as stages
from assay.components.plan_input import PLAN_VARIABLE, environment_text
from assay.plan.analysis_file import compile_analysis
from assay.plan.as_json import from_json, to_json
from assay.plan.blessed import read as read_blessed
from assay.plan.filled import with_params
from assay.plan.stored import path_of_plan
from assay.report.page.results import html_page, markdown_summary
from assay.run.local import run as run_locally
from assay.storage import gcs
from tests.kfp.launcher import Launcher, Task
from tests.kfp.plans import BAD_DAY, GOOD_DAY, ROWS, analysis_of, plan_of, versions_of, write_day
from tests.latest_results import latest
from tests.odd_server import dripping_body, serving
from tests.parity.results import differing, parts_of
from tests.secret_code import OWN, SECRET, SECRETLY, telling


@pytest.fixture
def data(tmp_path):
    write_day(tmp_path / "data", GOOD_DAY)
    write_day(tmp_path / "data", BAD_DAY, is_good=False)
    return tmp_path / "data"


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path / "pipeline")


def in_results(data, folder):
    """The plan with its results where the suite of parity looks for them."""
    return compile_analysis({**analysis_of(data, ""), "output": str(folder / "results")}, Path("/"))


def common(plan, root, date=GOOD_DAY):
    return {"plan": to_json(plan), "root": str(root), "params": {"date": date}}


def run_all(launcher: Launcher, given) -> dict[str, Task]:
    """The plan, task by task."""
    done = {"ReadInputs": launcher.run(stages.read_inputs, **given)}
    manifests = {"ReadInputs": done["ReadInputs"].parameters["manifest"]}
    for name, component, before, extracts in (
        ("ExtractSliceKeys", stages.extract, ["ReadInputs"], "ReadInputs"),
        ("EvaluateMetricsAndPlots", stages.evaluate, ["ExtractSliceKeys"], "ExtractSliceKeys"),
        ("EvaluateExtracts", stages.evaluate, ["ExtractSliceKeys"], "ExtractSliceKeys"),
        ("Gate", stages.gate, ["EvaluateMetricsAndPlots"], ""),
        ("WriteResults", stages.write_results, ["EvaluateMetricsAndPlots", "EvaluateExtracts", "Gate"], ""),
    ):
        inputs = {task: manifests[task] for task in before}
        artifacts = {"extracts": done[extracts].artifacts["checkpoint"]} if extracts else {}
        done[name] = launcher.run(component, stage=name, inputs=inputs, **artifacts, **given)
        manifests[name] = done[name].parameters.get("manifest", "")
    return done


@pytest.fixture(params=["folder", "gcs"])
def root(request, tmp_path):
    if request.param == "folder":
        return tmp_path / "checkpoints"
    return f"{request.getfixturevalue('gcs').root}/{uuid.uuid4().hex}"


def test_all_components_together_give_what_a_run_in_one_process_gives(launcher, data, root, tmp_path):
    done = run_all(launcher, common(in_results(data, tmp_path / "out"), root))
    assert {task.code for task in done.values()} == {0}
    run_locally(with_params(in_results(data, tmp_path / "expected"), {"date": GOOD_DAY}))
    assert differing(parts_of(tmp_path / "out"), parts_of(tmp_path / "expected")) == {}


def test_artifacts_and_parameters_say_where_the_checkpoint_is_and_what_is_in_it(launcher, data, root, tmp_path):
    done = launcher.run(stages.read_inputs, **common(plan_of(data, tmp_path / "out"), root))
    manifest = done.parameters["manifest"]
    checkpoint = done.artifacts["checkpoint"]["metadata"]
    assert checkpoint["manifest"] == manifest
    assert checkpoint["checkpoint"] == manifest.removesuffix("/manifest.json")
    assert (checkpoint["rows"], checkpoint["reused"], checkpoint["digest"]) == (ROWS, False, done.parameters["digest"])
    assert done.content("checkpoint") == storage.read(manifest).decode()


@pytest.mark.parametrize(("day", "verdict"), [(GOOD_DAY, "BLESSED"), (BAD_DAY, "NOT_BLESSED")])
def test_metrics_curves_verdict_and_page_are_what_kubeflow_draws(day, verdict, launcher, data, tmp_path):
    done = run_all(launcher, common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints", day))
    evaluated = done["EvaluateMetricsAndPlots"].artifacts
    auc = evaluated["overall_metrics"]["metadata"]["auc"]
    assert (auc > 0.8) == (verdict == "BLESSED")
    assert evaluated["overall_metrics"]["metadata"]["example_count"] == ROWS
    points = evaluated["roc_and_confusion_matrix"]["metadata"]["confidenceMetrics"]
    assert area([(point["falsePositiveRate"], point["recall"]) for point in points]) == pytest.approx(auc, abs=0.01)
    matrix = evaluated["roc_and_confusion_matrix"]["metadata"]["confusionMatrix"]
    assert sum(sum(row["row"]) for row in matrix["rows"]) == ROWS
    assert [spec["displayName"] for spec in matrix["annotationSpecs"]] == ["negative", "positive"]
    assert done["Gate"].parameters["blessed"] is (verdict == "BLESSED")
    assert done["Gate"].content("verdict_summary").startswith(f"**{verdict.replace('_', ' ')}**: {ROWS} rows")
    written, output = done["WriteResults"], str(latest(tmp_path / "out" / day))
    assert written.parameters == {"output": output, "verdict": verdict}
    assert written.content("results_page") == html_page(output)
    assert written.content("results_summary") == markdown_summary(output)


def test_what_a_gate_tells_names_no_slice_with_too_few_rows(launcher, tmp_path, capsys):
    write_day(tmp_path / "data", BAD_DAY, is_good=False, groups=["Bern"] * 99 + ["Ems"])
    config = {**analysis_of("", "")["eval_config"], "options": {"min_slice_size": 50}}
    plan = plan_of(tmp_path / "data", tmp_path / "out", eval_config=config)
    gate = run_all(launcher, common(plan, tmp_path / "checkpoints", BAD_DAY))["Gate"]
    assert "Ems" not in storage.read(gate.parameters["manifest"]).decode()
    printed = capsys.readouterr()
    log = printed.out + printed.err + gate.content("verdict_summary")
    assert "Overall: auc is " in log
    assert "Ems" not in log
    assert "Bern" not in log  # or all rows without those of Bern would be those of Ems
    assert "auc is not shown in 2 slices that min_slice_size hides" in printed.out


def test_what_a_launcher_copies_is_small_although_a_manifest_is_large(launcher, data, tmp_path, monkeypatch):
    monkeypatch.setattr("assay.components.run.MOST_COPIED", 1000)
    done = run_all(launcher, common(in_results(data, tmp_path / "out"), tmp_path / "checkpoints"))
    assert {task.code for task in done.values()} == {0}
    manifest = done["ReadInputs"].parameters["manifest"]
    assert len(storage.read(manifest)) > 1000
    told = json.loads(done["ReadInputs"].content("checkpoint"))
    assert (told["manifest"], told["rows"]) == (manifest, ROWS)


def test_curves_are_told_as_kubeflows_own_class_does(launcher, data, tmp_path):
    done = run_all(launcher, common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"))
    found = done["EvaluateMetricsAndPlots"].artifacts["roc_and_confusion_matrix"]["metadata"]
    points, matrix = found["confidenceMetrics"], found["confusionMatrix"]
    expected = dsl.ClassificationMetrics()
    names = ("falsePositiveRate", "recall", "confidenceThreshold")
    expected.log_roc_curve(*([point[name] for point in points] for name in names))
    labels = [spec["displayName"] for spec in matrix["annotationSpecs"]]
    expected.log_confusion_matrix(labels, [row["row"] for row in matrix["rows"]])
    assert found == expected.metadata


def area(points):
    """Under a curve, by trapezoids."""
    ordered = [(0.0, 0.0), *sorted(points), (1.0, 1.0)]
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(ordered))


def test_a_regression_has_metrics_and_no_curves(launcher, data, tmp_path):
    config = plan_of(data, "o").eval_config
    metrics = [{"metrics": [{"class_name": "MeanSquaredError"}]}]
    plan = plan_of(data, tmp_path / "out", eval_config={**config, "metrics_specs": metrics})
    evaluated = run_all(launcher, common(plan, tmp_path / "checkpoints"))["EvaluateMetricsAndPlots"].artifacts
    assert list(evaluated["overall_metrics"]["metadata"]) == ["mean_squared_error"]
    assert evaluated["roc_and_confusion_matrix"]["metadata"] == {}


def test_a_second_run_does_no_work_and_only_publishes(launcher, data, tmp_path):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints")
    run_all(launcher, given)
    again = run_all(Launcher(launcher.root, "another-job"), given)
    checkpoints = [task.artifacts["checkpoint"] for task in again.values() if "checkpoint" in task.artifacts]
    reused = [checkpoint["metadata"]["reused"] for checkpoint in checkpoints]
    assert reused == [True] * 4


def test_rows_of_the_same_size_and_time_are_read_again(launcher, data, tmp_path):
    given, file = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"), data / GOOD_DAY / "rows.parquet"
    table = pq.read_table(file)
    turned = table.set_column(0, "label", pc.subtract(1.0, table["label"]))
    found, sizes = [], set()
    for job, rows in enumerate((table, turned)):
        pq.write_table(rows, file, compression="none", use_dictionary=False)
        os.utime(file, (1.7e9, 1.7e9))
        sizes.add(file.stat().st_size)
        done = run_all(Launcher(launcher.root, f"job-{job}"), given)
        found.append(done["EvaluateMetricsAndPlots"].artifacts["overall_metrics"]["metadata"]["auc"])
    assert len(sizes) == 1
    assert found[1] == pytest.approx(1 - found[0], abs=1e-9)


def test_a_whole_plan_is_one_component(launcher, data, tmp_path):
    plan = plan_of(data, tmp_path / "out", checkpoint="none")
    done = launcher.run(stages.analyse, **common(plan, tmp_path / "runs"))
    blessing = json.loads(done.parameters.pop("blessing"))
    assert (blessing["verdict"], blessing["rows"]) == ("BLESSED", ROWS)
    output = str(latest(tmp_path / "out" / GOOD_DAY))
    assert done.parameters == {"output": output, "verdict": "BLESSED", "blessed": True}
    assert done.artifacts["overall_metrics"]["metadata"]["example_count"] == ROWS
    assert "confusionMatrix" in done.artifacts["roc_and_confusion_matrix"]["metadata"]


def test_of_two_plans_in_one_run_each_is_recorded_with_its_own_verdict(launcher, data, tmp_path, capsys):
    root = tmp_path / "runs"
    plans = [plan_of(data, tmp_path / "out", checkpoint="none", min_rows=rows) for rows in (1, ROWS + 1)]
    verdicts = [launcher.run(stages.analyse, **common(plan, root)).parameters["verdict"] for plan in plans]
    assert verdicts == ["BLESSED", "NOT_EVALUATED"]
    capsys.readouterr()
    launcher.run(stages.finish, status={"state": "SUCCEEDED"}, root=str(root))
    told = capsys.readouterr().out
    assert all(re.search(rf"Analyse: {ROWS} rows, .* s, {verdict}\n", told) for verdict in verdicts)


def test_the_plan_may_be_a_place_and_is_published_once_otherwise(launcher, data, tmp_path):
    plan, root = plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"
    first = launcher.run(stages.read_inputs, **common(plan, root))
    (uri,) = (root / "plans").iterdir()
    again = launcher.run(stages.read_inputs, **{**common(plan, root), "plan": str(uri)})
    assert (first.code, again.code) == (0, 0)
    assert again.artifacts["checkpoint"]["metadata"]["reused"]


def test_the_first_task_stores_the_plan_that_it_brings_and_later_ones_find_it(launcher, data, tmp_path, monkeypatch):
    plan, root = plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"
    given = {**common(plan, root), "plan": path_of_plan(plan)}
    monkeypatch.setenv(PLAN_VARIABLE, environment_text(plan))
    assert launcher.run(stages.read_inputs, **given).code == 0
    assert (root / given["plan"]).read_text() == to_json(plan)
    monkeypatch.delenv(PLAN_VARIABLE)
    assert {task.code for task in run_all(launcher, given).values()} == {0}


def test_a_plan_comes_whole_through_a_variable_in_which_kubernetes_looks_for_variables(data, tmp_path):
    own = {"name": "Price", "factory": "own:price", "adds": ["features"]}
    args = {"unit": "$$", "command": "$(HOME) $$(HOME)", "literal": "$${x}"}
    plan = plan_of(data, tmp_path / "out", extractors=[{**own, "args": args}])
    expanded = re.sub(r"\$(\$|\(\w+\))", "changed", environment_text(plan))
    assert from_json(expanded) == plan


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "plan: expected a plan as JSON, its URI, or its path under the root; found nothing"),
        ("plans/abc.json", "plans/abc.json, found .* in the variable ASSAY_PLAN; compile the pipeline again"),
    ],
)
def test_a_task_without_its_plan_is_refused(given, message, launcher, data, tmp_path, monkeypatch, capsys):
    plan, root = plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"
    monkeypatch.setenv(PLAN_VARIABLE, environment_text(plan))
    assert launcher.run(stages.read_inputs, **{**common(plan, root), "plan": given}).code == 64
    assert re.search(message, capsys.readouterr().err)
    assert not root.exists()


# Secret parameters ----------------------------------------------------------------------------------------------------


def test_a_secret_of_the_pod_reaches_own_code_and_nothing_that_a_task_leaves(
    launcher, data, tmp_path, monkeypatch, capsys
):
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    plan = plan_of(data, tmp_path / "out", **SECRETLY)
    done = run_all(launcher, common(plan, tmp_path / "checkpoints"))
    assert {task.code for task in done.values()} == {0}
    assert f"postgres://u:{SECRET}@h" in (tmp_path / "seen.txt").read_text()
    assert telling(tmp_path) == []  # checkpoints, plans and records; artifacts and parameters; results
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    results = json.loads((latest(tmp_path / "out" / GOOD_DAY) / "results.json").read_text())
    assert results["params"] == {"date": GOOD_DAY, "db_password": "${db_password}"}


def test_a_secret_among_the_parameters_of_a_task_is_refused_and_not_noted(launcher, data, tmp_path, capsys):
    given = common(plan_of(data, tmp_path / "out", **SECRETLY), tmp_path / "checkpoints")
    given["params"]["db_password"] = SECRET
    assert launcher.run(stages.read_inputs, **given).code == 64
    told = "params: 'db_password' is secret; set ASSAY_PARAM_DB_PASSWORD by secret_env of the pods"
    assert told in capsys.readouterr().err
    assert [file.parent.name for file in (tmp_path / "checkpoints").rglob("*.json")] == ["plans"]


# What goes wrong ------------------------------------------------------------------------------------------------------


def test_what_a_retry_cannot_heal_is_noted_and_retries_return_at_once(launcher, data, tmp_path, monkeypatch, capsys):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints", "2026-12-24")
    assert launcher.run(stages.read_inputs, **given).code == 64
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("assay.errors.MissingFileError: no file matches")
    monkeypatch.setattr(cli, "main", lambda args: pytest.fail("the stage was run again"))
    assert launcher.run(stages.read_inputs, **given).code == 64
    assert capsys.readouterr().err.strip().splitlines()[-1] == said


def test_the_next_run_tries_what_an_earlier_one_was_refused(launcher, data, tmp_path):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints", "2026-12-24")
    assert launcher.run(stages.read_inputs, **given).code == 64
    write_day(data, "2026-12-24")
    assert launcher.run(stages.read_inputs, **given).code == 64  # a retry within the same run
    assert Launcher(launcher.root, "another-job").run(stages.read_inputs, **given).code == 0


def test_a_transient_fault_is_not_noted_and_the_retry_goes_on(launcher, data, tmp_path, monkeypatch):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints")
    with monkeypatch.context() as patch:
        patch.setattr(cli, "main", lambda args: 75)
        assert launcher.run(stages.read_inputs, **given).code == 75
    assert launcher.run(stages.read_inputs, **given).code == 0


def test_a_storage_that_drips_is_tried_again_by_the_orchestrator(launcher, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gcs, "_clients", {})
    monkeypatch.setattr(gcs, "RETRY_SECONDS", 0.6)
    with serving(dripping_body) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        started = time.monotonic()
        given = common(plan_of(data, tmp_path / "out"), "gs://bucket/root")
        assert launcher.run(stages.read_inputs, **given).code == 75
    assert time.monotonic() - started < 12
    assert "does not answer" in capsys.readouterr().err


def test_records_of_refusals_are_no_harm_to_the_list_of_checkpoints(launcher, data, tmp_path, capsys):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints", "2026-12-24")
    launcher.run(stages.read_inputs, **given)
    assert main(["checkpoints", str(tmp_path / "checkpoints")]) == 0


NONE = ("", "{}", "[]", '{"outputs": {}}', '{"outputs": {"outputFile": "x", "artifacts": []}}')


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_executor_input_is_refused(text, capsys):
    from assay.components import run

    with pytest.raises(SystemExit) as ended:
        run.main(["gate", "--run", "r", "--executor-input", text], standalone_mode=False)
    assert ended.value.code == 64
    assert "assay.errors.ConfigError: --executor-input: expected what Kubeflow puts" in capsys.readouterr().err


@pytest.mark.parametrize("root", ["s3://bucket/x", ""])
def test_a_root_that_cannot_be_is_refused(root, launcher, data, tmp_path, capsys):
    given = {**common(plan_of(data, tmp_path / "out"), tmp_path), "root": root}
    assert launcher.run(stages.read_inputs, **given).code == 64
    assert "expected a local folder or a gs:// URI" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["runs", "Plans", "SCRATCH"])
def test_a_plan_with_a_task_that_is_called_as_a_folder_of_the_root_is_refused(launcher, data, tmp_path, name, capsys):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints")
    given["plan"] = given["plan"].replace('"ReadInputs"', f'"{name}"')
    assert launcher.run(stages.read_inputs, stage=name, **given).code == 64
    assert f"a root of checkpoints has a folder '{name}' of its own" in capsys.readouterr().err
    assert not (tmp_path / "checkpoints").exists()


# What stands around the stages ----------------------------------------------------------------------------------------


def judged(launcher, data, tmp_path, version):
    """A plan whose baseline is the blessed model, run at once; the task, and the URI of `blessed.json`."""
    uri = tmp_path / "blessed.json"
    models = [
        {"name": "new", "type": "callable", "uri": "tests.end_to_end.scores:${version}"},
        {"name": "current", "baseline": "blessed", "uri": str(uri)},
    ]
    change = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.01}}}
    config = {
        "model_specs": [
            {"name": "new", "label_key": "label"},
            {"name": "current", "label_key": "label", "is_baseline": True},
        ],
        "metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": change}]}],
    }
    plan = versions_of(data, tmp_path / "out", models=models, eval_config=config, checkpoint="none")
    given = {"plan": to_json(plan), "root": str(tmp_path / "runs"), "params": {"version": version}}
    return launcher.run(stages.analyse, **given), uri


def test_bless_moves_the_baseline_and_the_next_candidate_is_compared_with_it(launcher, data, tmp_path):
    for version, verdict in (("score", "BLESSED"), ("squared", "BLESSED"), ("reversed", "NOT_BLESSED")):
        task, uri = judged(launcher, data, tmp_path, version)
        assert task.parameters["verdict"] == verdict
        blessing = launcher.run(stages.bless, blessing=task.parameters["blessing"])
        assert blessing.code == (0 if verdict == "BLESSED" else 64)
    model = read_blessed(str(uri))
    assert model is not None
    assert model["uri"] == "tests.end_to_end.scores:squared"


def test_compare_puts_candidates_side_by_side(launcher, data, tmp_path):
    plan, versions = versions_of(data, tmp_path / "out", checkpoint="none"), ["score", "reversed"]
    given = {"plan": to_json(plan), "root": str(tmp_path / "runs")}
    outputs = [launcher.run(stages.analyse, **given, params={"version": v}).parameters["output"] for v in versions]
    done = launcher.run(stages.compare, names=versions, outputs=outputs, root=given["root"])
    assert done.parameters["blessed"] == ["score"]
    head, _, verdicts, count, *_ = done.content("comparison").splitlines()
    assert head == "|  | score | reversed |"
    assert verdicts == r"| verdict | BLESSED | NOT\_BLESSED |"
    assert count == rf"| example\_count | {ROWS} | {ROWS} |"


def test_finish_tells_what_every_task_did(launcher, data, tmp_path, capsys):
    given = common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints")
    run_all(launcher, given)
    launcher.run(stages.read_inputs, **{**given, "params": {"date": "2026-12-24"}})
    capsys.readouterr()
    status = {"state": "FAILED", "error": {"message": "a task failed"}}
    assert launcher.run(stages.finish, status=status, root=given["root"]).code == 0
    printed = capsys.readouterr().out
    assert "job: FAILED a task failed" in printed
    assert "Gate: 1 row," in printed
    assert "refused: assay.errors.MissingFileError" in printed
    assert Path(given["root"]).exists()


def test_numbers_that_json_has_not_are_left_out(launcher, data, tmp_path):
    config = plan_of(data, "o").eval_config
    metrics = [
        {"metrics": [{"class_name": "AUC"}, {"class_name": "Precision", "config": json.dumps({"thresholds": 2.0})}]}
    ]
    plan = plan_of(data, tmp_path / "out", eval_config={**config, "metrics_specs": metrics})
    evaluated = run_all(launcher, common(plan, tmp_path / "checkpoints"))["EvaluateMetricsAndPlots"].artifacts
    assert set(evaluated["overall_metrics"]["metadata"]) == {"auc"}
