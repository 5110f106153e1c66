"""What a run left behind, in parts that can be compared bit by bit."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assay.results.files import records_of
from assay.results.found_slices import load_found_slices
from tests.latest_results import latest

RECORDS = ("metrics", "plots", "validations")
TABLES = ("flat_metrics", "analysis")
_OF_THE_MAKING = (
    "analysis",  # its paths are those of a container where it runs in one
    "checkpoints",
    "data_digest",
    "finished",
    "model_digests",
    "params",
    "plan",
    "run",
    "seconds",
)
_NUMBERED = re.compile(r"-\d{5}-of-\d{5}")


def parts_of(folder: Path) -> dict[str, Any]:
    """Part -> its content. Records and rows are sorted: to which file they went, and when, is nobody's promise."""
    own = sorted(line for file in folder.glob("own-*") for line in file.read_text().splitlines())
    return {**parts_in(latest(folder / "results")), "own": own}


def parts_in(results: Path) -> dict[str, Any]:
    """The parts of one folder of results."""
    parts: dict[str, Any] = {key: sorted(records_of(str(results), key)) for key in RECORDS}
    parts |= {key: _table(results, key) for key in TABLES}
    parts["verdict"] = (results / "verdict.json").read_bytes()
    found = load_found_slices(str(results))
    parts["found_slices"] = None if found is None else json.dumps(found, sort_keys=True)
    parts["summary"] = _summary(results)
    parts["eval_config"] = json.loads((results / "eval_config.json").read_text())["evalConfig"]
    return parts


def _table(results: Path, key: str) -> list[str]:
    """The schema and the rows; repr tells every float apart, and NaN is itself."""
    tables = [pq.read_table(file) for file in sorted(results.glob(f"{key}-*.parquet"))]
    filled = [table for table in tables if table.num_columns]
    return [*sorted({str(t.schema) for t in filled}), *sorted(repr(row) for t in filled for row in t.to_pylist())]


def _summary(results: Path) -> dict[str, Any]:
    """What `results.json` says, but for how it was made (other tasks, at another time) and the numbers of files."""
    found: dict[str, Any] = json.loads((results / "results.json").read_text())
    assert set(found["files"]) == {file.name for file in results.iterdir()} - {"results.json"}
    files = sorted({_NUMBERED.sub("", name) for name in found["files"]})
    return {key: value for key, value in found.items() if key not in _OF_THE_MAKING} | {"files": files}


def differing(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, str]:
    """Part -> what differs, in short."""
    return {key: _first(found.get(key), part) for key, part in expected.items() if found.get(key) != part}


def _first(found: Any, expected: Any) -> str:
    if not isinstance(found, list) or not isinstance(expected, list):
        return f"{found!r}; expected {expected!r}"[:2000]
    only = [item for item in found if item not in expected][:1], [item for item in expected if item not in found][:1]
    return f"{len(found)} items; expected {len(expected)}; only here {only[0]!r}; only there {only[1]!r}"[:2000]
