"""The page with its scripts, as the user interface of Kubeflow Pipelines embeds it, and as a file of its own."""

import json
import os

import numpy as np
import pytest

from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.report.page.results import html_page
from tests.report.browser import PROGRAM
from tests.report.made_results import CONFIG, save
from tests.report.opened_page import Opened, framed, live, saved
from tests.report.page.test_page import HOSTILE, cities

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

SLICES = 700
COUNT = "#count"
VISIBLE = "[...document.querySelectorAll('#slices thead tr:last-child th')].map(head => head.textContent)"
GROUPS = "[...document.querySelectorAll('#slices .group[colspan], #slices th[scope=colgroup]')].map(h => h.textContent)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of 701 slices with 1,000 to 1,700 rows and intervals; two slices fail, one has one class only."""
    auc = np.linspace(0.61, 0.95, SLICES + 1)
    auc[[5, 6, 7]] = 0.2, 0.5, np.nan
    intervals = {MetricKey("auc", "new"): Interval(auc - 0.05, auc + 0.05, auc * 0 + 0.02, 20)}
    slices = cities(f"c{i:03}" for i in range(SLICES))
    return html_page(save(tmp_path_factory.mktemp("page"), slices, auc, plotted=8, intervals=intervals))


@pytest.fixture(scope="module")
def embedded(page, tmp_path_factory):
    return framed(tmp_path_factory.mktemp("embedded"), page)


@pytest.fixture(scope="module")
def alone(page, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("alone"), page)


def test_the_table_can_be_filtered_over_all_slices_and_sorted(tab, embedded):
    opened = live(tab, embedded)
    assert opened.text(COUNT) == "701 of 701 slices"
    assert "stand here:" not in opened.run("document.body.innerText")
    assert opened.names[:4] == ["Overall", "city=c004", "city=c005", "city=c006"]
    opened.fill("#filter", "C43")
    assert opened.names == [f"city=c43{i}" for i in range(10)]
    opened.fill("#filter", "nobody")
    assert opened.text(COUNT) == "0 of 701 slices"
    opened.fill("#filter", "")
    opened.click("[data-key='auc'] button")
    assert opened.run("document.querySelector('[data-key=auc]').ariaSort") == "descending"
    assert opened.names[:2] == ["city=c699", "city=c698"]
    opened.click("[data-key='auc'] button")
    assert opened.names[:2] == ["city=c004", "city=c005"]
    opened.click("[data-key='slice'] button")
    assert opened.names[:2] == ["city=c000", "city=c001"]
    assert opened.troubles == []


def test_a_condition_filters_by_values_and_rows(tab, embedded):
    opened = live(tab, embedded)
    opened.fill("#filter", "auc < 0.65 and rows > 1010")
    assert opened.text(COUNT) == "72 of 701 slices"  # c010 to c081, as 0.61 + 0.34 * 82 / 700 < 0.65
    opened.fill("#filter", "`auc change` < 0 and not (`auc old` < 1) or auc = undefined")
    assert opened.names == ["city=c006"]
    opened.fill("#filter", 'slice = "city=c010" or "C02" in slice and rows >= 1025')
    assert sorted(opened.names) == ["city=c010", *(f"city=c02{i}" for i in range(4, 10))]
    opened.fill("#filter", "city=c30")
    assert len(opened.names) == 10


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("auc <", "expected a name, a number or a text in quotes, found the end"),
        ("acu < 0.7", "there is no acu"),
        ("auc < 0.7 rows > 5", "expected and, or, found rows"),
        ("(auc < 0.7", "expected `)`, found the end"),
    ],
)
def test_a_condition_that_cannot_be_read_says_why_and_leaves_the_slices_as_they_were(tab, embedded, condition, message):
    opened = live(tab, embedded)
    opened.fill("#filter", "c43")
    opened.fill("#filter", condition)
    assert message in opened.text("#filter-error")
    assert opened.run("document.getElementById('filter').ariaInvalid") == "true"
    assert opened.text(COUNT) == "10 of 701 slices"
    opened.fill("#filter", "auc < 0.7")
    assert opened.text("#filter-error") == ""


def test_a_slider_leaves_out_slices_with_few_rows(tab, embedded):
    opened = live(tab, embedded)
    opened.focus("#least")
    opened.press("End")
    assert opened.text("#least-told") == "1,000"
    assert opened.text(COUNT) == "701 of 701 slices"
    opened.fill("#filter", "rows > 1500")
    assert opened.text(COUNT) == "200 of 701 slices"


def test_only_rows_in_sight_are_elements_and_keys_walk_to_all_of_them(tab, embedded):
    opened = live(tab, embedded)
    assert 20 <= len(opened.names) <= 60
    assert opened.run("document.getElementById('slices').ariaRowCount") == "703"
    opened.focus("#slices .pick")
    opened.press("ArrowDown")
    assert opened.run("document.activeElement.textContent") == "city=c004"
    opened.press("End")
    assert opened.run("document.activeElement.textContent") == "city=c699"
    opened.press("ArrowUp", 40)
    assert opened.run("document.activeElement.textContent") == opened.run("document.activeElement.title") == "city=c659"
    opened.press("Enter")
    opened.wait_for("document.activeElement.getAttribute('aria-pressed') === 'true'")
    opened.press("Home")
    assert opened.run("document.activeElement.textContent") == "Overall"


def test_rows_keep_their_place_wherever_the_table_is_scrolled(tab, embedded):
    opened = live(tab, embedded)
    at = "document.querySelector('#slices').closest('.scroll')"
    for share in (0.25, 0.5, 0.99, 1):
        opened.run(f"{at}.scrollTop = {at}.scrollHeight * {share}")
        opened.wait_for(
            "[...document.querySelectorAll('#slices tbody tr')].map(row => row.getBoundingClientRect()).some(row =>"
            f" row.top < {at}.getBoundingClientRect().bottom && row.bottom > {at}.getBoundingClientRect().top + 200)"
        )
        place = opened.run("Number(document.querySelector('#slices tbody tr').getAttribute('aria-rowindex')) - 3")
        height = opened.run("document.querySelector('#slices tbody tr').getBoundingClientRect().height")
        top = opened.run(
            "document.querySelector('#slices tbody').getBoundingClientRect().top"
            f" - {at}.querySelector('.canvas').getBoundingClientRect().top"
        )
        head = opened.run("document.querySelector('#slices thead').getBoundingClientRect().height")
        assert top == pytest.approx(place * height + head, abs=2)
    assert opened.names[-1] == "city=c699"


def test_metrics_and_models_can_be_chosen(tab, embedded):
    opened = live(tab, embedded)
    opened.fill("#metric", "mean_squared_error")
    assert opened.run(VISIBLE) == ["Slice", "Rows", "new", "old", "change"]
    first = "[...document.querySelector('#slices tbody tr').cells].map(c => c.textContent)"
    assert opened.run(first) == ["Overall", "1,000", "0.2500", "0.1250", "+0.1250 ▾"]
    opened.click("[data-model='old']")
    assert opened.run(VISIBLE) == ["Slice", "Rows", "new", "change"]
    opened.fill("#metric", "")
    assert opened.run(VISIBLE) == ["Slice", "Rows", "new", "change", "new", "change"]


def test_values_carry_their_interval_and_marks_in_the_table(tab, embedded):
    opened = live(tab, embedded)
    opened.fill("#filter", "city=c004")
    cell = "[...document.querySelector('#slices tbody tr').cells].map(c => [c.textContent, c.className])"
    assert opened.run(cell)[2:5] == [
        ["0.2000 ✗ [0.1500, 0.2500]", "group fails"],
        ["0.7000", ""],
        ["-0.5000 ▾", "worse"],
    ]


def test_what_is_chosen_stands_in_the_address_and_comes_back_with_it(tab, alone):
    opened = live(tab, alone)
    opened.fill("#filter", "auc < 0.7 and rows > 1005")
    opened.click("[data-key='rows'] button")
    opened.click("#slices .pick")
    names, address = opened.names, opened.run("location.hash")
    assert "where=auc" in address
    again = live(tab, alone, fragment=address)
    assert again.names == names
    assert again.run("document.getElementById('filter').value") == "auc < 0.7 and rows > 1005"
    assert again.run("document.querySelector('.pick[aria-pressed=true]').textContent") == names[0]
    assert again.troubles == []


def test_an_address_with_nonsense_behind_it_still_opens_the_page(tab, alone):
    nonsense = "#where=%28%28&rows=x&sort=nobody&hide=new%7Cold&slices=none%257C&at=z&panel=9&view=q"
    opened = live(tab, alone, fragment=nonsense)
    assert opened.text(COUNT) == "701 of 701 slices"
    assert opened.text(".picked h3").startswith("Overall")
    assert "Filter: " in opened.text("#filter-error")
    assert opened.troubles == []


def test_the_chart_tells_each_slice_by_keyboard_and_opens_its_plots(tab, embedded):
    opened = live(tab, embedded)
    assert opened.run("document.querySelector('#chart canvas').width") > 600
    opened.focus("#chart .plot")
    opened.press("ArrowRight")
    assert opened.text("#chart .readout") == "city=c004: new 0.2000 [0.1500, 0.2500]; old 0.7000; 1,005 rows"
    opened.press("Enter")
    opened.wait_for("document.querySelector('.picked h3').textContent.startsWith('city=c004')")
    opened.fill("#chart label:nth-of-type(2) select", "rows")
    opened.press("Home")
    assert opened.text("#chart .readout").startswith("Overall: new 0.6100")


def test_the_chart_tells_the_slice_below_the_pointer(tab, embedded):
    opened = live(tab, embedded)
    box = opened.run(
        "(() => { const box = document.querySelector('#chart .u-over').getBoundingClientRect();"
        " scrollTo(0, box.top - 100); const { left, top, width, height } ="
        " document.querySelector('#chart .u-over').getBoundingClientRect(); return { left, top, width, height }; })()"
    )
    for share in (0.5, 0.505):
        x, y = box["left"] + share * box["width"], box["top"] + box["height"] / 2
        tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    opened.wait_for("document.querySelector('#chart .readout').textContent.startsWith('city=c3')")


def test_without_scripts_everything_but_the_controls_is_there(tab, embedded):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened = Opened(tab, embedded)
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        assert not opened.is_seen(".controls")
        assert not opened.is_seen("#groups")
        assert opened.run("document.querySelectorAll('#slices button').length") == 0
        assert 60 <= len(opened.names) <= 120
        assert "slices stand here: the worst and the largest" in opened.run("document.body.innerText")
        assert opened.run("document.querySelector('#plots figure svg').getBoundingClientRect().width") > 200
        assert opened.run("document.querySelector('figure.wide svg').getBoundingClientRect().width") > 400
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_hostile_values_are_shown_and_never_run(tab, tmp_path):
    names = [f"{name}{i}" for i in range(30) for name in HOSTILE]
    results = save(tmp_path / "results", cities(names), np.linspace(0.9, 0.1, len(names) + 1), plotted=3)
    opened = live(tab, framed(tmp_path, html_page(results)))
    for hostile in HOSTILE[:2]:  # names with = or quotes in them stand in quotes
        opened.fill("#filter", f"{hostile}7".replace('"', ""))
        opened.fill("#filter", "")
    opened.fill("#filter", "onerror")
    assert f"city={json.dumps(f'{HOSTILE[1]}7')}" in opened.names
    opened.click("#slices .pick")
    opened.focus("#chart .plot")
    opened.press("ArrowRight")
    assert opened.run("document.querySelectorAll('img, b').length") == 0
    assert opened.run("document.querySelectorAll('script').length") == 4
    assert opened.run("document.title") == "NOT BLESSED: Evaluation of new against old"
    assert tab.happened("Page.javascriptDialogOpening") == []
    assert opened.troubles == []


def test_the_policy_refuses_a_script_that_is_not_the_pages_own(tab, page, tmp_path):
    """What would happen if escaping failed once."""
    broken = page.replace(
        "<main>", "<main><script>document.title='owned'</script><img src='https://example.com/x.png'>"
    )
    opened = live(tab, framed(tmp_path, broken))
    assert opened.run("document.title") == "NOT BLESSED: Evaluation of new against old"
    refused = [text for text in opened.troubles if "Content Security Policy" in str(text)]
    assert len(refused) == 2


def test_a_metric_at_several_thresholds_has_a_column_for_each(tab, tmp_path):
    config = CONFIG.replace(
        'metrics { class_name: "MeanSquaredError" }',
        'metrics { class_name: "FPR" config: "{\\"thresholds\\": [0.25, 0.5]}" }',
    )
    more = {MetricKey("fpr", "new"): np.array([[0.4, 0.1], [0.3, 0.2]])}
    page = html_page(save(tmp_path, cities(["Bern"]), np.array([0.8, 0.9]), more=more, config=config))
    opened = live(tab, saved(tmp_path, page))
    assert opened.run(VISIBLE)[-2:] == ["at 0.25, new", "at 0.5, new"]
    opened.fill("#filter", "fpr@0.5 > 0.15")
    assert opened.names == ["city=Bern"]


def test_two_thousand_slices_by_fifty_metrics_are_soon_there_in_less_than_ten_megabytes(tab, tmp_path):
    count = 2001
    values = np.random.default_rng(3).random((50, 2, count))
    more = {MetricKey(f"m{i:02}", m): values[i, j] for i in range(50) for j, m in enumerate(("new", "old"))}
    auc = np.linspace(0.61, 0.99, count)
    page = html_page(save(tmp_path / "r", cities(map(str, range(count - 1))), auc, more=more, plotted=200))
    assert len(page.encode()) < 10_000_000
    opened = live(tab, saved(tmp_path, page))
    painted = opened.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 2000
    assert opened.text(COUNT) == "2,001 of 2,001 slices"
    assert opened.text("#metric option:checked") == "those with a threshold"
    opened.fill("#metric", "m49")
    assert opened.run(VISIBLE) == ["Slice", "Rows", "new", "old"]
