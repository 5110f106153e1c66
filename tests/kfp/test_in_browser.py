"""What components leave for people, as Kubeflow's pages embed it: frames with scripts of their own, and no network."""

import os

import pytest
from markdown_it import MarkdownIt

from tests.kfp.launcher import Launcher
from tests.kfp.plans import BAD_DAY, plan_of, write_day
from tests.kfp.test_components import common, run_all
from tests.report.browser import PROGRAM, browser
from tests.report.opened_page import framed, troubles

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

HOSTILE = "<img src=http://x.invalid/y onerror=document.title='run'>|`*a*`"


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


@pytest.fixture
def done(tmp_path):
    """Tasks of a day that is not blessed, one of whose slices means harm."""
    config = plan_of("d", "o").eval_config
    bound = {"slicing_specs": [{"feature_keys": ["group"]}], "threshold": {"value_threshold": {"lower_bound": 0.5}}}
    metrics = [{"class_name": "AUC", "per_slice_thresholds": [bound]}, {"class_name": "ConfusionMatrixPlot"}]
    data = tmp_path / "data"
    write_day(data, BAD_DAY, is_good=False, groups=("a", HOSTILE))
    plan = plan_of(data, tmp_path / "out", eval_config={**config, "metrics_specs": [{"metrics": metrics}]})
    return run_all(Launcher(tmp_path / "pipeline"), common(plan, tmp_path / "checkpoints", BAD_DAY))


def test_the_page_is_whole_in_a_sandboxed_frame_without_network(tab, done, tmp_path):
    tab.open(framed(tmp_path, done["WriteResults"].content("results_page")))
    text = tab.run("document.body.innerText")
    assert "NOT BLESSED" in text.upper()
    assert HOSTILE in text
    assert tab.run("document.querySelectorAll('svg').length") > 0
    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert troubles(tab) == []


@pytest.mark.parametrize("task", ["Gate", "WriteResults"])
def test_summaries_are_shown_as_text_and_do_nothing(task, tab, done, tmp_path):
    """HTML in Markdown is let through here, as the worst that a viewer may do."""
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(done[task].content("summary"))
    tab.open(framed(tmp_path, shown))
    text = tab.run("document.body.innerText")
    assert "NOT" in text
    assert "BLESSED" in text
    assert HOSTILE in text
    assert tab.run("document.images.length") == 0
    assert troubles(tab) == []
