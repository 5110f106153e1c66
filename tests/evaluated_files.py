"""The same analysis of files through Python, the command, and the command stage by stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import assay
from assay.cli import main
from tests.wrong_calls import analysis, arguments

DOORS = ("python", "command", "checkpointed")


def evaluated(door: str, call: dict[str, Any], folder: Path) -> dict[str, dict[str, float]]:
    """Slice -> metric -> value.

    Args:
        door: of DOORS. The command is asked to check the analysis before it runs it.
        call: as in `tests.wrong_calls`, but right.
        folder: where its relative places start.
    """
    output = folder / f"out-{door}"
    call = {**call, "output": str(output)}
    if door == "python":
        assay.run_model_analysis(**arguments(call, folder))
    else:
        file = folder / f"{door}.json"
        file.write_text(json.dumps(analysis(call)))
        assert main(["check", str(file)]) == 0
        more = ["--checkpoints", str(folder / "checkpoints")] if door == "checkpointed" else []
        assert main(["run", str(file), "--quiet", *more]) == 0
    found: dict[str, dict[str, float]] = {}
    for row in assay.metrics_frame(output).itertuples():
        found.setdefault(str(row.slice), {})[str(row.metric)] = row.value
    return found
