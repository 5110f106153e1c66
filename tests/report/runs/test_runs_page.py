"""The page of many runs: what it tells, with and without scripts."""

import json
import os
import time

import numpy as np
import pytest

from assay.cli import main
from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.report.runs.page import runs_page
from assay.results.records import too_small_records
from assay.storage.framing import framed as record_framed
from assay.types import SliceKey
from tests.report.browser import PROGRAM
from tests.report.made_results import CONFIG, save
from tests.report.opened_page import Opened, axe, live, saved
from tests.report.packed_data import element_text, unpacked
from tests.report.page.test_page import HOSTILE, Page, cities

in_browser = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

AUC = [[0.8, 0.7, 0.75], [0.7, 0.5, 0.75], [0.75, 0.65, np.nan]]
"""Of three days: all rows, Bern, Genf. On the second Bern fails, on the third Genf is undefined."""


def day(folder, number, auc, slices, **more):
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(1_780_000_000 + 86_400 * number))
    save(folder / f"{stamp}-{number:08x}", slices, np.array(auc), **more)
    facts = folder / f"{stamp}-{number:08x}" / "results.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "params": {"date": f"day {number}"}}))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "out"
    for number, auc in enumerate(AUC):
        values = np.array(auc)
        intervals = {MetricKey("auc", "new"): Interval(values - 0.05, values + 0.05, values * 0 + 0.02, 20)}
        place = "models/new" if number < 2 else "models/newer"
        day(folder, number, auc, cities(["Bern", "Genf"]), intervals=intervals, places=("data/*", place))
    last = sorted(folder.iterdir())[-1]
    latest = {**json.loads((last / "verdict.json").read_text()), "run": last.name, "started": 1.0}
    (folder / "verdict.json").write_text(json.dumps(latest))
    return folder


@pytest.fixture(scope="module")
def file(output, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("page"), runs_page(output))


def test_runs_stand_newest_first_with_verdict_values_change_and_what_else_changed(output):
    page = Page(runs_page(output))
    heads, *rows = page.rows["table 1"]
    assert heads == ["Date (UTC)", "Verdict", "Rows", "auc", "What changed", "Run"]
    assert [row[0] for row in rows] == ["2026-05-30 20:26", "2026-05-29 20:26", "2026-05-28 20:26"]
    assert [row[1] for row in rows] == ["NOT BLESSED latest", "NOT BLESSED", "BLESSED last blessed"]
    assert [row[3] for row in rows] == ["0.7500 +0.0500", "0.7000 -0.1000", "0.8000"]
    assert rows[0][4] == "params.date: day 1 → day 2; model new: models/new → models/newer"
    assert rows[2][4] == ""


def test_slices_stand_by_run_those_that_fail_most_first_after_all_rows(output):
    rows = Page(runs_page(output)).rows["by-run"]
    assert rows[0] == ["Slice", "05-30", "05-29", "05-28"]
    assert rows[1:] == [
        ["Overall", "0.7500", "0.7000", "0.8000"],
        ["city=Genf", "undefined ✗", "0.7500", "0.7500"],
        ["city=Bern", "0.6500", "0.5000 ✗", "0.7000"],
    ]


def test_the_newest_runs_are_shown_and_the_older_ones_counted(output):
    text = runs_page(output, top=2)
    assert "2 runs from 2026-05-29 to 2026-05-30: 2 NOT BLESSED. 1 older ones are left out." in text
    assert len(Page(text).rows["table 1"]) == 3


def test_a_change_is_left_out_where_the_metric_has_other_settings(tmp_path):
    exact = CONFIG.replace('class_name: "AUC"', """class_name: "AUC" config: '"exact": true'""")
    for number, config in enumerate((CONFIG, exact, exact)):
        day(tmp_path, number, [0.7 + number / 100, 0.7], cities(["Bern"]), config=config)
    rows = Page(runs_page(tmp_path)).rows["table 1"][1:]
    assert [row[3] for row in rows] == ["0.7200 +0.0100", "0.7100", "0.7000"]


def test_a_damaged_run_is_told_and_the_others_are_shown(output, tmp_path):
    for source in output.rglob("*"):
        target = tmp_path / source.relative_to(output)
        target.mkdir(parents=True) if source.is_dir() else target.write_bytes(source.read_bytes())
    broken = sorted(path for path in tmp_path.iterdir() if path.is_dir())[1]
    (broken / "metrics-00000-of-00001.tfrecord").write_bytes(b"no record")
    page = Page(runs_page(tmp_path))
    assert [row[1] for row in page.rows["table 1"][1:]] == ["NOT BLESSED latest", "damaged", "BLESSED last blessed"]
    assert any("metrics-00000-of-00001.tfrecord" in text for text in page.texts)


def test_hostile_names_stay_text_and_slices_that_are_too_small_are_nowhere(tmp_path):
    slices: list[SliceKey] = cities(HOSTILE)
    day(tmp_path, 0, np.linspace(0.9, 0.1, 11), slices)
    (folder,) = tmp_path.iterdir()
    with (folder / "metrics-00000-of-00001.tfrecord").open("ab") as metrics:
        metrics.writelines(map(record_framed, too_small_records([(("city", "Zug"),)], 10)))
    text = runs_page(tmp_path)
    page = Page(text)
    assert page.tags.count("script") == 3
    assert not {"img", "b"} & set(page.tags)
    assert f'city="{HOSTILE[0]}"' in [row[0] for row in page.rows["by-run"]]
    assert "Zug" not in text
    assert "Zug" not in str(unpacked(element_text(text, "runs-data")))


def test_an_output_without_runs_is_named(tmp_path):
    with pytest.raises(ResultsError, match="folders of runs"):
        runs_page(tmp_path)


def test_the_command_writes_the_page_and_tells_where(output, tmp_path, capsys):
    target = tmp_path / "runs.html"
    assert main(["report", str(output), "--html", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert target.read_text(encoding="utf-8") == runs_page(output)
    assert main(["report", str(output), "--html", str(tmp_path / "no" / "p.html")]) == 64
    assert "choose another file" in capsys.readouterr().err


def test_sixty_runs_of_a_hundred_slices_make_a_page_of_less_than_a_megabyte(tmp_path):
    slices = cities(f"c{i:02}" for i in range(99))
    for number in range(60):
        day(tmp_path, number, np.linspace(0.61, 0.95, 100), slices)
    text = runs_page(tmp_path)
    assert len(text.encode()) < 1_000_000
    assert {len(row) for row in Page(text).rows["by-run"]} == {61}


@in_browser
def test_keys_walk_from_run_to_run_and_tell_values_intervals_and_failures(tab, file):
    opened = live(tab, file)
    opened.fill("#over-time label:nth-of-type(2) select", "2")
    assert opened.run("[...document.querySelectorAll('.chip bdi')].map(c => c.textContent)") == ["Overall", "city=Bern"]
    opened.focus("#over-time .plot")
    opened.press("ArrowRight", 2)
    assert opened.text("#over-time .readout") == (
        "2026-05-29 20:26, NOT BLESSED: Overall 0.7000 [0.6500, 0.7500]; city=Bern 0.5000 [0.4500, 0.5500] ✗"
    )
    opened.click(".chip")
    assert opened.run("[...document.querySelectorAll('.chip bdi')].map(c => c.textContent)") == ["city=Bern"]
    assert opened.troubles == []


@in_browser
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_and_only_tables_scroll_sideways(tab, file, width, dark):
    opened = live(tab, file, width=width, dark=dark)
    assert axe(opened) == []
    assert opened.run("document.documentElement.scrollWidth") <= width
    assert opened.troubles == []


@in_browser
def test_without_scripts_the_tables_are_there(tab, file):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened = Opened(tab, file)
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        assert not opened.is_seen("#over-time")
        assert opened.is_seen("#by-run")
        assert "The chart needs scripts" in opened.run("document.body.innerText")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
