"""What classes, averages and ranked lists cost, each against a run that it may be a small multiple of.

    python -m bench.shapes [--repeats 3] [--write docs/benchmarks.md]

CPU seconds are those of whole processes (`assay run`) less their imports, medians of runs that take turns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import Cost, Measured, measure
from bench.run import filled
from bench.sides import OUT, SIDES
from bench.tables import table

BEGIN, END = "<!-- shapes: begin -->", "<!-- shapes: end -->"
ROWS, SHARDS = 100_000, 4
_BINARY = "ExampleCount AUC AUCPrecisionRecall BinaryAccuracy Precision Recall MeanLabel MeanPrediction Calibration"
_LEXSORT = "lexsort"


class Data(NamedTuple):
    """Rows with `classes` probabilities each (1: one score), or rows of `queries`."""

    rows: int
    classes: int = 1
    queries: int = 0

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return OUT.resolve() / f"shapes-{self.rows}-{self.classes}-{self.queries}"


class Bar(NamedTuple):
    """A bound on a figure: CPU seconds of a run over those of another, or the peak memory of one in MB."""

    what: str
    run: str
    over: str
    most: float


def spec(**options: Any) -> list[dict[str, Any]]:
    """The usual metrics with the same options."""
    return [{"metrics": [{"class_name": name} for name in _BINARY.split()], **options}]


def macro(classes: int) -> list[dict[str, Any]]:
    """Averages over all classes."""
    return spec(aggregate={"macro_average": True, "class_weights": {str(i): 1.0 for i in range(classes)}})


RANKED = [
    {
        "query_key": "query",
        "metrics": [
            {"class_name": "NDCG", "config": '"top_k_list": [1, 5, 10]'},
            {"class_name": "MinLabelPosition"},
        ],
    }
]
QUERIES = Data(1_000_000, queries=10_000)
RUNS: Mapping[str, tuple[Data, list[dict[str, Any]]]] = {
    "binary": (Data(ROWS), spec()),
    "macro average of 100 classes": (Data(ROWS, 100), macro(100)),
    "macro average of 1,000 classes": (Data(ROWS, 1000), macro(1000)),
    "binary, 100 times the rows": (Data(100 * ROWS), spec()),
    "micro average of 100 classes": (Data(ROWS, 100), spec(aggregate={"micro_average": True})),
    "ranked lists": (QUERIES, RANKED),
}
BARS = (
    Bar("CPU s", "macro average of 100 classes", "binary", 20),
    Bar("peak MB", "macro average of 1,000 classes", "", 4096),
    Bar("CPU s", "micro average of 100 classes", "binary, 100 times the rows", 1.5),
    Bar("CPU s", "ranked lists", _LEXSORT, 3),
)


def write(data: Data) -> None:
    """Makes the files, unless they are there."""
    if (data.folder / "done").exists():
        return
    data.folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for shard in range(SHARDS):
        pq.write_table(rows_of(data, rng), data.folder / f"part-{shard}.parquet", row_group_size=1 << 17)
    (data.folder / "done").touch()


def rows_of(data: Data, rng: np.random.Generator) -> pa.Table:
    """The rows of one file."""
    rows = data.rows // SHARDS
    if data.classes > 1:
        label = rng.integers(0, data.classes, rows)
        scores = np.exp(rng.standard_normal((rows, data.classes), dtype=np.float32))
        scores[np.arange(rows), label] *= 8
        scores /= scores.sum(1, keepdims=True)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(scores.reshape(-1)), data.classes)
        return pa.table({"label": label, "score": flat.cast(pa.list_(pa.float32()))})
    columns: dict[str, Any] = {"label": (rng.random(rows) < 0.3).astype(np.float32)}
    columns["score"] = (1 / (1 + np.exp(1 - 2 * columns["label"] - rng.standard_normal(rows)))).astype(np.float32)
    if data.queries:
        columns["query"] = rng.integers(0, data.queries, rows)
    return pa.table(columns)


def lexsort() -> None:
    """The least that ranking takes: all rows sorted by query and falling score."""
    files = sorted(QUERIES.folder.glob("*.parquet"))
    rows = pa.concat_tables([pq.read_table(file, columns=["query", "score"]) for file in files])
    np.lexsort((-rows["score"].to_numpy(), rows["query"].to_numpy()))


def analysis_file(name: str) -> Path:
    """The analysis of a run."""
    data, specs = RUNS[name]
    file = OUT.resolve() / "shapes" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "inputs": {"format": "parquet", "files": [str(data.folder / "*.parquet")]},
        "eval_config": {"model_specs": [{"label_key": "label", "prediction_key": "score"}], "metrics_specs": specs},
        "output": str(file.with_suffix("")),
    }
    file.write_text(json.dumps(content))
    return file


def jobs() -> dict[str, Callable[[], Cost]]:
    """Name -> what measures it, right after its imports."""
    assay, code = str(Path(sys.executable).with_name("assay")), SIDES["assay"].imports["parquet"]
    of_runs = {name: (assay, "run", str(analysis_file(name)), "--quiet") for name in RUNS}
    lexsort = (sys.executable, "-c", "import bench.shapes; bench.shapes.lexsort()")
    return {
        _LEXSORT: partial(_cost, lexsort, "import bench.shapes"),
        **{name: partial(_cost, command, code) for name, command in of_runs.items()},
    }


def _cost(command: Sequence[str], imports: str) -> Cost:
    imports_s = measure((sys.executable, "-c", imports))[0].cpu_s
    return measure(command)[0]._replace(imports_s=imports_s)


def report(measured: Measured) -> str:
    """The bars, then the figures."""
    bars = []
    for what, run, over, most in BARS:
        value = measured.own_s(run) / measured.own_s(over) if over else measured.median(run).peak_mb
        bound = f"at most {most:,g} {'times' if over else 'MB'}"
        bars.append(
            (
                f"{what} of {run}" + f" / {over}" * bool(over),
                f"{value:,.2f}",
                bound,
                "yes" if value <= most else "**no**",
            )
        )
    figures = [
        (name, f"{measured.own_s(name):.2f}", f"{measured.median(name).peak_mb:,.0f}") for name in (*RUNS, _LEXSORT)
    ]
    return "\n\n".join((
        table(("what", "", "bar", "holds"), "lrrl", bars),
        table(("run", "CPU s", "peak MB"), "lrr", figures),
    ))  # fmt: skip


@click.command()
@click.option("--repeats", default=3, show_default=True, help="Runs of each process.")
@click.option(
    "--write", "page", type=click.Path(path_type=Path), help="Put the tables between the markers of this page."
)
def main(repeats: int, page: Path | None) -> None:
    """Makes data if need be, measures, shows the tables."""
    for data, _ in RUNS.values():
        write(data)
    measured = Measured()
    for _ in range(repeats):
        for name, job in jobs().items():
            measured.costs.setdefault(name, []).append(job())
    text = report(measured)
    click.echo(text)
    if page:
        page.write_text(filled(page.read_text(), text, BEGIN, END))


if __name__ == "__main__":
    main()
