"""Two runs, opened and held against each other: for Python, and for `assay diff`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from assay.errors import ResultsError
from assay.report.evidence import Evidence, evidence_of
from assay.report.grids import printed
from assay.report.runs import comparison_grids
from assay.report.runs.comparison import Comparison, compared
from assay.results.latest import results_folder
from assay.storage.file_paths import FilePath

if TYPE_CHECKING:
    import pandas as pd

_MOST_SLICES, _WIDTH = 10, 100


@dataclass(frozen=True)
class RunComparison:
    """Two runs held against each other; its text is what `assay diff` shows.

    Attributes:
        runs: folders of run A and run B.
        comparison: what became of verdict, thresholds and values, and what else differs.
    """

    runs: tuple[str, str]
    comparison: Comparison

    def to_frame(self) -> pd.DataFrame:
        """One row for each number that both runs have; columns as in `comparison_grids.changes_grid`."""
        import pandas as pd

        grid = comparison_grids.changes_grid(self.comparison.changes(None))
        numbers = {
            column.name: "float64" for column in grid.columns if column.name[0] in "ab" or column.name == "change"
        }
        return pd.DataFrame(grid.rows, columns=[column.name for column in grid.columns]).astype(numbers)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython shows of it."""
        printer.text(str(self))

    def __str__(self) -> str:
        fit = printed.to_width(_WIDTH)
        console = Console(width=_WIDTH, file=io.StringIO(), soft_wrap=True)
        sections = comparison_grids.sections_of(self.runs, self.comparison, _MOST_SLICES, fit)
        return "\n".join(text.plain for text in printed.for_terminal(sections, console))


def compare(
    before: FilePath, after: FilePath, metrics: Sequence[str] | None = None, slices: str | None = None
) -> RunComparison:
    """Opens two runs and holds them against each other.

    Args:
        before: run A: output of an analysis, of which the latest run is opened; or the folder of a run, or of TFMA.
        after: run B, likewise.
        metrics: names of the metrics to compare; None takes all, and in slices those with thresholds, or the leading
            one.
        slices: takes only slices whose text has this in it, such as `sex` or `sex=Female`; None takes all.

    Raises:
        ResultsError: no results there, or no such metric or slice.
        CorruptFileError: a file is damaged.
    """
    folders = results_folder(before).rstrip("/"), results_folder(after).rstrip("/")
    old, new = map(_opened, folders)
    return RunComparison(folders, compared(old, new, metrics, slices))


def _opened(folder: str) -> Evidence:
    evidence = evidence_of(folder)
    if evidence.verdict is None and not evidence.slices:
        raise ResultsError(f"{folder}: no results; expected metrics or verdict.json in it")
    return evidence
