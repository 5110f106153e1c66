"""Columns that hold something else than a metric is for: refused as a whole, where single rows may be bad ones."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import ColumnTypeError
from assay.metrics.entries.bad_rows import (
    LABEL_OUT_OF_RANGE,
    NEGATIVE_PREDICTION,
    NO_CLASS,
    PREDICTION_OUT_OF_RANGE,
    SEVERAL_CLASSES,
    takes,
)
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.domains import Asked
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import MOST_VALUES, Length, Tally
from assay.metrics.entries.views import FLAT, Classes, Highest, Micro, View
from assay.text.near_miss import hint
from assay.types import LABELS_KEY, PREDICTIONS_KEY

_MANY = 0.1
"""Share of the rows from which on they are no exceptions: the column holds something else."""
_SOME = 0.01
"""The same, where all other labels are of one class."""

_ROUNDING = 1e-6
"""How far above 1 the shares of the classes of a row may add up to."""

_FOR_PROBABILITIES = ("ConfusionMatrixPlot", "ScoreDistributionPlot", "MaxRecall", "ThresholdAtRecall")
"""Metrics without a setting that would make them take other scores."""


def refuse_other_shapes(columns: Columns, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses class ids and vectors where a metric means something else, or nothing, of them.

    Raises:
        ColumnTypeError: names the metric, both columns and what to do.
    """
    if not stream.are_numbers:
        return
    read = (PREDICTIONS_KEY, LABELS_KEY) if stream.reads.labels else (PREDICTIONS_KEY,)
    if any(columns.lengths[key] == 0 for key in read):
        return

    label, prediction = stream.described(LABELS_KEY), stream.described(PREDICTIONS_KEY)
    _refuse_other_meaning(columns, stream, label, prediction)
    _refuse_padding(columns, stream, asked)
    found = f"{_values(columns.width)} a row" if columns.sizes is None else f"{_values(columns.narrowest)} in some rows"
    for one in asked:
        misfit = one.view.misfit(columns.narrowest) or _no_classes(one.view, columns)
        if misfit:
            raise ColumnTypeError(
                f"{prediction} has {found}; expected a number for each class: "
                f"{one.metric}: {misfit}{_instead_of_classes(one.metric)}"
            )
        if columns.ids is not None and one.view == FLAT and not one.domain.class_ids:
            raise ColumnTypeError(
                f"{one.metric} is for two classes or one number, but {prediction} has {columns.width} values a "
                f"row and {label} has one; {_which_class(columns.width)}"
            )


def _no_classes(view: View, columns: Columns) -> str:
    """Why one number a row cannot be seen so: it is of no class that could be asked for."""
    asks = isinstance(view, Classes | Highest) or (isinstance(view, Micro) and view.class_weights)
    if not asks or columns.predictions.ndim > 1:
        return ""
    return "it asks for single classes; remove class_id, class_ids, k_list and class_weights"


def _refuse_other_meaning(columns: Columns, stream: Stream, label: str, prediction: str) -> None:
    """Refuses vectors that have other classes than the model spec says."""
    classes, width = stream.meaning.classes, columns.width
    found = width if len(classes) != width else columns.narrowest
    if len(classes) not in (0, found) and (len(classes), found) != (2, 1):
        raise ColumnTypeError(
            f"{prediction} has {_values(found)} a row, and classes of the model spec names {len(classes)} "
            f"({_first_of(classes)}); expected a number for each class"
        )
    if stream.meaning.positive_label and columns.ids is not None and width > 2:
        raise ColumnTypeError(
            f"positive_label of the model spec makes two classes of {label}, but {prediction} has {_values(width)} a "
            "row; name the classes in the order of the predictions instead: classes: [...]"
        )
    if (
        stream.meaning.link == "logit"
        and columns.ids is None
        and width > 1
        and (columns.labels.sum(1) > 1 + 1e-6).any()
    ):
        raise ColumnTypeError(
            f"link: logit of the model spec makes one class of several, but rows of {label} have several classes; set "
            "link: logit_each of the model spec, which makes a probability of each number by itself"
        )
    if stream.meaning.sparse_labels and width == 1:
        raise ColumnTypeError(
            f"sparse_labels of the model spec makes lists of classes of {label}, but {prediction} has 1 value a row; "
            "expected a number for each class"
        )


def _refuse_padding(columns: Columns, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses lists that were filled up where a metric would count what they were filled up with."""
    label, prediction = stream.described(LABELS_KEY), stream.described(PREDICTIONS_KEY)
    for one in asked:
        if columns.sizes is not None and one.needs_one_length:
            raise ColumnTypeError(
                f"{one.metric} needs as many numbers in every row, but {prediction} has {columns.narrowest} to "
                f"{columns.width}; padding_options of the model spec make the two lists of a row equally long, not "
                "those of all rows; give predictions of one length, or ask for other metrics"
            )
        padding = stream.meaning.padding
        if columns.short_labels and padding is not None and padding.label < 0 and not one.knows_no_label:
            raise ColumnTypeError(
                f"{label} is filled up with {padding.label:g} (padding_options of the model spec), which stands for no "
                f"class, but {one.metric} would take it for a label; set label_int_padding: 0, or ask for metrics of "
                "several classes"
            )


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _instead_of_classes(metric: str) -> str:
    """What else can be asked for where there is one number a row."""
    return "; for two classes ask for BinaryCrossEntropy" if "crossentropy" in metric.lower() else ""


def _which_class(width: int) -> str:
    ids = "1 if the second is that of the positive class" if width == 2 else "the ids of the classes to evaluate"
    return (
        f"set binarize: {{class_ids: {{values: [...]}}}} of the metrics spec ({ids}), or give one number a row, or "
        f"labels of {width} values"
    )


def refuse_other_values(tally: Tally, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses a column whose values are out of range in so many rows that they are no exceptions.

    Args:
        tally: of the whole run; or of a batch with a bad row that is going to end the run.
        stream: the columns.
        asked: the metrics that it serves.

    Raises:
        ColumnTypeError: names the metric, the column, its values and what to do.
    """
    if tally.last_ids > 1 and tally.lowest_id > 0:
        raise _ids_from_1(tally, stream)
    if tally.classes == 2 and tally.lowest_id == 1 and tally.no_ids and not tally.bad.get(NO_CLASS):
        raise ColumnTypeError(
            f"{stream.described(LABELS_KEY)} holds -1 and 1, but the ids of two classes are 0 and 1; set "
            'positive_label: "1" of the model spec, so that -1 is the other class'
        )
    if _are_many(tally, LABEL_OUT_OF_RANGE):
        raise _no_binary_labels(tally, stream, asked)
    if _are_many(tally, PREDICTION_OUT_OF_RANGE) or _are_many(tally, NEGATIVE_PREDICTION):
        raise _no_probabilities(tally, stream, asked)
    if tally.classes and _are_many(tally, NO_CLASS):
        raise _no_class_ids(tally, stream)
    if _are_many(tally, SEVERAL_CLASSES):
        raise _no_single_classes(tally, stream, asked)


def refuse_other_lengths(tally: Tally, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses lists that have one length in most rows of some batches, and another one in others.

    The numbers of a list would mean other classes there. A list of another length among those of a batch is a bad row.
    Lists that are filled up may differ, unless a metric needs one length, or labels are class ids in some batches.

    Raises:
        ColumnTypeError: names the column, both lengths and a row.
    """
    may_differ = stream.meaning.padding is not None and not any(one.needs_one_length for one in asked)
    for key, lengths in tally.lengths.items():
        has_ids = key == LABELS_KEY and tally.classes > 0 and 1 in lengths
        if len(lengths) > 1 and (has_ids or not may_differ):
            usual, odd = sorted(lengths, key=lambda length: (-lengths[length].rows, length))[:2]
            raise ColumnTypeError(
                f"{stream.described(key)} has {_lists(usual)} in most batches and {_lists(odd, lengths[odd])}; "
                "expected one length: the numbers of a list belong to the same classes in all rows"
            )


def refuse_other_classes(tally: Tally, stream: Stream) -> None:
    """Refuses a model that names other classes, or the same in another order, in some batches.

    Raises:
        ColumnTypeError: names the column, both lists of classes and a row.
    """
    if len(tally.classes_named) > 1:
        first, second = sorted(tally.classes_named, key=lambda names: (tally.classes_named[names], names))[:2]
        raise ColumnTypeError(
            f"the classes beside {stream.described(PREDICTIONS_KEY)} are {_first_of(first)} in one batch, and "
            f"{_first_of(second)} in another ({tally.classes_named[second]}); name all of them in classes of the model "
            "spec, in the order that their ids are to have"
        )


def refuse_absent_label(tally: Tally, stream: Stream) -> None:
    """Refuses a positive label that no row has.

    Args:
        tally: of the whole run.
        stream: the columns.

    Raises:
        ColumnTypeError: names the label, the column and what it holds.
    """
    if tally.others:
        listed = ", ".join(map(repr, tally.others)) + ", ..." * (len(tally.others) == MOST_VALUES)
        raise ColumnTypeError(
            f"positive_label {stream.meaning.positive_label!r} of the model spec does not occur in "
            f"{stream.described(LABELS_KEY)}; it holds {listed}{hint(stream.meaning.positive_label, tally.others)}"
        )


def _lists(length: int, odd: Length | None = None) -> str:
    where = f" in others ({odd.where})" if odd else ""
    return (f"lists of {length} values" if length > 1 else "one value a row") + where


def _are_many(tally: Tally, reason: str) -> bool:
    count = tally.bad.get(reason, 0)
    if count < 2:
        return False
    if count > _MANY * tally.rows:
        return True
    return reason == LABEL_OUT_OF_RANGE and count >= _SOME * tally.rows and len(tally.shares) < 2


def _no_binary_labels(tally: Tally, stream: Stream, asked: Sequence[Asked]) -> ColumnTypeError:
    metric = next(one.metric for one in asked if one.domain.shares)
    likely = f"{tally.labels[-1]:g}" if len(tally.labels) == 2 else "..."
    return ColumnTypeError(
        f"{metric} is for two classes, labelled 0 and 1 (or a share between), but {stream.described(LABELS_KEY)} holds "
        f"{_listed(tally.labels)}; say in the model spec which of them is the positive class, such as "
        f'positive_label: "{likely}", or name a column that is 1 in rows of the positive class and 0 in all others'
    )


def _no_probabilities(tally: Tally, stream: Stream, asked: Sequence[Asked]) -> ColumnTypeError:
    lowest, highest = tally.predictions[0], tally.predictions[-1]
    one = next(one for one in asked if not (takes(one.domain, lowest) and takes(one.domain, highest)))
    expected = "probabilities from 0 to 1" if one.domain.high == 1 else "probabilities, 0 or more"
    return ColumnTypeError(
        f"{one.metric} is for {expected}, but {stream.described(PREDICTIONS_KEY)} goes from {lowest:.6g} to "
        f"{highest:.6g}; give probabilities{_as_they_are(lowest, highest, stream)}{_instead(one.metric)}"
    )


def _as_they_are(lowest: float, highest: float, stream: Stream) -> str:
    """What the model spec may say of scores in this range, so that they become probabilities."""
    if stream.meaning.link or stream.meaning.scale:
        return ""
    if lowest >= 0 and highest <= 100:
        return ", or set scale: percent of the model spec if these are percents, link: logit if they are logits"
    return ", or set link: logit of the model spec if these are logits"


def _instead(metric: str) -> str:
    """What else can be done, by metric."""
    if metric.lower().endswith("crossentropy"):
        return ' ("from_logits": true of the metric says so, too)'
    if metric == "CalibrationPlot":
        return ', or set "left" and "right" to their range'
    if (
        metric in ("ConfusionMatrixPlot", "ScoreDistributionPlot")
        or "Discrimination" in metric
        or metric in ("MaxRecall", "ThresholdAtRecall")
    ):
        return ""
    return ', or set thresholds that are for such scores ("threshold" or "thresholds" in its config)'


def _ids_from_1(tally: Tally, stream: Stream) -> ColumnTypeError:
    """Ids from 1 to the number of classes would be taken for those of the classes before."""
    return ColumnTypeError(
        f"{stream.described(LABELS_KEY)} holds class ids from {tally.lowest_id:g} to {tally.classes}; expected 0 to "
        f"{tally.classes - 1}, as the predictions have {tally.classes} values a row; subtract 1"
    )


def _no_class_ids(tally: Tally, stream: Stream) -> ColumnTypeError:
    classes = stream.meaning.classes
    if classes:
        return ColumnTypeError(
            f"{stream.described(LABELS_KEY)} holds none of the classes of the model spec in {tally.bad[NO_CLASS]} of "
            f"{tally.rows} rows; expected {_first_of(classes)}, or ids of them"
        )
    return ColumnTypeError(
        f"{stream.described(LABELS_KEY)} holds no class id in {tally.bad[NO_CLASS]} of {tally.rows} rows; expected "
        f"whole numbers from 0 to one less than the number of values of {stream.described(PREDICTIONS_KEY)}; if labels "
        "are lists of the classes of a row, set sparse_labels: true of the model spec"
    )


def _no_single_classes(tally: Tally, stream: Stream, asked: Sequence[Asked]) -> ColumnTypeError:
    metric = next(one.metric for one in asked if one.domain.one_class)
    return ColumnTypeError(
        f"{metric} is for rows of one class, but {stream.described(LABELS_KEY)} has several in "
        f"{tally.bad[SEVERAL_CLASSES]} of {tally.rows} rows; ask for a metric of several classes a row, such as "
        "SubsetAccuracy or MultiLabelConfusionMatrixPlot"
    )


def _first_of(classes: Sequence[str]) -> str:
    return ", ".join(map(repr, classes[:3])) + ", ..." * (len(classes) > 3)


def _listed(different: Sequence[float]) -> str:
    """The different values, the first of many with the largest."""
    listed = ", ".join(f"{value:.6g}" for value in different[:MOST_VALUES])
    return listed if len(different) <= MOST_VALUES else f"{listed}, ... up to {different[-1]:.6g}"
