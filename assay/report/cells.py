"""The cells of a report's tables: plain text, for both HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from assay.metrics.keys import MetricKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.class_grid import class_grid
from assay.report.evidence import Evidence, Measure, Pair, Slice
from assay.report.marks import FAILS, HIDDEN, WORSE
from assay.report.numbers import Number, numbers_of
from assay.results.labels import change_text, labels_of, number_text
from assay.text.counted import counted
from assay.text.printable import shortened
from assay.verdict import Reason, Verdict, forced_text, unsliced_text

_MOST_NUMBERS = 8


class Column(NamedTuple):
    """A column of the table of slices."""

    heading: str
    measure: Measure
    key: MetricKey


def columns_of(evidence: Evidence, measures: Sequence[Measure]) -> list[Column]:
    """The columns of some measures: each model's value, then the changes."""
    return [Column(heading, m, key) for m in measures for heading, key in evidence.columns(m).items()]


def without_classes(evidence: Evidence) -> list[Measure]:
    """The measures but for those that `class_cells` shows."""
    grid = class_grid([measure.key for measure in evidence.measures if measure.is_number], evidence.classes)
    return [measure for measure in evidence.measures if grid is None or not grid.holds(measure.key)]


def class_cells(evidence: Evidence, slice_: Slice) -> tuple[list[str], list[list[str]]] | None:
    """Heads and rows of the table of values by class, with their averages; None if there are no classes to compare."""
    measures = {measure.key: measure for measure in evidence.measures if measure.is_number}
    grid = class_grid(measures, evidence.classes)
    if grid is None:
        return None

    heads, rows = ["Class"], [[name] for name in grid.rows]
    for label, column in labels_of(grid.columns, evidence.classes).items():
        of_column = [measures[row[column]] if column in row else None for row in grid.rows.values()]
        headings = list(dict.fromkeys(h for measure in of_column if measure for h in evidence.columns(measure)))
        heads += [label if headings == ["value"] else f"{label} {heading}" for heading in headings]
        for cells, measure in zip(rows, of_column, strict=True):
            keys = evidence.columns(measure) if measure else {}
            cells += [cell_of(slice_, keys[h], measure) if measure and h in keys else "" for h in headings]
    return heads, rows


def rows_text(slice_: Slice) -> str:
    """The number of rows of a slice, if it may be told."""
    return HIDDEN if slice_.is_hidden else f"{slice_.rows:,}"


def row_of(slice_: Slice, columns: Sequence[Column]) -> list[str]:
    """Rows of a slice, and its value in each column; a slice that is hidden has neither."""
    return [rows_text(slice_), *(cell_of(slice_, column.key, column.measure) for column in columns)]


class ValueCell(NamedTuple):
    """A value for people: its text, its confidence interval in brackets, and its mark; both may be ""."""

    text: str
    interval: str = ""
    mark: str = ""


def cell_of(slice_: Slice, key: MetricKey, measure: Measure) -> str:
    """A value, with a mark if a threshold fails on it or if it is a change to the worse."""
    cell = value_cell_of(slice_, key, measure)
    return " ".join(filter(None, cell)) if cell else ""


def value_cell_of(slice_: Slice, key: MetricKey, measure: Measure, position: int | None = None) -> ValueCell | None:
    """The same in parts; of a value that is several numbers, that at a position. None where there is no value."""
    pair = slice_.values.get(key)
    if pair is None:
        return None

    numbers, at = numbers_of(slice_, key), position or 0
    number = numbers[at] if at < len(numbers) else Number()
    if position is None:
        text, interval = value_text(pair.value, is_change=key.is_diff, is_sample=measure.is_sample), _interval(pair)
    else:
        text, interval = (change_text if key.is_diff else number_text)(number.value), _ends(number.interval)
    is_worse = key.is_diff and _is_worse(number.value, measure)
    return ValueCell(text, interval.strip(), FAILS if key in slice_.failed else WORSE if is_worse else "")


def _ends(interval: tuple[float, float] | None) -> str:
    return f"[{', '.join(map(number_text, interval))}]" if interval else ""


def full_text(pair: Pair, key: MetricKey, measure: Measure) -> str:
    """A value of any kind for people, with its confidence interval."""
    return value_text(pair.value, is_change=key.is_diff, is_sample=measure.is_sample) + _interval(pair)


def _is_worse(change: float, measure: Measure) -> bool:
    return (change < 0 and measure.better == "higher") or (change > 0 and measure.better == "lower")


def value_text(value: pb.MetricValue, *, is_change: bool = False, is_sample: bool = False) -> str:
    """A value of any kind for people. Values that are neither numbers nor lists of them are only named by their kind.

    Args:
        value: the value of a metric.
        is_change: whether it is a difference, which is shown with its sign.
        is_sample: whether it is a list of values of the data, which are not rounded.
    """
    text = change_text if is_change else number_text
    if value.HasField("double_value"):
        return text(value.double_value.value)
    if value.HasField("bounded_value"):
        bounded = value.bounded_value
        ends = number_text(bounded.lower_bound.value), number_text(bounded.upper_bound.value)
        return f"{text(bounded.value.value)} [{', '.join(ends)}]"
    if value.HasField("array_value"):
        return _array_text(value.array_value, _all_digits if is_sample else text)
    if value.HasField("confusion_matrix_at_thresholds"):
        return f"{len(value.confusion_matrix_at_thresholds.matrices)} matrices"
    if value.HasField("multi_class_confusion_matrix_at_thresholds"):
        return _matrices_text(value.multi_class_confusion_matrix_at_thresholds)
    return f"({(value.WhichOneof('type') or 'no value').replace('_', ' ')})"


def _matrices_text(value: pb.MultiClassConfusionMatrixAtThresholds) -> str:
    """`1 matrix of 10 classes`: classes that a row has, or that are predicted, at any threshold."""
    ids = {i for m in value.matrices for e in m.entries for i in (e.actual_class_id, e.predicted_class_id)}
    count = len(value.matrices)
    return f"{count} {'matrix' if count == 1 else 'matrices'} of {len(ids - {-1})} classes"


def _interval(pair: Pair) -> str:
    if not (pair.HasField("confidence_interval") and pair.value.HasField("double_value")):
        return ""
    ends = pair.confidence_interval.lower_bound, pair.confidence_interval.upper_bound
    return f" [{', '.join(number_text(end.double_value.value) for end in ends)}]"


def _array_text(array: pb.ArrayValue, text: Callable[[float], str]) -> str:
    """Numbers as `text` writes them. Whole numbers and texts are values of the data, which are shown unchanged."""
    words = [part.decode("utf-8", "backslashreplace") for part in array.bytes_values]
    whole = [*array.int64_values, *array.int32_values]
    numbers = [*array.float64_values, *array.float32_values]
    shown = [
        *map(shortened, words[:_MOST_NUMBERS]),
        *map(str, whole[:_MOST_NUMBERS]),
        *map(text, numbers[:_MOST_NUMBERS]),
    ]
    more = len(words) + len(whole) + len(numbers) - _MOST_NUMBERS
    return ", ".join(shown) + (f" ... {more:,} more" if more > 0 else "")


def _all_digits(number: float) -> str:
    return str(number).removesuffix(".0")


def reason_table(reasons: Sequence[Reason]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a table of reasons; the baseline has a column if any reason has one."""
    with_baseline = any(reason.baseline is not None for reason in reasons)
    heads = ["Slice", "Reason", "Expected", *(["Baseline"] if with_baseline else []), "Rows"]
    return heads, [_reason_cells(reason, with_baseline) for reason in reasons]


def _reason_cells(reason: Reason, with_baseline: bool) -> list[str]:
    """The bound has a column of its own, so that the sentence need not say it again."""
    sentence = reason.message.removesuffix(f"; expected {reason.bound}") if reason.bound else reason.message
    baseline = "" if reason.baseline is None else number_text(reason.baseline)
    rows = "" if reason.rows is None else f"{reason.rows:,}"
    texts = [shortened(reason.slice), shortened(sentence, 400), reason.bound]
    return [*texts, *([baseline] if with_baseline else []), rows]


def counts_text(verdict: Verdict) -> list[str]:
    """How many rows were read and left out, after the reason of a forced pass, as parts of a sentence."""
    bad_rows = [(why, number) for why, number in sorted(verdict.bad_rows.items()) if number]
    bad = [f"{counted(number, 'bad row')} ({shortened(why)})" for why, number in bad_rows]
    alone = [f"{number:,} {side} without a match" for side, number in sorted(verdict.unmatched.items()) if number]
    stamp = ["change thresholds left out, as there is no baseline (rubber stamp)"] if verdict.rubber_stamp else []
    unsliced = [unsliced_text(shortened(name), rows) for name, rows in sorted(verdict.unsliced.items())]
    forced = [forced_text(verdict.forced)] if verdict.forced else []
    return [*forced, counted(verdict.rows, "row"), *(bad or ["no bad rows"]), *alone, *stamp, *unsliced]
