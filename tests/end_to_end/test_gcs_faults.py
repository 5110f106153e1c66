"""Runs in one job whose inputs and results lie on Google Cloud Storage, while it fails."""

import re
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from assay import storage
from assay.cli import main
from assay.plan.analysis_file import load_analysis
from assay.results.files import load_metrics
from assay.run import local
from assay.storage import gcs as storage_gcs

ROWS = 2000


@pytest.fixture
def uri(gcs, monkeypatch):
    """A folder with inputs, on a storage whose faults are not waited for long."""
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 3.0)
    monkeypatch.setattr(storage_gcs, "_FIRST_DELAY_SECONDS", 0.05)
    uri = f"{gcs.root}/{uuid.uuid4().hex}"
    for part in range(3):
        rng = np.random.default_rng(part)
        score = rng.random(ROWS)
        label = (rng.random(ROWS) < score).astype(float)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"label": label, "score": score, "group": rng.choice(["a", "b"], ROWS)}), sink)
        storage.write(f"{uri}/data/{part}.parquet", sink.getvalue().to_pybytes())
    return uri


@pytest.fixture
def analysis(uri, tmp_path):
    settings = {
        "inputs": {"format": "parquet", "files": [f"{uri}/data/*.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["group"]}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "ExampleCount"}]}],
        },
        "analysis_table": True,
        "output": f"{uri}/results",
    }
    file = tmp_path / "analysis.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def metrics_at(uri):
    return sorted(record.SerializeToString(deterministic=True) for record in load_metrics(f"{uri}/results"))


def left(uri):
    """Names of the files of all runs, each as often as it is there."""
    return sorted(name.rsplit("/", 1)[-1] for name, _ in storage.list(f"{uri}/results"))


def test_faults_that_pass_leave_no_trace(gcs, uri, analysis):
    local.run(load_analysis(analysis, {}))
    expected, files = metrics_at(uri), left(uri)
    for method in ("GET", "POST", "PUT", "DELETE"):
        for kind in ("503", "lost", "429"):
            gcs.fail(kind, 1, method=method)
    local.run(load_analysis(analysis, {}))
    gcs.heal()
    assert metrics_at(uri) == expected
    assert left(uri) == sorted([*files, *set(files)])


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("reading", {"method": "GET", "path": r"alt=media"}),
        ("writing", {"method": "POST|PUT", "path": r"upload/"}),
        ("renaming", {"method": "POST", "path": r"rewriteTo"}),
    ],
)
def test_a_fault_that_stays_is_transient_publishes_nothing_and_the_next_run_heals_it(
    gcs, uri, analysis, what, fault, monkeypatch, capsys
):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 0.3)
    gcs.fail("503", 100_000, **fault)
    assert main(["run", str(analysis)]) == 75
    assert re.search(rf"{uri}/.*: storage does not answer \(503\)", capsys.readouterr().err)
    gcs.heal()
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 3.0)
    assert not {"results.json", "verdict.json"} & set(left(uri))
    local.run(load_analysis(analysis, {}))
    assert {"results.json", "verdict.json"} <= set(left(uri))
    assert [name for name in left(f"{uri}") if name.endswith(".tmp")] == []


def test_denied_access_is_not_tried_again(gcs, uri, analysis):
    gcs.fail("403", 100_000, method="POST|PUT", path="upload/")
    assert main(["run", str(analysis)]) == 64
    gcs.heal()
    assert "results.json" not in left(uri)
