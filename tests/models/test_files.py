import os
import shutil

import pytest

from assay.errors import ModelError
from assay.models import files, model
from assay.models.model import ModelRef


@pytest.mark.parametrize(
    ("uri", "cure"),
    [
        ("s3://bucket/m.keras", "copy it to one of these first"),
        ("hdfs://host/m", "copy it to one of these first"),
        ("https://host/m.keras", "copy it to one of these first"),
        ("abfss://box@account/m", "copy it to one of these first"),
        ("dbfs:/models/m", "copy it to one of these first"),
        ("file:///models/m.keras", "write it as the path /models/m.keras"),
        ("GS://bucket/m.keras", "write it as gs://bucket/m.keras"),
    ],
)
@pytest.mark.parametrize("type_", ["keras", "saved_model"])
def test_a_model_on_another_storage_is_refused_with_what_is_taken(uri, cure, type_):
    with pytest.raises(ModelError, match="expected a local folder or a gs:// URI") as caught:
        model.check(ModelRef("m", uri, type_))
    assert uri in str(caught.value)
    assert cure in str(caught.value)


def test_a_named_pipe_in_the_place_of_a_model_is_refused(tmp_path):
    os.mkfifo(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"m\.keras': expected a regular file, found a named pipe"):
        model.check(ModelRef("m", str(tmp_path / "m.keras"), "keras"))


def test_a_named_pipe_among_the_files_of_a_model_is_refused(named_tensors, tmp_path):
    shutil.copytree(named_tensors, tmp_path / "m")
    os.mkfifo(tmp_path / "m" / "variables" / "variables.data-00001-of-00002")
    with pytest.raises(ModelError, match="data-00001-of-00002': expected a regular file, found a named pipe"):
        model.check(ModelRef("m", str(tmp_path / "m"), "saved_model"))


@pytest.mark.parametrize(("uri", "found"), [("/dev/zero", "a device"), ("/dev/null", "a device")])
def test_a_device_in_the_place_of_a_model_is_refused(uri, found):
    with pytest.raises(ModelError, match=f"expected a regular file, found {found}"):
        model.check(ModelRef("m", uri, "keras"))


def test_the_stamp_of_a_file_changes_with_the_file(tmp_path):
    path = tmp_path / "m.keras"
    path.write_text("one")
    before = files.stamp(str(path))
    path.write_text("three")
    assert files.stamp(str(path)) != before


def test_a_local_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m.keras").write_text("text")
    assert files.exists("~/m.keras")
    assert files.local_copy("~/m.keras") == str(tmp_path / "m.keras")


def test_nothing_exists_where_there_is_nothing():
    assert not files.exists("/nowhere/model")
