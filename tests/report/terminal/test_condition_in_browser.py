"""The page's filter and `assay show --where` read conditions alike."""

import json
import math
import os
from pathlib import Path

import pytest

from assay.report.terminal import condition
from assay.report.terminal.condition import condition_of
from tests.report.browser import PROGRAM, browser

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

SCRIPT = Path(condition.__file__).parents[1] / "html" / "script" / "condition.js"
NAN = math.nan
ROWS: list[dict[str, float | str]] = [
    {"slice": "Overall", "rows": 1000.0, "auc": 0.7, "auc change": -0.1, "fpr@0.5": 0.0, "a": -2.0},
    {"slice": "sex=Female", "rows": 500.0, "auc": 0.69, "auc change": 0.0, "fpr@0.5": NAN, "a": 1e-5},
    {"slice": "sex=Male, city='Rome'", "rows": 0.0, "auc": NAN, "auc change": NAN, "fpr@0.5": 1.0, "a": math.inf},
]
CONDITIONS = [
    "auc < 0.7",
    "auc<=.7",
    "0.7 > auc",
    "auc >= 7e-1 and rows > 500",
    "auc < 0.7 or rows = 0",
    "auc < 0.7 or rows == 1000 and `auc change` < 0",
    "(auc < 0.7 or rows == 1000) and `auc change` < 0",
    "not auc < 0.7",
    "not (auc < 0.7 or rows > 999)",
    "not not auc != 0.7",
    "auc = undefined",
    "auc != undefined and a > -3",
    "undefined = auc",
    "undefined = undefined",
    "auc = auc",
    "fpr@0.5 >= 0",
    "a < +1",
    "a > -1e0",
    "slice = 'Overall'",
    'slice != "Overall"',
    '"FEMALE" in slice',
    "'sex' in slice and not \"male,\" in slice",
    "slice < 'P'",
    "1 < 2",
    "rows > 1 and rows > 2 and rows > 3 or auc > 5",
]


@pytest.fixture(scope="module")
def of_script():
    """Condition -> for each row whether it holds, as the page's script has it."""
    names = [name for name in ROWS[0] if name != "slice"]
    values = json.dumps([[str(row[name]) for row in ROWS] for name in names])
    script = f"""
    {SCRIPT.read_text(encoding="utf-8")}
    const number = (text) => ({{ nan: NaN, inf: Infinity }})[text] ?? Number(text);
    const numbers = new Map({json.dumps(names)}.map((name, i) => [name, (slice) => number({values}[i][slice])]));
    const slices = {json.dumps([row["slice"] for row in ROWS])};
    {json.dumps(CONDITIONS)}.map((text) => slices.map((_, i) => conditionOf(text, numbers, slices)(i)));
    """
    with browser() as tab:
        tab.blank()
        return dict(zip(CONDITIONS, tab.run(script, in_frame=False), strict=True))


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_means_the_same_in_the_page_and_on_the_command_line(text, of_script):
    holds = condition_of(text, {name: "text" if name == "slice" else "number" for name in ROWS[0]})
    assert of_script[text] == [holds(row.__getitem__) for row in ROWS]
