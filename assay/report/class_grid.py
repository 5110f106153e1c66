"""Values of classes as a grid, a class a row and a metric a column, with their averages below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.metrics.keys import MetricKey, SubKey
from assay.results.class_names import ClassNames, class_text
from assay.results.keys import aggregation_name

_FEWEST_CLASSES = 3
"""Of fewer, values stand in the list of all metrics."""


@dataclass(frozen=True)
class ClassGrid:
    """Where values of classes stand.

    Attributes:
        columns: keys without a part; the metrics that have values of several classes.
        rows: a class, or name of an average -> key by column. There may be gaps, as where outputs have other classes.
    """

    columns: tuple[MetricKey, ...]
    rows: Mapping[str, Mapping[MetricKey, MetricKey]]

    def holds(self, key: MetricKey) -> bool:
        """Whether a value of a class, not of an average, stands in the grid."""
        return _class_of(key) is not None and _whole(key) in self.columns


def class_grid(keys: Iterable[MetricKey], classes: ClassNames) -> ClassGrid | None:
    """The grid of all values of classes among some; None where there are fewer than three classes.

    Args:
        keys: of values.
        classes: names to stand beside class ids.
    """
    keys = list(keys)
    by_column: dict[MetricKey, dict[int, MetricKey]] = {}
    for key in keys:
        class_id = _class_of(key)
        if class_id is not None:
            by_column.setdefault(_whole(key), {})[class_id] = key
    by_column = {column: of_class for column, of_class in by_column.items() if len(of_class) >= _FEWEST_CLASSES}
    if not by_column:
        return None

    rows = _rows_of_classes(by_column, classes)
    for key in keys:
        average = aggregation_name(key.aggregation_type)
        if average and key.sub_key is None and _whole(key) in by_column:
            rows.setdefault(average, {})[_whole(key)] = key
    return ClassGrid(tuple(by_column), rows)


def _rows_of_classes(
    by_column: Mapping[MetricKey, Mapping[int, MetricKey]], classes: ClassNames
) -> dict[str, dict[MetricKey, MetricKey]]:
    """Class for people -> key by column, in the order of the ids."""
    cells = [(class_id, column, key) for column, of_class in by_column.items() for class_id, key in of_class.items()]
    rows: dict[str, dict[MetricKey, MetricKey]] = {}
    for class_id, column, key in sorted(cells, key=lambda cell: cell[0]):
        rows.setdefault(class_text(class_id, classes.of("", column.output_name)), {})[column] = key
    return rows


def _class_of(key: MetricKey) -> int | None:
    """The class that a value is about, and nothing else."""
    sub_key = key.sub_key or SubKey()
    return sub_key.class_id if sub_key == SubKey(class_id=sub_key.class_id) else None


def _whole(key: MetricKey) -> MetricKey:
    return key._replace(sub_key=None, aggregation_type=None)
