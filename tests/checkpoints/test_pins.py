"""What was pinned is known again by its content alone: no size, time or copy makes other data look like the old."""

from __future__ import annotations

import hashlib
import mmap
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from assay import storage
from assay.checkpoints.pins import check_models, check_unchanged, pinned_inputs, pinned_models
from assay.cli import main
from assay.errors import ConfigError, ModelError, TransientError
from assay.notebook.eval_result import EvalResult, load_eval_result
from assay.plan.analysis_file import compile_analysis
from assay.plan.plan import Plan
from assay.storage import content_hash as hashes
from assay.storage.content_hash import content_hash
from assay.storage.fingerprints import fingerprint
from tests.gcs_emulator import Emulator
from tests.small_analysis import ANALYSIS

LONG_AGO = 1_700_000_000


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (LONG_AGO, LONG_AGO))


def in_place(file: Path, content: bytes) -> None:
    write(file, content)


def by_copy_that_keeps_times(file: Path, content: bytes) -> None:
    other = file.with_name("other")
    write(other, content)
    subprocess.run(["cp", "-p", other, file], check=True)
    other.unlink()


def by_rename(file: Path, content: bytes) -> None:
    other = file.with_name("other")
    write(other, content)
    os.replace(other, file)


def by_archive(file: Path, content: bytes) -> None:
    other = file.parent / "packed" / file.name
    write(other, content)
    subprocess.run(["tar", "-cf", file.with_name("a.tar"), "-C", other.parent, file.name], check=True)
    subprocess.run(["tar", "-xf", file.with_name("a.tar"), "-C", file.parent], check=True)
    file.with_name("a.tar").unlink()
    shutil.rmtree(other.parent)


def by_rsync(file: Path, content: bytes) -> None:
    if not shutil.which("rsync"):
        pytest.skip("there is no rsync here")
    other = file.parent / "sent" / file.name
    write(other, content)
    subprocess.run(["rsync", "-t", "--inplace", "--ignore-times", other, file], check=True)
    shutil.rmtree(other.parent)


def by_mapped_memory(file: Path, content: bytes) -> None:
    with open(file, "r+b") as stream, mmap.mmap(stream.fileno(), 0) as memory:
        memory[:] = content
    os.utime(file, (LONG_AGO, LONG_AGO))


WAYS = [in_place, by_copy_that_keeps_times, by_rename, by_archive, by_rsync, by_mapped_memory]


@pytest.mark.parametrize("replace", WAYS)
@pytest.mark.parametrize("size", [1, 1_000, 3_000_000])
def test_other_data_of_the_same_size_and_time_is_other_data(replace, size, tmp_path):
    old, new = random.Random(1).randbytes(size), random.Random(2).randbytes(size)
    file = tmp_path / "data.csv"
    write(file, old)
    pins = pinned_inputs([str(file)])
    replace(file, new)
    assert (file.stat().st_size, file.stat().st_mtime) == (size, LONG_AGO)
    assert pinned_inputs([str(file)]) != pins
    with pytest.raises(TransientError, match=r"data\.csv: changed while it was read"):
        check_unchanged(pins)
    replace(file, old)
    assert pinned_inputs([str(file)]) == pins


@pytest.fixture
def bucket(gcs: Emulator, tmp_path: Path) -> str:
    """A folder of the test's own on the emulated storage."""
    return f"{gcs.root}/{tmp_path.name}"


@pytest.mark.parametrize("size", [1, 1_000, 3_000_000])
def test_other_data_of_the_same_size_on_a_bucket_is_other_data(bucket, size):
    uri = f"{bucket}/data.csv"
    storage.write(uri, random.Random(1).randbytes(size))
    pins = pinned_inputs([uri])
    check_unchanged(pins)
    storage.write(uri, random.Random(2).randbytes(size))
    assert pinned_inputs([uri]) != pins
    with pytest.raises(TransientError, match=r"data\.csv: changed while it was read"):
        check_unchanged(pins)


def test_the_same_data_at_another_time_or_in_another_inode_is_the_same(tmp_path):
    file = tmp_path / "data.csv"
    write(file, b"label\n1\n")
    pins = pinned_inputs([str(file)])
    os.utime(file)
    assert pinned_inputs([str(file)]) == pins
    by_rename(file, b"label\n1\n")
    check_unchanged(pins)


def test_a_pin_is_the_sha256_of_the_content(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert content_hash(str(tmp_path / "x")) == digest
    assert fingerprint(str(tmp_path / "x")) == digest


def test_a_file_is_read_once_in_a_process_while_the_system_vouches_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(hashes, "_SETTLED_SECONDS", -1.0)
    file = tmp_path / "x"
    write(file, b"abc")
    first = content_hash(str(file))
    monkeypatch.setattr(hashlib, "file_digest", None)  # reading again would fail
    assert content_hash(str(file)) == first
    write(file, b"abd")
    with pytest.raises(TypeError):
        content_hash(str(file))


def test_a_file_that_has_just_changed_is_read_again(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    first = content_hash(str(file))
    file.write_bytes(b"abd")
    assert content_hash(str(file)) != first


@pytest.mark.parametrize("uri", ["pipe", "/dev/zero"])
def test_what_has_no_end_is_no_input(uri, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="expected a regular file"):
        pinned_inputs([str(tmp_path / uri)])


# Models ---------------------------------------------------------------------------------------------------------------


def plan_of(uri: Path | str, kind: str, folder: Path) -> Plan:
    analysis = {
        "inputs": {"format": "csv", "files": ["data.csv"]},
        "models": [{"name": "m", "type": kind, "uri": str(uri)}],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
        },
        "output": "out",
    }
    return compile_analysis(analysis, folder)


FILES_OF_MODELS = [
    ("keras", "model.keras"),
    ("saved_model", "model/saved_model.pb"),
    ("saved_model", "model/variables/variables.data-00000-of-00001"),
    ("saved_model", "model/assets/vocabulary.txt"),
]


@pytest.mark.parametrize("replace", WAYS)
@pytest.mark.parametrize(("kind", "file"), FILES_OF_MODELS)
def test_a_retrained_model_of_the_same_size_and_time_is_refused_within_a_run(kind, file, replace, tmp_path):
    for other in ("model/saved_model.pb", "model/variables/variables.index", "model/assets/words.txt"):
        write(tmp_path / other, b"same")
    write(tmp_path / file, b"old weights")
    plan = plan_of(tmp_path / file.split("/")[0], kind, tmp_path)
    pins = pinned_models(plan)
    check_models(plan, pins)
    replace(tmp_path / file, b"new weights")
    with pytest.raises(ModelError, match=r"model 'm': changed since the run began .*; start a new run"):
        check_models(plan, pins)


@pytest.mark.parametrize(("kind", "file"), FILES_OF_MODELS)
def test_a_retrained_model_of_the_same_size_on_a_bucket_is_refused_within_a_run(kind, file, bucket, tmp_path):
    for other in ("model/saved_model.pb", "model/variables/variables.index", "model/assets/words.txt"):
        storage.write(f"{bucket}/{other}", b"same")
    storage.write(f"{bucket}/{file}", b"old weights")
    plan = plan_of(f"{bucket}/{file.split('/')[0]}", kind, tmp_path)
    pins = pinned_models(plan)
    check_models(plan, pins)
    storage.write(f"{bucket}/{file}", b"new weights")
    with pytest.raises(ModelError, match=r"model 'm': changed since the run began .*; start a new run"):
        check_models(plan, pins)


# Through the command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["folder", "gcs"])
def test_a_run_reads_data_again_whose_labels_were_turned_round(tmp_path, monkeypatch, request, where):
    here = str(tmp_path) if where == "folder" else request.getfixturevalue("bucket")
    rng = random.Random(0)
    rows = [(rng.randrange(2), rng.randrange(100)) for _ in range(300)]

    def data(turned: bool) -> None:
        lines = (f"{1 - label if turned else label},0.{score:02}\n" for label, score in rows)
        content = ("label,score\n" + "".join(lines)).encode()
        if where == "folder":
            write(tmp_path / "d.csv", content)
        else:
            storage.write(f"{here}/d.csv", content)

    (tmp_path / "a.yaml").write_text(ANALYSIS)
    monkeypatch.chdir(tmp_path)

    def auc() -> float:
        assert main(["run", "a.yaml", "--base", here, "--quiet", "--checkpoints", f"{here}/root"]) == 0
        return auc_in(load_eval_result(f"{here}/out"))

    data(turned=False)
    first = auc()
    data(turned=True)
    assert auc() == pytest.approx(1 - first, abs=1e-9)


def auc_in(result: EvalResult) -> float:
    return float(dict(result.slicing_metrics)[()][""][""]["auc"]["doubleValue"])
