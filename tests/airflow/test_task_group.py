"""Plans as tasks and edges, run from end to end in one process; the stages run in the interpreter that has Beam."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from assay import storage
from assay.operators.shown import VERDICT_KEY, Instance, Shown, shown_by
from assay.operators.task_ids import task_id_of
from assay.report.terminal.verdict_lines import verdict_lines
from assay.results.files import load_metrics
from assay.results.keys import text_of
from tests.airflow.conftest import BAD_DAY, GOOD_DAY, HOME, analysis, columns_of, write_parquet
from tests.airflow.runs import dag_in, returned, run_dag
from tests.latest_results import latest
from tests.memory_store import SCHEME, MemoryStore
from tests.secret_code import OWN, SECRET, SECRETLY, telling

DAG_FILE = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator
from pathlib import Path
from assay.operators import model_analysis_task_group

ANALYSIS, ROOT = {analysis!r}, {root!r}
with DAG("validation", schedule=None) as dag:
{body}
"""
ONE_GROUP = """
    group = model_analysis_task_group(ANALYSIS, root=ROOT, outlets=[Asset(name="model", uri="x://model")])()
    group >> EmptyOperator(task_id="push")
"""
TASKS = [
    "read_inputs",
    "extract_slice_keys",
    "evaluate_metrics_and_plots",
    "evaluate_extracts",
    "gate",
    "write_results",
]


@pytest.fixture
def make(dags, data, tmp_path):
    """Writes a DAG file; returns it."""

    def made(body=ONE_GROUP, **changes):
        file = tmp_path / "analysis.json"
        file.write_text(json.dumps(analysis(data, tmp_path, **changes)))
        dag = dags / "validation.py"
        dag.write_text(DAG_FILE.format(analysis=str(file), root=str(tmp_path / "checkpoints"), body=body))
        return dag

    return made


def test_tasks_and_edges_are_those_of_the_plan_with_the_reason_at_each(make):
    dag = dag_in(make(), "validation")
    before = {
        task.task_id.removeprefix("model_analysis."): {
            name.removeprefix("model_analysis.") for name in task.upstream_task_ids
        }
        for task in dag.tasks
    }
    assert before == {
        "read_inputs": set(),
        "extract_slice_keys": {"read_inputs"},
        "evaluate_metrics_and_plots": {"extract_slice_keys"},
        "evaluate_extracts": {"extract_slice_keys"},
        "gate": {"evaluate_metrics_and_plots"},
        "write_results": {"evaluate_metrics_and_plots", "evaluate_extracts", "gate"},
        "bless": {"gate", "write_results"},
        "push": {"bless"},
    }
    labels = dag.edge_info["model_analysis.extract_slice_keys"]
    assert labels["model_analysis.evaluate_metrics_and_plots"] == {"label": "run_after"}
    assert labels["model_analysis.evaluate_extracts"] == {"label": "run_after"}


def test_one_task_evaluates_unless_somebody_asks_for_checkpoints(make, tmp_path):
    file = make()
    content = json.loads((tmp_path / "analysis.json").read_text())
    del content["checkpoint"]
    (tmp_path / "analysis.json").write_text(json.dumps(content))
    ids = dag_in(file, "validation").task_ids
    assert set(ids) == {"model_analysis.analyse", "model_analysis.gate", "model_analysis.bless", "push"}


@pytest.mark.parametrize("settings", ["", ", checkpoint='none'", ", wait_for_data=HOUR, keep_checkpoints=False"])
def test_every_task_says_what_it_does_and_where_its_output_is(make, tmp_path, settings):
    body = f"""
    from datetime import timedelta
    HOUR = timedelta(hours=1)
    model_analysis_task_group(ANALYSIS, root=ROOT{settings}, blessed="/b`lessed.json")()
"""
    dag = dag_in(make(body), "validation")
    docs = {task.task_id.removeprefix("model_analysis."): task.doc_md for task in dag.tasks}
    assert all(docs.values())
    assert "``/b`lessed.json``" in docs["bless"].replace(" ", "")
    results = "write_results" if "write_results" in docs else "analyse"
    assert f"`{tmp_path}/results/${{date}}`" in docs[results]
    if settings == "":
        assert f"`{tmp_path}/checkpoints/ReadInputs`" in docs["read_inputs"]
    assert "**Verdict**" in docs["gate"]
    assert "XCom `verdict`" in dag.task_group.children["model_analysis"].doc_md


def test_parameters_of_the_plan_are_in_the_form_that_triggers_a_run(make):
    dag = dag_in(make(params={"date": None, "model": "7"}), "validation")
    assert dict(dag.params) == {"date": None, "model": "7"}


def test_a_checkpointed_plan_runs_task_by_task_and_a_second_run_finds_the_checkpoints(make, tmp_path):
    run, states = run_dag(make(), "validation")
    assert states == {**{f"model_analysis.{name}": "success" for name in [*TASKS, "bless"]}, "push": "success"}
    assert json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())["status"] == "BLESSED"
    first = returned(run, "model_analysis.read_inputs")
    assert set(first) == {"task", "manifest", "digest", "rows", "counts", "verdict", "output", "reused", "job"}
    assert first["rows"] == 400
    assert not first["reused"]

    run, _ = run_dag(make(), "validation")
    assert returned(run, "model_analysis.evaluate_metrics_and_plots")["reused"]
    assert returned(run, "model_analysis.read_inputs")["manifest"] == first["manifest"]


def test_a_closed_gate_publishes_why_and_visibly_skips_what_comes_after(make, tmp_path):
    _, states = run_dag(make(), "validation", conf={"date": BAD_DAY})
    published = {f"model_analysis.{name}": "success" for name in TASKS}
    assert states == {**published, "model_analysis.bless": "skipped", "push": "skipped"}
    assert json.loads((latest(tmp_path / f"results/{BAD_DAY}") / "verdict.json").read_text())["status"] == "NOT_BLESSED"


def test_a_gate_that_asks_for_evidence_waits_for_the_search_and_closes_for_a_slice_that_nobody_listed(make, tmp_path):
    """The predictions for women are the wrong way round; no slicing spec says sex."""
    data = tmp_path / "data"
    columns = columns_of()
    score = [1 - s if sex == "f" else s for s, sex in zip(columns["score"], columns["sex"], strict=True)]
    write_parquet(data / GOOD_DAY / "rows.parquet", {**columns, "score": score})
    described = analysis(data, tmp_path, bound=0.1)
    config = {**described["eval_config"], "slicing_specs": [{}]}
    config["options"] = {"compute_confidence_intervals": {"value": True}}
    gate = {"thresholds": [{"metric": "auc", "at_least": 0.2}]}
    found = {"min_rows": 50, "most_worse": 0.2, "metrics": True}
    changes = {"eval_config": config, "gate": gate, "find_slices": found, "analysis_table": False}
    run, states = run_dag(make(inputs=described["inputs"], **changes), "validation")
    assert (states["model_analysis.find_slices"], states["model_analysis.gate"]) == ("success", "success")
    assert states["model_analysis.bless"] == "skipped"
    verdict = json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "verdict.json").read_text())
    assert [reason["slice"] for reason in verdict["reasons"]] == ["sex=f"]
    outcomes = {
        line["question"]: line["outcome"] for line in verdict["evidence"] if line["slice"] in ("Overall", "sex=f")
    }
    assert outcomes == {"at_least": "PASS", "most_worse": "FAIL"}
    assert any("most_worse" in line and "sex=f" in line for line in verdict_lines(verdict))  # what the log has
    of_slices = {text_of(record): record for record in load_metrics(latest(tmp_path / f"results/{GOOD_DAY}"))}
    assert of_slices["sex=f"].is_found
    told = run.get_task_instance("model_analysis.gate").xcom_pull(task_ids="model_analysis.gate", key=VERDICT_KEY)
    assert "expected no found slice worse than all rows by more than 0.2" in told


@pytest.mark.slow
def test_what_comes_after_a_closed_gate_fails_where_that_is_asked_for(make, tmp_path):
    body = """
    group = model_analysis_task_group(ANALYSIS, root=ROOT, on_not_blessed="fail")()
    group >> EmptyOperator(task_id="push")
"""
    run, states = run_dag(make(body), "validation", conf={"date": BAD_DAY})
    assert run.state == "failed"
    assert states["model_analysis.write_results"] == "success"
    assert states["model_analysis.bless"] == "failed"
    assert states["push"] == "upstream_failed"


def test_too_few_rows_close_the_gate_as_not_evaluated(make):
    run, states = run_dag(make(checkpoint="none", min_rows=401), "validation")
    assert returned(run, "model_analysis.gate")["verdict"] == "NOT_EVALUATED"
    assert states["push"] == "skipped"


def test_a_group_of_a_fused_plan_can_be_mapped_and_its_gate_closes_for_one_of_many(make):
    body = f"""
    group = model_analysis_task_group(ANALYSIS, root=ROOT, group_id="days", checkpoint="none")
    group.expand(date=["{GOOD_DAY}", "{BAD_DAY}"])
"""
    run, states = run_dag(make(body), "validation")
    assert states == {
        "days.analyse": ["success", "success"],
        "days.gate": ["success", "success"],
        "days.bless": ["success", "skipped"],
    }
    assert returned(run, "days.analyse", 1)["output"].rsplit("/", 2)[1] == BAD_DAY


def test_the_date_falls_back_on_when_the_run_was_due_if_it_has_no_logical_date(make):
    _, states = run_dag(make(checkpoint="none"), "validation", logical_date=None)
    assert states["model_analysis.analyse"] == "failed"  # there is no data of today


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'analysis.yaml', root=ROOT", "expected an absolute path"),
        ("ANALYSIS, root='s3://bucket'", "expected a local folder or a gs:// URI"),
        ("ANALYSIS, root=Path('gs://bucket')", "root: a path cannot hold a URI, found 'gs:/bucket'"),
        ("ANALYSIS, root=3", "root: expected text or a path, found 3"),
        ("ANALYSIS, root=ROOT, launchers={'Gaet': None}", "the plan has no task 'Gaet'"),
        (
            "ANALYSIS, root=ROOT, launchers={'read_inputs': None}",
            "the plan has no task 'read_inputs'; expected one of ReadI",
        ),
        ("ANALYSIS, root=ROOT, on_not_blessed='stop'", "on_not_blessed: expected skip or fail, found 'stop'"),
        ("ANALYSIS, root=ROOT, checkpoint='all'", "checkpoint: expected none, cuts or every, found 'all'"),
    ],
)
def test_a_wrong_argument_is_an_import_error_that_says_so(make, arguments, told):
    from airflow.dag_processing.dagbag import DagBag

    file = make(f"    model_analysis_task_group({arguments})()")
    (error,) = DagBag(str(file)).import_errors.values()
    assert told in error


@pytest.mark.parametrize("name", ["plans", "Runs", "SCRATCH"])
def test_an_evaluator_called_as_a_folder_of_the_root_is_an_import_error_that_says_so(make, name):
    from airflow.dag_processing.dagbag import DagBag

    own = {"name": name, "factory": "own:make", "run_after": "ExtractSliceKeys", "outputs": ["zz"]}
    (error,) = DagBag(str(make(evaluators=[own]))).import_errors.values()
    assert f"a root of checkpoints has a folder '{name}' of its own; choose another name" in error


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Extract-Slice.Keys", "tasks 'ExtractSliceKeys' and 'Extract-Slice.Keys' both become 'extract_slice_keys'"),
        ("Bless", "task 'Bless': the task group adds a task 'bless' itself"),
        ("MakeScratch", ""),
    ],
)
def test_a_custom_stage_whose_id_is_taken_is_an_import_error_with_its_name(make, name, told):
    from airflow.dag_processing.dagbag import DagBag

    own = {"name": name, "factory": "own:make", "run_after": "ExtractSliceKeys", "outputs": ["zz"]}
    errors = list(DagBag(str(make(evaluators=[own]))).import_errors.values())
    assert len(errors) == bool(told)
    assert not told or told in errors[0]


@pytest.mark.parametrize(
    ("name", "task_id"),
    [
        ("EvaluateMetricsAndPlots", "evaluate_metrics_and_plots"),
        ("ExtractSQLKeys2Go", "extract_sql_keys2_go"),
        ("my-stage.v2", "my_stage_v2"),
        ("already_snake", "already_snake"),
        ("My_Stage", "my_stage"),
        ("SHAP", "shap"),
    ],
)
def test_ids_are_names_in_snake_case(name, task_id):
    assert task_id_of(name) == task_id


@pytest.mark.parametrize(
    ("launcher", "told"),
    [
        ("DockerLauncher()", "root: "),
        ("DockerLauncher(mounts=[ROOT])", "inputs.files[0]: "),
        ("DockerLauncher(mounts=[ROOT, DATA])", "output: "),
        ("DockerLauncher(mounts=[Path(ROOT), Path(DATA), OUT])", ""),
        ("DockerLauncher(mounts=['{{ var.value.data }}'])", ""),
        ("KubernetesLauncher()", "root: "),
        ("KubernetesLauncher(volume_mounts=[{'name': 'v', 'mountPath': ROOT}])", "inputs.files[0]: "),
        ("KubernetesLauncher(volume_mounts=[{'name': 'v', 'mountPath': '/'}])", ""),
        ("KubernetesLauncher(pod_spec={'containers': []})", ""),
        ("SubprocessLauncher()", ""),
    ],
)
def test_a_place_that_containers_do_not_have_is_refused_where_it_can_be_known(make, data, tmp_path, launcher, told):
    from airflow.dag_processing.dagbag import DagBag

    body = f"""
    from assay.operators import DockerLauncher, KubernetesLauncher, SubprocessLauncher
    DATA, OUT = {str(data)!r}, {f"{tmp_path}/results"!r}
    model_analysis_task_group(ANALYSIS, root=ROOT, launcher={launcher})()
"""
    errors = list(DagBag(str(make(body))).import_errors.values())
    assert len(errors) == bool(told)
    assert not told or (f"ConfigError: {told}/" in errors[0] and "or mount the folder" in errors[0])


@pytest.mark.parametrize(
    ("stage", "told"),
    [("ExtractSliceKeys", ""), ("ExtractLabels", ""), ("Gate", ""), ("ExtractPredictions", "models[0].uri: ")],
)
def test_of_the_extractors_only_the_one_that_runs_the_model_must_see_it(make, data, tmp_path, stage, told):
    from airflow.dag_processing.dagbag import DagBag

    body = f"""
    from assay.operators import DockerLauncher
    launchers = {{{stage!r}: DockerLauncher(mounts=[ROOT])}}
    model_analysis_task_group(ANALYSIS, root=ROOT, launchers=launchers)()
"""
    config = {**analysis(data, tmp_path)["eval_config"], "model_specs": [{"label_key": "label"}]}
    models = [{"name": "m", "type": "keras", "uri": f"{tmp_path}/m.keras"}]
    file = make(body, checkpoint="every", models=models, eval_config=config)
    errors = list(DagBag(str(file)).import_errors.values())
    assert len(errors) == bool(told)
    assert not told or f"ConfigError: {told}{tmp_path}/m.keras is a path" in errors[0]
    assert not told or f"the container of {stage} (DockerLauncher)" in errors[0]


def test_places_may_be_paths(make):
    as_text, as_path = (
        tasks_of(make(f"    model_analysis_task_group({arguments})()"))
        for arguments in (
            "ANALYSIS, root=ROOT, blessed='/tmp/blessed.json'",
            "Path(ANALYSIS), root=Path(ROOT), blessed=Path('/tmp/blessed.json')",
        )
    )
    assert as_path == as_text
    assert as_path["model_analysis.bless"]["blessed"] == "/tmp/blessed.json"


def tasks_of(file):
    """Places of each task of a DAG, as Airflow keeps them."""
    tasks = dag_in(file, "validation").tasks
    return {task.task_id: {name: getattr(task, name, None) for name in ("plan", "root", "blessed")} for task in tasks}


def test_links_lead_to_checkpoint_and_results(make, tmp_path):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    run, _ = run_dag(make(checkpoint="none"), "validation")
    with create_session() as session:
        query = XComModel.get_many(
            run_id=run.run_id, key="_link_assay_results", task_ids="model_analysis.analyse", dag_ids="validation"
        )
        found = [row.value for row in session.execute(query.with_only_columns(XComModel.value))]
    assert found == [f"/assay/results/validation/{quote(run.run_id)}/model_analysis.analyse/-1"]
    of_gate = shown_by(Instance("validation", run.run_id, "model_analysis.gate", -1))
    assert of_gate == Shown(output=returned(run, "model_analysis.analyse")["output"], verdict="BLESSED")
    assert (Path(returned(run, "model_analysis.analyse")["output"]) / "page.html").is_file()


@pytest.mark.parametrize(
    ("shown", "results", "verdict", "checkpoint"),
    [
        (Shown(), False, False, ""),
        (Shown(output="gs://b/a", verdict="BLESSED"), True, True, ""),
        (Shown(output="/data"), True, False, ""),
        (Shown(manifest="/c/Gate/1/manifest.json", verdict="BLESSED"), False, True, "/assay/checkpoint/d/"),
        (
            Shown(manifest="gs://b/a c/manifest.json"),
            False,
            False,
            "https://console.cloud.google.com/storage/browser/b/a%20c",
        ),
        (Shown(manifest=f"{SCHEME}://b/a/manifest.json"), False, False, "https://memory.example/b/a"),
    ],
)
def test_pages_are_on_the_server_and_a_checkpoint_in_a_bucket_is_in_its_console(
    monkeypatch, shown, results, verdict, checkpoint
):
    from assay.operators import links

    monkeypatch.setitem(storage.STORES, SCHEME, MemoryStore)
    monkeypatch.setattr(links, "_shown", lambda _: shown)
    key = SimpleNamespace(dag_id="d", run_id="manual__2026-11-25T10:00:00+00:00", task_id="g.t", map_index=3)
    end = "/d/manual__2026-11-25T10%3A00%3A00%2B00%3A00/g.t/3"
    assert links.ResultsLink().get_link(None, ti_key=key) == (f"/assay/results{end}" if results else "")
    assert links.VerdictLink().get_link(None, ti_key=key) == (f"/assay/verdict{end}" if verdict else "")
    assert links.CheckpointLink().get_link(None, ti_key=key).startswith(checkpoint)
    assert bool(checkpoint) == bool(links.CheckpointLink().get_link(None, ti_key=key))


# Secret parameters ----------------------------------------------------------------------------------------------------


def test_a_secret_parameter_is_not_in_the_form_that_triggers_a_run(make):
    assert dict(dag_in(make(**SECRETLY), "validation").params) == {"date": None}


@pytest.mark.parametrize(
    "call",
    ["group(db_password='x')", "group.partial(db_password='x').expand(date=['1'])", "group.expand(db_password=['x'])"],
)
def test_a_secret_that_a_group_is_given_is_an_import_error(make, call):
    from airflow.dag_processing.dagbag import DagBag

    body = f"""
    group = model_analysis_task_group(ANALYSIS, root=ROOT)
    {call}
"""
    (error,) = DagBag(str(make(body, **SECRETLY))).import_errors.values()
    assert "db_password" in error


def test_a_secret_of_the_launcher_reaches_own_code_and_nothing_that_anybody_keeps(make, tmp_path, monkeypatch, capfd):
    body = f"""
    from assay.operators import SubprocessLauncher
    env = {{"ASSAY_PARAM_DB_PASSWORD": "{{{{ var.value.warehouse }}}}"}}
    launcher = SubprocessLauncher(env=env, cwd={str(tmp_path)!r})
    model_analysis_task_group(ANALYSIS, root=ROOT, launcher=launcher)()
"""
    monkeypatch.setenv("AIRFLOW_VAR_WAREHOUSE", SECRET)
    (tmp_path / "own.py").write_text(OWN)
    _, states = run_dag(make(body, checkpoint="none", **SECRETLY), "validation")
    assert set(states.values()) == {"success"}
    assert f"postgres://u:{SECRET}@h" in (tmp_path / "seen.txt").read_text()
    assert telling(tmp_path) == []
    assert telling(Path(HOME.name)) == []  # Airflow's database, with what tasks returned and were given, and its logs
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    results = json.loads((latest(tmp_path / f"results/{GOOD_DAY}") / "results.json").read_text())
    assert results["params"] == {"date": GOOD_DAY, "db_password": "${db_password}"}
