"""What one core and two take for many rows, beside others, and how cost grows with the work.

    python -m bench.cores [--rows-limit 100000000] [--only NAME] [--repeats 1] [--write docs/benchmarks.md]

Wall seconds count here, so nothing else should run. Many rows are hard links to one file of 10 million. A billion rows
are measured with `--rows-limit 1000000000`; without it, what is left out is said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from bench.analysis import analysis_of
from bench.cases import SLICINGS, Case
from bench.measure import Cost, Measured, measure
from bench.run import filled, this_machine
from bench.shapes import RUNS as SHAPES
from bench.shapes import write as write_shape
from bench.sides import OUT, SIDES, assay_run, files_of
from bench.tables import table

BEGIN, END = "<!-- cores: begin -->", "<!-- cores: end -->"
MILLION = 1_000_000
LINKED = 10 * MILLION
LITTLE = 10_000
BILLION = 1_000 * MILLION
BOUND_S, BOUND_MB, BOUND_EFFICIENCY = 180, 1_000, 0.8
BOUND_MORE_METRICS, BOUND_TWO_MODELS, BOUND_SQL = 1.2, 2.5, 1.5
MORE_METRICS = (
    "TruePositives",
    "TrueNegatives",
    "FalsePositives",
    "FalseNegatives",
    "Specificity",
    "NegativePredictiveValue",
    "FalseOmissionRate",
    "MissRate",
    "Prevalence",
    "PrevalenceThreshold",
    "ThreatScore",
    "BalancedAccuracy",
    "F1Score",
    "MatthewsCorrelationCoefficient",
    "FowlkesMallowsIndex",
    "Informedness",
    "Markedness",
    "PositiveLikelihoodRatio",
    "NegativeLikelihoodRatio",
    "DiagnosticOddsRatio",
    "PredictedPositiveRate",
    "MaxRecall",
    "CoefficientOfDiscrimination",
    "RelativeCoefficientOfDiscrimination",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "SquaredPearsonCorrelation",
    "BinaryCrossEntropy",
)
"""30 metrics of the same predictions."""
CLASSES = ("binary", "macro average of 100 classes", "macro average of 1,000 classes")
_THREADS = ("POLARS_MAX_THREADS", "DUCKDB_THREADS", "NUMPY_PASS_CORES")
_PEERS = ("polars bucketed", "polars exact", "DuckDB bucketed", "numpy pass")


@dataclass(frozen=True)
class Run:
    """An evaluation to measure.

    Attributes:
        what: what it evaluates, in words; runs of one table differ in it, or in `side` and `cores`.
        rows: rows of its data.
        changes: what differs from the analysis that all sides run, as top-level fields of the analysis file.
        side: who evaluates.
        scenario: the slicings.
        cores: the most that it may use.
    """

    what: str
    rows: int
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    side: str = "assay"
    scenario: str = "114 slices"
    cores: int = 1

    def __str__(self) -> str:
        return f"{self.what}, {self.side}, {self.rows:,} rows, {self.cores} core{'s' * (self.cores > 1)}"


def measured_run(run: Run) -> Cost:
    """What it took; assay's processes are watched, since several hold memory at once."""
    case = Case(run.side, run.scenario, "parquet", min(run.rows, LINKED), 1 if run.rows > LINKED else 4)
    if run.side != "assay":
        environment = {**SIDES[run.side].environment, **dict.fromkeys(_THREADS, str(run.cores))}
        return measure(SIDES[run.side].command(case), environment)[0]
    return measure((*assay_run(_analysis_file(run, case)), f"--workers={run.cores}"), watch=True)[0]


def _analysis_file(run: Run, case: Case) -> Path:
    folder = OUT.resolve() / "cores" / f"{run.what}, {run.rows}, {run.cores}".replace("/", " ")
    folder.mkdir(parents=True, exist_ok=True)
    files = linked(files_of(case), run.rows // LINKED) if run.rows > LINKED else files_of(case)
    content = {**analysis_of(case, files, str(folder / "results")), **run.changes}
    file = folder / "analysis.json"
    file.write_text(json.dumps(content, indent=2))
    return file


def linked(files: str, count: int) -> str:
    """A glob of so many hard links to a file."""
    pattern = Path(files)
    (one,) = pattern.parent.glob(pattern.name)
    folder = OUT.resolve() / f"links-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        link = folder / f"part-{number:03}.parquet"
        if not link.exists():
            os.link(one, link)
    return str(folder / "*.parquet")


def _eval_config(**changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = analysis_of(Case("assay", "114 slices", "parquet", 0), "", "")["eval_config"]
    return {"eval_config": {**config, **changes}}


def _metrics(*names: str) -> list[dict[str, Any]]:
    return [{"metrics": [{"class_name": name} for name in names]}]


def gated() -> dict[str, Any]:
    """The usual metrics with a bar on the AUC of all rows, and of each hour."""
    content = _eval_config()
    (auc,) = (one for one in content["eval_config"]["metrics_specs"][0]["metrics"] if one["class_name"] == "AUC")
    at_least = {"value_threshold": {"lower_bound": {"value": 0.5}}}
    of_hours = {"slicing_specs": [{"feature_keys": ["hour"]}], "threshold": at_least}
    auc.update(threshold=at_least, per_slice_thresholds=[of_hours])
    return content


def _models(count: int) -> dict[str, Any]:
    """As many models, all of whose predictions stand in one column."""
    columns = {"label_key": "label", "prediction_key": "prediction", "example_weight_key": "weight"}
    return _eval_config(model_specs=[{"name": f"model {i}", **columns} for i in range(count)])


def _compared() -> dict[str, Any]:
    """Two models of one column, with the differences between them."""
    content = _models(2)
    content["eval_config"]["model_specs"][1]["is_baseline"] = True
    return content


def _with_more_metrics() -> dict[str, Any]:
    content = _eval_config()
    content["eval_config"]["metrics_specs"] += _metrics(*MORE_METRICS)
    return content


def _by_sql() -> dict[str, Any]:
    """The same slices, each slicing by a query."""
    queries = [f"SELECT STRUCT({name}) FROM example.{name}" for (name,) in filter(None, SLICINGS["114 slices"])]
    return _eval_config(slicing_specs=[{}, *({"slice_keys_sql": query} for query in queries)])


def _of_shape(name: str) -> dict[str, Any]:
    data, specs = SHAPES[name]
    return {
        "inputs": {"format": "parquet", "files": [str(data.folder / "*.parquet")]},
        "eval_config": {"model_specs": [{"label_key": "label", "prediction_key": "score"}], "metrics_specs": specs},
    }


START = Run("start", LITTLE)
USUAL = Run("114 slices", MILLION)
MORE = Run("30 more metrics", MILLION, _with_more_metrics())
COMPARED = Run("2 models and their differences", MILLION, _compared())
BY_SQL = Run("114 slices by SQL", MILLION, _by_sql())
HUNDRED_MILLION = (replace(USUAL, rows=100 * MILLION), replace(USUAL, rows=100 * MILLION, cores=2))
A_BILLION = Run("114 slices, gate", BILLION, gated(), cores=2)
BESIDE = [replace(USUAL, rows=LINKED, side=side, cores=cores) for cores in (1, 2) for side in ("assay", *_PEERS)]
GROWTH: Mapping[str, Mapping[str, Run]] = {
    "rows": {f"{rows:,}": replace(USUAL, rows=rows) for rows in (MILLION, LINKED, 100 * MILLION)},
    "slices": {
        **{name: Run(name, MILLION, scenario=name) for name in ("1 slice", "114 slices", "2,202 slices")},
        "114 slices by SQL": BY_SQL,
    },
    "metrics": {
        "ExampleCount": Run("ExampleCount", MILLION, _eval_config(metrics_specs=_metrics("ExampleCount"))),
        "and AUC": Run("AUC", MILLION, _eval_config(metrics_specs=_metrics("ExampleCount", "AUC"))),
        "14 and two plots": USUAL,
        "44 and two plots": MORE,
    },
    "classes": {name: Run(name, 100_000, _of_shape(name)) for name in CLASSES},
    "models": {
        "1": USUAL,
        **{f"{count}": Run(f"{count} models", MILLION, _models(count)) for count in (2, 4)},
        "2 and differences": COMPARED,
    },
}
"""What grows -> to what -> the run; those of one kind differ in nothing else."""


def all_runs() -> list[Run]:
    """Every run, each once."""
    growth = (run for runs in GROWTH.values() for run in runs.values())
    return list(dict.fromkeys([START, *HUNDRED_MILLION, A_BILLION, *BESIDE, *growth]))


def report(measured: Measured) -> str:
    """Bars, sides beside each other, growth; runs that were left out have no line."""
    there = {run for run in all_runs() if str(run) in measured.costs}
    beside = [
        (run.side, str(run.cores), run.what, *_told(measured, run))
        for run in (*BESIDE, *HUNDRED_MILLION, A_BILLION)
        if run in there
    ]
    growth = [
        (of, to, *_told(measured, run)) for of, runs in GROWTH.items() for to, run in runs.items() if run in there
    ]
    parts = (
        table(("what", "", "bar", "holds"), "lrrl", _bars(measured)),
        table(("side", "cores", "scenario", "rows", "wall s", "CPU s", "peak MB"), "lrlrrrr", beside),
        table(("what grows", "to", "rows", "wall s", "CPU s", "peak MB"), "llrrrr", growth),
    )
    return "\n\n".join(part for part in parts if part)


def _told(measured: Measured, run: Run) -> tuple[str, ...]:
    cost = measured.median(str(run))
    return f"{run.rows:,}", f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}", f"{cost.peak_mb:,.0f}"


def _bars(measured: Measured) -> list[tuple[str, ...]]:
    efficiency, wall_s, peak_mb = None, None, None
    if all(str(run) in measured.costs for run in (START, *HUNDRED_MILLION)):
        start, one, two = (measured.median(str(run)).wall_s for run in (START, *HUNDRED_MILLION))
        efficiency = (one - start) / (two - start) / 2
    if str(A_BILLION) in measured.costs:
        _, wall_s, peak_mb, _ = measured.median(str(A_BILLION))
    return [
        _bar("efficiency of 2 workers at 100 million rows, the start taken off", efficiency, BOUND_EFFICIENCY, True),
        _bar("wall s of a billion rows", wall_s, BOUND_S, False),
        _bar("peak MB of all processes at a billion rows", peak_mb, BOUND_MB, False),
        _bar("CPU of 30 more metrics, times that of the usual ones", _times(measured, MORE), BOUND_MORE_METRICS, False),
        _bar(
            "CPU of two models with differences, times that of one", _times(measured, COMPARED), BOUND_TWO_MODELS, False
        ),
        _bar("CPU of slices by SQL, times that of slices by features", _times(measured, BY_SQL), BOUND_SQL, False),
    ]


def _times(measured: Measured, run: Run) -> float | None:
    """CPU seconds of a run over those of the usual one; None where one was left out."""
    if not {str(run), str(USUAL)} <= measured.costs.keys():
        return None
    return measured.median(str(run)).cpu_s / measured.median(str(USUAL)).cpu_s


def _bar(what: str, value: float | None, bound: float, at_least: bool) -> tuple[str, ...]:
    told = f"{'at least' if at_least else 'at most'} {bound:,g}"
    if value is None:
        return what, "not measured", told, ""
    holds = value >= bound if at_least else value <= bound
    return what, f"{value:,.2f}" if bound < 10 else f"{value:,.0f}", told, "yes" if holds else "**no**"


@click.command()
@click.option("--rows-limit", default=100 * MILLION, show_default=True, help="Leave out runs of more rows.")
@click.option("--only", multiple=True, help="Measure only runs whose name starts so, such as '30 more'.")
@click.option("--repeats", default=1, show_default=True, help="Runs of each evaluation.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write what was measured as JSON.")
@click.option("--write", "page", type=click.Path(path_type=Path), help="Put the tables between the markers of a page.")
def main(rows_limit: int, only: tuple[str, ...], repeats: int, out: Path | None, page: Path | None) -> None:
    """Makes data if need be, measures, shows the tables."""
    for name in CLASSES:
        write_shape(SHAPES[name][0])
    machine, measured = this_machine(), Measured()
    for run in [run for run in all_runs() if not only or str(run).startswith(only)] * repeats:
        if run.rows > rows_limit:
            click.echo(f"LEFT OUT: {run}; --rows-limit {run.rows} measures it", err=True)
            continue
        cost = measured_run(run)
        measured.costs.setdefault(str(run), []).append(cost)
        click.echo(f"{run}: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.1f} s, {cost.peak_mb:.0f} MB", err=True)
    text = f"{machine}\n\n{report(measured)}"
    click.echo(text)
    if out:
        out.write_text(json.dumps({"machine": machine, "costs": measured.costs}, indent=1))
    if page:
        page.write_text(filled(page.read_text(), text, BEGIN, END))


if __name__ == "__main__":
    main()
