"""`assay show` on the results of a run: its options, and its output for people and for programs."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

import assay
from assay.cli import main
from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.types import SliceKey
from tests.report.made_results import CONFIG, save
from tests.terminal import on_a_terminal

SLICES: list[SliceKey] = [(), *(((("city", f"c{i:03}"),)) for i in range(199))]
AUC = np.linspace(0.5, 0.9, 200)
FPR = 'metrics { class_name: "FPR" config: \'"thresholds": [0.25, 0.75]\' }'


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    key = MetricKey("auc", "new")
    interval = Interval(AUC - 0.0123456789, AUC + 0.1, np.full(200, 0.01), 19)
    rates = np.stack([np.linspace(0, 1, 200), np.linspace(1, 0, 200)], 1)
    return save(
        tmp_path_factory.mktemp("results"),
        SLICES,
        AUC,
        more={MetricKey("fpr", "new"): rates},
        intervals={key: interval},
        config=CONFIG.replace("metrics_specs {", f"metrics_specs {{ {FPR}", 1),
    )


@pytest.fixture
def show(results, capsys):
    def called(*options, code=0):
        assert main(["show", results, *options]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err if code else captured.out

    return called


def test_json_has_the_verdict_and_every_number_with_all_digits(show, results):
    content = json.loads(show("--format", "json"), parse_constant=pytest.fail)
    assert list(content) == ["results", "verdict", "metrics"]
    assert content["results"] == results
    assert content["verdict"]["status"] == "NOT_BLESSED"
    by_slice = {
        row["slice"]: row
        for row in content["metrics"]
        if (row["metric"], row["model"], row["is_diff"]) == ("auc", "new", False)
    }
    assert len(by_slice) == 200
    last = by_slice["city=c198"]
    assert (last["value"], last["lower_bound"], last["rows"]) == (0.9, 0.9 - 0.0123456789, 1199)
    assert by_slice["city=c000"]["failed"] is True
    assert last["failed"] is False


def test_csv_says_the_same_as_the_frame_of_the_results(show, results):
    rows = list(csv.DictReader(io.StringIO(show("--format", "csv"))))
    frame = assay.metrics_frame(results)
    assert len(rows) == len(frame)
    assert set(frame.columns) - {"slice_key"} <= set(rows[0])
    numbers = {(row["slice"], row["metric"], row["model"], row["is_diff"], row["position"]): row for row in rows}
    for expected in frame.sample(50, random_state=0).itertuples():
        position = str(expected.position).replace("<NA>", "")
        row = numbers[expected.slice, expected.metric, expected.model, str(expected.is_diff).lower(), position]
        assert float(row["value"]) == expected.value


def test_numbers_at_thresholds_say_at_which(show):
    rows = json.loads(show("--format", "json", "--metrics", "fpr@0.75", "--top", "1"))["metrics"]
    assert [(row["slice"], row["position"], row["at"]) for row in rows] == [
        ("Overall", 1, 0.75),
        ("city=c000", 1, 0.75),
    ]


def test_every_option_selects_the_same_for_people_and_programs(show):
    wanted = ("--where", "auc < 0.7 and rows > 1050", "--sort", "rows:desc", "--slices", "city", "--metrics", "auc")
    names = list(dict.fromkeys(row["slice"] for row in json.loads(show(*wanted, "--format", "json"))["metrics"]))
    assert names[0] == "city=c098"
    assert len(names) == 49
    lines = [line.split()[0] for line in show(*wanted, "--all").splitlines() if line.startswith("city=")]
    assert list(dict.fromkeys(lines)) == names


def test_failed_shows_failing_slices_alone(show):
    lines = [line for line in show("--failed", "--all", "--metrics", "auc").splitlines() if line.startswith("city=")]
    assert len({line.split()[0] for line in lines}) == int((AUC[1:] < 0.6).sum())


def test_top_and_all_say_how_many_slices_are_shown(show):
    def count(text):
        return sum(line.startswith("city=c") for line in text.splitlines())

    assert count(show("--top", "3", "--metrics", "mean_squared_error")) == 3
    assert count(show("--metrics", "mean_squared_error")) == 20
    assert "21 of 200 slices" in show()
    assert count(show("--metrics", "mean_squared_error", "--all")) == 199


def test_markdown_has_the_verdict_and_tables(show):
    text = show("--format", "markdown")
    assert text.startswith("NOT BLESSED: ")
    assert "| slice | rows | auc | auc change |" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--html", "p.html", "--metrics", "auc"), "--html writes the whole page; leave out --metrics"),
        (("--html", "p.html", "--format", "csv"), "leave out --format"),
        (("--html", "p.html", "--failed", "--all"), "leave out --failed, --all"),
        (("--all", "--top", "3"), "--all shows every slice; leave out --top"),
        (("--top", "0"), "0 is not in the range x>=1"),
        (("--format", "xml"), "'xml' is not one of"),
        (("--where", "auc <"), "--where: at its end: expected a name"),
        (("--where", "auk < 1"), "--where: at character 1, 'auk': there is no such name; did you mean 'auc'?"),
        (("--sort", "auk"), "--sort: there is no 'auk'; did you mean 'auc'?"),
        (("--metrics", "auk"), "no metric 'auk' in the results; did you mean 'auc'?"),
        (("--slices", "zzz"), "no slice has 'zzz' in its name; the 200 slices are Overall"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(show, options, message):
    told = show(*options, code=64)
    assert message in told
    assert told.count("\n") == 1


def test_off_a_terminal_there_are_neither_colours_nor_boxes(results):
    done = subprocess.run(
        [sys.executable, "-m", "assay", "show", results], capture_output=True, text=True, check=True, timeout=120
    )
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal_there_are_colours_unless_no_color_is_set(results, no_color):
    environment = {"TERM": "xterm-256color", "COLUMNS": "80", "NO_COLOR": no_color}
    seen = on_a_terminal(".", "show", results, environment=environment)
    assert (b"\x1b[1;31mFAIL" in seen) == (not no_color)
    assert b"FAIL" in seen
