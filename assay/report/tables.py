"""Metrics and verdict for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, MetricValue
from assay.report.cells import value_text
from assay.report.class_grid import class_grid
from assay.report.named_metrics import names_of_samples
from assay.report.terminal_text import harmless
from assay.results.class_names import NO_NAMES, ClassNames, class_names
from assay.results.files import listed, load_eval_run, load_metrics, load_verdict
from assay.results.keys import in_order, metric_key_from_proto, text_of
from assay.results.labels import labels_of, name_of
from assay.results.latest import VERDICT_FILE, results_folder
from assay.results.records import ERROR_METRIC_NAME
from assay.results.remarks import remarks
from assay.text.near_miss import one_of
from assay.text.printable import printable_line
from assay.verdict import Status

_MOST_COLUMNS = 4
_MOST_COMPARED = 4  # a value and its change take more room
_MOST_SLICES = 40
_MOST_CLASSES = 40
_COLOURS = {Status.BLESSED: "green", Status.NOT_BLESSED: "red", Status.NOT_EVALUATED: "yellow"}


def metrics_table(results: str, metrics: Sequence[str] | None = None, slices: str | None = None) -> Table:
    """Metrics by slice: a row for each slice, or, where there are few slices, a row for each metric.

    Changes stand beside the candidate's values, unless metrics are asked for: then they and the baseline's have rows of
    their own where there are few slices. Values of classes are left to `classes_table`, unless asked for.

    Args:
        results: output of an analysis, of which the latest run is shown; or the folder of a run.
        metrics: names of the metrics to show, with their differences; None shows those that there is room for.
        slices: shows the slices whose text has this in it, such as `sex` or `sex=Female` (or `sex:Female`); None shows
            the first 40.

    Raises:
        ResultsError: no results there, or no such metric or slice.
        CorruptFileError: a file is damaged.
    """
    results = results_folder(results)
    records = in_order(load_metrics(results))
    chosen = _chosen_slices(records, slices)
    config = _config_of(results)
    keys = _chosen_keys(records, metrics, class_names(config, records))
    grid = class_grid(keys.values(), NO_NAMES) if metrics is None else None
    if grid:
        keys = {label: key for label, key in keys.items() if not grid.holds(key)}
    shown = chosen if slices is not None else chosen[:_MOST_SLICES]
    tall = len(shown) <= _MOST_COLUMNS
    if metrics is None:
        columns = _of_candidates(keys) if tall else _first(keys)
    else:
        columns = keys if tall else _candidates(keys, metrics)
    table = Table(padding=(0, 0), caption=_caption(len(columns), len(keys), len(shown), len(records)))
    if tall:
        _metrics_down(table, shown, columns, names_of_samples(config), _with_change if metrics is None else _cell_of)
    else:
        _slices_down(table, shown, columns, names_of_samples(config))
    return table


def classes_table(results: str, slices: str | None = None) -> Table | None:
    """The candidate's metrics by class, of the first of the slices; None where there are no classes to compare.

    Args:
        results: as for `metrics_table`.
        slices: as for `metrics_table`.

    Raises:
        ResultsError: no results there, or no such slice.
        CorruptFileError: a file is damaged.
    """
    results = results_folder(results)
    records = in_order(load_metrics(results))
    names = class_names(_config_of(results), records)
    grid = class_grid(_chosen_keys(records, None, names).values(), names)
    if grid is None:
        return None

    first = _chosen_slices(records, slices)[0]
    whole = _of_candidates(labels_of(grid.columns, names))
    columns, rows = dict(list(whole.items())[:_MOST_COLUMNS]), list(grid.rows.items())[:_MOST_CLASSES]
    table = Table(padding=(0, 0), caption=_caption(len(columns), len(whole), 1, len(records)))
    table.add_column(harmless(f"{text_of(first)}, by class"), overflow="fold")
    for label in columns:
        table.add_column(harmless(label), justify="right", overflow="fold")

    values = _values(first)
    for name, row in rows:
        cells = (_with_change(values, row[key], False) if key in row else "" for key in columns.values())
        table.add_row(harmless(name), *map(harmless, cells))
    if len(grid.rows) > len(rows):
        table.add_row(f"... {len(grid.rows) - len(rows):,} more")
    return table


def _config_of(results: str) -> EvalConfig:
    run = load_eval_run(results)
    return run.eval_config if run else EvalConfig()


def verdict_panel(results: str) -> Panel:
    """The verdict and its reasons.

    Raises:
        ResultsError: no such folder, or a damaged verdict.
    """
    results = results_folder(results)
    if VERDICT_FILE not in listed(results):
        return Panel("there is no verdict with these results", title="verdict")
    verdict = load_verdict(results)
    return Panel(
        Text("\n".join(map(printable_line, verdict.lines()))), title="verdict", border_style=_COLOURS[verdict.status]
    )


def remark_lines(results: str) -> list[str]:
    """Which values are undefined or may be off, and why, where the run could tell.

    Args:
        results: as for `metrics_table`.

    Raises:
        ResultsError: no results there.
        CorruptFileError: a file is damaged.
    """
    records = in_order(load_metrics(results))
    return remarks(records, class_names(_config_of(results), records))


def _metrics_down(
    table: Table,
    records: Sequence[MetricsForSlice],
    keys: dict[str, MetricKey],
    samples: Set[str],
    cell: Callable[[dict[MetricKey, MetricValue], MetricKey, bool], str],
) -> None:
    table.add_column("metric", overflow="fold")
    values = [_values(record) for record in records]
    for record in records:
        table.add_column(harmless(text_of(record)), justify="right")
    table.add_row("rows", *(f"{record.rows:,}" for record in records))
    for label, key in keys.items():
        table.add_row(harmless(label), *(harmless(cell(of_slice, key, key.name in samples)) for of_slice in values))


def _slices_down(
    table: Table, records: Sequence[MetricsForSlice], keys: dict[str, MetricKey], samples: Set[str]
) -> None:
    table.add_column("slice", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    for label in keys:
        table.add_column(
            Text(printable_line(label).replace("_", "_\n").replace(" ", "\n")), justify="right", overflow="fold"
        )
    for record in records:
        of_slice = _values(record)
        too_small = ERROR_METRIC_NAME in record.metrics
        cells = (
            ["too few rows"]
            if too_small
            else [_with_change(of_slice, key, key.name in samples) for key in keys.values()]
        )
        table.add_row(harmless(text_of(record)), f"{record.rows:,}", *map(harmless, cells))


def _values(record: MetricsForSlice) -> dict[MetricKey, MetricValue]:
    return {metric_key_from_proto(pair.key): pair.value for pair in record.metric_keys_and_values}


def _chosen_slices(records: Sequence[MetricsForSlice], slices: str | None) -> list[MetricsForSlice]:
    wanted = {(slices or "").lower(), (slices or "").replace(":", "=").lower()}
    chosen = [record for record in records if any(text in text_of(record).lower() for text in wanted)]
    if not chosen and records:
        names = ", ".join(text_of(record) for record in records[:8])
        raise ResultsError(f"no slice has {slices!r} in its name; the {len(records)} slices are {names} ...")
    return chosen


def _chosen_keys(
    records: Sequence[MetricsForSlice], metrics: Sequence[str] | None, classes: ClassNames
) -> dict[str, MetricKey]:
    """Label -> key of the metrics to show, in the order of the results or of `metrics`; only numbers have room."""
    encoded = {
        pair.key.SerializeToString(): pair.key
        for record in records
        for pair in record.metric_keys_and_values
        if metrics is not None or pair.value.HasField("double_value")
    }
    labelled = labels_of([metric_key_from_proto(key) for key in encoded.values()], classes)
    if metrics is None:
        return labelled

    names = {name_of(key) for key in labelled.values()}
    for metric in metrics:
        if metric not in names and metric not in labelled:
            raise ResultsError(f"no metric {metric!r} in the results{one_of(metric, sorted(names))}")
    return {label: k for metric in metrics for label, k in labelled.items() if metric in (label, k.name, name_of(k))}


def _first(keys: dict[str, MetricKey]) -> dict[str, MetricKey]:
    """The candidate's first metrics; example_count stands beside each slice as it is."""
    shown = [(label, key) for label, key in _of_candidates(keys).items() if key.name != "example_count"]
    compared = any(key.is_diff for key in keys.values())
    return dict(shown[: _MOST_COMPARED if compared else _MOST_COLUMNS])


def _of_candidates(keys: dict[str, MetricKey]) -> dict[str, MetricKey]:
    """The candidates' own values, beside which their changes have room, and those of no model."""
    models = {key.model_name for key in keys.values() if key.is_diff} or {key.model_name for key in keys.values()}
    return {label: key for label, key in keys.items() if not key.is_diff and key.model_name in {*models, ""}}


def _candidates(keys: dict[str, MetricKey], asked: Sequence[str]) -> dict[str, MetricKey]:
    """Without the baseline and the differences, which stand beside the candidate's values, unless asked for in full."""
    compared = {(key.name, key.output_name, key.sub_key): key.model_name for key in keys.values() if key.is_diff}

    def beside(key: MetricKey) -> bool:
        candidate = compared.get((key.name, key.output_name, key.sub_key), key.model_name)
        return key.is_diff or key.model_name != candidate

    return {label: key for label, key in keys.items() if label in asked or (name_of(key) in asked and not beside(key))}


def _caption(columns: int, keys: int, shown: int, slices: int) -> str | None:
    if (columns, shown) == (keys, slices):
        return None
    return f"{columns} of {keys} metrics, {shown} of {slices} slices; choose with assay show --metrics and --slices"


def _with_change(values: dict[MetricKey, MetricValue], key: MetricKey, is_sample: bool) -> str:
    """The value, and by how much it differs from the baseline's."""
    change, own = values.get(key._replace(is_diff=True)), _cell_of(values, key, is_sample)
    if key.is_diff or change is None or not change.HasField("double_value"):
        return own
    by = change.double_value.value
    return f"{own} {by:+,.0f}" if by.is_integer() else f"{own} {by:+.4f}"


def _cell_of(values: dict[MetricKey, MetricValue], key: MetricKey, is_sample: bool) -> str:
    return value_text(values[key], is_sample=is_sample) if key in values else ""
