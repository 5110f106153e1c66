"""Which number of a prediction is that of which class."""

from __future__ import annotations

from assay.errors import InputError
from assay.proposal.data import Data, class_of_each_column
from assay.proposal.facts import NUMBER, Facts
from assay.proposal.roles import Asked, Roles, shown_names
from assay.proposal.scores import text_of

_BY_COLUMNS = "a column for each"
_BY_AGREEMENT = "in the order of the numbers in a prediction, in which they agree with the labels; check it"
_SORTED = "sorted, as scikit-learn orders the numbers of a prediction; check it"
_CONFIRMED = "sorted, as scikit-learn orders the numbers of a prediction, and the labels agree with it"
_AS_SAID = "as you said"


def names_in_order(data: Data, asked: Asked, roles: Roles, width: int) -> tuple[tuple[str, ...], str]:
    """What `classes` of the model spec has to say of one class a row, and why; () where labels are class ids.

    Raises:
        InputError: there are not as many labels as numbers in a prediction.
    """
    known = _said(asked, roles, width)
    if known is not None:
        return known
    label = data.facts[roles.label]
    if label.kind == NUMBER and label.is_whole and label.low >= 0 and label.high < width:
        return (), ""
    return _told(data, asked, roles, label, width)


def ids_or_names(data: Data, asked: Asked, roles: Roles, width: int) -> tuple[tuple[str, ...], str]:
    """The same of lists of classes.

    Raises:
        InputError: as for `names_in_order`.
    """
    known = _said(asked, roles, width)
    if known is not None:
        return known
    label = data.facts[roles.label]
    is_ids = label.inner == NUMBER and all(float(value).is_integer() for value in label.counts)
    if is_ids and label.counts and min(label.counts) >= -1 and max(label.counts) < width:
        return (), ""
    return _told(data, asked, roles, label, width)


def _said(asked: Asked, roles: Roles, width: int) -> tuple[tuple[str, ...], str] | None:
    """The names that somebody gives: the caller, or the names of columns."""
    if roles.models[0].classes:
        return roles.models[0].classes, _BY_COLUMNS
    if not asked.classes:
        return None
    if len(asked.classes) != width:
        raise InputError(
            f"classes: expected {width} names, one for each number of a prediction, found {len(asked.classes)}"
        )
    return asked.classes, _AS_SAID


def _told(data: Data, asked: Asked, roles: Roles, label: Facts, width: int) -> tuple[tuple[str, ...], str]:
    values = [value for value in label.values if value != ""]
    if len(values) != width:
        found = f"{label.distinct:,} different labels" if len(values) != 1 else "one label"
        some = f" ({shown_names(text_of(value) for value in values)})" if values else ""
        raise InputError(
            f"column {label.name!r} has {found} in the sample{some}, and a prediction {width} "
            f"numbers; name all classes in the order of these numbers: {asked.option('class', 'NAME')}, once for each"
        )
    scores = data.facts[roles.models[0].columns[0]].numbers
    agreeing = [] if scores is None else class_of_each_column(data, label.name, scores)
    why = _SORTED if not agreeing else _CONFIRMED if agreeing == values else _BY_AGREEMENT
    return tuple(text_of(value) for value in agreeing or values), why
