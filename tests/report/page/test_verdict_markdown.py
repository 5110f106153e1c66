"""What Kubeflow's gate shows of a verdict: the worst reasons, and where all of them are."""

import json
import re

from markdown_it import MarkdownIt

from assay.report.page.verdict_markdown import verdict_document
from assay.report.severity import by_severity
from assay.verdict import Checked, Reason, Status, Verdict
from tests.report.page.test_page import Page

URI = "gs://b_1/checkpoints/Gate/0f3c/manifest.json"


def missed(slice_, value, rows=100, bound="at least 0.8"):
    message = f"auc is {value}; expected {bound}"
    return Reason(message, metric="auc", slice=slice_, bound=bound, value=value, rows=rows, shortfall=0.8 - value)


def shown(verdict, **settings):
    text = verdict_document(json.loads(verdict.to_json()), URI, **settings)
    return Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def test_the_worst_reasons_come_first_and_the_rest_is_where_the_text_says():
    reasons = tuple(missed(f"city={i:02}", (i * 37 % 88) / 110) for i in range(88))
    page = shown(Verdict(Status.NOT_BLESSED, reasons, rows=5000))
    assert [row[0] for row in page.rows["table 1"][1:]] == [one.slice for one in by_severity(reasons)][:20]
    assert page.rows["table 1"][1] == ["city=00", "auc is 0.0", "at least 0.8", "100"]
    assert f"And 68 reasons more, in {URI}." in page.texts
    assert "5,000 rows" in " ".join(page.texts)


def test_thresholds_are_listed_with_the_value_that_decided_also_where_all_hold():
    held = Checked("auc", "at least 0.5", "all", met=3, slice="city=Bern", value=0.75, rows=40)
    failed = Checked("loss", "at most 0.1", "all", met=3, failed=2, slice="Overall", value=0.5, rows=900)
    page = shown(Verdict(Status.BLESSED, rows=900, checks=(held,)))
    assert page.rows["table 1"][1] == ["auc", "at least 0.5", "all (3)", "yes", "city=Bern", "0.75", "40"]
    page = shown(Verdict(Status.NOT_BLESSED, (missed("Overall", 0.5),), rows=900, checks=(held, failed)))
    assert [row[0] for row in page.rows["table 2"][1:]] == ["loss", "auc"]


def test_hostile_names_stay_text():
    name = "<img src=x onerror=alert(1)>|`*a*`_b_"
    page = shown(Verdict(Status.NOT_BLESSED, (missed(name, 0.5),), checks=(Checked(name, name, name, met=1),)))
    assert page.rows["table 1"][1][0] == name
    assert page.rows["table 2"][1][0] == name
    assert set(page.tags) <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "h3"}


def test_a_verdict_without_thresholds_says_only_why():
    page = shown(Verdict(Status.NOT_EVALUATED, (Reason("no data after 6 h"),)))
    assert list(page.rows) == ["table 1"]
    assert not re.search("Thresholds", " ".join(page.texts))
