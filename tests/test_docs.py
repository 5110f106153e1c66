"""The documentation: pages and pictures are up to date, links lead somewhere, messages are those that assay prints."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

import assay
from assay.errors import AssayError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.run import check as checks
from assay.run import local

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md"))]
PAGES += [ROOT / "dags" / "README.md"]
TROUBLE = DOCS / "troubleshooting.md"
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose_of(page: Path) -> str:
    return _CODE.sub("", page.read_text())


def anchors_of(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"`", "", heading)).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    lost = []
    for link in _LINK.findall(prose_of(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            lost.append(link)
    assert lost == []


def test_every_page_is_in_the_navigation_of_the_site():
    listed = set(re.findall(r"[\w-]+\.md", (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]))
    assert {page.name for page in DOCS.glob("*.md")} <= listed


def test_pictures_are_what_their_descriptions_draw():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "site" / "pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    for name, content in pictures.PICTURES.items():
        assert (DOCS / "images" / f"{name}.svg").read_text() == content, "a picture is out of date; run: make docs"


def test_the_python_reference_has_every_public_name_once():
    listed = re.findall(r"^::: assay\.(\w+)$", (DOCS / "python-api.md").read_text(), re.MULTILINE)
    assert sorted([*listed, "EvalConfig", "__version__"]) == sorted(vars(assay)["__all__"])


@pytest.mark.parametrize("page", ["README.md", "docs/comparison.md"])
def test_what_is_said_of_tfma_is_what_was_measured(page):
    measured = re.findall(
        r"^\| CPU s of TFMA / assay's \|(?:[^|]*\|){3} ([\d,]+) \|", (DOCS / "benchmarks.md").read_text(), re.MULTILINE
    )
    times = sorted(int(number.replace(",", "")) for number in measured)
    assert f"{times[0]} to {times[-1]} times less CPU" in " ".join((ROOT / page).read_text().split())


@pytest.mark.parametrize("code", ["0", "64", "75", "130"])
def test_exit_codes_are_explained(code):
    assert f"| {code} |" in TROUBLE.read_text()


# Messages of docs/troubleshooting.md, each with what provokes it -----------------------------------------------------

ROWS = {"label": [0, 1, 1, 0], "score": [0.2, 0.8, 0.6, 0.4], "class": [0, 1, 2, 1], "gap": [0.1, None, 0.3, 0.4]}
ROWS |= {"percent": [20.0, 80.0, 60.0, 40.0], "three": [[0.2, 0.3, 0.5]] * 4, "zip": [1, 2, 3, 4]}
ROWS |= {"town": ["Oslo", "Moss", "Oslo", "Moss"]}


def asked(metric="AUC", label="label", prediction="score", **spec):
    return {
        "model_specs": [{"label_key": label, "prediction_key": prediction, **spec}],
        "metrics_specs": [{"metrics": [{"class_name": metric}]}],
    }


def with_threshold(threshold):
    config = asked()
    config["metrics_specs"][0]["metrics"][0]["threshold"] = threshold
    return config


BOUND = {"value_threshold": {"lower_bound": 0.5}}

PAIR = {"baseline_spec": {"feature_values": {"country": "fr"}}, "slicing_specs": [{"feature_keys": ["country"]}]}


def with_thresholds(**thresholds):
    config = asked()
    config["metrics_specs"][0] |= thresholds
    return config


def with_model(uri):
    spec = {"model_specs": [{"label_key": "label"}], "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}
    return {"models": [{"name": "m", "type": "callable", "uri": uri}], "eval_config": spec}


CAUSES = {
    "no column 'scor'": {"eval_config": asked(prediction="scor")},
    "label outside [0, 1]": {"eval_config": asked(label="class")},
    "has type string; expected numbers": {"eval_config": asked(label="town")},
    "prediction ... not finite": {"eval_config": asked(prediction="gap")},
    "is for two classes or one number, but column 'three' ... has 3 values a row": {
        "eval_config": asked(label="class", prediction="three")
    },
    "is for probabilities from 0 to 1 ... set scale: percent": {
        "eval_config": asked("BinaryCrossEntropy", prediction="percent")
    },
    "no file": {"inputs": {"format": "parquet", "files": ["gone.parquet"]}},
    "as text in some rows and as a number in others": {
        "inputs": {"format": "parquet", "files": ["rows.parquet", "other.parquet"]},
        "eval_config": {**asked(), "slicing_specs": [{"feature_keys": ["zip"]}]},
    },
    "there is no metric 'Acuracy'": {"eval_config": asked("Acuracy")},
    "ouput: unknown key": {"ouput": "out"},
    "there is no baseline to compare with": {
        "eval_config": with_threshold({"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0}})
    },
    "no metric has the name 'aucc'": {"eval_config": with_thresholds(thresholds={"aucc": BOUND})},
    "no slicing spec makes slices of country": {
        "eval_config": with_thresholds(
            per_slice_thresholds={
                "auc": {"thresholds": [{"slicing_specs": [{"feature_keys": ["country"]}], "threshold": BOUND}]}
            }
        )
    },
    "no cross slicing spec compares country=fr with country": {
        "eval_config": with_thresholds(
            cross_slice_thresholds={"auc": {"thresholds": [{"cross_slicing_specs": [PAIR], "threshold": BOUND}]}}
        )
    },
    "output: ... cannot be written to": {"eval_config": asked(), "output": "/proc/assay"},
    "it bounds nothing": {"eval_config": with_threshold({"value_threshold": {}})},
    "no value is at least 80, as values of AUC lie in [0, 1]": {
        "eval_config": with_threshold({"value_threshold": {"lower_bound": 80}})
    },
    "is it on PYTHONPATH?": with_model("gone_module:predict"),
    "is not an import path": with_model("predict"),
}
"""Message, with ... for what stands between -> what in an analysis provokes it."""


def messages_of(page: Path) -> list[str]:
    table = page.read_text().partition("## Messages")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    return [re.sub(r"^\.\.\. | \.\.\.$", "", cell) for cell in cells]


def test_every_message_has_a_cause_here():
    assert messages_of(TROUBLE) == list(CAUSES)


@pytest.mark.parametrize("message", CAUSES)
def test_a_message_is_what_its_cause_prints(message, tmp_path):
    pd.DataFrame(ROWS).to_parquet(tmp_path / "rows.parquet")
    pd.DataFrame({**ROWS, "zip": ["1", "2", "3", "4"]}).to_parquet(tmp_path / "other.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "eval_config": asked(),
        "output": "out",
        **CAUSES[message],
    }
    with pytest.raises(AssayError) as error:
        checked_and_run(analysis, tmp_path)
    assert re.search(".*".join(map(re.escape, message.split(" ... "))), str(error.value)), str(error.value)


def checked_and_run(analysis, folder):
    plan = with_params(compile_analysis(analysis, folder), {})
    checks.check(plan, import_code=True)
    local.run(plan)
