import gzip
import json

import pytest

from assay.errors import BadRowError, ColumnTypeError, CorruptFileError


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_keys_become_columns_and_what_is_missing_is_null(read, write):
    file = write("a.jsonl", lines({"a": 1, "s": "x"}, {"v": [1, 2.5], "a": None}, {"day": "2026-11-22", "s": "é"}))
    got = read("jsonl", file)
    assert got.column("a") == [1, None, None]
    assert got.column("s") == ["x", None, "é"]
    assert got.column("v") == [None, [1.0, 2.5], None]
    assert got.column("day") == [None, None, "2026-11-22"]


def test_blank_lines_are_no_rows_and_the_last_line_may_be_open(read, write):
    got = read("jsonl", write("a.jsonl", '{"a": 1}\n\n{"a": 2}\r\n   \n{"a": 3}'))
    assert (got.column("a"), got.rows) == ([1, 2, 3], [0, 1, 2])


def test_gzip_is_read(read, write):
    assert read("jsonl", write("a.json", gzip.compress(lines({"a": 1}).encode()))).column("a") == [1]


def test_batches_have_exactly_the_rows_asked_for_whatever_the_chunks(read, write):
    text = "".join(f'{{"a": {i}, "s": "{"x" * 90}"}}\n' for i in range(100_000))  # more than two chunks
    got = read("jsonl", write("a.jsonl", text), columns=("a", "s"), batch_rows=40_000, dictionary=("s",))
    assert [len(batch.rows) for batch in got.batches] == [40_000, 40_000, 20_000]
    assert got.rows == got.column("a") == list(range(100_000))
    assert set(got.types("s")) == {"dictionary<values=string, indices=int32, ordered=0>"}


def test_a_key_that_comes_late_is_found_when_it_is_wanted_or_else_ignored(read, write):
    early = [{"a": 1, "b": None}] * 2000
    file = write("a.jsonl", lines(*early, {"a": 2, "b": 0.5, "c": 1}))
    assert read("jsonl", file, columns=("b",)).column("b")[-1] == 0.5
    assert list(read("jsonl", file, columns=("a",)).batches[0].columns) == ["a"]


def test_guessed_whole_numbers_widen_when_fractions_come(read, write):
    first, second = write("a.jsonl", lines({"w": 1, "v": [1]})), write("b.jsonl", lines({"w": 0.5, "v": [0.5]}))
    got = read("jsonl", first, second)
    assert got.column("w") == [1, 0.5]
    assert got.column("v") == [[1], [0.5]]


def test_declared_types_hold(read, write):
    file = write("a.jsonl", lines({"w": 1}))
    assert read("jsonl", file, options={"types": {"w": "float64"}}).types("w") == ["double"]


@pytest.mark.parametrize(
    ("line", "why"),
    [("hello", "Invalid value"), ('{"a": 1', "Missing a comma"), ("[1]", "array"), ('{"a": "x"}', "number")],
    ids=["no JSON", "cut off", "no object", "another type"],
)
def test_a_bad_row_fails_naming_file_and_row_or_is_left_out(read, write, line, why):
    file = write("a.jsonl", lines({"a": 1}) + "\n" + lines({"a": 2}) + line + "\n" + lines({"a": 3}))
    options = {"types": {"a": "int64"}}
    with pytest.raises(BadRowError, match=rf"a\.jsonl, row 2: .*{why}.*on_bad_rows"):
        read("jsonl", file, options=options)
    got = read("jsonl", file, options=options, on_bad_rows="skip")
    assert (got.column("a"), got.rows) == ([1, 2, 3], [0, 1, 3])
    assert [row for row, _ in got.refused] == [2]


def test_many_bad_rows_are_all_found(read, write):
    text = "".join("oops\n" if i % 90 == 0 else f'{{"a": {i}}}\n' for i in range(50_000))
    got = read("jsonl", write("a.jsonl", text), on_bad_rows="skip")
    assert got.rows == got.column("a") == [i for i in range(50_000) if i % 90]
    assert len(got.refused) == 556


def test_a_key_of_two_types_in_the_first_rows_is_refused(read, write):
    with pytest.raises(ColumnTypeError, match=r"a\.jsonl: .*/a.*changed from number to string"):
        read("jsonl", write("a.jsonl", lines({"a": 1}, {"a": "x"})))


def test_a_file_without_rows_gives_none(read, write):
    first, second = write("a.jsonl", ""), write("b.jsonl", lines({"a": 1}))
    assert read("jsonl", first, second, columns=("a",)).column("a") == [1]
    assert read("jsonl", first).batches == []


def test_a_damaged_gzip_file_is_named(read, write):
    data = gzip.compress(lines(*({"a": i * i} for i in range(50_000))).encode())
    with pytest.raises(CorruptFileError, match=r"cut\.jsonl"):
        read("jsonl", write("cut.jsonl", data[:-100]))
