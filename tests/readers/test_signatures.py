"""A file is called what it is, and no text or record is taken for another format because it starts alike."""

import gzip
import io

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import CorruptFileError
from assay.readers.signatures import HEAD_BYTES, binary_format, is_json, is_json_array
from assay.storage.framing import framed


@pytest.mark.parametrize(
    "name", ["PARENT_ID", "PAR1", "PARE", "ORC", "ORCHARD", "Obj", "ARROW1", "Rar!", "%PDF-1", "BZh9", "PK", "ustar"]
)
@pytest.mark.parametrize("delimiter", [",", "\t", "\x01", "\x1f"])
def test_a_column_may_be_called_as_other_formats_start(read, write, name, delimiter):
    file = write("rows.csv", f"{name}{delimiter}b\n1{delimiter}2\n")
    assert read("csv", file, options={"delimiter": delimiter}).column(name) == [1]
    assert read("csv", write("one.csv", f"{name}\n1\n")).column(name) == [1]
    quoted = write("quoted.csv", gzip.compress(f"{name},b\n1,\x15\x00\n".encode()))
    assert read("csv", quoted, columns=(name,)).column(name) == [1]


def test_a_word_that_stands_where_tar_has_its_own_is_text(read, write):
    file = write("rows.csv", "a" * 257 + "ustar,b\n1,2\n")
    assert read("csv", file).column("b") == [2]


@pytest.mark.parametrize(
    "names",
    [
        ("[Customer ID]", "[Label]"),
        ("[2019]", "[2020]"),
        ("[id]", "label"),
        ("{id}", "{label}"),
        ("[0, 18)", "[18, 65)"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_names_in_brackets_are_no_json(read, write, names, delimiter):
    header = delimiter.join(f'"{name}"' if delimiter in name else name for name in names)
    file = write("rows.csv", f"{header}\n1{delimiter}2\n")
    assert read("csv", file, options={"delimiter": delimiter}).column(names[1]) == [2]


def test_a_table_with_names_in_brackets_is_judged(tmp_path):
    (tmp_path / "rows.csv").write_text("[Customer ID],[Label],[Score]\n7,1,0.5\n8,0,0.25\n")
    config = {
        "model_specs": [{"label_key": "[Label]", "prediction_key": "[Score]"}],
        "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}]}],
    }
    assay.run_model_analysis(
        config, data_location=str(tmp_path / "rows.csv"), file_format="csv", output_path=str(tmp_path / "out")
    )
    assert assay.metrics_frame(str(tmp_path / "out"))["value"].tolist() == [0.375]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}\n{"a": 2}\n', "{}\n{}\n", '{\n "a": 1\n}', '[{"a": 1}]', "[\n{}\n]", "[[1, 2],\n[3]]", "[1]\n[2]",
     "[1, 2]\n", "[-1.5e3,\n2]", '["a"]\n["b"]', "[]\n", "[null, 1]", "[true]\n"],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_no_csv(read, write, text, encoding):
    with pytest.raises(CorruptFileError, match="rows: expected CSV, found JSON; for one object a line, say"):
        read("csv", write("rows", text.encode(encoding)))
    assert is_json(text.encode()) != is_json_array(text.encode())


def record_of(length):
    """Bytes of a tf.Example of a given length with one text."""
    tf = pytest.importorskip("tensorflow")

    def example(size):
        value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x" * size]))
        return tf.train.Example(features=tf.train.Features(feature={"s": value})).SerializeToString()

    return example(length - (len(example(length)) - length))


@pytest.mark.parametrize(
    "start",
    [b"\x1f\x8b", b"\x1f\x8b\x08", b"\x1f\x9d", b"ORC", b"\x80\x04\x95", b"Rar"],
    ids=repr,
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_record_may_be_as_long_as_the_bytes_of_another_format_say(read, write, start, pack):
    length = int.from_bytes(start, "little")
    data = framed(record_of(length)) + framed(record_of(100))
    assert data.startswith(start)
    found = read("tfrecord", write("rows.tfrecord", pack(data)))
    assert [len(record) > 1000 for record in found.column("s")] == [True, False]


def saved(form):
    table = pa.table({"name": [f"{'long text ' * 200}{i}" for i in range(100)], "x": list(range(100))})
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, sink)
    elif form == "parquet without rows":
        pq.write_table(table[:0], sink)
    elif form == "parquet of plain pages":
        pq.write_table(table, sink, compression="none", use_dictionary=False, data_page_version="2.0")
    elif form == "arrow":
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        orc.write_table(table, sink, compression=form)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("parquet", "a Parquet file; set format: parquet"),
        ("parquet without rows", "a Parquet file; set format: parquet"),
        ("parquet of plain pages", "a Parquet file; set format: parquet"),
        ("arrow", "an Arrow or Feather file"),
        ("uncompressed", "an ORC file"),
        ("zlib", "an ORC file"),
        ("zstd", "an ORC file"),
    ],
)
def test_files_as_libraries_write_them_are_known(form, name):
    assert binary_format(saved(form)[:HEAD_BYTES]) == name


@pytest.mark.parametrize("form", ["parquet", "parquet without rows", "parquet of plain pages"])
def test_parquet_is_read_whatever_stands_behind_its_first_bytes(read, write, form):
    assert len(read("parquet", write("rows", saved(form))).rows) == (0 if "without" in form else 100)
