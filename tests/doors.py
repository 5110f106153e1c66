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

if TYPE_CHECKING:
    import pandas as pd

Door = Literal["memory", "files", "command", "checkpointed"]
"""`analyze_raw_data`; `run_model_analysis`; `assay run`; `assay run --checkpoints`, which runs stage by stage."""

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
    """The same of files: a name or glob below `folder`, whose ending is their format."""
    if door == "files":
        _from_python(files, config, folder, settings)
    else:
        assert main(_command(door, files, config, folder, settings)) == 0
    return _metrics(folder)


def refusal_by(door: Door, table: pa.Table, config: Config, folder: Path, **settings: Any) -> str:
    """What a door says where `frame_by` has no metrics: one line, of a mistake that no retry helps."""
    if door == "memory":
        with pytest.raises(UsageError) as caught:
            assay.analyze_raw_data(table, config, folder / "out", **settings)
        return str(caught.value)
    pq.write_table(table, folder / "rows.parquet")
    return refusal_of_files(door, "rows.parquet", config, folder, **settings)


def refusal_of_files(door: Door, files: str, config: Config, folder: Path, **settings: Any) -> str:
    """The same of files."""
    if door == "files":
        with pytest.raises(UsageError) as caught:
            _from_python(files, config, folder, settings)
        return str(caught.value)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert main(_command(door, files, config, folder, settings)) == UsageError.exit_code
    (line,) = said.getvalue().splitlines()
    return line.removeprefix("error: ")


def _metrics(folder: Path) -> pd.DataFrame:
    frame: pd.DataFrame = assay.metrics_frame(folder / "out")
    return frame


def _from_python(files: str, config: Config, folder: Path, settings: Mapping[str, Any]) -> None:
    assay.run_model_analysis(
        config, data_location=folder / files, file_format=_format(files), output_path=folder / "out", **settings
    )


def _command(door: Door, files: str, config: Config, folder: Path, settings: Mapping[str, Any]) -> list[str]:
    """The arguments of `assay`, of an analysis file that this writes."""
    inputs = {"format": _format(files), "files": [files]}
    content = {"inputs": inputs, "eval_config": config, "output": "out", **settings}
    (folder / "analysis.json").write_text(json.dumps(content))
    more = ["--checkpoints", str(folder / "root")] if door == "checkpointed" else []
    return ["run", str(folder / "analysis.json"), "--quiet", *more]


def _format(files: str) -> str:
    return files.rpartition(".")[2]
