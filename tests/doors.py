"""One analysis by every door: of rows in memory and of files from Python, and by the command in both of its ways."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from assay.errors import UsageError
from tests.wrong_calls import analysis, arguments

if TYPE_CHECKING:
    import pandas as pd

Door = Literal["memory", "files", "command", "checkpointed"]
"""`analyze_raw_data`; `run_model_analysis`; `assay check` and `run`; with --checkpoints, which runs stage by stage."""

DOORS: tuple[Door, ...] = get_args(Door)
OF_FILES = DOORS[1:]

Config = Mapping[str, Any]


def frame_by(door: Door, table: pa.Table, config: Config, folder: Path, **settings: Any) -> pd.DataFrame:
    """The metrics of the rows of a table, which all doors but the first read from a Parquet file.

    Args:
        door: of `DOORS`.
        table: its columns are those that the config names.
        config: an eval config.
        folder: what the door reads and writes lies in it; the results under `out`.
        settings: that every door has under the same name, such as on_bad_rows.
    """
    if door == "memory":
        assay.analyze_raw_data(table, config, folder / "out", **settings)
        return _metrics(folder)
    pq.write_table(table, folder / "rows.parquet")
    return frame_of_files(door, "rows.parquet", config, folder, **settings)


def frame_of_files(door: Door, files: str, config: Config, folder: Path, **settings: Any) -> pd.DataFrame:
    """The same of files: a name or glob below `folder`, whose ending is their format.

    Settings may also be those of `inputs`, such as join.
    """
    return _frame_of(door, _call(files, config, settings), folder)


def values_of_files(door: Door, call: dict[str, Any], folder: Path) -> dict[str, dict[str, float]]:
    """Slice -> metric -> value, of a call as in `tests.wrong_calls`, but right; its relative places are in `folder`."""
    found: dict[str, dict[str, float]] = {}
    frame = _frame_of(door, call, folder)
    for name, metric, value in zip(frame["slice"], frame["metric"], frame["value"], strict=True):
        found.setdefault(name, {})[metric] = value
    return found


def refusal_by(door: Door, table: pa.Table, config: Config, folder: Path, **settings: Any) -> str:
    """What a door says where `frame_by` has no metrics: one line, of a mistake that no retry helps.

    Without the name of the analysis file, which not every door has.
    """
    if door == "memory":
        with pytest.raises(UsageError) as caught:
            assay.analyze_raw_data(table, config, folder / "out", **settings)
        return str(caught.value)
    pq.write_table(table, folder / "rows.parquet")
    return refusal_of_files(door, "rows.parquet", config, folder, **settings)


def refusal_of_files(door: Door, files: str, config: Config, folder: Path, **settings: Any) -> str:
    """The same of files."""
    call = _call(files, config, settings)
    if door == "files":
        with pytest.raises(UsageError) as caught:
            assay.run_model_analysis(**arguments(call, folder))
        return str(caught.value)
    command = _command(door, call, folder)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert main(command) == UsageError.exit_code
    (line,) = said.getvalue().splitlines()
    return line.removeprefix("error: ").removeprefix(f"{command[1]}: ")


def _call(files: str, config: Config, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"files": files, "format": files.rpartition(".")[2], "eval_config": config, **settings}


def _frame_of(door: Door, call: dict[str, Any], folder: Path) -> pd.DataFrame:
    if door == "files":
        assay.run_model_analysis(**arguments(call, folder))
    else:
        command = _command(door, call, folder)
        assert main(["check", command[1]]) == 0
        assert main(command) == 0
    return _metrics(folder)


def _metrics(folder: Path) -> pd.DataFrame:
    frame: pd.DataFrame = assay.metrics_frame(folder / "out")
    return frame


def _command(door: Door, call: dict[str, Any], folder: Path) -> list[str]:
    """The arguments of `assay`, of an analysis file that this writes."""
    file = folder / "analysis.json"
    file.write_text(json.dumps(analysis(call)))
    more = ["--checkpoints", str(folder / "root")] if door == "checkpointed" else []
    return ["run", str(file), "--quiet", *more]
