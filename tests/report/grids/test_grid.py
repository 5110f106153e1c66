"""A grid is shown as a table that fits the terminal, and written as CSV, JSON and Markdown."""

import csv
import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console

from assay.report.grids.folding import folded, pieces_of, widest_piece
from assay.report.grids.formats import as_csv, as_json, as_markdown
from assay.report.grids.grid import Column, Grid
from assay.report.grids.layout import cut
from assay.report.grids.terminal_text import table_text

GRID = Grid(
    [Column("slice"), Column("rows", "number"), Column("auc", "number"), Column("auc change", "change", follows=True)],
    [
        ["Overall", 14252, 0.9376123456789, 0.0123],
        ["country=count/ry_000, marital_status=Never_married", 7, math.nan, None],
        ['note="a,\n|b"', 0, math.inf, -0.5],
    ],
)


def shown(grid, width, **options):
    console = Console(file=io.StringIO(), width=width, soft_wrap=True, highlight=False, **options)
    console.print(table_text(grid, console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_table_has_texts_to_the_left_and_numbers_to_the_right():
    assert shown(Grid(GRID.columns, GRID.rows[:1]), 80).splitlines() == [
        "slice      rows     auc  auc change",
        "-------  ------  ------  ----------",
        "Overall  14,252  0.9376     +0.0123",
    ]


def test_a_value_that_is_undefined_says_so_and_nothing_is_a_dash():
    (line,) = (line for line in shown(GRID, 120).splitlines() if line.startswith("country"))
    assert line.split()[-3:] == ["7", "undefined", "-"]


def test_a_path_is_folded_between_its_parts():
    assert folded("metrics_specs[0].metrics[AUC].threshold", 18) == ["metrics_specs[0]", ".metrics[AUC]", ".threshold"]


def test_a_text_that_is_too_wide_is_folded_behind_separators():
    lines = shown(GRID, 44).splitlines()
    assert max(map(len, lines)) <= 44
    first = [line[:16].strip() for line in lines]
    at = first.index("country=count/")
    assert first[at : at + 4] == ["country=count/", "ry_000, marital_", "status=Never_", "married"]


def test_off_a_terminal_a_table_is_ascii_without_colours():
    coloured = Grid([Column("status", colours={"FAIL": "red"})], [["FAIL"]])
    assert shown(coloured, 80).isascii()
    assert "\x1b[31mFAIL" in shown(coloured, 80, force_terminal=True, color_system="standard", no_color=False)


def test_no_color_takes_the_colours_off(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = Grid([Column("status", colours={"FAIL": "red"})], [["FAIL"]])
    assert "\x1b[31m" not in shown(coloured, 80, force_terminal=True)


def test_a_grid_that_is_too_wide_is_cut_with_its_first_column_in_each_part():
    wide = Grid([Column("slice"), *(Column(f"m{i}", "number") for i in range(30))], [["Overall", *([0.5] * 30)]])
    parts = cut(wide, 60)
    assert [part.columns[0].name for part in parts] == ["slice"] * len(parts)
    assert [column.name for part in parts for column in part.columns[1:]] == [f"m{i}" for i in range(30)]
    assert all(len(line) <= 60 for part in parts for line in shown(part, 60).splitlines())


def test_a_change_stays_beside_its_value_where_a_grid_is_cut():
    for width in range(20, 60):
        for part in cut(GRID, width, keep=2):
            names = [column.name for column in part.columns]
            assert ("auc" in names) == ("auc change" in names)


def test_text_from_data_acts_on_no_terminal():
    assert "\x1b" not in shown(Grid([Column("\x1b[2J")], [["\x1b]0;x\x07\u202e"]]), 80)


words = st.text(st.sampled_from("abcé文_/=-@ 0.9,"), max_size=60)


@given(words, st.integers(1, 30))
def test_folding_loses_nothing_but_blanks_and_no_line_is_too_wide(text, width):
    lines = folded(text, max(width, 2))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_len, lines)) <= max(width, 2)


@given(words, st.integers(1, 30))
def test_no_word_is_broken_where_its_pieces_have_room(text, width):
    lines = folded(text, max(width, widest_piece(text), 1))
    pieces = [piece for word in text.split(" ") for piece in pieces_of(word)]
    whole = iter(piece for line in lines for word in line.split(" ") for piece in pieces_of(word))
    assert list(whole) == pieces


def test_csv_has_all_digits_and_is_read_back_by_any_reader():
    head, overall, country, note = csv.reader(io.StringIO(as_csv(GRID)))
    assert head == ["slice", "rows", "auc", "auc change"]
    assert (overall[0], int(overall[1]), float(overall[2])) == ("Overall", 14252, 0.9376123456789)
    assert math.isnan(float(country[2]))
    assert country[3] == ""
    assert note == ['note="a,\\n|b"', "0", "inf", "-0.5"]


def test_json_has_an_object_for_each_row_and_null_for_what_is_no_finite_number():
    overall, country, note = json.loads(as_json(GRID), parse_constant=pytest.fail)
    assert overall == {"slice": "Overall", "rows": 14252, "auc": 0.9376123456789, "auc change": 0.0123}
    assert (country["auc"], country["auc change"], note["auc"]) == (None, None, None)
    assert note["slice"] == 'note="a,\n|b"'


def test_markdown_is_a_table_for_a_reader_of_markdown():
    html = MarkdownIt("commonmark").enable("table").render(as_markdown(GRID))
    assert html.count("<tr>") == 4
    assert html.count("<td") == 12
    assert "0.9376" in html
