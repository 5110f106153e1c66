"""What `assay compile` says about paths of this machine and about code that has to be in an image."""

import json

import pytest

from assay.cli import main
from assay.pipelines import Pods, model_validation
from assay.pipelines.notes import notes
from assay.pipelines.pods import for_task
from tests.kfp.plans import analysis_of, plan_of

OWN = {"name": "Halve", "factory": "own_stages:halve", "adds": ["features"]}
CODE = "stage 'Halve': the container of ExtractSliceKeys imports own_stages:halve, which assay's images do not have;"


def noted(plan, root="", **settings):
    return notes(model_validation(plan, root=root, **settings), plan, root)


def test_paths_of_this_machine_are_noted_while_nobody_knows_where_the_pipeline_will_run():
    lines = noted(plan_of("/laptop/data", "/laptop/out"))
    assert lines[:-1] == [
        "inputs.files[0]: /laptop/data/${date}/*.parquet is a path of this machine",
        "output: /laptop/out/${date} is a path of this machine",
    ]
    assert lines[-1].startswith(
        "if the pipeline runs elsewhere, give a gs:// URI or a parameter that brings one, start"
    )
    assert noted(plan_of("/laptop/data", "/laptop/out"), root="/laptop/checkpoints") == [], "it runs here"
    assert noted(plan_of("gs://b/data", "${date}/out")) == []


def test_paths_on_volumes_are_not_noted():
    pods = for_task({"*": Pods(claims={"/mnt": "data"})})
    assert noted(plan_of("/mnt/data", "/mnt/out"), for_task=pods) == []


@pytest.mark.parametrize(
    ("settings", "is_noted"),
    [
        ({}, True),
        ({"images": {"core": "registry.example/mine:1"}}, False),
        ({"for_task": for_task({"*": Pods(env={"PYTHONPATH": "/code"})})}, False),
    ],
)
def test_code_of_ones_own_is_noted_where_the_image_is_ours_as_it_comes(settings, is_noted):
    lines = noted(plan_of("gs://b/d", "gs://b/o", extractors=[OWN]), "gs://b/c", **settings)
    assert [line.startswith(CODE) for line in lines] == [True] * is_noted


def test_readers_writers_and_models_that_are_code_are_noted():
    models = [{"name": "m", "type": "callable", "uri": "my_model:score"}]
    config = {**analysis_of("d", "o")["eval_config"], "model_specs": [{"label_key": "label"}]}
    changes = {
        "inputs": {"factory": "my_reader:rows"},
        "models": models,
        "eval_config": config,
        "writers": [{"name": "WriteMore", "factory": "my_writer:write"}],
    }
    lines = noted(plan_of("d", "gs://b/o", **changes), "gs://b/c")
    assert [line.split(": ")[0] for line in lines] == ["inputs", "models[0].uri", "writer 'WriteMore'"]


def test_files_among_the_arguments_of_code_are_noted_if_they_are_on_this_machine(tmp_path):
    (tmp_path / "lookup.csv").touch()
    args = {"files": [str(tmp_path / "lookup.csv"), "/no/such.csv"], "separator": "/"}
    own = {**OWN, "image": "registry.example/mine:1", "args": args}
    line, _ = noted(plan_of("gs://b/d", "gs://b/o", extractors=[own]), "gs://b/c")
    assert line.startswith(f"stage 'Halve': args.files[0]: {tmp_path}/lookup.csv is a path of this machine")


def test_the_command_prints_notes_beside_the_file_that_it_wrote(tmp_path, capsys):
    analysis = tmp_path / "analysis.json"
    analysis.write_text(json.dumps(analysis_of("data", "gs://b/o")))
    assert main(["compile", "kfp", str(analysis), "-o", str(tmp_path / "p.yaml")]) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [f"{tmp_path}/p.yaml"]
    assert printed.err.startswith(
        f"note: inputs.files[0]: {tmp_path}/data/${{date}}/*.parquet is a path of this machine"
    )
