import gzip
import json

import pytest

from assay.errors import BadRowError, ColumnTypeError, ConfigError, CorruptFileError
from assay.readers.json_objects import goes_deeper


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


DAYS = ["2024-01-31", "2024-02-01 08:30", "2024-02-01T08:30:00Z"]


@pytest.mark.parametrize("early", [0, 1, 1100])
@pytest.mark.parametrize("wrap", [lambda day: day, lambda day: [day], lambda day: [[day], []], lambda day: {"at": day},
                                  lambda day: [{"at": day, "n": 1}], lambda day: {"at": {"on": [day]}}],
                         ids=["text", "list", "lists", "object", "objects", "deep"])  # fmt: skip
@pytest.mark.parametrize("other", [None, "soon"])
def test_texts_that_look_like_dates_stay_texts_however_deep_and_late(read, write, early, wrap, other):
    cells = [wrap(day) for day in DAYS] + ([] if other is None else [wrap(other)])
    file = write("a.jsonl", lines(*[{"x": 1, "day": None}] * early, *({"x": 2, "day": cell} for cell in cells)))
    for columns in (None, ("day",)):
        assert read("jsonl", file, columns=columns).column("day")[early:] == cells


def test_dates_that_come_late_are_texts_in_every_chunk_of_a_file(read, write):
    rows = [{"day": None, "pad": "x" * 1000}] * 1100
    rows += [{"day": f"2024-01-{i % 28 + 1:02}" if i < 9000 else "never", "pad": "x" * 1000} for i in range(10_000)]
    got = read("jsonl", write("a.jsonl", lines(*rows)), columns=("day",), batch_rows=3000)
    assert got.column("day") == [row["day"] for row in rows]


@pytest.mark.parametrize(
    ("empty", "cell"),
    [([], ["a"]), ([], [0.5]), ([[]], [[1]]), ({"k": None}, {"k": "a"}), ({"k": []}, {"k": [True]}), ([None], [1])],
)
def test_what_a_list_or_an_object_holds_may_show_late(read, write, empty, cell):
    rows = [{"v": empty}] * 1100 + [{"v": cell}]
    assert read("jsonl", write("a.jsonl", lines(*rows))).column("v") == [row["v"] for row in rows]
    shards = write("b.jsonl", lines(*rows[:3])), write("c.jsonl", lines(*rows[-1:]))
    assert read("jsonl", *shards, batch_rows=1).column("v")[-1] == cell


@pytest.mark.parametrize(
    ("first", "second"), [({"k": 1}, {"k": 0.5}), ([{"k": [2]}], [{"k": [0.5]}]), ({"k": {"l": 1}}, {"k": {"l": 1.5}})]
)
def test_guessed_whole_numbers_widen_inside_of_objects(read, write, first, second):
    got = read("jsonl", write("a.jsonl", lines({"v": first})), write("b.jsonl", lines({"v": second})))
    assert got.column("v") == [first, second]


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


MIXED = '{"x": 1, "note": "a"}\n{"x": 2, "note": 3}\n{"x": 4, "note": {"k": []}}\n{"x": 5, "note": [1, "b"]}\n'


def test_keys_that_nobody_needs_break_nothing(read, write):
    file = write("a.jsonl", MIXED)
    assert read("jsonl", file, columns=("x",)).column("x") == [1, 2, 4, 5]
    for columns in (None, ("x", "note")):
        with pytest.raises(ColumnTypeError, match=r"a\.jsonl: .*note.*make the values alike"):
            read("jsonl", file, columns=columns)


def test_keys_that_nobody_needs_break_nothing_where_a_needed_one_comes_late(read, write):
    late = "".join(f'{{"x": {i}, "note": {"[]" if i % 2 else 7}, "late": {i / 2}}}\n' for i in range(3))
    file = write("a.jsonl", '{"x": 9, "late": null}\n' * 1100 + MIXED + late)
    found = read("jsonl", file, columns=("late", "x"))
    assert found.column("late")[-4:] == [None, 0, 0.5, 1]
    assert found.column("x")[-4:] == [5, 0, 1, 2]


def test_a_key_that_comes_twice_is_a_bad_row_also_where_other_keys_are_mixed(read, write):
    with pytest.raises(BadRowError, match=r"a\.jsonl, row 4: .*twice"):
        read("jsonl", write("a.jsonl", MIXED + '{"x": 1, "x": 2}\n'), columns=("x",))


@pytest.mark.parametrize("key", [b'"\xff"', b'"a\xc3"', b'"\xc0\xaf"'])
def test_a_key_that_is_not_utf8_is_a_bad_row_where_it_could_be_one_that_is_needed(read, write, key):
    odd = b'{"x": 2, ' + key + b": 3}\n"
    late = write("late.jsonl", b'{"x": 1, "y": null}\n' * 1100 + odd)
    with pytest.raises(BadRowError, match=r"late\.jsonl, row 1100: .*key is not UTF-8"):
        read("jsonl", late, columns=("x", "y"))
    assert len(read("jsonl", late, columns=("x", "y"), on_bad_rows="skip").rows) == 1100
    assert read("jsonl", write("a.jsonl", b'{"x": 1}\n' + odd)).column("x") == [1, 2]


@pytest.mark.parametrize("opened", ["[", '{"k":'])
def test_a_row_that_is_nested_too_deep_is_a_bad_one(read, write, monkeypatch, opened):
    closed = {"[": "]", '{"k":': "}"}[opened]

    def deep(levels):
        return '{"y": ' + opened * levels + "1" + closed * levels + "}\n"

    file = write("a.jsonl", '{"x": "[[[[{{{{", "y": null}\n' * 1100 + deep(150))
    with pytest.raises(BadRowError, match=r"row 1100: .*deeper than 100 levels \(set ASSAY_MAX_JSON_DEPTH to raise"):
        read("jsonl", file, columns=("x", "y"))
    assert len(read("jsonl", file, columns=("x",)).rows) == 1101  # nobody needs the key


@pytest.mark.parametrize(("text", "depth"), [(b"[" * 5 + b"]" * 5, 5), (b'["[[[[", "\\"[["]', 1), (b"[][][][]", 1)])
def test_depth_counts_what_is_open_at_once_outside_of_texts(text, depth):
    assert goes_deeper(b"{}\n" + text + b"\n{}", depth - 1)
    assert not goes_deeper(b"{}\n" + text + b"\n{}", max(depth, 1))


def test_a_line_beyond_the_bound_is_named_with_the_way_to_raise_it(read, write, monkeypatch):
    file = write("a.jsonl", '{"x": 1}\n{"x": 2, "y": "' + "z" * (9 << 20) + '"}\n')
    monkeypatch.setenv("ASSAY_MAX_ROW_MB", "4")
    with pytest.raises(CorruptFileError, match=r"a\.jsonl, row 1: .*longer than 4 MB \(set ASSAY_MAX_ROW_MB to raise"):
        read("jsonl", file)
    monkeypatch.setenv("ASSAY_MAX_ROW_MB", "16")
    assert read("jsonl", file).column("x") == [1, 2]


@pytest.mark.parametrize("values", [[2**53 + 1, 0.5], [-(2**62), 1.5], [2**60 + 1, 2**64]])
def test_a_column_whose_whole_numbers_turn_out_to_be_floats_late_in_a_file_is_named_with_file_and_cure(
    read, write, monkeypatch, values
):
    monkeypatch.setattr("assay.readers.json_lines._CHUNK_BYTES", 64)
    file = write("a.jsonl", lines(*({"a": 1, "code": value} for value in values for _ in range(9))))
    with pytest.raises(ColumnTypeError, match=r"a\.jsonl: column 'code' changes its type within the file: .*; give"):
        read("jsonl", file)


@pytest.mark.parametrize(
    ("text", "row", "why", "good"),
    [
        ('{"x": 1.5}{"x": 2.5}\n{"x": 7}\n', 0, "expected one object a line, found 2", [1]),
        ('{"x": 1.5}\n{"x": 3} {"x": 4} {"x": 5}\n{"x": 7}\n', 1, "expected one object a line, found 3", [0, 2]),
        ('{"x": 1.5}{"x": 2.5}\n{"x":\n7}\n{"x": 7}\n', 0, "expected one object a line", [3]),
        ('{"x": 1.5}\n{"y": 3,\n"x": 4}\n{"x": 7}', 1, "", [0, 3]),
    ],
)
def test_objects_that_are_not_one_a_line_are_bad_rows(read, write, text, row, why, good):
    file = write("a.jsonl", text)
    with pytest.raises(BadRowError, match=rf"a\.jsonl, row {row}: {why}"):
        read("jsonl", file)
    got = read("jsonl", file, on_bad_rows="skip")
    assert (got.rows, got.column("x")) == (good, [1.5, 7][-len(good) :])


@pytest.mark.parametrize(
    "text", ['  {"x": 1}  \n\n{"x": 2}', '{"x": 1}\r\n{"x": 2}\r\n', '{"x": 1}\n \t\n{"x": 2}\n\n']
)
def test_blanks_around_objects_and_blank_lines_mean_nothing(read, write, text):
    assert read("jsonl", write("a.jsonl", text)).column("x") == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        '{"x": 1, "y": 1, "y": 2}',
        '{"y": {"a": 1, "a": 2}, "x": 1}',
        '{"y": [1], "x": 1, "y": "text", "y": null}',
    ],
)
@pytest.mark.parametrize("others", [[], ['{"x": 2}']])
def test_a_key_that_nobody_needs_may_come_twice_in_each_row(read, write, line, others):
    got = read("jsonl", write("a.jsonl", "\n".join([line, *others, line])), columns=("x",))
    assert got.column("x") == [1, *([2] if others else []), 1]


@pytest.mark.parametrize("line", ['{"x": 1, "x": 2}', '{"x": {"a": 1, "a": 2}}'])
def test_a_needed_key_that_comes_twice_is_a_bad_row(read, write, line):
    file = write("a.jsonl", "\n".join(['{"x": 1}' if "{" not in line[1:] else '{"x": {"a": 1}}', line]))
    with pytest.raises(BadRowError, match=r"a\.jsonl, row 1"):
        read("jsonl", file, columns=("x",))


def test_a_type_for_a_misspelt_key_is_refused(read, write):
    with pytest.raises(ConfigError, match=r"inputs\.options\.types\.zipp: .* no such column; did you mean 'zip'\?"):
        read("jsonl", write("a.jsonl", '{"zip": 7001}\n'), options={"types": {"zipp": "text"}})


def test_a_type_may_be_declared_for_a_key_that_comes_late(read, write):
    file = write("a.jsonl", '{"x": 1}\n' * 1100 + '{"x": 2, "code": "007"}\n')
    assert read("jsonl", file, options={"types": {"code": "text"}}).column("code")[-1] == "007"


@pytest.mark.parametrize("line", ["null", " null ", '{"a": 3} null', 'null {"a": 3}', "null null"])
def test_null_in_place_of_an_object_is_a_bad_row(read, write, line):
    got = read("jsonl", write("a.jsonl", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n'), on_bad_rows="skip")
    assert (got.column("a"), [row for row, _ in got.refused]) == ([1, 2], [1])


def test_a_text_that_looks_like_null_behind_an_object_is_a_text(read, write):
    got = read("jsonl", write("a.jsonl", '{"a": "} null"}\n{"a": "x\\n null"}\n'))
    assert got.column("a") == ["} null", "x\n null"]
