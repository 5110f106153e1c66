import os
from typing import Any

import pyarrow as pa
import pytest
from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

from assay.models import files, model
from assay.models.model import ModelNeeds, ModelRef, needs

load: Any = model.load
SCHEME = "testmodels://"


class FarFileSystem(LocalFileSystem):
    """A remote file system as Beam sees it: paths carry a scheme, and folders are but prefixes."""

    @classmethod
    def scheme(cls):
        return "testmodels"

    def exists(self, path):
        return os.path.isfile(path.removeprefix(SCHEME))

    def open(self, path, mime_type="application/octet-stream", compression_type=CompressionTypes.AUTO):
        return super().open(path.removeprefix(SCHEME), mime_type, compression_type)

    def metadata(self, path):
        found = super().metadata(path.removeprefix(SCHEME))
        return FileMetadata(path, found.size_in_bytes, found.last_updated_in_seconds)

    def _list(self, dir_or_prefix):
        for folder, _, names in os.walk(dir_or_prefix.removeprefix(SCHEME)):
            yield from (self.metadata(f"{SCHEME}{folder.rstrip('/')}/{name}") for name in names)


def test_a_remote_saved_model_is_copied_and_runs(named_tensors):
    ref = ModelRef("m", SCHEME + named_tensors, "saved_model")
    assert needs(ref).columns == ("age", "city", "clicks")
    features = {"age": pa.array([1]), "clicks": pa.array([2]), "city": pa.array(["Rome"])}
    assert load(ref)({"features": features}).tolist() == [5.0]
    assert load(ref) is load(ref)


def test_a_remote_keras_file_is_copied_and_runs(keras_one):
    ref = ModelRef("m", SCHEME + keras_one, "keras", features=("a", "b", "c"))
    assert needs(ref) == ModelNeeds(raw=False, columns=("a", "b", "c"))
    assert load(ref)({"features": {name: pa.array([1.0]) for name in "abc"}}).tolist() == [3.0]


def test_the_stamp_of_a_file_changes_with_the_file(tmp_path):
    path = tmp_path / "m.keras"
    path.write_text("one")
    before = files.stamp(str(path)), files.stamp(SCHEME + str(path))
    path.write_text("three")
    after = files.stamp(str(path)), files.stamp(SCHEME + str(path))
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_local_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m.keras").write_text("text")
    assert files.exists("~/m.keras")
    assert files.local_copy("~/m.keras") == str(tmp_path / "m.keras")


@pytest.mark.parametrize("uri", [SCHEME + "/nowhere/model", "/nowhere/model"])
def test_nothing_exists_where_there_is_nothing(uri):
    assert not files.exists(uri)
