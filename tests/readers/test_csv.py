import gzip

import pytest

from assay.errors import BadRowError, ConfigError, CorruptFileError, MissingColumnError
from assay.readers.source import Source, check_columns


def test_types_are_told_from_the_values(read, write):
    file = write("a.csv", 'n,x,t,flag,zip,gap\n1,0.5,a,true,01234,\n2,1e3,"b, c",False,94043,\n')
    got = read("csv", file)
    assert [got.types(c)[0] for c in ("n", "x", "t", "flag", "zip", "gap")] == [
        "int64", "double", "string", "bool", "string", "null",
    ]  # fmt: skip
    assert got.column("t") == ["a", "b, c"]
    assert got.column("zip") == ["01234", "94043"]


def test_missing_is_null_in_numbers_but_na_is_a_text_in_texts(read, write):
    got = read("csv", write("a.csv", 'n,country\n1,NA\nNA,US\n,""\n4,\n'))
    assert got.column("n") == [1, None, None, 4]
    assert got.column("country") == ["NA", "US", None, None]


def test_quotes_may_hold_delimiters_quotes_and_line_ends(read, write):
    got = read("csv", write("a.csv", 'a,b\r\n"x, ""y""\nz",1\r\nw,2\r\n'))
    assert got.column("a") == ['x, "y"\nz', "w"]
    assert got.rows == [0, 1]


def test_delimiter_quote_header_and_missing_texts_can_be_set(read, write):
    file = write("a.csv", "1;'a;b'\n-;c\n")
    got = read("csv", file, options={"columns": ["n", "t"], "delimiter": ";", "quote": "'", "null_values": ["-"]})
    assert got.column("n") == [1, None]
    assert got.column("t") == ["a;b", "c"]


def test_an_encoding_can_be_set(read, write):
    assert read("csv", write("a.csv", "a,b\nä,1\n".encode("latin-1")), options={"encoding": "latin-1"}).column("a") == [
        "ä"
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_name(read, write):
    assert read("csv", write("a.csv", b"\xef\xbb\xbfa,b\n1,2\n")).column("a") == [1]


def test_gzip_is_told_by_content_and_may_have_members(read, write):
    file = write("a.csv", gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert read("csv", file).column("b") == [2, 4]


def test_batches_have_exactly_the_rows_asked_for_whatever_the_blocks(read, write):
    text = "a,b\n" + "".join(f"{i},{'x' * 90}\n" for i in range(25_000))  # more than two blocks
    got = read("csv", write("a.csv", text), columns=("a",), batch_rows=10_000)
    assert [len(batch.rows) for batch in got.batches] == [10_000, 10_000, 5_000]
    assert got.rows == got.column("a") == list(range(25_000))


def test_columns_are_found_by_name_in_each_file(read, write):
    first, second = write("a.csv", "a,b\n1,2\n"), write("b.csv", "b,z,a\n3,0,4\n")
    assert read("csv", first, second, columns=("a",)).column("a") == [1, 4]


def test_a_later_file_that_lacks_a_column_is_named(read, write):
    first, second = write("a.csv", "a,b\n1,2\n"), write("b.csv", "c,b\n1,2\n")
    with pytest.raises(MissingColumnError, match=r"b\.csv has no column 'a'"):
        read("csv", first, second, columns=("a",))


def test_types_come_from_the_first_file_so_that_texts_stay_texts(read, write):
    first, second = write("a.csv", "zip\nA1\n"), write("b.csv", "zip\n94043\n")
    assert read("csv", first, second).column("zip") == ["A1", "94043"]


def test_guessed_whole_numbers_widen_when_fractions_come(read, write):
    first, second = write("a.csv", "w\n1\n"), write("b.csv", "w\n0.5\n2\n")
    assert read("csv", first, second).column("w") == [1, 0.5, 2]


def test_declared_types_hold(read, write):
    file = write("a.csv", "zip,w\n94043,1\n")
    got = read("csv", file, options={"types": {"zip": "text", "w": "float64"}})
    assert got.column("zip") == ["94043"]
    assert got.types("w") == ["double"]


def test_texts_for_slicing_come_as_dictionaries(read, write):
    got = read("csv", write("a.csv", "s,t,n\nx,x,1\ny,y,2\nx,x,3\n"), dictionary=("s", "n"))
    assert got.types("s") == ["dictionary<values=string, indices=int32, ordered=0>"]
    assert (got.types("t"), got.types("n")) == (["string"], ["int64"])
    assert got.column("s") == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (None, {"zip": ["07", None], "size": ["1E5", None], "score": ["2.50e-01", "5.00e-01"]}),
        (("zip", "score"), {"zip": ["07", None], "score": ["2.50e-01", "5.00e-01"]}),
        (("size", "unknown"), {"size": ["1E5", None]}),
        (("city",), {}),
        ((), {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dictionary", [(), ("zip",)])
def test_what_a_text_says_beyond_its_number_is_kept_for_columns_that_are_shown_alone(
    read, write, shown, expected, dictionary
):
    file = write("a.csv", "zip,size,score,city\n 7,2,0.25,x\n NA,0.5,0.5,y\n")
    late = write("b.csv", "zip,size,score,city\n 07,1E5,2.50e-01,x\n7 ,0.5,5.00e-01,y\n")
    got = read("csv", file, late, shown=shown, dictionary=dictionary)
    texts = {name: column.to_pylist() for name, column in got.batches[1].texts.items() if column.null_count < 2}
    assert texts == expected
    assert set(got.batches[1].texts) <= set(got.batches[1].columns if shown is None else shown)
    assert got.column("zip") == [7, None, 7, 7]
    assert got.column("score") == [0.25, 0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    ("line", "why"),
    [("7", "1 values; expected 2"), ("7,8,9", "3 values; expected 2"), ("abc,1", "'abc'"), ("1,\xff", "UTF8")],
    ids=["short", "long", "no number", "no text"],
)
def test_a_bad_row_fails_naming_file_and_row_or_is_left_out(read, write, line, why):
    file = write("a.csv", b"a,b\n1,x\n2,y\n" + line.encode("latin-1") + b"\n3,z\n")
    options = {"types": {"a": "int64", "b": "text"}}
    with pytest.raises(BadRowError, match=rf"a\.csv, row 2: .*{why}"):
        read("csv", file, options=options)
    got = read("csv", file, options=options, on_bad_rows="skip")
    assert got.column("a") == [1, 2, 3]
    assert got.rows == [0, 1, 3]
    assert [row for row, _ in got.refused] == [2]


def test_row_numbers_stay_right_behind_many_bad_rows(read, write):
    lines = [str(i) if i % 700 == 0 else f"{i},{'x' * 60}" for i in range(40_000)]
    got = read("csv", write("a.csv", "a,b\n" + "\n".join(lines)), on_bad_rows="skip", batch_rows=7_000)
    assert got.rows == got.column("a")
    assert [row for row, _ in got.refused] == list(range(0, 40_000, 700))


def test_row_numbers_without_a_header_start_at_zero(read, write):
    got = read("csv", write("a.csv", "1,2\n3\n4,5\n"), options={"columns": ["a", "b"]}, on_bad_rows="skip")
    assert got.rows == [0, 2]
    assert [row for row, _ in got.refused] == [1]


@pytest.mark.parametrize("text", ['a,b\n1,2\n3,"x\n5,6\n7,8\n', 'a,b\n1,2\n"x,4\n5,6\n', 'a\n1\n"x\n2\n'])
def test_a_quote_that_is_never_closed_does_not_eat_the_rows_behind_it(read, write, text):
    with pytest.raises(CorruptFileError, match=r"a\.csv: a quote is opened and never closed"):
        read("csv", write("a.csv", text), on_bad_rows="skip")


def test_a_file_of_one_column_reads_to_its_end(read, write):
    assert read("csv", write("a.csv", "a\n1\n2")).column("a") == [1, 2]


def test_a_file_without_rows_gives_none(read, write):
    first, second, third = write("a.csv", ""), write("b.csv", "a,b\n"), write("c.csv", "a,b\n1,2\n")
    assert read("csv", first, second, third, columns=("a",)).column("a") == [1]
    assert read("csv", first, second).batches == []


def test_a_name_twice_in_the_header_is_refused(read, write):
    with pytest.raises(CorruptFileError, match="names column 'a' twice"):
        read("csv", write("a.csv", "a,a\n1,2\n"))


def test_a_damaged_gzip_file_is_named(read, write):
    data = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(100_000)))
    with pytest.raises(CorruptFileError, match=r"cut\.csv"):
        read("csv", write("cut.csv", data[:-100]))


def test_no_column_at_all_still_gives_rows(read, write):
    got = read("csv", write("a.csv", "a,b\n1,2\n3,4\n"), columns=())
    assert got.rows == [0, 1]
    assert got.batches[0].columns == {}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_suspected_where_a_column_is_missing(write, delimiter):
    file = write("a.csv", f"label{delimiter}score\n1{delimiter}0.5\n")
    told = r"no column 'label'.*is the delimiter .*set inputs\.options\.delimiter"
    with pytest.raises(MissingColumnError, match=told):
        check_columns(Source("csv", (str(file),)), {"label": "label_key"})
    check_columns(Source("csv", (str(file),), options={"delimiter": delimiter}), {"label": "label_key"})


def test_a_comma_is_suspected_where_another_delimiter_is_declared(write):
    source = Source("csv", (str(write("a.csv", "label,score\n1,0.5\n")),), options={"delimiter": ";"})
    with pytest.raises(MissingColumnError, match=r"is the delimiter ','"):
        check_columns(source, {"label": "label_key"})


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_header_alone_is_a_file_without_rows(read, write, ending):
    assert read("csv", write("a.csv", f"label,score{ending}")).rows == []


def test_a_row_beyond_the_bound_is_named_with_the_way_to_raise_it(read, write, monkeypatch):
    file = write("a.csv", "a,b\n1,2\n1," + "x" * (3 << 20) + "\n")
    with pytest.raises(CorruptFileError, match=r"a\.csv: a row is longer than 1 MB \(set ASSAY_MAX_CSV_ROW_MB"):
        read("csv", file)
    monkeypatch.setenv("ASSAY_MAX_CSV_ROW_MB", "4")
    assert [len(text) for text in read("csv", file).column("b")] == [1, 3 << 20]


def test_columns_that_nobody_needs_break_nothing(read, write):
    file = write("a.csv", b"x,note,note,odd,y\n1,a,b,\xff\xfe,2\n3,c,d,e,4\n")
    found = read("csv", file, columns=("x", "y"))
    assert found.column("x") == [1, 3]
    with pytest.raises(CorruptFileError, match="column 'note' twice"):
        read("csv", file, columns=("x", "note"))


def test_a_malformed_row_that_is_not_utf8_is_named_without_noise(read, write, capfd):
    with pytest.raises(CorruptFileError, match=r"a\.csv: .*Row #3: Expected 2 columns, got 3"):
        read("csv", write("a.csv", b"a,b\n1,2\n3,\xff,5\n6,7\n"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", [" -999", "-999 ", "\t-999\t", "-999"])
@pytest.mark.parametrize("null_values", [["-999"], ["x", " -999 "]])
def test_a_text_that_stands_for_a_missing_number_may_have_blanks_around_it(read, write, text, null_values):
    file = write("a.csv", f"x,n,y\n0.25,1,a\n{text},{text},b\n0.5,2,c\n")
    got = read("csv", file, options={"null_values": null_values})
    assert (got.column("x"), got.column("n"), got.column("y")) == ([0.25, None, 0.5], [1, None, 2], ["a", "b", "c"])


def test_a_text_that_stands_for_a_missing_truth_value_may_have_blanks_around_it(read, write):
    got = read("csv", write("a.csv", "x\ntrue\n unknown \nfalse\n"), options={"null_values": ["unknown"]})
    assert got.column("x") == [True, None, False]


def test_a_type_for_a_column_that_is_not_in_the_header_is_refused(read, write):
    with pytest.raises(ConfigError, match=r"inputs\.options\.types\.zipp: .* no such column; did you mean 'zip'\?"):
        read("csv", write("a.csv", "zip,x\n07001,1\n"), options={"types": {"zipp": "text"}})
