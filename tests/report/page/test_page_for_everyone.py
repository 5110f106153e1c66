"""The page at every width, in the light and the dark, by keyboard alone, without scripts, and for screen readers."""

import os

import numpy as np
import pytest

from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.values import Interval
from assay.report.page.results import html_page
from tests.report.browser import PROGRAM
from tests.report.made_results import save
from tests.report.opened_page import Opened, axe, framed, live, saved
from tests.report.page.test_page import cities
from tests.report.page.test_plots_in_browser import class_matrices

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

CONTRASTS = """
(() => {
  const parsed = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parsed(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
  };
  const found = {};
  for (const node of document.querySelectorAll("main *")) {
    const says = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!says || !node.checkVisibility() || node.closest(".confusion")) continue;
    const style = getComputedStyle(node);
    const front = light(parsed(node instanceof SVGElement ? style.fill : style.color));
    const back = light(behind(node));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const name = `${node.tagName.toLowerCase()}.${node.getAttribute("class") ?? ""}`;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
})()
"""
UNFOLD = "document.querySelectorAll('details').forEach(part => part.open = true)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Intervals, failures, undefined values, classes, two features, long names."""
    names = [*(f"c{i:03}" for i in range(150)), "x" * 5000, "y" * 60]
    slices = [*cities(names), (("sex", "Female"),), (("sex", "Male"),), (("sex", "Male"), ("city", "c001"))]
    auc = np.linspace(0.61, 0.95, len(slices))
    auc[[5, 6, 7]] = 0.2, 0.5, np.nan
    intervals = {MetricKey("auc", "new"): Interval(auc - 0.05, auc + 0.05, auc * 0 + 0.02, 20)}
    cells = np.random.default_rng(5).integers(0, 50, (4, 7, 7)).astype(float)
    more = {PlotKey("multi_class_confusion_matrix_plot", "new"): [class_matrices(cells)]}
    folder = tmp_path_factory.mktemp("everyone")
    return html_page(save(folder, slices, auc, plotted=4, intervals=intervals, more_plots=more))


@pytest.fixture(scope="module")
def alone(page, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("alone"), page)


@pytest.fixture(scope="module")
def embedded(page, tmp_path_factory):
    return framed(tmp_path_factory.mktemp("embedded"), page)


@pytest.mark.parametrize("width", [360, 400, 800, 1280, 1600])
def test_only_tables_scroll_sideways(tab, embedded, width):
    opened = live(tab, embedded, width=width)
    opened.run(UNFOLD)
    assert opened.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [400, 1280])
def test_no_name_runs_over_the_next_cell(tab, alone, width):
    opened = live(tab, alone, width=width)
    opened.fill("#filter", "xxxx or yyyy")
    over = "[...document.querySelectorAll('td, th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
    assert opened.run(over) == 0
    assert set(opened.run("[...document.querySelectorAll('#slices tbody tr')].map(r => r.offsetHeight)")) <= {
        50,
        51,
        52,
    }


def test_on_a_narrow_screen_the_first_column_stays_and_a_shadow_tells_of_more(tab, alone):
    opened = live(tab, alone, width=400)
    at = "document.querySelector('#slices').closest('.scroll')"
    left = "document.querySelector('#slices tbody th').getBoundingClientRect().left"
    before = opened.run(left)
    assert opened.run(f"{at}.scrollWidth > {at}.clientWidth + 100")
    opened.run(f"{at}.scrollLeft = 200")
    assert opened.run(left) == before
    assert "local, scroll" in opened.run(f"getComputedStyle({at}).backgroundAttachment")


def test_tables_use_the_width_of_a_wide_screen(tab, alone):
    opened = live(tab, alone, width=1280)
    tops = opened.run("[...document.querySelectorAll('.side-by-side')].map(p => [...p.children].map(c => c.offsetTop))")
    assert all(len(set(of_row)) == 1 for of_row in tops)
    assert opened.run("document.querySelector('#chart canvas').getBoundingClientRect().width") > 1100


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_can_be_read_in_the_light_and_in_the_dark(tab, embedded, dark):
    opened = live(tab, embedded, dark=dark)
    opened.run(UNFOLD)
    contrasts = opened.run(CONTRASTS)
    assert {"strong.badge bad", "td.group fails", "td.worse", "text.minor", "figcaption.", "bdi.", "small."} <= set(
        contrasts
    )
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    assert opened.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    )


@pytest.mark.parametrize(
    ("width", "dark"),
    [(400, True), (1280, False), *(pytest.param(*of, marks=pytest.mark.slow) for of in ((400, False), (1280, True)))],
)
@pytest.mark.parametrize("fragment", ["", "#panel=1&slices=Overall%7Ccity%253Dc001"])
def test_axe_finds_nothing(tab, alone, width, dark, fragment):
    opened = live(tab, alone, width=width, dark=dark, fragment=fragment)
    opened.run(UNFOLD)
    assert axe(opened) == []
    assert opened.troubles == []


@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing_without_scripts(tab, alone, width):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened = Opened(tab, alone, width=width)
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        opened.run(UNFOLD)
        assert axe(opened) == []
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_every_control_is_reached_by_the_tab_key_in_the_order_of_the_page_and_shows_the_focus(tab, alone):
    opened = live(tab, alone)
    opened.fill("#filter", "c00")
    reached = []
    for _ in range(120):
        opened.press("Tab")
        place = opened.run(
            "(() => { const e = document.activeElement; if (e === document.body) return null;"
            " const style = getComputedStyle(e);"
            " return [e.id || e.className || e.tagName, e.getBoundingClientRect().top + scrollY,"
            " style.outlineStyle !== 'none' || e.type === 'range' || e.type === 'checkbox']; })()"
        )
        if place is None:
            break
        reached.append(place)
    names = [name for name, _, _ in reached]
    wanted = [
        "scroll",
        "filter",
        "least",
        "metric",
        "INPUT",
        "SELECT",
        "plot",
        "BUTTON",
        "pick",
        "threshold",
        "SUMMARY",
    ]
    assert {name for name in wanted if name not in names} == set()
    assert names.index("filter") < names.index("plot") < names.index("pick") < names.index("threshold")
    assert [name for name, _, is_shown in reached if not is_shown] == []
