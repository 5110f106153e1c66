"""Containers that would not find their files, or would lose what they write, are refused before the work."""

import json

import pytest

from assay.components import stage_components as stages
from assay.components.volumes import IMAGE_VARIABLE, mount_points
from tests.kfp.launcher import Launcher
from tests.kfp.plans import GOOD_DAY, analysis_of, plan_of, write_day
from tests.kfp.test_components import common, run_all

LINES = """\
22 1 0:21 / / rw,relatime - overlay overlay rw
23 22 0:22 / /proc rw,nosuid - proc proc rw
41 22 8:1 /var/lib/pods/7/volumes/data /mnt/my\\040data rw shared:1 - ext4 /dev/sda1 rw
"""


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path / "pipeline")


@pytest.fixture
def data(tmp_path):
    write_day(tmp_path / "data", GOOD_DAY)
    return tmp_path / "data"


@pytest.fixture
def mounting(monkeypatch):
    """Lets the tasks think that they run in one of our images, and which volumes it mounts."""

    def mount(*folders):
        monkeypatch.setenv(IMAGE_VARIABLE, "core")
        monkeypatch.setattr("assay.components.volumes.mount_points", lambda: {str(folder) for folder in folders})

    return mount


def test_mount_points_are_those_that_the_kernel_lists_but_for_the_containers_own(tmp_path):
    file = tmp_path / "mountinfo"
    file.write_text(LINES)
    assert mount_points(str(file)) == {"/proc", "/mnt/my data"}
    assert "/proc" in mount_points()
    assert mount_points("/no/such/file") == {"/"}


@pytest.mark.parametrize(
    ("mounted", "told"),
    [
        ((), "root: the container of ReadInputs has no volume at {folder}/checkpoints; give a gs:// URI or"),
        (("checkpoints",), ""),
        (("checkpoints", "data"), ""),
    ],
)
def test_a_root_has_to_be_on_a_volume_and_data_may_be_in_the_image(
    mounted, told, launcher, data, tmp_path, mounting, capsys
):
    mounting(*(tmp_path / name for name in mounted))
    done = launcher.run(stages.read_inputs, **common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"))
    assert done.code == (64 if told else 0)
    assert told.format(folder=tmp_path) in capsys.readouterr().err


def test_data_on_the_authors_machine_are_told_with_field_path_and_cure(launcher, tmp_path, mounting, capsys):
    mounting(tmp_path)
    plan = plan_of("/laptop/data", tmp_path / "out")
    assert launcher.run(stages.read_inputs, **common(plan, tmp_path / "checkpoints")).code == 64
    path = f"/laptop/data/{GOOD_DAY}/*.parquet"
    told = f"inputs.files[0]: the container of ReadInputs has no volume at {path}; give a gs:// URI or a parameter"
    assert told in capsys.readouterr().err


def test_results_that_would_be_lost_with_the_container_are_refused(launcher, data, tmp_path, mounting, capsys):
    mounting(tmp_path / "checkpoints")
    done = run_all(launcher, common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"))
    assert {name: task.code for name, task in done.items() if task.code} == {"WriteResults": 64}
    assert f"output: the container of WriteResults has no volume at {tmp_path}/out/" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_whole_plan_in_one_task_is_refused_before_it_runs(launcher, data, tmp_path, mounting, capsys):
    mounting(tmp_path / "checkpoints")
    plan = plan_of(data, tmp_path / "out", checkpoint="none")
    assert launcher.run(stages.analyse, **common(plan, tmp_path / "checkpoints")).code == 64
    assert "output: the container of Analyse has no volume at" in capsys.readouterr().err


def test_a_blessed_model_that_would_never_be_found_is_refused(launcher, data, tmp_path, mounting, capsys):
    """Its folder may be in the image: without the file every candidate would be judged as the first one is."""
    mounting(tmp_path / "checkpoints")
    models = [
        {"name": "new", "type": "callable", "uri": "tests.end_to_end.scores:score"},
        {"name": "old", "baseline": "blessed", "uri": str(tmp_path / "blessed.json")},
    ]
    specs = [{"name": "new", "label_key": "label"}, {"name": "old", "label_key": "label", "is_baseline": True}]
    config = {**analysis_of("d", "o")["eval_config"], "model_specs": specs}
    plan = plan_of(data, tmp_path / "out", models=models, eval_config=config)
    assert launcher.run(stages.read_inputs, **common(plan, tmp_path / "checkpoints")).code == 64
    assert "models[1].uri: the container of ReadInputs has no volume at" in capsys.readouterr().err

    blessing = {"model": {"uri": "x"}, "verdict": "BLESSED", "uri": str(tmp_path / "blessed.json")}
    assert launcher.run(stages.bless, blessing=json.dumps(blessing)).code == 64
    assert f"blessed: the container of bless has no volume at {tmp_path}/blessed.json" in capsys.readouterr().err
    assert not (tmp_path / "blessed.json").exists()


def test_a_folder_behind_a_link_to_a_volume_is_on_it(launcher, data, tmp_path, mounting):
    (tmp_path / "volume").mkdir()
    (tmp_path / "checkpoints").symlink_to(tmp_path / "volume")
    mounting(tmp_path / "volume")
    done = launcher.run(stages.read_inputs, **common(plan_of(data, tmp_path / "out"), tmp_path / "checkpoints"))
    assert done.code == 0
