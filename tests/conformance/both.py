"""The same data and config evaluated by TFMA and by us, from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import assay
from tests.conformance.recorded import cells_of, results_of_tfma
from tests.conformance.tfma_runs import run_tfma


def results_of_both(
    name: str,
    frame: pd.DataFrame,
    config: str,
    folder: Path,
    source: str,
    *,
    has_baseline: bool = False,
    told: Any = None,
    last: Callable[..., Any] | None = None,
) -> tuple[Path, Path]:
    """Folders with the results of TFMA and with ours.

    Args:
        name: of the recorded results.
        frame: the rows.
        config: as text.
        folder: where both are made.
        source: recorded results, or TFMA itself.
        has_baseline: whether one of the models is a baseline.
        told: what the record is compared with in place of the rows, where they are not cells of a table.
        last: an extractor of TFMA's behind all others; ours are then made by whoever asks.
    """
    theirs, ours = folder / "theirs", folder / "ours"
    theirs.mkdir()
    results_of_tfma(
        name,
        [cells_of(frame) if told is None else told, config],
        lambda made: run_tfma(frame, config, made, has_baseline=has_baseline, last=last),
        theirs,
        source,
    )
    if last is None:
        assay.analyze_raw_data(frame, config, str(ours))
    return theirs, ours


def assert_same(found: Mapping[Any, Any], expected: Mapping[Any, Any], rel: float = 1e-6) -> None:
    """Both have the same keys, and values that are equal but for their last digits."""
    assert expected
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=rel, nan_ok=True), key
