"""Metrics are bound once in a process, whoever asks for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

import assay
from assay.cli import main
from assay.metrics.binding import bound
from tests.run.test_in_memory import CONFIG, FRAME

FILES: dict[str, Any] = {"data_location": "rows.parquet", "file_format": "parquet"}
CALLS = {
    "command": lambda: main(["run", "analysis.json", "--quiet"]) == 0,
    "checkpoints": lambda: main(["run", "analysis.json", "--quiet", "--checkpoints", "root"]) == 0,
    "files": lambda: assay.run_model_analysis(CONFIG, **FILES).slicing_metrics,
    "memory": lambda: assay.analyze_raw_data(FRAME, CONFIG).slicing_metrics,
}


@pytest.fixture
def bindings(monkeypatch):
    """An entry for each time that metrics are bound, as if this process had bound none so far."""
    bind, times = bound._bind_all, []

    def counted(config, **asked):
        times.append(config)
        return bind(config, **asked)

    monkeypatch.setattr(bound, "_bind_all", counted)
    bound._bound.cache_clear()
    return times


@pytest.mark.parametrize("call", CALLS)
def test_metrics_are_bound_once(call, bindings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_parquet("rows.parquet")
    inputs = {"format": "parquet", "files": ["rows.parquet"]}
    analysis = {"inputs": inputs, "eval_config": CONFIG, "output": "out"}
    (tmp_path / "analysis.json").write_text(json.dumps(analysis))
    assert CALLS[call]()
    assert len(bindings) == 1
