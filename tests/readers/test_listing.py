import os
from pathlib import Path

import pytest

from assay import storage
from assay.errors import ConfigError, InputError, MissingColumnError, MissingFileError
from assay.readers.listing import find
from assay.readers.source import Source, check_columns


def names(found, folder):
    return [os.path.relpath(place, folder) for place in found]


@pytest.fixture
def spark(tmp_path):
    """A folder as Spark writes it."""
    for name in (
        "part-00000.csv",
        "part-00001.csv",
        "_SUCCESS",
        "._SUCCESS.crc",
        ".part-00000.csv.crc",
        "_committed_7",
    ):
        (tmp_path / name).write_text("a,b\n1,2\n")
    return tmp_path


@pytest.mark.parametrize("end", ["", "/", "/*", "/part-*", "/*.csv", "/**"])
def test_of_a_folder_that_spark_wrote_only_the_data_counts(spark, end):
    assert names(find([f"{spark}{end}"]), spark) == ["part-00000.csv", "part-00001.csv"]


@pytest.mark.parametrize("name", ["_SUCCESS", ".part-00000.csv.crc", "_committed_*", ".part*"])
def test_what_is_named_is_taken_whatever_its_name(spark, name):
    assert len(find([f"{spark}/{name}"])) == 1


def test_a_file_whose_name_only_looks_hidden_is_data(tmp_path):
    (tmp_path / "_rows.csv").write_text("a\n1\n")
    assert names(find([f"{tmp_path}/*.csv"]), tmp_path) == ["_rows.csv"]
    assert names(find([str(tmp_path)]), tmp_path) == ["_rows.csv"]


def test_a_folder_stands_for_all_below_it_but_hidden_folders(tmp_path):
    for name in ("day=1/part-0.csv", "day=2/part-0.csv", ".checkpoint/old.csv", "_spark_metadata/0.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    assert names(find([str(tmp_path)]), tmp_path) == ["day=1/part-0.csv", "day=2/part-0.csv"]


def test_a_column_that_only_the_names_of_folders_hold_is_refused_with_the_cure(tmp_path):
    (tmp_path / "day=2026-01-01").mkdir()
    (tmp_path / "day=2026-01-01" / "part-0.csv").write_text("label,score\n1,0.5\n")
    with pytest.raises(MissingColumnError, match=r"no column 'day', which slicing_specs needs .*day=2026-01-01 only"):
        check_columns(Source("csv", (str(tmp_path),)), {"label": "label_key", "day": "slicing_specs"})


@pytest.mark.parametrize(
    ("name", "what"), [("_delta_log", "a Delta table"), (".hoodie", "a Hudi table"), ("_temporary", "still written to")]
)
@pytest.mark.parametrize("end", ["", "/*.csv"])
def test_a_folder_of_which_not_every_file_counts_is_refused(spark, name, what, end):
    (spark / name).mkdir()
    (spark / name / "0.json").write_text("{}")
    with pytest.raises(InputError, match=f"{what}.*it has {name}"):
        find([f"{spark}{end}"])


def test_a_link_to_a_folder_is_not_left_out_in_silence(spark, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    os.symlink(elsewhere, spark / "more")
    with pytest.raises(InputError, match="more is a link to a folder"):
        find([str(spark)])


def test_a_folder_without_data_is_named(tmp_path):
    (tmp_path / "_SUCCESS").touch()
    with pytest.raises(MissingFileError, match="it is a folder without files of data"):
        find([str(tmp_path)])


@pytest.mark.parametrize(
    "place", ["s3://b/x.csv", "s3a://b/*", "hdfs://h/x", "abfs://c@a/x", "https://h/x.csv", "ftp://x"]
)
def test_other_storages_are_refused_with_what_is_taken(place):
    with pytest.raises(ConfigError, match=r"inputs\.files '.*': expected a local folder or a gs:// URI"):
        find([place])


@pytest.mark.parametrize(
    ("place", "cure"),
    [
        ("file:///data/x.csv", "the path /data/x.csv"),
        ("file:/data/x.csv", "the path /data/x.csv"),
        ("gcs://b/x", "gs://b/x"),
    ],
)
def test_other_ways_to_write_a_place_are_told_the_right_one(place, cure):
    with pytest.raises(ConfigError, match=f"write it as {cure}"):
        find([place], "inputs.join.files")


def test_the_words_are_the_same_for_a_root_a_place_and_a_model():
    said = []
    for refuse in (storage.check_root, storage.stat, lambda place: find([place])):
        with pytest.raises(ConfigError) as caught:
            refuse("s3://bucket/x")
        said.append(str(caught.value).partition(": ")[2])
    assert len(set(said)) == 1


def test_a_named_pipe_is_refused_alone_in_a_glob_and_in_a_folder(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    for pattern in (f"{tmp_path}/rows.csv", f"{tmp_path}/*.csv", str(tmp_path)):
        with pytest.raises(InputError, match=r"rows\.csv': expected a regular file, found a named pipe"):
            find([pattern])


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/stdin", "/dev/null"])
def test_a_device_is_refused(place):
    if Path(place).is_file():
        pytest.skip("it is a file here")
    with pytest.raises(InputError, match="expected a regular file"):
        find([place])


def test_path_objects_are_names(spark):
    assert names(find([spark / "part-00000.csv", Path(spark)]), spark) == ["part-00000.csv", "part-00001.csv"]
    assert Source("csv", (spark / "part-00000.csv",)).files == (f"{spark}/part-00000.csv",)
