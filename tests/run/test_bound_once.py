"""Metrics are bound once in a process, whoever asks for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.test_in_memory import CONFIG, FRAME

ROOT = Path(__file__).parents[2]

COUNTED = """
import pandas as pd
from assay.metrics.binding import bound
inner, counts = bound._bind_all, []
bound._bind_all = lambda config: counts.append(1) or inner(config)
{call}
print("bound", len(counts))
"""
COMMAND = "from assay.cli import main; main(['run', 'analysis.json', '--quiet'{more}])"
FILES = "import assay; assay.run_model_analysis({config}, data_location='rows.parquet', file_format='parquet')"
MEMORY = "import assay; assay.analyze_raw_data(pd.read_parquet('rows.parquet'), {config})"


@pytest.mark.parametrize(
    "call",
    [
        COMMAND.format(more=""),
        COMMAND.format(more=", '--checkpoints', 'root'"),
        FILES.format(config=CONFIG),
        MEMORY.format(config=CONFIG),
    ],
    ids=["command", "checkpoints", "files", "memory"],
)
def test_metrics_are_bound_once(call, tmp_path):
    FRAME.to_parquet(tmp_path / "rows.parquet")
    inputs = {"format": "parquet", "files": ["rows.parquet"]}
    analysis = {"inputs": inputs, "eval_config": CONFIG, "output": "out"}
    (tmp_path / "analysis.json").write_text(json.dumps(analysis))
    command = [sys.executable, "-c", COUNTED.format(call=call)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "bound 1", run.stdout
