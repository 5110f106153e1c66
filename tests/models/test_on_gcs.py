"""Models on Google Cloud Storage."""

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay import storage
from assay.errors import ModelError, TransientError
from assay.models import files, model
from assay.models.model import ModelNeeds, ModelRef, check, needs
from assay.storage import gcs as storage_gcs

load: Any = model.load


def uploaded(gcs, path, name):
    """The URI of a copy of a model on the bucket."""
    uri = f"{gcs.root}/{uuid.uuid4().hex}/{name}"
    for file in [Path(path)] if Path(path).is_file() else Path(path).rglob("*"):
        if file.is_file():
            storage.write(uri + str(file).removeprefix(path), file.read_bytes())
    return uri


def test_a_saved_model_is_checked_copied_and_run(gcs, named_tensors):
    ref = ModelRef("m", uploaded(gcs, named_tensors, "m"), "saved_model")
    check(ref)
    assert needs(ref).columns == ("age", "city", "clicks")
    features = {"age": pa.array([1]), "clicks": pa.array([2]), "city": pa.array(["Rome"])}
    assert load(ref)({"features": features}).tolist() == [5.0]


def test_a_keras_file_is_checked_copied_and_run(gcs, keras_one):
    ref = ModelRef("m", uploaded(gcs, keras_one, "m.keras"), "keras", features=("a", "b", "c"))
    check(ref)
    assert needs(ref) == ModelNeeds(raw=False, columns=("a", "b", "c"))
    assert load(ref)({"features": {name: pa.array([1.0]) for name in "abc"}}).tolist() == [3.0]


def test_a_model_that_is_written_again_is_another_one(gcs, keras_one):
    uri = uploaded(gcs, keras_one, "m.keras")
    before = files.stamp(uri)
    storage.write(uri, Path(keras_one).read_bytes())
    assert files.stamp(uri) != before


def test_a_folder_of_versions_names_the_newest(gcs):
    uri = f"{gcs.root}/{uuid.uuid4().hex}"
    for version in ("9", "10"):
        storage.write(f"{uri}/{version}/saved_model.pb", b"")
    with pytest.raises(ModelError, match=f"holds versions of a model; name one of them, such as {uri}/10"):
        check(ModelRef("m", uri, "saved_model"))


@pytest.mark.parametrize("kind", ["saved_model", "keras"])
def test_a_model_that_is_not_there_is_named(gcs, kind):
    with pytest.raises(ModelError, match=f"{gcs.root}/none"):
        check(ModelRef("m", f"{gcs.root}/none", kind))


def test_a_copy_is_whole_or_a_transient_fault(gcs, keras_one, monkeypatch):
    monkeypatch.setattr(storage_gcs, "RETRY_SECONDS", 0.5)
    uri = uploaded(gcs, keras_one, "m.keras")
    gcs.fail("corrupt", 1000, method="GET", path="alt=media")
    with pytest.raises(TransientError, match=f"{uri}: damaged on the way"):
        files.local_copy(uri)
