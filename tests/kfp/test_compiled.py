"""Compiled components and pipelines: what is kept is what the code makes, and Kubeflow can read it."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import components, dsl
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig

from assay import storage
from assay.cli import main
from assay.components.stage_components import COMPONENTS
from assay.errors import ConfigError, UsageError
from assay.models.known import FRAMEWORKS, Framework
from assay.pipelines import Pods, compare_models, compiled, model_validation, retraining
from assay.pipelines import analysis as tasks_of
from assay.pipelines.pods import for_task, pods_of
from assay.plan.as_json import from_json
from assay.report.graph import as_tree
from tests.kfp.goldens import COMPILED, GOLDEN, kept, pipelines, push, text_of, train
from tests.kfp.plans import GOOD_DAY, analysis_of, plan_of, versions_of
from tests.memory_store import SCHEME, MemoryStore
from tests.secret_code import SECRET, SECRETLY

KEPT = dict(kept())


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_is_kept_is_what_is_compiled(file, tmp_path):
    """If this fails, look at what changed and run `python -m tests.kfp.goldens`."""
    assert text_of(KEPT[file], tmp_path) == file.read_text()


def test_nothing_else_is_kept():
    assert {*COMPILED.iterdir(), *GOLDEN.iterdir()} == set(KEPT)


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_kubeflow_loads_what_is_kept(file):
    loaded = components.load_component_from_file(str(file))
    assert loaded.name.replace("-", "_") == KEPT[file].name.replace("-", "_")


def documents(name):
    return list(yaml.safe_load_all((GOLDEN / f"{name}.yaml").read_text()))


def dags(spec):
    """Every graph of a pipeline: that of the pipeline, of conditions, loops and handlers."""
    yield spec["root"]["dag"]
    yield from (component["dag"] for component in spec["components"].values() if "dag" in component)


def tasks(name):
    return {task: found for dag in dags(documents(name)[0]) for task, found in dag["tasks"].items()}


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("model_validation", plan_of("d", "o")),
        ("model_validation_fused", plan_of("d", "o", checkpoint="none")),
        ("retraining", versions_of("d", "o")),
        ("compare_models", versions_of("d", "o")),
    ],
)
def test_a_box_of_kubeflows_graph_has_the_name_that_the_plan_draws(name, plan):
    drawn = [line.split("  [")[0] for line in as_tree(plan).splitlines() if line[0] not in "├└│ " and " = " not in line]
    assert [task.name for task in plan.tasks] == drawn
    assert set(drawn) < {found["taskInfo"]["name"] for found in tasks(name).values()}


def test_pods_and_logs_have_the_same_names_in_small_letters():
    called = {key: found["taskInfo"]["name"] for key, found in tasks("model_validation").items()}
    assert called["evaluate-metrics-and-plots"] == "EvaluateMetricsAndPlots"
    assert {key: name for key, name in called.items() if key.replace("-", "") != name.replace("-", "").lower()} == {
        "exit-handler-1": "analysis",
        "condition-1": "blessed",
    }


def test_names_with_initials_or_dots_stay_legible(tmp_path):
    own = {"factory": "tests.kfp.own_stages:halve", "adds": ["features"]}
    plan = plan_of("gs://b/d", "gs://b/o", extractors=[{"name": "ReadTFHubV2.vectors", **own}], checkpoint="every")
    spec = yaml.safe_load(compiled(model_validation(plan), tmp_path / "p.yaml").read_text())
    assert "read-tf-hub-v2-vectors" in {key for dag in dags(spec) for key in dag["tasks"]}


@pytest.mark.parametrize("name", pipelines())
def test_no_task_is_cached_by_kubeflow_and_none_has_a_cache_key(name):
    run = {task: found for task, found in tasks(name).items() if "cachingOptions" in found}
    own = {task: found["cachingOptions"] for task, found in run.items() if task not in ("train", "push")}
    assert len(own) > 1
    assert set(map(json.dumps, own.values())) == {"{}"}


def test_extractors_are_in_series_and_evaluators_directly_behind_the_extractor_of_their_run_after():
    found = {task: set(given.get("dependentTasks", ())) for task, given in tasks("model_validation").items()}
    assert found["extract-slice-keys"] == {"read-inputs"}
    assert found["evaluate-metrics-and-plots"] == found["evaluate-extracts"] == {"extract-slice-keys"}
    assert found["gate"] == {"evaluate-metrics-and-plots"}
    assert found["write-results"] == {"evaluate-metrics-and-plots", "evaluate-extracts", "gate"}
    assert found["if-blessed"] == {"gate"}
    assert found["bless"] == set()


def test_the_parameters_of_the_plan_are_those_of_the_pipeline():
    inputs = documents("model_validation")[0]["root"]["inputDefinitions"]["parameters"]
    assert "defaultValue" not in inputs["date"], "it must be given"
    assert inputs["root"]["defaultValue"] == "gs://bucket/checkpoints"
    compared = documents("compare_models")[0]["root"]["inputDefinitions"]["parameters"]
    assert set(compared) == {"date", "root", "versions"}
    assert compared["date"]["defaultValue"] == "2026-11-01"
    assert set(documents("retraining")[0]["root"]["inputDefinitions"]["parameters"]) == {"date", "root"}


def test_parameters_of_the_pipeline_say_what_they_are():
    inputs = documents("compare_models")[0]["root"]["inputDefinitions"]["parameters"]
    assert {name: given["description"] for name, given in inputs.items()} == {
        "date": "${date} of the analysis file.",
        "root": "folder or gs:// URI of all checkpoints.",
        "versions": "a value of ${version} for each candidate.",
    }


def test_without_a_root_the_pipeline_asks_for_one(tmp_path):
    spec = yaml.safe_load(compiled(model_validation(plan_of("gs://b/d", "gs://b/o")), tmp_path / "p.yaml").read_text())
    assert "defaultValue" not in spec["root"]["inputDefinitions"]["parameters"]["root"]


def test_a_root_may_be_a_path(tmp_path):
    plan = plan_of("gs://b/d", "gs://b/o")
    made = [model_validation(plan, root=root) for root in (Path("/mnt/checkpoints"), "/mnt/checkpoints")]
    texts = [compiled(pipeline, tmp_path / "p.yaml").read_text() for pipeline in made]
    assert texts[0] == texts[1]
    assert "defaultValue: /mnt/checkpoints" in texts[0]
    with pytest.raises(UsageError, match="root: a path cannot hold a URI"):
        model_validation(plan, root=Path("gs://b/c"))


@pytest.mark.parametrize(
    ("data", "output", "told"),
    [
        ("/laptop/data", "gs://b/o", r"inputs.files\[0\]: /laptop/data"),
        ("gs://b/d", "/laptop/out", "output: /laptop/out"),
        ("gs://b/d", "gs://b/o", ""),
        ("${date}/d", "${date}/o", ""),
    ],
)
def test_a_place_of_the_authors_machine_is_refused_where_the_root_is_a_bucket(data, output, told):
    plan = plan_of(data, output)
    model_validation(plan, root="/mnt/checkpoints")
    with pytest.raises(ConfigError, match=f"{told}.* is a path of this machine") if told else nullcontext():
        model_validation(plan, root="gs://b/c")


def test_a_place_on_a_volume_that_tasks_mount_is_taken(tmp_path):
    pods = for_task({"*": Pods(claims={"/mnt/data": "data"})})
    model_validation(plan_of("/mnt/data/days", "/mnt/data/out"), root="gs://b/c", for_task=pods)
    with pytest.raises(ConfigError, match=r"output: /mnt/datas/.* is a path of this machine"):
        model_validation(plan_of("/mnt/data/days", "/mnt/datas"), root="gs://b/c", for_task=pods)


def mounting(*tasks):
    """Gives some tasks the volume at /data."""
    return for_task({task: Pods(claims={"/data": "data"}) for task in tasks})


READS = r"inputs.files\[0\]: /data/days/\S+ is a path of this machine, which the container of ReadInputs on a cluster"
WRITES = "output: /data/out/\\S+ is a path of this machine, which the container of WriteResults on a cluster"


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        (["ReadInputs"], WRITES),
        (["WriteResults"], READS),
        (["Gate", "finish", "bless"], READS),
        (["ReadInputs", "WriteResults"], ""),
    ],
)
def test_each_task_has_to_mount_what_itself_reads_or_writes(tasks, told):
    plan = plan_of("/data/days", "/data/out")
    with pytest.raises(ConfigError, match=told) if told else nullcontext():
        model_validation(plan, root="gs://b/c", for_task=mounting(*tasks))


def test_a_root_on_a_volume_has_to_be_mounted_by_every_task():
    plan = plan_of("/data/days", "/data/out")
    model_validation(plan, root="/data/checkpoints", for_task=mounting("*"))
    names = [*(task.name for task in plan.tasks), "finish"]
    model_validation(plan, root="/data/checkpoints", for_task=mounting(*names))
    for missing in names:
        others = mounting(*(name for name in names if name != missing))
        with pytest.raises(ConfigError, match=f"^root: /data/checkpoints .* the container of {missing} on a cluster"):
            model_validation(plan, root="/data/checkpoints", for_task=others)


def test_blessing_and_comparing_have_to_mount_what_they_read_and_write_too():
    models = [
        {"name": "new", "type": "keras", "uri": "gs://b/${version}.keras"},
        {"name": "old", "baseline": "blessed", "uri": "/data/blessed.json"},
    ]
    specs = [{"name": "new", "label_key": "label"}, {"name": "old", "label_key": "label", "is_baseline": True}]
    config = {**analysis_of("d", "o")["eval_config"], "model_specs": specs}
    changes = {"models": models, "eval_config": config, "params": {"date": None, "version": None}}
    judged = plan_of("gs://b/d", "gs://b/${version}", **changes)
    model_validation(judged, root="gs://b/c", for_task=mounting("ReadInputs", "bless"))
    with pytest.raises(ConfigError, match=r"^models\[1\].uri: /data/blessed.json .* the container of bless on"):
        model_validation(judged, root="gs://b/c", for_task=mounting("ReadInputs"))

    compared = plan_of("gs://b/d", "/data/out/${version}", params={"date": None, "version": None})
    compare_models(compared, root="gs://b/c", for_task=mounting("WriteResults", "compare"))
    with pytest.raises(ConfigError, match=r"^output: /data/out/.* the container of compare on a cluster"):
        compare_models(compared, root="gs://b/c", for_task=mounting("WriteResults"))


@pytest.mark.parametrize("name", pipelines())
def test_a_person_can_read_the_inputs_of_every_task(name):
    given = {task: found.get("inputs", {}).get("parameters", {}) for task, found in tasks(name).items()}
    texts = [json.dumps(value) for inputs in given.values() for value in inputs.values()]
    assert max(map(len, texts)) < 500
    plans = {inputs["plan"]["runtimeValue"]["constant"] for inputs in given.values() if "plan" in inputs}
    assert all(re.fullmatch("plans/[0-9a-f]{64}.json", plan) for plan in plans)
    assert len(plans) == 1


def test_only_the_first_task_brings_the_plan_and_every_task_has_the_image_that_it_needs(tmp_path):
    models = [{"name": "m", "type": "keras", "uri": "gs://b/m.keras"}]
    config = {**analysis_of("d", "o")["eval_config"], "model_specs": [{"label_key": "label"}]}
    plan = plan_of("gs://b/d", "gs://b/o", models=models, eval_config=config)
    images = {"core": "registry.example/core:1", "tensorflow": "registry.example/tensorflow:1"}
    spec = yaml.safe_load(compiled(model_validation(plan, images=images), tmp_path / "p.yaml").read_text())
    executors = {name: found["container"]["image"] for name, found in spec["deploymentSpec"]["executors"].items()}
    assert {name for name, image in executors.items() if image == images["tensorflow"]} == {"exec-extract-predictions"}
    assert set(executors.values()) == set(images.values())
    brought = {name: found["container"].get("env") for name, found in spec["deploymentSpec"]["executors"].items()}
    ((name, (variable,)),) = [(name, env) for name, env in brought.items() if env]
    assert (name, variable["name"]) == ("exec-read-inputs", "ASSAY_PLAN")
    assert from_json(variable["value"]) == plan


def test_a_framework_and_a_storage_of_ones_own_compile_as_any_other(tmp_path, monkeypatch):
    monkeypatch.setitem(FRAMEWORKS, "linear", Framework("pkg.linear", "", "linear:1"))
    monkeypatch.setitem(storage.STORES, SCHEME, MemoryStore)
    models = [{"name": "m", "type": "linear", "uri": f"{SCHEME}://b/m"}]
    config = {**analysis_of("d", "o")["eval_config"], "model_specs": [{"label_key": "label"}]}
    plan = plan_of(f"{SCHEME}://b/d", f"{SCHEME}://b/o", models=models, eval_config=config)
    pipeline = model_validation(plan, root=f"{SCHEME}://b/c")
    spec = yaml.safe_load(compiled(pipeline, tmp_path / "p.yaml").read_text())
    executors = {name: found["container"]["image"] for name, found in spec["deploymentSpec"]["executors"].items()}
    assert {name for name, image in executors.items() if image == "linear:1"} == {"exec-extract-predictions"}

    of_author = plan_of("/laptop/data", f"{SCHEME}://b/o", models=models, eval_config=config)
    with pytest.raises(ConfigError, match=r"inputs.files\[0\]: /laptop/data.* is a path of this machine"):
        model_validation(of_author, root=f"{SCHEME}://b/c")


def test_what_only_kubernetes_knows_is_the_second_document_and_of_its_schema():
    executors = documents("model_validation")[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors) == set(documents("model_validation")[0]["deploymentSpec"]["executors"])
    assert {"exec-bless", "exec-finish"} < set(executors)
    for settings in executors.values():
        config = json_format.ParseDict(settings, KubernetesExecutorConfig())
        assert config.image_pull_policy == "Always"
        assert dict(config.node_selector.labels) == {"pool": "batch"}


def test_pods_of_a_task_get_resources_secrets_and_volumes(tmp_path):
    pods = Pods(
        cpu_limit="2", memory_request="1Gi", accelerator="nvidia.com/gpu", env={"A": "b"},
        secret_env={"TOKEN": "hub/token"}, secret_mounts={"/secret": "hub"}, claims={"/data": "claim"},
        tolerations={"gpu": "", "pool": "batch"},
    )  # fmt: skip
    pipeline = model_validation(plan_of("gs://b/d", "gs://b/o"), for_task=lambda task, name: pods.give(task))
    spec, platform = yaml.safe_load_all(compiled(pipeline, tmp_path / "p.yaml").read_text())
    container = spec["deploymentSpec"]["executors"]["exec-gate"]["container"]
    assert container["resources"]["resourceCpuLimit"] == "2"
    assert container["env"] == [{"name": "A", "value": "b"}]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-gate"]
    config = json_format.ParseDict(settings, KubernetesExecutorConfig())
    assert config.secret_as_env[0].key_to_env[0].env_var == "TOKEN"
    assert config.secret_as_volume[0].mount_path == "/secret"
    assert config.pvc_mount[0].mount_path == "/data"
    tolerated = [(each.key, each.operator, each.value) for each in config.tolerations]
    assert tolerated == [("gpu", "Exists", ""), ("pool", "Equal", "batch")]


def test_the_task_with_the_model_may_have_a_gpu_and_an_image_that_can_use_it(tmp_path):
    """Kubeflow writes the type and the count of an accelerator twice: as it was, and as a parameter may be."""
    gpu = Pods(
        memory_limit="16Gi", accelerator="nvidia.com/gpu", tolerations={"nvidia.com/gpu": ""},
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
    )  # fmt: skip
    models = [{"name": "m", "type": "saved_model", "uri": "gs://b/model"}]
    config = {**plan_of("d", "o").eval_config, "model_specs": [{"name": "m", "label_key": "label"}]}
    pipeline = model_validation(
        plan_of("gs://b/d", "gs://b/o", models=models, eval_config=config),
        images={"tensorflow": "registry.example/assay-tensorflow-gpu:1"},
        for_task=lambda task, name: gpu.give(task) if name == "ExtractPredictions" else None,
    )
    spec, platform = yaml.safe_load_all(compiled(pipeline, tmp_path / "p.yaml").read_text())
    containers = {name: found["container"] for name, found in spec["deploymentSpec"]["executors"].items()}
    extract = containers.pop("exec-extract-predictions")
    assert extract["image"] == "registry.example/assay-tensorflow-gpu:1"
    accelerator = {"type": "nvidia.com/gpu", "resourceType": "nvidia.com/gpu", "count": "1", "resourceCount": "1"}
    assert extract["resources"]["accelerator"] == accelerator
    assert not [name for name, found in containers.items() if "accelerator" in found.get("resources", {})]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-extract-predictions"]
    config = json_format.ParseDict(settings, KubernetesExecutorConfig())
    assert dict(config.node_selector.labels) == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert [(each.key, each.operator) for each in config.tolerations] == [("nvidia.com/gpu", "Exists")]


def test_a_secret_parameter_is_no_input_of_the_pipeline(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_PARAM_DB_PASSWORD", SECRET)
    pipeline = model_validation(plan_of("gs://b/d", "gs://b/o", **SECRETLY))
    text = compiled(pipeline, tmp_path / "p.yaml").read_text()
    assert set(yaml.safe_load(text)["root"]["inputDefinitions"]["parameters"]) == {"date", "root"}
    assert "${db_password}" in text
    assert SECRET not in text


@pytest.mark.parametrize("checkpoint", ["none", "cuts"])
def test_a_secret_that_a_pipeline_of_ones_own_gives_to_its_tasks_is_refused(checkpoint):
    plan = plan_of("gs://b/d", "gs://b/o", checkpoint=checkpoint, **SECRETLY)

    def pipeline():
        tasks_of(plan, root="gs://b/c", params={"date": GOOD_DAY, "db_password": SECRET})

    with pytest.raises(
        ConfigError, match="params: 'db_password' is secret; set ASSAY_PARAM_DB_PASSWORD by secret_env of"
    ):
        dsl.pipeline(pipeline)


def test_settings_of_pods_are_checked_and_those_of_a_task_come_first():
    pods = pods_of({"*": {"memory_limit": "4Gi", "cpu_limit": "1"}, "Gate": {"memory_limit": "1Gi"}}, ["Gate"])
    assert (pods["Gate"].memory_limit, pods["Gate"].cpu_limit) == ("1Gi", "1")
    with pytest.raises(ConfigError, match=r"pods.Gate.memory: there is no such setting; did you mean 'memory_"):
        pods_of({"Gate": {"memory": "1Gi"}}, ["Gate"])
    with pytest.raises(ConfigError, match=r"pods.gate: there is no such task; did you mean 'Gate'\?"):
        pods_of({"gate": {}}, ["Gate"])
    with pytest.raises(ConfigError, match="expected SECRET/KEY, found 'hub'"):
        model_validation(
            plan_of("gs://b/d", "gs://b/o"), for_task=lambda task, name: Pods(secret_env={"A": "hub"}).give(task)
        )


def test_options_of_beam_are_those_of_every_stage_that_runs_it(tmp_path):
    pipeline = model_validation(plan_of("gs://b/d", "gs://b/o"), options=["--runner=DataflowRunner"])
    spec = yaml.safe_load(compiled(pipeline, tmp_path / "p.yaml").read_text())
    given = {name: task["inputs"].get("parameters", {}) for dag in dags(spec) for name, task in dag["tasks"].items()}
    options = {
        name: found["options"]["runtimeValue"]["constant"] for name, found in given.items() if "options" in found
    }
    evaluators = {"evaluate-metrics-and-plots", "evaluate-extracts"}
    assert set(options) == {"read-inputs", "extract-slice-keys", *evaluators, "write-results"}
    assert list(options.values()) == [["--runner=DataflowRunner"]] * 5


def test_a_plan_that_no_environment_variable_holds_is_refused():
    config = analysis_of("d", "o")["eval_config"]
    many = [{"feature_values": {"group": f"value {i}"}} for i in range(3000)]
    plan = plan_of("gs://b/d", "gs://b/o", eval_config={**config, "slicing_specs": many})
    with pytest.raises(ConfigError, match=r"plan: .* are too long for an environment variable of a container"):
        model_validation(plan)


@pytest.mark.parametrize("make", [retraining, compare_models])
def test_a_plan_without_the_parameter_that_a_pipeline_fills_in_is_refused(make):
    given = {"train": train, "push": lambda model: push(model=model)} if make is retraining else {}
    with pytest.raises(ConfigError, match=r"the plan has no parameter '(model|version)'"):
        make(plan_of("gs://b/d", "gs://b/o"), **given)


def test_components_stand_for_every_kind_of_stage():
    assert {c.name for c in COMPONENTS} >= {"read-inputs", "extract", "evaluate", "gate", "write-results"}
    assert versions_of("d", "o").params == {"date": "2026-11-01", "version": None}


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def analysis(tmp_path):
    file = tmp_path / "analysis.json"
    file.write_text(json.dumps(analysis_of("gs://b/d", "gs://b/o")))
    return str(file)


def test_the_command_compiles_what_the_function_makes(analysis, tmp_path):
    file = tmp_path / "made.yaml"
    assert main(["compile", "kfp", analysis, "-o", str(file), "--root", "gs://b/c"]) == 0
    expected = compiled(model_validation(plan_of("gs://b/d", "gs://b/o"), root="gs://b/c"), tmp_path / "p.yaml")
    assert file.read_text() == expected.read_text()


def test_the_command_moves_relative_paths_to_a_bucket(tmp_path):
    local, moved = tmp_path / "local.json", tmp_path / "moved.yaml"
    local.write_text(json.dumps(analysis_of("d", "o")))
    command = ["compile", "kfp", str(local), "-o", str(moved), "--root", "gs://b/c"]
    assert main(command) == 64
    assert main([*command, "--base", "gs://b"]) == 0
    expected = compiled(model_validation(plan_of("gs://b/d", "gs://b/o"), root="gs://b/c"), tmp_path / "p.yaml")
    assert moved.read_text() == expected.read_text()


def test_the_command_takes_settings_of_pods_and_images(analysis, tmp_path):
    settings, file = tmp_path / "pods.yaml", tmp_path / "made.yaml"
    settings.write_text('"*": {node_selector: {pool: batch}}\n')
    command = ["compile", "kfp", analysis, "-o", str(file), "--pods", str(settings), "--image", "core=x/core:2"]
    assert main([*command, "--checkpoint", "none", "--retries", "5", "--", "--direct_num_workers=2"]) == 0
    spec, platform = yaml.safe_load_all(file.read_text())
    assert spec["deploymentSpec"]["executors"]["exec-analyse"]["container"]["image"] == "x/core:2"
    task = next(dag["tasks"]["analyse"] for dag in dags(spec) if "analyse" in dag["tasks"])
    assert task["retryPolicy"]["maxRetryCount"] == 5
    assert task["inputs"]["parameters"]["options"]["runtimeValue"]["constant"] == ["--direct_num_workers=2"]
    assert "exec-analyse" in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["-o", "made.json"], "expected a file that ends in .yaml"),
        (["-o", "made.yaml", "--pods", "/no/such"], "No such file"),
        (["-o", "made.yaml", "--checkpoint", "some"], "'some' is not one of"),
        (["-o", "made.yaml", "--image", "core"], "expected NAME=VALUE, found 'core'"),
        (["-o", "made.yaml", "--image", "cor=x"], "images: no task needs 'cor'; did you mean 'core'?"),
        (["-o", "made.yaml", "--retries", "-1"], "is not in the range"),
        (["-o", "/no/such/made.yaml"], "choose another file"),
    ],
)
def test_a_wrong_call_of_the_command_is_refused(wrong, message, analysis, capsys):
    assert main(["compile", "kfp", analysis, *wrong]) == 64
    assert message in capsys.readouterr().err
