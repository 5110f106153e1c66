"""A verdict as a page of its own: what it says, and that nothing in it acts on whoever looks."""

import json
import os

import pandas as pd
import pytest

import assay
from assay.report.page.verdict import verdict_page
from tests.report.browser import PROGRAM
from tests.report.opened_page import Opened, axe, saved
from tests.report.page.test_page import HOSTILE, Page

in_browser = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)


def verdict(names=("a", "b"), bound=0.8):
    """The verdict on a metric that is 0.75 overall, with a threshold in each slice."""
    rows = pd.DataFrame({"label": [0, 1, 0, 1] * 5, "score": [0.1, 0.9, 0.6, 0.6] * 5})
    rows["group"] = [names[i % len(names)] for i in range(len(rows))]
    threshold = {"value_threshold": {"lower_bound": bound}}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": [{"class_name": "BinaryAccuracy", "threshold": threshold}]}],
    }
    return json.loads(assay.analyze_raw_data(rows, config).verdict.to_json())


def test_it_has_the_outcome_each_threshold_with_its_value_each_reason_and_the_links():
    text = verdict_page(verdict(), "daily, monday", {"All results": "/assay/results/x"})
    page = Page(text)
    assert "<h1>daily, monday</h1>" in text
    assert "✗ NOT BLESSED" in text
    assert "20 rows" in text
    _, threshold = page.rows["table 2"]
    assert threshold[:4] == ["binary_accuracy", "at least 0.8", "all (3)", "no, 2 of 3 fail"]
    assert [row[0] for row in page.rows["table 1"]] == ["Slice", "Overall", "group=a"]
    assert ("a", "href", "/assay/results/x") in page.attributes


def test_a_verdict_without_thresholds_says_why():
    text = verdict_page({"status": "NOT_EVALUATED", "reasons": [{"message": "no data at /d"}]}, "daily", {})
    assert "? NOT EVALUATED" in text
    assert "0 rows" in text
    assert Page(text).rows["table 1"][1:] == [["all rows", "no data at /d", ""]]


def test_hostile_names_stay_text():
    text = verdict_page(verdict(HOSTILE, 1.0), HOSTILE[0], {})
    page = Page(text)
    assert not {"script", "img", "b", "svg"} & set(page.tags)
    assert [attribute for attribute in page.attributes if attribute[1].startswith("on")] == []
    assert "\x00" not in text
    assert "\u202e" not in text


def test_a_long_list_is_cut_and_says_so():
    reasons = [{"message": f"reason {i}", "slice": "Overall", "rows": 3} for i in range(203)]
    text = verdict_page({"status": "NOT_BLESSED", "rows": 9, "reasons": reasons}, "daily", {})
    assert len(Page(text).rows["table 1"]) == 201
    assert "And 3 reasons more, in verdict.json." in text


@in_browser
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_and_only_tables_scroll_sideways(tab, tmp_path, width, dark):
    text = verdict_page(verdict(HOSTILE, 1.0), "daily " * 20, {"All results": "about:blank"})
    opened = Opened(tab, saved(tmp_path, text), width=width, dark=dark)
    assert axe(opened) == []
    assert opened.run("document.documentElement.scrollWidth") <= width
    assert opened.troubles == []
