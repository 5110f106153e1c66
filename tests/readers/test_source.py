import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import ConfigError, CorruptFileError, MissingColumnError, MissingFileError
from assay.readers import source as source_module
from assay.readers.source import Source, check_columns, file_ids, splits


def names(source):
    return [[file.rsplit("/", 1)[-1] for file in split.files] for split in splits(source)]


def test_files_are_sorted_and_each_comes_once(write, tmp_path):
    for name in ("b.csv", "a.csv", "c.csv"):
        write(name, "a\n1\n")
    assert names(Source("csv", (f"{tmp_path}/c.csv", f"{tmp_path}/*.csv"))) == [["a.csv", "b.csv", "c.csv"]]


def test_splits_join_small_neighbours_and_leave_large_files_alone(write, tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "SPLIT_BYTES", 100)
    for name, size in {"a": 40, "b": 50, "c": 20, "d": 300, "e": 10, "f": 90}.items():
        write(name, b"x" * size)
    source = Source("csv", (f"{tmp_path}/*",))
    assert names(source) == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert [split.index for split in splits(source)] == [0, 1, 2, 3]


def test_the_home_folder_may_be_written_as_a_tilde(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write("a.csv", "a\n1\n")
    assert names(Source("csv", ("~/a.csv",))) == [["a.csv"]]


def test_a_name_with_glob_characters_is_taken_as_it_is(write, tmp_path):
    write("a[1].csv", "a\n1\n")
    assert names(Source("csv", (f"{tmp_path}/a[1].csv",))) == [["a[1].csv"]]


@pytest.mark.parametrize("pattern", ["nothing-*.csv", "nothing.csv", "no/folder/*.csv"])
def test_what_matches_no_file_is_named(write, tmp_path, pattern):
    write("a.csv", "a\n1\n")
    with pytest.raises(MissingFileError, match=r"no file matches '.*no(thing|/folder)"):
        splits(Source("csv", (f"{tmp_path}/a.csv", f"{tmp_path}/{pattern}")))


def test_no_files_at_all_is_refused():
    with pytest.raises(MissingFileError, match=r"inputs\.files is empty"):
        splits(Source("csv", ()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "parqet"}, r"inputs\.format is 'parqet'.*did you mean 'parquet'"),
        ({"on_bad_rows": "ignore"}, "on_bad_rows is 'ignore'; expected one of fail, skip"),
        ({"options": {"delimeter": ";"}}, r"inputs\.options\.delimeter: .*did you mean 'delimiter'"),
        (
            {"format": "parquet", "options": {"quote": "'"}},
            r"inputs\.options\.quote: the format parquet has no such option; it has none: remove it",
        ),
        ({"options": {"types": {"a": "int"}}}, r"inputs\.options\.types\.a is 'int'.*did you mean 'int64'"),
        ({"raw": True}, r"serialised tf\.Examples, but inputs\.format is 'csv'"),
        ({"batch_rows": 0}, "batch_rows: expected at least 1, found 0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_refused_at_once(settings, message):
    with pytest.raises(ConfigError, match=message):
        Source(**{"format": "csv", "files": ("a",), **settings})


@pytest.fixture
def census(tmp_path):
    table = pa.table({"age": [1], "income": [0.5], "education": ["x"]})
    pq.write_table(table, tmp_path / "a.parquet")
    return str(tmp_path / "a.parquet")


def test_columns_that_are_there_pass(census):
    check_columns(Source("parquet", (census,)), {"age": "label_key"})


def test_missing_columns_are_named_with_who_needs_them_and_what_is_there(census):
    needed = {"agee": "label_key", "age": "example_weight_key", "race": "slicing_specs[2]"}
    with pytest.raises(MissingColumnError) as caught:
        check_columns(Source("parquet", (census,)), needed)
    assert str(caught.value) == (
        f"{census} has no column 'agee', which label_key needs (did you mean 'age'?); "
        "no column 'race', which slicing_specs[2] needs. It has: age, education, income; name "
        "one of these, or add the column to the data"
    )


@pytest.mark.parametrize(("form", "text"), [("csv", "age,b\n1,2\n"), ("jsonl", '{"age": 1, "b": 2}\n')])
def test_every_format_tells_its_columns(write, form, text):
    source = Source(form, (str(write("a", text)),))
    check_columns(source, {"age": "label_key", "b": "label_key"})
    with pytest.raises(MissingColumnError, match=r"no column 'c'.*It has: age, b"):
        check_columns(source, {"c": "label_key"})


def test_a_file_of_another_format_is_refused_before_any_work(write):
    with pytest.raises(CorruptFileError, match=r"a\.csv: not readable as Parquet"):
        check_columns(Source("parquet", (str(write("a.csv", "a\n1\n")),)), {"a": "label_key"})


@pytest.mark.parametrize("folder", ["/data", "/elsewhere/of/it", "gs://bucket/data", "."])
@pytest.mark.parametrize(
    "names",
    [
        ["part-0.parquet", "part-1.parquet"],
        ["pos/part-0.parquet", "neg/part-0.parquet"],
        ["day=1/hour=0/part-0.parquet", "day=2/hour=0/part-0.parquet", "day=2/hour=1/part-0.parquet"],
        ["part-0.parquet", "later/part-0.parquet"],
    ],
)
def test_files_are_told_apart_wherever_they_lie(folder, names):
    ids = file_ids([f"{folder}/{name}" for name in names])
    assert len(set(ids.values())) == len(names)
    assert [*ids.values()] == [*file_ids([f"/tmp/{name}" for name in names]).values()]


def test_a_file_of_a_single_folder_is_known_by_its_name():
    assert file_ids(["/data/day=1/part-0.csv"]) == {"/data/day=1/part-0.csv": zlib.crc32(b"part-0.csv")}
