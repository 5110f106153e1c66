"""Another storage is one module and one row: a whole analysis runs on one that assay has never heard of."""

from __future__ import annotations

import io
import json
import os
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay import storage
from assay.cli import main
from assay.errors import ConfigError, MissingFileError, ModelError, ResultsError
from assay.models import files as model_files
from assay.readers.listing import find
from assay.results.files import listed
from assay.storage import gcs, local
from assay.storage.fingerprints import fingerprint, fingerprints_within, stamp, stamps_within
from tests.memory_store import SCHEME, MemoryStore

ROWS = [(i * 7 % 3 == 0, (i * 37 % 100) / 100, "ab"[i % 2]) for i in range(200)]
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "ExampleCount"}]}],
}


@pytest.fixture
def memory(monkeypatch) -> MemoryStore:
    store = MemoryStore()
    monkeypatch.setitem(storage.STORES, SCHEME, lambda: store)
    return store


@pytest.fixture(params=["folder", "gs", SCHEME])
def root(request, tmp_path) -> str:
    """A folder of the test's own on each storage."""
    if request.param == "folder":
        return str(tmp_path / "root")
    if request.param == "gs":
        return f"{request.getfixturevalue('gcs').root}/{uuid.uuid4().hex}"
    request.getfixturevalue("memory")
    return f"{SCHEME}://bucket/root"


def table() -> pa.Table:
    labels, scores, groups = zip(*ROWS, strict=True)
    return pa.table({"label": [float(label) for label in labels], "score": scores, "group": groups})


def content(form: str) -> bytes:
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(table(), sink)
    elif form == "csv":
        pyarrow.csv.write_csv(table(), sink)
    else:
        sink.write("".join(json.dumps(row) + "\n" for row in table().to_pylist()).encode())
    return sink.getvalue()


def analysis(form: str, **more: object) -> str:
    return json.dumps(
        {"inputs": {"format": form, "files": f"data/*.{form}"}, "eval_config": CONFIG, "output": "out", **more}
    )


def aucs(output: str) -> dict[str, float]:
    frame = assay.metrics_frame(output)
    frame = frame[frame["metric"] == "auc"]
    return dict(zip(frame["slice"], frame["value"], strict=True))


def expected_aucs() -> dict[str, Any]:
    """By scikit-learn."""
    found: dict[str, Any] = {}
    for name, wanted in (("Overall", "ab"), ("group=a", "a"), ("group=b", "b")):
        rows = [row for row in ROWS if row[2] in wanted]
        found[name] = pytest.approx(roc_auc_score([row[0] for row in rows], [row[1] for row in rows]), abs=1e-4)
    return found


def manifests_of(uris: list[str]) -> list[str]:
    """The tasks of checkpoints that were committed."""
    return sorted(uri.split("/")[-3] for uri in uris if uri.endswith("/manifest.json"))


# A whole analysis -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_an_analysis_with_checkpoints_runs_on_a_storage_of_another_scheme(memory, form, tmp_path, capsys):
    storage.write(f"{SCHEME}://bucket/data/1.{form}", content(form))
    (tmp_path / "a.json").write_text(analysis(form))
    call = ["run", str(tmp_path / "a.json"), "--quiet", "--base", f"{SCHEME}://bucket"]
    call += ["--checkpoints", f"{SCHEME}://bucket/root"]
    assert main(call) == 0
    assert aucs(f"{SCHEME}://bucket/out") == expected_aucs()
    assert sorted(os.listdir(tmp_path)) == ["a.json"]
    assert manifests_of(memory.written) == ["EvaluateMetricsAndPlots", "ExtractSliceKeys", "Gate", "ReadInputs"]

    memory.written.clear()
    assert main(call) == 0
    assert manifests_of(memory.written) == []
    assert aucs(f"{SCHEME}://bucket/out") == expected_aucs()

    capsys.readouterr()
    assert main(["checkpoints", f"{SCHEME}://bucket/root"]) == 0
    assert "ReadInputs" in capsys.readouterr().out
    assert main(["show", f"{SCHEME}://bucket/out"]) == 0
    assert "auc" in capsys.readouterr().out


def test_python_reads_and_writes_a_storage_of_another_scheme(memory):
    storage.write(f"{SCHEME}://bucket/data/1.parquet", content("parquet"))
    uri = f"{SCHEME}://bucket"
    found = assay.run_model_analysis(
        CONFIG, data_location=f"{uri}/data/*.parquet", file_format="parquet", output_path=f"{uri}/out"
    )
    assert aucs(f"{SCHEME}://bucket/out") == expected_aucs()
    assert assay.load_eval_result(f"{SCHEME}://bucket/out").slicing_metrics == found.slicing_metrics


def test_a_scheme_without_a_row_is_refused_and_the_ones_with_a_row_are_named(memory):
    with pytest.raises(ConfigError, match="expected a local folder or a gs:// URI or a mem:// URI"):
        find(["s3://bucket/x.csv"])
    with pytest.raises(ConfigError, match="write it as mem://bucket/x"):
        storage.check_root("MEM://bucket/x")
    with pytest.raises(ConfigError, match="expected a bucket after mem://"):
        storage.check_root("mem:///x")


def test_without_its_row_the_scheme_is_refused_as_any_other():
    for refuse in (storage.read, storage.check_root, storage.exists, storage.local_path, stamp, fingerprint):
        with pytest.raises(ConfigError, match=r"'mem://bucket/x': expected a local folder or a gs:// URI"):
            refuse("mem://bucket/x")
    with pytest.raises(ModelError, match="expected a local folder or a gs:// URI"):
        model_files.exists("mem://bucket/x")
    with pytest.raises(ResultsError, match="expected a local folder or a gs:// URI"):
        listed("mem://bucket/x")


# What is asked of every storage in the same words ---------------------------------------------------------------------


def test_a_folder_is_told_from_a_file_and_from_nothing(root):
    storage.write(f"{root}/folder/sub/x", b"x")
    storage.write(f"{root}/folder/y", b"y")
    assert [storage.is_folder(f"{root}/{name}") for name in ("folder", "folder/y", "none", "fold")] == [
        *(True, False),
        *(False, False),
    ]
    assert [storage.exists(f"{root}/{name}") for name in ("folder", "folder/y", "none", "fold")] == [
        *(True, True),
        *(False, False),
    ]
    assert storage.names(f"{root}/folder") == ("sub", "y")
    assert storage.names(f"{root}/folder/") == ("sub", "y")
    assert storage.names(f"{root}/none") == ()
    assert storage.names(f"{root}/folder/y") == ()


def test_a_stamp_and_a_fingerprint_change_with_any_file_of_a_folder(root):
    for name in ("a", "sub/b"):
        storage.write(f"{root}/m/{name}", b"old")
    prints, stamps = fingerprints_within(f"{root}/m"), stamps_within(f"{root}/m")
    assert list(prints) == list(stamps) == [f"{root}/m/a", f"{root}/m/sub/b"]
    assert fingerprints_within(f"{root}/m/a") == {f"{root}/m/a": prints[f"{root}/m/a"]}
    storage.write(f"{root}/m/sub/b", b"new")
    for before, now in ((prints, fingerprints_within(f"{root}/m")), (stamps, stamps_within(f"{root}/m"))):
        assert [file for file in now if now[file] != before[file]] == [f"{root}/m/sub/b"]


def test_nothing_has_no_stamp_and_no_fingerprint(root):
    assert stamp(f"{root}/none") is None
    assert fingerprint(f"{root}/none") is None
    assert fingerprints_within(f"{root}/none") == stamps_within(f"{root}/none") == {}


def test_only_what_is_a_path_here_can_be_opened_by_others(tmp_path, memory):
    assert storage.local_path(str(tmp_path)) == str(tmp_path)
    assert storage.local_path("relative/path") == "relative/path"
    assert storage.local_path("gs://bucket/x") is None
    assert storage.local_path("mem://bucket/x") is None
    assert [*map(storage.is_remote, ("gs://b/x", "mem://b/x", "/b/x", "b/x", "s3://b/x", "gs:/b", "/a/gs://b"))] == [
        *(True, True),
        *(False, False, False, False, False),
    ]


def test_a_folder_of_a_bucket_has_a_page_and_a_path_has_none(tmp_path, memory):
    assert storage.page("gs://b/a b/c") == "https://console.cloud.google.com/storage/browser/b/a%20b/c"
    assert storage.page("mem://b/c") == "https://memory.example/b/c"
    assert storage.page(str(tmp_path)) == ""


def test_a_folder_of_results_that_is_none_is_named_with_what_is_there(root):
    storage.write(f"{root}/x", b"x")
    with pytest.raises(ResultsError, match="none: expected a folder of results; there is nothing"):
        listed(f"{root}/none")
    with pytest.raises(ResultsError, match="x: expected a folder of results; it is a file"):
        listed(f"{root}/x")


def test_a_glob_below_a_folder_that_is_not_there_says_so(root):
    storage.write(f"{root}/data/x.csv", b"x")
    with pytest.raises(MissingFileError, match=rf"there is no folder {root}/datta"):
        find([f"{root}/datta/*.csv"])
    with pytest.raises(MissingFileError, match="; correct the path"):
        find([f"{root}/data/*.jsonl"])


def test_every_row_has_the_same_functions():
    """The type checker holds their types; this holds that none is asked for that another storage does not have."""
    wanted = {name for name in vars(storage.Store) if not name.startswith("_")}
    assert wanted <= set(vars(local)) & set(vars(gcs)) & set(dir(MemoryStore))
    assert [*storage.STORES] == ["", "gs"]


def test_a_model_is_copied_from_a_storage_of_another_scheme(memory):
    for name in ("saved_model.pb", "variables/variables.index"):
        storage.write(f"{SCHEME}://bucket/m/{name}", name.encode())
    copy = Path(model_files.local_copy(f"{SCHEME}://bucket/m/"))
    assert (copy / "variables" / "variables.index").read_bytes() == b"variables/variables.index"
    assert (copy / "saved_model.pb").read_bytes() == b"saved_model.pb"
