import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from assay import storage
from assay.cli import main
from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.report.evidence import evidence_of
from assay.report.page import slices_data
from assay.report.page.plots_data import plots_data, read_plots
from assay.report.page.results import html_page, markdown_summary
from assay.results.labels import number_text
from assay.results.records import too_small_records
from assay.storage.framing import framed
from assay.verdict import UNNAMED, Checked, Reason, Status, Verdict
from tests.report.made_results import save
from tests.report.packed_data import element_text, unpacked, values_of

HOSTILE = [
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=\"document.title='owned'\">",
    '"><svg onload=alert(1)>',
    "<!--",
    "a|b\\|c\nd\te",
    "[text](javascript:alert(1)) `code` **bold** ~~gone~~ ![image](https://example.com/x.png)",
    "\u202egnirts\u202c \x00\x07",
    "x" * 5000,
    "&lt;b&gt;",
    "Zürich 東京",
]

VOID = {"meta", "input", "wbr"}


class Page(HTMLParser):
    """Checks that elements nest, and keeps what tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple] = []
        self.texts: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._table = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag == "table":
            self._table = dict(attrs).get("id", f"table {self.tags.count('table')}")
            self.rows[self._table] = []
        if tag == "tr":
            self.rows[self._table].append([])
        if tag in ("td", "th"):
            self.rows[self._table][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[self._table][-1][-1] += data

    def row(self, table, name):
        (found,) = (row for row in self.rows[table] if row[0] == name)
        return found


def cities(names):
    return [(), *((("city", name),) for name in names)]


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Overall and two cities hold, one is below the threshold."""
    folder = tmp_path_factory.mktemp("failed")
    interval = Interval(np.full(4, 0.55), np.full(4, 0.95), np.full(4, 0.1), 20)
    intervals = {MetricKey("auc", "new"): interval}
    return save(
        folder, cities(["Bern", "Genf", "Chur"]), np.array([0.8, 0.9, 0.5, np.nan]), plotted=4, intervals=intervals
    )


@pytest.fixture(scope="module")
def page(failed):
    return Page(html_page(failed))


def test_the_verdict_stands_on_top_with_each_reason_and_the_rows_left_out(page):
    text = " ".join(page.texts)
    assert "✗ NOT BLESSED" in text
    assert "1,000 rows; 3 bad rows (unreadable)" in text
    assert "2 of 4 slices" in text
    assert page.row("table 1", "city=Genf") == ["city=Genf", "auc [new] is 0.5", "at least 0.6", "1,002"]
    assert "undefined: one class" in page.row("table 1", "city=Chur")[1]


def test_models_stand_side_by_side_with_the_change_and_what_it_means(page):
    assert page.rows["table 2"][0] == ["Metric", "new", "old", "change"]
    assert page.row("table 2", "auc") == ["auc", "0.8000 [0.5500, 0.9500]", "0.7000", "+0.1000"]
    assert page.row("table 2", "mean_squared_error")[1:] == ["0.2500", "0.1250", "+0.1250 ▾"]


def test_slices_come_in_order_overall_then_those_that_fail_then_the_worst(page):
    assert page.rows["slices"][0][1:] == ["auc", "mean_squared_error"]
    names = [row[0] for row in page.rows["slices"][2:]]
    assert names == ["Overall", "city=Genf", "city=Chur", "city=Bern"]
    assert page.row("slices", "city=Genf")[1:5] == ["1,002", "0.5000 ✗ [0.5500, 0.9500]", "0.7000", "-0.2000 ▾"]
    assert page.row("slices", "city=Chur")[2].startswith("undefined")


def test_what_was_run_is_told(page):
    text = " ".join(page.texts)
    assert "data/* (csv)" in text
    assert "models/new" in text
    assert "date = 2024-05-01" in text
    assert "assay 1.2.3" in text
    assert "1 threshold" in text or "2 thresholds" in text
    assert '"class_name": "MeanSquaredError"' in text


def test_diagrams_are_of_the_first_four_slices_and_have_words_for_those_who_cannot_see_them(page):
    told = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert len([text for text in told if text.startswith("ROC: recall by false positive rate, for new, old")]) == 4
    assert "new at 0.5: true positives 75, false negatives 25, false positives 25, true negatives 75" in told
    assert len([text for text in told if text.startswith("Calibration")]) == 4


def test_curves_go_through_the_points_of_the_results(failed):
    """Of these plots recall is 1 - t^2 and the false positive rate (1 - t)^2; labels are as predicted."""
    text = html_page(failed)
    plots = text[text.index('id="plots"') :]
    roc, _, calibration = re.findall(r'class="line c0" d="M([^"]*)"', plots)[1:4]
    t = np.linspace(0, 1, 101)
    curve = np.stack([44 + 232 * (1 - t) ** 2, 8 + 232 * t**2], axis=1)
    for step in roc.split():
        assert np.linalg.norm(curve - list(map(float, step.split(","))), axis=1).min() < 0.1
    points = [tuple(map(float, step.split(","))) for step in calibration.split()]
    assert len(points) == 10
    assert [x - 44 for x, _ in points] == pytest.approx([240 - y for _, y in points], abs=0.11)


def test_every_table_has_heads_for_rows_and_columns_and_every_id_is_there_once(page):
    assert page.tags.count("table") == 4
    heads = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert {"row", "col", "colgroup"} == set(heads)
    assert page.tags.count("th") == len(heads)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert ("html", "lang", "en") in page.attributes


def test_nothing_is_asked_for_from_outside_and_only_the_pages_own_script_may_run(page):
    assert [attribute for attribute in page.attributes if attribute[1] in ("src", "href", "style", "action")] == []
    assert [attribute for attribute in page.attributes if attribute[1].startswith("on")] == []
    (policy,) = (value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not {"link", "img", "iframe", "object"} & set(page.tags)


def test_hostile_values_stay_text(tmp_path):
    results = save(tmp_path, cities(HOSTILE), np.linspace(0.9, 0.1, 11), plotted=3, places=(HOSTILE[1], HOSTILE[2]))
    text = html_page(results)
    page = Page(text)
    assert page.tags.count("script") == 4
    assert not {"img", "b"} & set(page.tags)
    names = [row[0] for row in page.rows["slices"]]
    assert f'city="{HOSTILE[0]}"' in names
    assert f"city={HOSTILE[8]}" in names
    assert f"city={HOSTILE[9]}" in names
    assert max(map(len, names)) == 160
    assert "\x00" not in text
    assert "\x07" not in text
    assert len(text) < 250_000


def test_hostile_values_stay_text_in_the_data_of_the_script_too(tmp_path):
    names = [f"{HOSTILE[i % 10]}{i}" for i in range(400)]
    text = html_page(save(tmp_path, cities(names), np.linspace(0.9, 0.1, 401)))
    assert Page(text).tags.count("script") == 3
    coded = element_text(text, "slices-data")
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", coded)
    data = unpacked(coded)
    assert len(set(data.head["names"])) == 401
    assert any(name.startswith('city="</script><img') for name in data.head["names"])


def test_two_thousand_slices_are_on_the_page_the_worst_and_the_largest_of_them_at_once(tmp_path):
    auc = np.linspace(0.61, 0.99, 2001)
    auc[7] = 0.1
    rows = np.full(2001, 100)
    rows[1234] = 5000
    text = html_page(save(tmp_path, cities(map(str, range(2000))), auc, rows=rows))
    assert len(text.encode()) < 1_000_000
    shown = [row[0] for row in Page(text).rows["slices"][2:]]
    assert shown[:3] == ["Overall", "city=6", "city=0"]
    assert "city=1233" in shown
    assert len(shown) <= 120
    data = unpacked(element_text(text, "slices-data"))
    assert len(data.head["names"]) == 2001
    wanted = {"auc": auc[2000], "auc old": 0.7, "auc change": auc[2000] - 0.7, "mean_squared_error": 0.25}
    assert {name: values_of(data, name, "city=1999") for name in wanted} == wanted
    assert f"Without scripts, {len(shown):,} of 2,001 slices stand here" in text
    assert "left out" not in text


def test_a_page_that_would_grow_too_large_says_what_it_leaves_out(tmp_path, monkeypatch):
    """The metrics without a threshold go first."""
    monkeypatch.setattr(slices_data, "_MOST_NUMBERS", 4 * 40)
    more = {MetricKey(f"m{i:02}", "new"): np.full(40, i / 7) for i in range(30)}
    text = html_page(save(tmp_path, cities(map(str, range(39))), np.linspace(0.61, 0.99, 40), more=more))
    data = unpacked(element_text(text, "slices-data"))
    assert [column["name"] for column in data.head["columns"]] == ["auc", "auc old", "auc change", "mean_squared_error"]
    assert "32 columns of metrics are left out" in text


def test_the_first_slices_keep_their_plots_where_there_is_no_room_for_all(tmp_path):
    results = save(tmp_path, cities(map(str, range(39))), np.linspace(0.61, 0.99, 40), plotted=40)
    evidence = evidence_of(results)
    plots = read_plots(results, evidence.slices, thinned=99, whole=0).thinned
    whole = plots_data(evidence, plots, 0, 1_000_000)
    of_first = [plot for plot in plots if plot.slice == 0]
    room = (len(plots_data(evidence, of_first, 0, 1_000_000).text) + len(whole.text)) // 2
    part = plots_data(evidence, plots, 0, room)
    assert (whole.left_out, len(part.text) <= room) == (0, True)
    assert 0 < part.left_out < 35
    assert set(unpacked(part.text).arrays["slice"].tolist()) == set(range(40 - part.left_out))


def test_a_page_with_the_plots_of_few_slices_says_how_to_write_one_with_all(tmp_path):
    results = save(tmp_path, cities(map(str, range(39))), np.linspace(0.61, 0.99, 40), plotted=40)
    few, all_of_them = html_page(results, plots=3), html_page(results)
    assert set(unpacked(element_text(few, "plots-data")).arrays["slice"].tolist()) == {0, 1, 2}
    assert "the plots of 37 slices are left out; assay show RESULTS --html FILE writes a page with more" in few
    assert set(unpacked(element_text(all_of_them, "plots-data")).arrays["slice"].tolist()) == set(range(40))
    assert "left out" not in all_of_them


def test_results_on_google_cloud_storage_are_read_as_well(failed, gcs):
    for file in Path(failed).iterdir():
        storage.write(f"{gcs.root}/results/{file.name}", file.read_bytes())
    assert html_page(f"{gcs.root}/results") == html_page(failed)
    assert markdown_summary(f"{gcs.root}/results/") == markdown_summary(failed)


def test_a_slice_that_is_too_small_is_counted_and_nowhere_in_the_source(tmp_path):
    results = save(tmp_path, cities(["Bern", "Genf"]), np.array([0.8, 0.9, 0.5]))
    with (tmp_path / "metrics-00000-of-00001.tfrecord").open("ab") as file:
        file.writelines(map(framed, too_small_records([(("city", "Zug"),)], 10)))
    verdict = Verdict.from_json((tmp_path / "verdict.json").read_text())
    check = Checked("auc", "at least 0.6", "city", met=3, failed=2, slice=UNNAMED)
    (tmp_path / "verdict.json").write_text(replace(verdict, checks=(check,)).to_json())
    text = html_page(results)
    assert "1 slice more is hidden by min_slice_size" in text
    assert UNNAMED in text
    assert "Zug" not in text
    assert "Zug" not in str(unpacked(element_text(text, "slices-data")))
    assert "Zug" not in markdown_summary(results)


def test_where_there_was_nothing_to_judge_by_the_page_is_the_verdict(tmp_path):
    verdict = Verdict(Status.NOT_EVALUATED, (Reason("no data at in/*.csv after 6 h"),))
    (tmp_path / "verdict.json").write_text(verdict.to_json())
    page = Page(html_page(str(tmp_path)))
    assert "? NOT EVALUATED" in page.texts
    assert page.rows["table 1"][1] == ["", "no data at in/*.csv after 6 h", "", ""]
    assert "no data at in/\\*.csv after 6 h" in markdown_summary(str(tmp_path))


def test_results_without_a_verdict_or_a_config_still_have_a_page(failed, tmp_path):
    save(tmp_path, cities(["Bern"]), np.array([0.8, 0.9]))
    for name in ("verdict.json", "eval_config.json", "results.json", "validations.tfrecord"):
        (tmp_path / name).unlink()
    (tmp_path / "plots-00000-of-00001.tfrecord").unlink()
    page = Page(html_page(str(tmp_path)))
    assert "There is no verdict with these results." in page.texts
    assert page.row("slices", "city=Bern")[1] == "1,001"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ResultsError, match="nowhere"):
        html_page(str(tmp_path / "nowhere"))
    with pytest.raises(ResultsError, match="nowhere"):
        markdown_summary(str(tmp_path / "nowhere"))


def rendered(text):
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


def test_the_summary_has_verdict_reasons_metrics_and_the_worst_slices(failed):
    text = markdown_summary(failed)
    assert text.startswith("**NOT BLESSED**: 1,000 rows; 3 bad rows (unreadable).\n")
    assert "| city=Genf | auc \\[new\\] is 0.5 | at least 0.6 | 1,002 |" in text
    assert "| mean\\_squared\\_error | 0.2500 | 0.1250 | +0.1250 ▾ |" in text
    assert "### Worst of 3 slices by auc" in text
    page = Page(rendered(text))
    assert [len(set(map(len, rows))) for rows in page.rows.values()] == [1, 1, 1]


def test_hostile_values_break_no_table_and_no_markup_of_the_summary(tmp_path):
    text = markdown_summary(save(tmp_path, cities(HOSTILE), np.linspace(0.5, 0.1, 11)))
    page = Page(rendered(text))
    assert [len(set(map(len, rows))) for rows in page.rows.values()] == [1, 1, 1]
    assert set(page.tags) <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "h3"}
    assert page.tags.count("strong") == 1
    names = [row[0] for row in page.rows["table 3"]]
    assert f'city="{HOSTILE[0]}"' in names
    assert 'city="a|b\\\\|c\\nd\\te"' in names
    assert 'city="\\u202egnirts\\u202c \\u0000\\u0007"' in names


def test_show_writes_the_page_and_tells_where(failed, tmp_path, capsys):
    file = tmp_path / "page.html"
    assert main(["show", failed, "--html", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_text(encoding="utf-8") == html_page(failed)


def test_show_refuses_a_page_of_chosen_metrics_and_a_file_that_cannot_be(failed, tmp_path, capsys):
    assert main(["show", failed, "--html", str(tmp_path / "p.html"), "--metrics", "auc"]) == 64
    assert "leave out --metrics" in capsys.readouterr().err
    assert main(["show", failed, "--html", str(tmp_path / "no" / "p.html")]) == 64
    assert "choose another file" in html.unescape(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234, "1,234"), (0.93761, "0.9376"), (1.2e-5, "1.2e-05"), (float("nan"), "undefined")],
)
def test_numbers_are_told_as_people_write_them_whole_ones_from_json_too(value, text):
    assert number_text(value) == text


def test_the_licence_of_the_charting_library_goes_with_it_into_page_package_and_docs(page, failed):
    licence = files("assay.report.html").joinpath("uplot/LICENSE.txt").read_text()
    assert "Copyright (c) 2022 Leon Sorokin" in licence
    assert licence in html_page(failed)
    assert licence.strip() in (Path(__file__).parents[3] / "docs" / "licences.md").read_text()
