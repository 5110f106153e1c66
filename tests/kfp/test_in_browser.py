"""What components leave for people, as Kubeflow's pages embed it: frames with scripts of their own, and no network."""

import os

import pytest
from markdown_it import MarkdownIt

from tests.kfp.launcher import Launcher
from tests.kfp.plans import BAD_DAY, plan_of, write_day
from tests.kfp.test_components import common, run_all
from tests.report.browser import PROGRAM, browser
from tests.report.opened_page import axe, framed, live, troubles

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

HOSTILE = "<img src=http://x.invalid/y onerror=document.title='run'>|`*a*`"


UNFOLD = "document.querySelectorAll('details').forEach(part => part.open = true)"
IS_WITHIN = "document.documentElement.scrollWidth <= window.innerWidth"
STORAGE = "(() => { try { return String(localStorage.length); } catch (error) { return error.name; } })()"


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Tasks of a day that is not blessed, one of whose slices means harm."""
    folder = tmp_path_factory.mktemp("done")
    config = plan_of("d", "o").eval_config
    bound = {"slicing_specs": [{"feature_keys": ["group"]}], "threshold": {"value_threshold": {"lower_bound": 0.5}}}
    metrics = [
        {"class_name": "ExampleCount"},
        {"class_name": "AUC", "per_slice_thresholds": [bound]},
        {"class_name": "ConfusionMatrixPlot"},
    ]
    write_day(folder / "data", BAD_DAY, is_good=False, groups=("a", HOSTILE))
    plan = plan_of(folder / "data", folder / "out", eval_config={**config, "metrics_specs": [{"metrics": metrics}]})
    return run_all(Launcher(folder / "pipeline"), common(plan, folder / "checkpoints", BAD_DAY))


@pytest.fixture(scope="module")
def frame(done, tmp_path_factory):
    return framed(tmp_path_factory.mktemp("frame"), done["WriteResults"].content("results_page"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_is_whole_in_a_sandboxed_frame_without_network(tab, frame, width, dark):
    opened = live(tab, frame, width=width, dark=dark)
    text = opened.run("document.body.innerText")
    assert "NOT BLESSED" in text.upper()
    assert HOSTILE in text
    assert opened.run("document.querySelectorAll('svg').length") > 0
    opened.run(UNFOLD)
    assert opened.run(IS_WITHIN)
    assert axe(opened) == []
    assert opened.troubles == []


@pytest.mark.parametrize("width", [400, 1280])
def test_every_control_works_in_a_frame_that_has_neither_storage_nor_an_address(tab, frame, width):
    opened = live(tab, frame, width=width)
    assert (opened.run("self.origin"), opened.run(STORAGE)) == ("null", "SecurityError")

    # The table.
    opened.fill("#filter", "group=a")
    assert opened.names == ["group=a"]
    opened.fill("#filter", "onerror")
    assert opened.names == [f'group="{HOSTILE}"']
    opened.fill("#filter", "")
    opened.focus("#least")
    opened.press("End")
    assert opened.text("#least-told") == "200"
    opened.press("Home")
    opened.fill("#metric", "example_count")
    opened.click("[data-key='rows'] button")
    assert opened.names[0] == "Overall"
    opened.fill("#metric", "")

    # The chart, and the plots of a slice that is picked.
    opened.focus("#chart .plot")
    opened.press("ArrowRight")
    opened.press("Enter")
    opened.wait_for("document.querySelector('.picked h3').textContent.startsWith('group=')")
    opened.fill("#threshold", "0.25")
    assert opened.text("#plots-live output") == "0.25"
    assert "at 0.25, rows" in opened.text(".confusion caption")
    opened.fill("#groups label:nth-of-type(3) select", "best")
    assert opened.run("document.querySelectorAll('#groups tbody tr').length") == 2

    assert opened.run("location.href").startswith("about:srcdoc")
    assert axe(opened) == []
    assert opened.troubles == []


def test_the_card_of_kubeflow_is_narrow_until_its_frame_is_popped_out(tab, done, tmp_path):
    """The frame takes the whole width of a card that is as narrow as what is in it may be."""
    file = framed(tmp_path, done["WriteResults"].content("results_page"))
    card = "<style>iframe { width: 250px !important; height: 600px !important }</style>"
    file.write_text(file.read_text(encoding="utf-8") + card, encoding="utf-8")
    opened = live(tab, file)
    assert opened.run("window.innerWidth") == 250
    assert opened.run(IS_WITHIN)
    assert opened.troubles == []


@pytest.mark.parametrize(("task", "name"), [("Gate", "verdict_summary"), ("WriteResults", "results_summary")])
def test_summaries_are_shown_as_text_and_do_nothing(task, name, tab, done, tmp_path):
    """HTML in Markdown is let through here, as the worst that a viewer may do."""
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(done[task].content(name))
    tab.open(framed(tmp_path, shown))
    text = tab.run("document.body.innerText")
    assert "NOT" in text
    assert "BLESSED" in text
    assert HOSTILE in text
    assert tab.run("document.images.length") == 0
    assert troubles(tab) == []
