"""An analysis whose reader, of one's own, waits for ever: what there is to stop in a container."""

from __future__ import annotations

import json
import time
from pathlib import Path

READER = """
import pathlib
import time


def wait_for_ever():
    pathlib.Path(__file__).with_name("begun").touch()
    time.sleep(3600)
"""
ANALYSIS = {
    "inputs": {"factory": "waiting_reader:wait_for_ever"},
    "eval_config": {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
    },
    "output": "results",
}


def write_waiting_analysis(folder: Path) -> None:
    """Writes reader and analysis into a folder; users of containers may write there."""
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "waiting_reader.py").write_text(READER)
    (folder / "analysis.json").write_text(json.dumps(ANALYSIS))


def wait_until_it_waits(folder: Path, seconds: float = 120.0) -> None:
    """Returns once the reader of a run that was started anew has begun; takes its sign away."""
    deadline = time.monotonic() + seconds
    while not (folder / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (folder / "begun").unlink()
