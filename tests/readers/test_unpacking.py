import bz2
import gzip
import io
import itertools
import lzma
import random
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import BadRowError, ConfigError, CorruptFileError
from assay.readers.source import Source
from tests.doors import OF_FILES, values_of_files
from tests.zip_archives import zip_of

CSV = "label,name\n1,a\n0,é\n1,\n"
JSON_LINES = '{"label": 1, "name": "a"}\n{"label": 0, "name": "é"}\n{"label": 1, "name": null}\n'
TEXTS = [pytest.param("csv", CSV, id="csv"), pytest.param("jsonl", JSON_LINES, id="jsonl")]


def zipped(content, **names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("rows",):
            archive.writestr(names.get(name, name), content)
    return file.getvalue()


def streamed(codec):
    def compress(content):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        return sink.getvalue().to_pybytes()

    return compress


COMPRESSIONS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": streamed("zstd"),
    "lz4": streamed("lz4"),
    "zip": zipped,
}


@pytest.mark.parametrize(("form", "text"), TEXTS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_text_is_read_whatever_it_is_compressed_by_and_called(read, write, form, text, compression):
    found = read(form, write("rows.txt", COMPRESSIONS[compression](text.encode())))
    assert found.column("label") == [1, 0, 1]
    assert found.column("name") == ["a", "é", None]


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zstd", "lz4"])
def test_compressed_parts_one_after_the_other_are_one_file(read, write, compression):
    pack = COMPRESSIONS[compression]
    assert read("csv", write("rows.csv", pack(b"a\n1\n") + pack(b"2\n"))).column("a") == [1, 2]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_file_that_is_cut_off_is_named(read, write, compression):
    letters = random.Random(0)
    text = "a\n" + "".join(f"{letters.random()}\n" for _ in range(20_000))
    data = COMPRESSIONS[compression](text.encode())
    with pytest.raises(CorruptFileError, match=r"cut\.csv: "):
        read("csv", write("cut.csv", data[: len(data) * 2 // 3]))


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (zipped(b"a\n1\n", one="1.csv", two="2.csv"), "a zip archive of 2 files; expected one file in it"),
        (zipped(b"", one="folder/"), "a zip archive of 0 files"),
        (zipped(b"", one="[Content_Types].xml", two="xl/workbook.xml"), "found an Excel workbook"),
    ],
    ids=["two files", "no file", "Excel"],
)
def test_a_zip_archive_of_anything_but_one_file_is_refused(read, write, archive, message):
    with pytest.raises(CorruptFileError, match=rf"a\.zip: {message}"):
        read("csv", write("a.zip", archive))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_archive_that_takes_as_much_memory_as_it_wants_is_refused(read, write, method):
    with pytest.raises(
        CorruptFileError, match=rf"a\.zip: a zip archive of method {method}; expected deflate.*unpack it"
    ):
        read("csv", write("a.zip", zip_of({"rows.csv": b"a\n1\n"}, method=method)))


def test_what_a_mac_puts_beside_a_file_in_an_archive_is_left_out(read, write):
    assert read("csv", write("a.zip", zipped(b"a\n1\n", one="rows.csv", two="__MACOSX/._rows.csv"))).column("a") == [1]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_may_not_unpack_to_many_times_its_size(read, write, monkeypatch, compression):
    monkeypatch.setattr("assay.bounds._ALWAYS_TAKEN", 1 << 20)
    monkeypatch.setenv("ASSAY_MAX_EXPANSION", "5")
    file = write("bomb.csv", COMPRESSIONS[compression](b"a\n" + b"1\n" * (3 << 20)))
    with pytest.raises(CorruptFileError, match=r"bomb\.csv: unpacks to more than 5 times its size \(set ASSAY_MAX_EXP"):
        read("csv", file)
    monkeypatch.setenv("ASSAY_MAX_EXPANSION", "100000000")
    assert len(read("csv", file).rows) == 3 << 20


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", ""])
def test_a_bound_that_is_no_number_is_refused(read, write, monkeypatch, value):
    monkeypatch.setenv("ASSAY_MAX_EXPANSION", value)
    with pytest.raises(ConfigError, match=r"ASSAY_MAX_EXPANSION=.*expected a whole number above 0"):
        read("csv", write("a.csv", gzip.compress(b"a\n1\n")))


# Encodings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "text"), TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_mark_at_the_start_says_the_encoding(read, write, form, text, encoding, pack):
    found = read(form, write("rows", pack(text.encode(encoding))))
    assert found.column("label") == [1, 0, 1]
    assert found.column("name") == ["a", "é", None]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be", "shift_jis"])
def test_an_encoding_that_is_declared_holds_for_header_and_values(read, write, encoding):
    word = "表" if encoding == "shift_jis" else "é"
    file = write("rows.csv", f"label,{word}\n1,{word}\n".encode(encoding))
    assert read("csv", file, options={"encoding": encoding}).column(word) == [word]


def test_a_long_file_in_utf16_is_read_over_the_ends_of_blocks(read, write):
    rows = [f"é{i}" for i in range(200_000)]
    assert read("csv", write("a.csv", ("a\n" + "\n".join(rows)).encode("utf-16"))).column("a") == rows


def test_a_header_in_latin_1_names_the_file_and_the_cure(read, write):
    told = r"a\.csv: the header is not UTF-8: .*set inputs\.options\.encoding .*latin-1"
    with pytest.raises(CorruptFileError, match=told):
        read("csv", write("a.csv", "größe,b\n1,2\n".encode("latin-1")))


def test_values_in_latin_1_are_bad_rows(read, write):
    file = write("a.csv", b"a\nx\n\xe9\ny\n")
    with pytest.raises(BadRowError, match=r"a\.csv, row 1: column 'a': .*UTF8"):
        read("csv", file)
    assert read("csv", file, on_bad_rows="skip").column("a") == ["x", "y"]


def test_bytes_that_are_not_in_the_declared_encoding_are_named(read, write):
    with pytest.raises(CorruptFileError, match=r"a\.csv: not readable as CSV: 'ascii' codec can't decode byte 0xc3"):
        read("csv", write("a.csv", CSV), options={"encoding": "ascii"})


@pytest.mark.parametrize(("form", "text"), TEXTS)
def test_utf_16_without_a_mark_is_named(read, write, form, text):
    with pytest.raises(CorruptFileError, match="full of NUL bytes, as UTF-16 is"):
        read(form, write("rows", text.encode("utf-16-le")))


@pytest.mark.parametrize("encoding", ["utf-99", "base64", "", 8])
def test_an_unknown_encoding_is_refused_at_once(encoding):
    with pytest.raises(ConfigError, match=r"inputs\.options\.encoding is .*such as utf-8"):
        Source("csv", ("a",), options={"encoding": encoding})


@pytest.mark.parametrize("option", ["delimiter", "quote", "escape"])
@pytest.mark.parametrize("value", ["", ";;", "é", "\n", 3])
def test_a_separator_that_is_no_character_is_refused_at_once(option, value):
    with pytest.raises(ConfigError, match=rf"inputs\.options\.{option} is .*expected one ASCII character"):
        Source("csv", ("a",), options={option: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((option, value) for option in ("columns", "null_values") for value in ("ab", 3, {"a": 1}, [1], None)),
        ("columns", []),
        *(("types", value) for value in ("int64", ["a"], 3)),
    ],
)
def test_an_option_of_the_wrong_shape_is_refused_at_once(option, value):
    with pytest.raises(ConfigError, match=rf"inputs\.options\.{option}(\[0\]: | is .*)expected "):
        Source("csv", ("a",), options={option: value})


# Other formats --------------------------------------------------------------------------------------------------------


def parquet():
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue()


def arrow():
    sink = io.BytesIO()
    table = pa.table({"a": [1]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


OTHERS = {
    "a Parquet file": parquet(),
    "an Arrow or Feather file": arrow(),
    "an Avro file": b"Obj\x01" + bytes(60),
    "an ORC file": b"ORC\x0a" + bytes(60),
    "an HTML page": b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
    "an XML file": b"<?xml version='1.0'?><a/>",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n",
    "an Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60),
    "a Python pickle": b"\x80\x04\x95" + bytes(60),
    "an SQLite database": b"SQLite format 3\0" + bytes(60),
}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "tfrecord"])
@pytest.mark.parametrize("what", OTHERS)
def test_a_file_of_another_format_is_called_what_it_is(read, write, form, what):
    if form in what.lower():
        pytest.skip("it is of this format")
    with pytest.raises(CorruptFileError, match=rf"rows: not readable as .*: found {what}"):
        read(form, write("rows", OTHERS[what]))


@pytest.mark.parametrize("compression", ["bz2", "zstd", "xz", "zip"])
@pytest.mark.parametrize("form", ["parquet", "tfrecord"])
def test_what_parquet_and_tfrecord_are_not_compressed_by_is_named(read, write, form, compression):
    with pytest.raises(CorruptFileError, match=r"rows: not readable as .*: found (a file |)(compressed by|a zip)"):
        read(form, write("rows", COMPRESSIONS[compression](bytes(100))))


def test_parquet_that_was_compressed_as_a_whole_is_named(read, write):
    with pytest.raises(CorruptFileError, match="not readable as Parquet: found compressed by gzip"):
        read("parquet", write("rows.parquet.gz", gzip.compress(parquet())))


def test_a_zlib_stream_is_not_taken_for_text(read, write):
    with pytest.raises((CorruptFileError, BadRowError), match="rows"):
        read("jsonl", write("rows", zlib.compress(JSON_LINES.encode() * 50)))


@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}, {"a": 2}]', '[\n  {"a": 1},\n  {"a": 2}\n]\n', "[[1, 2], [3, 4]]"],
    ids=["one", "many", "lists"],
)
def test_a_json_array_is_called_one(read, write, text):
    with pytest.raises(CorruptFileError, match=r"rows: expected JSON lines, found a JSON array; write one object"):
        read("jsonl", write("rows", text))
    with pytest.raises(CorruptFileError, match=r"rows: expected CSV, found JSON"):
        read("csv", write("rows", text))


def test_an_object_over_several_lines_is_called_one(read, write):
    with pytest.raises(CorruptFileError, match="found an object over several"):
        read("jsonl", write("rows", '{\n  "a": 1,\n  "b": 2\n}\n'))


@pytest.mark.parametrize("text", [CSV, "label;score\n1;2\n3;4\n"])
def test_a_table_of_text_is_no_json_lines(read, write, text):
    with pytest.raises(CorruptFileError, match="rows: expected JSON lines, found no object in any of the first"):
        read("jsonl", write("rows", text))


def test_json_lines_are_no_csv(read, write):
    with pytest.raises(CorruptFileError, match=r"rows: expected CSV, found JSON.*say format: jsonl"):
        read("csv", write("rows", JSON_LINES))


# Whole runs -----------------------------------------------------------------------------------------------------------

STORED = {
    "UTF-16": ("csv", CSV.encode("utf-16"), {}),
    "UTF-32": ("jsonl", JSON_LINES.encode("utf-32"), {}),
    "latin-1": ("csv", CSV.encode("latin-1"), {"options": {"encoding": "latin-1"}}),
    "bz2": ("jsonl", bz2.compress(JSON_LINES.encode()), {}),
    "zstd": ("csv", streamed("zstd")(CSV.encode()), {}),
    "zip": ("csv", zipped(CSV.encode()), {}),
}


@pytest.mark.parametrize(("stored", "door"), list(zip(STORED, itertools.cycle(OF_FILES))))
def test_every_door_reads_it(stored, door, tmp_path):
    form, content, settings = STORED[stored]
    (tmp_path / "rows").write_bytes(content)
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "label"}],
        "slicing_specs": [{"feature_values": {"name": "é"}}],
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanLabel"}]}],
    }
    found = values_of_files(door, {"files": "rows", "format": form, "eval_config": config, **settings}, tmp_path)
    assert found == {"name=é": {"example_count": 1, "mean_label": 0}}


def test_a_run_joins_it(tmp_path):
    (tmp_path / "rows").write_bytes("name,score\né,0.25\nè,0.5\n".encode("utf-16"))
    (tmp_path / "labels").write_bytes(bz2.compress("name,label\nè,1\né,0\n".encode("latin-1")))
    join = {"files": "labels", "on": ["name"], "options": {"encoding": "latin-1"}}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": [{"class_name": "MeanSquaredError"}]}],
    }
    found = values_of_files("command", {"files": "rows", "join": join, "eval_config": config}, tmp_path)
    assert found["Overall"]["mean_squared_error"] == (0.25**2 + 0.5**2) / 2
