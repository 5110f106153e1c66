"""Pieces of a text file have the rows of the whole, with their numbers, wherever they are cut."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from assay.errors import BadRowError, CorruptFileError
from assay.readers import csv_edges, json_lines, pieces
from assay.readers.bad_rows import refusal
from assay.readers.pieces import cut
from assay.readers.source import Source, format_of, splits, wanted
from assay.storage.framing import framed

TEXTS = {"a": pa.string(), "b": pa.string()}

CSV = {
    "quotes around line ends": 'a,b\n"1\n2",x\n"3\r\n\n",y\n4,"z\n"\n',
    "a quote inside a value": 'a,b\n5" pipe,x\n6" pipe,y\n7,"z"\n',
    "text behind a closing quote": 'a,b\n"5"" pipe" of "steel,x\n"6"" pipe"" of,y\n"\n',
    "two quotes for one": 'a,b\n"x""y",""\n"""",""""""\n"""a\n""",z\n',
    "empty lines": "\n\na,b\n\n1,2\n\n\n3,4\n\n",
    "line ends of Windows": "a,b\r\n1,2\r\n\r\n3,4\r\n",
    "line ends of old": "a,b\r1,2\r3,4\r",
    "no last line end": "a,b\n1,2\n3,4",
    "a header over two lines": '"a",b\n1,2\n',
    "rows of the wrong length": "a,b\n1,2,3\n4\n5,6\n,\n7,8,9\n",
    "a header alone": "a,b\n",
}

LINES = {
    "blank lines": '{"a": 1}\n\n \t\n{"a": 2}\r\n\r\n{"a": 3}',
    "objects over several lines": '{"a":\n1}\n{"a": 2}\n{\n"a": 3\n}\n',
    "two objects on a line": '{"a": 1}{"a": 2}\n{"a": 3}\n',
    "leading blanks": ' {"a": 1}\n  {"a": 2}\n',
    "no objects": 'nope\n{"a": 1}\nnull\n',
}


@pytest.fixture
def small_blocks(monkeypatch):
    """How many bytes are looked at together."""

    def set_size(size):
        monkeypatch.setattr(csv_edges, "_BLOCK_BYTES", size)
        monkeypatch.setattr(json_lines, "_CHUNK_BYTES", size)

    return set_size


def read(source, columns, count=1):
    """Rows with their numbers, the numbers of bad rows, and the splits, with the file cut into `count` pieces."""
    form, bad = format_of(source), []
    rows: list[tuple[Any, ...]] = []
    (whole,) = splits(source)
    found = [whole] if count == 1 else [*pieces._by_bytes(whole, count)]
    for split in found:
        rest = source, columns, lambda row, why: bad.append(row)
        for batch in form.read_part(split, *rest) if split.is_part else form.read(split.files[0], *rest):
            values = [column.to_pylist() for column in batch.columns.values()]
            rows += zip(batch.rows.tolist(), *values, strict=True)
    return rows, bad


@pytest.mark.parametrize("block", [1, 2, 5, 1 << 20])
@pytest.mark.parametrize("name", CSV)
def test_csv_is_cut_between_rows(write, small_blocks, name, block):
    source = Source("csv", (str(write("a.csv", CSV[name])),))
    expected = read(source, TEXTS)
    small_blocks(block)
    for count in range(2, 12):
        assert read(source, TEXTS, count) == expected


@pytest.mark.parametrize("name", ["quotes around line ends", "empty lines", "rows of the wrong length"])
def test_csv_without_a_header_is_cut_as_well(write, name):
    source = Source("csv", (str(write("a.csv", CSV[name])),), options={"columns": ["a", "b"]})
    expected = read(source, TEXTS)
    for count in range(2, 12):
        assert read(source, TEXTS, count) == expected


def test_delimiters_and_quotes_of_other_kinds_count(write):
    text = "a;b\n'1\n2';\"\n'3';'4\n'\n5;6\n"
    source = Source("csv", (str(write("a.csv", text)),), options={"delimiter": ";", "quote": "'"})
    expected = read(source, TEXTS)
    assert expected[0] == [(0, "1\n2", '"'), (1, "3", "4\n"), (2, "5", "6")]
    for count in range(2, 12):
        assert read(source, TEXTS, count) == expected


@pytest.mark.parametrize("seed", range(4))
def test_any_csv_is_cut_between_rows(write, small_blocks, seed):
    rng = random.Random(seed)
    tokens = ["a", '"', '""', ",", "\n", "\r\n", "\r", 'x"y', "é", '"a"', '"b,c"', '"d\ne"', "1"]
    for _ in range(10):
        weights = [rng.random() ** 2 for _ in tokens]
        text = "a,b\n" + "".join(rng.choices(tokens, weights, k=60))
        source = Source("csv", (str(write("a.csv", text)),))
        small_blocks(rng.choice([1, 3, 20, 1 << 20]))
        try:
            expected = read(source, TEXTS)
        except CorruptFileError:
            with pytest.raises(CorruptFileError):
                read(source, TEXTS, 3)
        else:
            assert read(source, TEXTS, rng.randint(2, 9)) == expected


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
@pytest.mark.parametrize("name", LINES)
def test_json_lines_are_cut_between_lines(write, small_blocks, name, block):
    source = Source("jsonl", (str(write("a.jsonl", LINES[name])),), options={"types": {"a": "int64"}})
    columns = {"a": pa.int64()}
    expected = read(source, columns)
    small_blocks(block)
    for count in range(2, 12):
        assert read(source, columns, count) == expected


def test_a_quote_that_is_never_closed_is_refused_in_pieces_too(write):
    source = Source("csv", (str(write("a.csv", 'a,b\n1,2\n3,"4\n5,6\n7,8\n')),))
    with pytest.raises(CorruptFileError, match="never closed"):
        read(source, TEXTS, 3)


def test_a_line_that_is_too_long_is_refused_by_its_number(write, monkeypatch):
    monkeypatch.setenv("ASSAY_MAX_ROW_MB", "1")
    text = '{"a": 1}\n' * 3 + '{"a": "' + "x" * (5 << 20) + '"}\n{"a": 2}\n'
    source = Source("jsonl", (str(write("a.jsonl", text)),))
    with pytest.raises(CorruptFileError, match="row 3: the line is longer"):
        read(source, {"a": pa.string()}, 4)


@pytest.fixture
def examples(write):
    """A file of 40 tf.Examples of different lengths; the bytes where they begin."""
    tf = pytest.importorskip("tensorflow")

    def example(number):
        values = tf.train.Int64List(value=[number]), tf.train.BytesList(value=[b"x" * (number * 7 % 50)])
        features = {"a": tf.train.Feature(int64_list=values[0]), "b": tf.train.Feature(bytes_list=values[1])}
        return framed(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())

    records = [example(number) for number in range(40)]
    return write("a.tfrecord", b"".join(records)), records


def test_records_are_cut_by_their_lengths(examples):
    source = Source("tfrecord", (str(examples[0]),))
    columns = wanted(source, splits(source))
    expected = read(source, columns)
    assert len(expected[0]) == 40
    for count in (2, 3, 7, 60):
        assert read(source, columns, count) == expected


@pytest.mark.parametrize("at", [0, 14])
def test_a_damaged_record_is_refused_once_by_its_number(examples, at):
    file, records = examples
    damaged = bytearray(file.read_bytes())
    damaged[len(b"".join(records[:17])) + at] ^= 1
    file.write_bytes(damaged)
    source = Source("tfrecord", (str(file),))
    with pytest.raises(CorruptFileError, match="corrupted record 17"):
        read(source, wanted(source, splits(source)), 4)


def test_bad_rows_of_a_piece_are_named_by_their_numbers_in_the_file(write):
    text = "a\n" + "1\n" * 500 + "x\n" + "1\n" * 500
    source = Source("csv", (str(write("a.csv", text)),))
    (whole,) = splits(source)
    *_, last = pieces._by_bytes(whole, 2)
    with pytest.raises(BadRowError, match=r"a\.csv, row 500"):
        [*format_of(source).read_part(last, source, {"a": pa.int64()}, refusal("a.csv", "fail", Counter()))]


@pytest.mark.parametrize(
    ("form", "content", "options"),
    [
        ("csv", b"\x1f\x8b\x08" + b"\0" * 5_000, {}),
        ("csv", b"\xef\xbb\xbfa,b\n" + b"1,2\n" * 2_000, {}),
        ("csv", b"a,b\n" + b"1,2\n" * 2_000, {"encoding": "latin-1"}),
        ("csv", b"a,b\n" + b"1,2\n" * 2_000, {"escape": "\\"}),
        ("jsonl", '{"a": 1}\n'.encode("utf-16") * 500, {}),
        ("tfrecord", b"\x1f\x8b\x08" + b"\0" * 5_000, {}),
    ],
)
def test_what_can_only_be_read_from_its_beginning_stays_whole(write, monkeypatch, form, content, options):
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1_000)
    source = Source(form, (str(write("a", content)),), options=options)
    found = splits(source)
    assert cut(source, found) == found
    assert pieces.read_whole_because(source, found[0].files[0])


def test_large_text_files_are_cut_into_ranges_of_bytes_by_their_sizes(write, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1_000)
    text = "a,b\n" + "1,2\n" * 2_000
    source = Source("csv", (str(write("a.csv", text)), str(write("b.csv", "a,b\n1,2\n"))))
    monkeypatch.setattr("assay.readers.source.SPLIT_BYTES", 0)
    *found, small = cut(source, splits(source))
    assert [split.index for split in (*found, small)] == list(range(10))
    assert max(split.sizes[0] for split in found) <= 1_000
    assert (found[0].span[0], found[-1].span[1], small.span) == (0, len(text), None)
    assert [split.span[0] for split in found[1:]] == [split.span[1] for split in found[:-1]]
    assert len({split.names for split in found}) == 9
    assert sum(split.sizes[0] for split in found) == len(text)
    assert found == [replace(split, index=at) for at, split in enumerate(found)]
