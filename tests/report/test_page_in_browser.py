"""The page as the user interface of Kubeflow Pipelines embeds it: `srcdoc` of a sandboxed frame with scripts."""

import html
import json
import os

import numpy as np
import pytest

from assay.report.page import html_page
from tests.report.browser import PROGRAM, browser
from tests.report.made_results import save
from tests.report.test_page import HOSTILE, cities

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

SLICES = 700

NAMES = "[...document.querySelectorAll('#slices tbody tr')].map(row => row.cells[0].textContent)"
VISIBLE = (
    "[...document.querySelectorAll('#slices thead [data-column]')]"
    ".filter(head => !head.hidden).map(head => head.textContent)"
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
    if (!says || !node.checkVisibility()) continue;
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


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """A file with the page of 701 slices in a frame; two slices fail, one has one class only."""
    folder = tmp_path_factory.mktemp("embedded")
    auc = np.linspace(0.61, 0.95, SLICES + 1)
    auc[[5, 6, 7]] = 0.2, 0.5, np.nan
    results = save(folder / "results", cities(f"c{i:03}" for i in range(SLICES)), auc, plotted=8)
    return framed(folder, html_page(results))


def framed(folder, page):
    file = folder / "host.html"
    frame = f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts"></iframe>'
    style = "<style>body { margin: 0 } iframe { border: 0; width: 100vw; height: 100vh }</style>"
    file.write_text(f"<!doctype html><meta charset=utf-8><title>host</title>{style}{frame}", encoding="utf-8")
    return file


def opened(tab, file, width=1280, dark=False):
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    tab.call("Emulation.setEmulatedMedia", features=[scheme])
    tab.open(file)
    return tab


def type_in(tab, text):
    tab.run(f"(() => {{ const f = document.getElementById('filter'); f.value = {text!r};"
            " f.dispatchEvent(new Event('input')); })()")  # fmt: skip


def click(tab, selector):
    tab.run(f"document.querySelector({selector!r}).click()")


def troubles(tab):
    """Errors of scripts, refusals of the policy, and whatever was asked for beside the page itself."""
    requests = [event["request"]["url"] for event in tab.happened("Network.requestWillBeSent")]
    logged = [event["entry"]["text"] for event in tab.happened("Log.entryAdded")]
    thrown = tab.happened("Runtime.exceptionThrown")
    return [url for url in requests if not url.startswith(("file:", "about:"))] + logged + thrown


def test_the_table_can_be_filtered_over_all_slices_and_sorted(tab, embedded):
    opened(tab, embedded)
    assert tab.run("document.getElementById('controls').checkVisibility()")
    assert tab.run("document.getElementById('count').textContent") == "200 of 701 slices"
    assert "stand here" not in tab.run("document.body.innerText")
    assert tab.run(NAMES)[:4] == ["Overall", "city=c004", "city=c005", "city=c006"]
    type_in(tab, "C43")
    assert tab.run(NAMES) == [f"city=c43{i}" for i in range(10)]
    type_in(tab, "nobody")
    assert tab.run("document.getElementById('count').textContent") == "0 of 701 slices"
    type_in(tab, "")
    click(tab, "[data-column='2'] button")
    assert tab.run("document.querySelector('[data-column=\"2\"]').ariaSort") == "descending"
    assert tab.run(NAMES)[:2] == ["city=c699", "city=c698"]
    click(tab, "[data-column='2'] button")
    assert tab.run(NAMES)[:2] == ["city=c004", "city=c005"]
    for _ in range(3):
        click(tab, "#more")
    assert tab.run(NAMES)[-1] == "city=c006"  # undefined comes last
    assert not tab.run("document.getElementById('more').checkVisibility()")
    click(tab, "[data-column='0'] button")
    assert tab.run(NAMES)[:2] == ["city=c000", "city=c001"]
    assert troubles(tab) == []


def test_rows_that_the_script_makes_look_like_those_that_were_there(tab, embedded):
    opened(tab, embedded)
    classes = (
        "[...document.querySelectorAll('#slices tbody tr')].map(r => [...r.cells].map(c => c.tagName + c.className))"
    )
    there, made = (tab.run(classes)[i] for i in (20, 150))
    assert tab.run(NAMES)[150] != tab.run(NAMES)[20]
    assert there == made
    assert made[0] == "THfirst"


def test_metrics_can_be_chosen(tab, embedded):
    opened(tab, embedded)
    tab.run("(() => { const m = document.getElementById('metric'); m.value = 'mean_squared_error';"
            " m.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert tab.run(VISIBLE) == ["Slice", "Rows", "new", "old", "change"]
    shown = "[...document.querySelectorAll('#slices tbody tr')[0].cells].filter(c => !c.hidden).map(c => c.textContent)"
    assert tab.run(shown) == ["Overall", "1,000", "0.2500", "0.1250", "+0.1250 ▾"]
    groups = "[...document.querySelectorAll('[data-group]')].filter(head => !head.hidden).map(head => head.textContent)"
    assert tab.run(groups) == ["mean_squared_error"]


def test_without_scripts_everything_but_the_controls_is_there(tab, embedded):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(tab, embedded)
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        assert not tab.run("document.getElementById('controls').checkVisibility()")
        assert not tab.run("document.getElementById('more').checkVisibility()")
        assert tab.run("document.querySelectorAll('#slices button').length") == 0
        assert 60 <= len(tab.run(NAMES)) <= 120
        assert "slices stand here: the worst and the largest" in tab.run("document.body.innerText")
        assert tab.run("document.querySelector('figure svg').getBoundingClientRect().width") > 200
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_only_tables_scroll_sideways(tab, embedded, width):
    opened(tab, embedded, width)
    tab.run("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_no_name_runs_over_the_next_cell(tab, tmp_path):
    results = save(tmp_path / "results", cities(["x" * 5000, "y" * 60]), np.array([0.9, 0.8, 0.7]))
    opened(tab, framed(tmp_path, html_page(results)))
    over = "[...document.querySelectorAll('td, th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
    assert tab.run(over) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_can_be_read_in_the_light_and_in_the_dark(tab, embedded, dark):
    opened(tab, embedded, dark=dark)
    tab.run("document.querySelectorAll('details').forEach(part => part.open = true)")
    contrasts = tab.run(CONTRASTS)
    assert {"strong.badge bad", "td.group fails", "td.worse", "text.minor", "figcaption.", "bdi."} <= set(contrasts)
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}
    assert tab.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    )


def test_hostile_values_are_shown_and_never_run(tab, tmp_path):
    names = [f"{name}{i}" for i in range(30) for name in HOSTILE]
    results = save(tmp_path / "results", cities(names), np.linspace(0.9, 0.1, len(names) + 1), plotted=3)
    opened(tab, framed(tmp_path, html_page(results)))
    click(tab, "#more")
    shown = tab.run(NAMES)
    assert len(shown) == len(names) + 1
    for hostile in HOSTILE[:2]:  # names with = or quotes in them stand in quotes
        assert f"city={json.dumps(f'{hostile}7')}" in shown
    assert tab.run("document.querySelectorAll('img, b, script').length") == 2
    assert tab.run("document.title") == "NOT BLESSED: Evaluation of new against old"
    assert tab.happened("Page.javascriptDialogOpening") == []
    assert troubles(tab) == []


def test_the_policy_refuses_a_script_that_is_not_the_pages_own(tab, embedded, tmp_path):
    """What would happen if escaping failed once."""
    page = html.unescape(embedded.read_text(encoding="utf-8").split('srcdoc="', 1)[1].rsplit('" sandbox', 1)[0])
    broken = page.replace(
        "<main>", "<main><script>document.title='owned'</script><img src='https://example.com/x.png'>"
    )
    opened(tab, framed(tmp_path, broken))
    assert tab.run("document.title") == "NOT BLESSED: Evaluation of new against old"
    refused = [text for text in troubles(tab) if "Content Security Policy" in str(text)]
    assert len(refused) == 2
