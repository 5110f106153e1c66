import json
import os
import uuid
from pathlib import Path

import pytest

from assay import metrics_frame, storage
from assay.cli import main
from assay.errors import ConfigError, InputError, MissingColumnError, MissingFileError
from assay.readers.listing import find
from assay.readers.source import Source, check_columns
from tests.doors import OF_FILES, values_of_files
from tests.wrong_calls import analysis


def names(found, folder):
    return [os.path.relpath(uri, folder) for uri in found]


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
    with pytest.raises(MissingColumnError, match=r"no column 'day', which slicing_specs needs .*in .*day=2026-01-01"):
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


@pytest.mark.parametrize("name", ["_delta_log", ".hoodie"])
@pytest.mark.parametrize("end", ["day=*/*.csv", "day=2/part-0.csv*", "day=1/hour=0*/*", "*/*/*.csv"])
def test_a_glob_of_partitions_of_a_table_is_refused(tmp_path, name, end):
    for file in ("day=1/hour=03/part-0.csv", "day=2/part-0.csv", f"{name}/0.json"):
        storage.write(f"{tmp_path}/table/{file}", b"a\n1\n")
    with pytest.raises(InputError, match=rf"table is a (Delta|Hudi) table \(it has {name}\)"):
        find([f"{tmp_path}/table/{end}"])


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
    "uri", ["s3://b/x.csv", "s3a://b/*", "hdfs://h/x", "abfs://c@a/x", "https://h/x.csv", "ftp://x"]
)
def test_other_storages_are_refused_with_what_is_taken(uri):
    with pytest.raises(ConfigError, match=r"inputs\.files '.*': expected a local folder or a gs:// URI"):
        find([uri])


@pytest.mark.parametrize(
    ("uri", "cure"),
    [
        ("file:///data/x.csv", "the path /data/x.csv"),
        ("file:/data/x.csv", "the path /data/x.csv"),
        ("gcs://b/x", "gs://b/x"),
    ],
)
def test_other_ways_to_write_a_place_are_told_the_right_one(uri, cure):
    with pytest.raises(ConfigError, match=f"write it as {cure}"):
        find([uri], "inputs.join.files")


def test_the_words_are_the_same_for_a_root_a_place_and_a_model():
    said = []
    for refuse in (storage.check_root, storage.stat, lambda uri: find([uri])):
        with pytest.raises(ConfigError) as caught:
            refuse("s3://bucket/x")
        said.append(str(caught.value).partition(": ")[2])
    assert len(set(said)) == 1


def test_a_named_pipe_is_refused_alone_in_a_glob_and_in_a_folder(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    for pattern in (f"{tmp_path}/rows.csv", f"{tmp_path}/*.csv", str(tmp_path)):
        with pytest.raises(InputError, match=r"rows\.csv': expected a regular file, found a named pipe"):
            find([pattern])


@pytest.mark.parametrize("uri", ["/dev/zero", "/dev/stdin", "/dev/null"])
def test_a_device_is_refused(uri):
    if Path(uri).is_file():
        pytest.skip("it is a file here")
    with pytest.raises(InputError, match="expected a regular file"):
        find([uri])


def test_path_objects_are_names(spark):
    assert names(find([spark / "part-00000.csv", Path(spark)]), spark) == ["part-00000.csv", "part-00001.csv"]
    assert Source("csv", (spark / "part-00000.csv",)).files == (f"{spark}/part-00000.csv",)


# Whole runs -----------------------------------------------------------------------------------------------------------

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanLabel"}]}],
}
PARTS = {"part-00000.csv": "label,score,id\n1,0.5,a\n", "part-00001.csv": "label,score,id\n0,0.25,b\n1,0.75,c\n"}
MARKS = {
    "_SUCCESS": b"",
    "._SUCCESS.crc": b"crc\0\0\0\0\0",
    ".part-00000.csv.crc": b"crc\0\0\0\0\0",
    "_committed_7": b'{"added": ["part-00000.csv"], "removed": []}',
    "_metadata/part-00002.csv": b"label,score,id\n0,0,d\n",
}


def write_as_spark(folder):
    for name, content in {**{name: text.encode() for name, text in PARTS.items()}, **MARKS}.items():
        storage.write(f"{folder}/{name}", content)


@pytest.mark.parametrize(
    ("end", "door"), list(zip(["", "/", "/*", "/part-*", "/**", "/part-?????.csv"], OF_FILES * 2, strict=True))
)
def test_every_door_reads_a_folder_that_spark_wrote(end, door, tmp_path):
    write_as_spark(tmp_path / "scored")
    found = values_of_files(door, {"files": f"scored{end}", "eval_config": CONFIG}, tmp_path)
    assert found["Overall"] == {"example_count": 3, "mean_label": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("files", "count"),
    [("f/**/*.csv", 3), ("f/**/d2/**/*.csv", 2), ("f/**/a.csv", 1), ("**/f/**/c.csv", 1), ("f/d**.csv", 2)],
)
def test_two_stars_also_stand_for_no_folder(files, count, tmp_path):
    for label, name in enumerate(["a.csv", "d2/b.csv", "d2/h/c.csv"]):
        storage.write(f"{tmp_path}/f/{name}", f"label,score\n{label},0.5\n".encode())
    assert len(find([f"{tmp_path}/{files}"])) == count


@pytest.mark.parametrize("door", OF_FILES)
def test_every_door_reads_what_two_stars_find_in_no_folder(door, tmp_path):
    for label, name in enumerate(["a.csv", "d1/b.csv", "d2/h/c.csv"]):
        storage.write(f"{tmp_path}/f/{name}", f"label,score\n{label},0.5\n".encode())
    found = values_of_files(door, {"files": "f/**/*.csv", "eval_config": CONFIG}, tmp_path)
    assert found["Overall"] == {"example_count": 3, "mean_label": 1}


def test_a_glob_without_a_folder_is_of_the_working_folder(spark, monkeypatch):
    monkeypatch.chdir(spark)
    assert list(find(["part-*.csv"])) == list(find(["**/*.csv"])) == ["part-00000.csv", "part-00001.csv"]


def test_a_glob_without_a_folder_finds_names_of_one_letter(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "_hidden").write_text("")
    monkeypatch.chdir(tmp_path)
    assert find(["*.csv"]) == {"a.csv": 4}
    assert find(["*"]) == {"a.csv": 4}


def test_a_folder_that_spark_wrote_can_be_joined(tmp_path):
    write_as_spark(tmp_path / "labels")
    (tmp_path / "rows.csv").write_text("id,prediction\na,0.5\nb,0.25\nc,0.75\n")
    call = {
        "files": "rows.csv",
        "columns": ["prediction"],
        "join": {"files": "labels/", "on": ["id"], "columns": ["label"]},
        "eval_config": {**CONFIG, "model_specs": [{"label_key": "label", "prediction_key": "prediction"}]},
    }
    found = values_of_files("command", call, tmp_path)
    assert found["Overall"] == {"example_count": 3, "mean_label": pytest.approx(2 / 3)}


@pytest.mark.parametrize("end", ["", "/", "/*", "/part-*", "/*.csv", "/**"])
def test_of_a_folder_that_spark_wrote_on_a_bucket_only_the_data_counts(gcs, end):
    folder = f"{gcs.root}/{uuid.uuid4().hex}"
    write_as_spark(folder)
    assert list(find([f"{folder}{end}"])) == [f"{folder}/{name}" for name in PARTS]


@pytest.mark.parametrize(("name", "what"), [("_delta_log", "a Delta table"), ("_temporary", "still written to")])
@pytest.mark.parametrize("end", ["", "/*.csv"])
def test_a_folder_on_a_bucket_of_which_not_every_file_counts_is_refused(gcs, name, what, end):
    folder = f"{gcs.root}/{uuid.uuid4().hex}"
    write_as_spark(folder)
    storage.write(f"{folder}/{name}/0.json", b"{}")
    with pytest.raises(InputError, match=f"{what}.*it has {name}"):
        find([f"{folder}{end}"])


def test_a_folder_on_a_bucket_without_data_is_named(gcs):
    folder = f"{gcs.root}/{uuid.uuid4().hex}"
    storage.write(f"{folder}/_SUCCESS", b"")
    with pytest.raises(MissingFileError, match="it is a folder without files of data"):
        find([folder])


def test_the_command_reads_such_a_folder_on_a_bucket(gcs, tmp_path):
    folder = f"{gcs.root}/{uuid.uuid4().hex}"
    write_as_spark(f"{folder}/scored")
    call = {"files": f"{folder}/scored", "eval_config": CONFIG, "output": f"{folder}/out"}
    (tmp_path / "a.json").write_text(json.dumps(analysis(call)))
    assert main(["run", str(tmp_path / "a.json"), "--quiet", "--checkpoints", f"{folder}/root"]) == 0
    frame = metrics_frame(f"{folder}/out")
    assert dict(zip(frame["metric"], frame["value"], strict=True))["example_count"] == 3
