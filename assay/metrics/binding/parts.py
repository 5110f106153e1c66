"""The parts of a prediction that a metric is asked for (classes, ks, averages), and the sub keys that name them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.errors import EvalConfigError
from assay.metrics.binding.settings import integer
from assay.metrics.entries.views import FLAT, Classes, Highest, Micro, TopK, View
from assay.metrics.keys import AggregationType, SubKey
from assay.metrics.picks import ONE, Mean, MeanByPositives, Only, Pick
from assay.proto.config_pb2 import MetricsSpec

OWN = ("class_id", "top_k")
"""Settings with which a metric asks for a part by itself."""


class Placement(NamedTuple):
    """One value of a metric: what names it beside the metric, how it sees rows, and which part it is."""

    sub_key: SubKey | None = None
    aggregation: AggregationType | None = None
    view: View = FLAT
    pick: Pick = ONE


def placements(spec: MetricsSpec, own: Mapping[str, int], path: str, classes: int = 0) -> list[Placement]:
    """The values of each metric of a metrics spec.

    Args:
        spec: with `binarize` and `aggregate`.
        own: the metric's own settings of those in `OWN`.
        path: of the spec, for errors.
        classes: how many the model spec names; 0 if it names none.

    Raises:
        EvalConfigError: a class or k that cannot be, or averages without the classes to average over.
    """
    has_parts = spec.HasField("binarize") or spec.HasField("aggregate")
    if own and has_parts:
        raise EvalConfigError(
            f"{path}: {' and '.join(own)} of a metric's config cannot stand beside binarize or aggregate; remove one"
        )
    if own:
        return [_own(own, path)]
    if not has_parts:
        return [Placement()]
    return [*_binarized(spec, path), *_aggregated(spec, path, classes)]


def own_parts(settings: Mapping[str, Any], path: str) -> dict[str, int]:
    """The settings with which a metric asks for a part by itself.

    Raises:
        EvalConfigError: one that is no whole number.
    """
    own = {}
    for name in OWN:
        if settings.get(name) is not None:
            try:
                own[name] = integer(settings[name])
            except ValueError as error:
                raise EvalConfigError(f"{path}.config: {name}: {error}") from error
    return own


def _own(own: Mapping[str, int], path: str) -> Placement:
    if len(own) > 1:
        raise EvalConfigError(f"{path}: class_id and top_k exclude each other; set one of them")
    if "class_id" in own:
        return _of_classes([own["class_id"]], f"{path}: class_id")[0]
    return _of_top_k([own["top_k"]], f"{path}: top_k")[0]


def _binarized(spec: MetricsSpec, path: str) -> list[Placement]:
    if not spec.HasField("binarize"):
        return []
    options, path = spec.binarize, f"{path}.binarize"
    placed = [
        *_of_classes(options.class_ids.values, f"{path}.class_ids"),
        *_of_k(options.k_list.values, f"{path}.k_list"),
        *_of_top_k(options.top_k_list.values, f"{path}.top_k_list"),
    ]
    if not placed:
        raise EvalConfigError(f"{path}: expected class_ids, k_list or top_k_list, found none")
    return placed


def _of_classes(ids: Sequence[int], path: str) -> list[Placement]:
    _check_least(ids, 0, path)
    view = Classes(tuple(dict.fromkeys(ids)))
    return [Placement(SubKey(class_id=class_id), None, view, Only(part)) for part, class_id in enumerate(view.ids)]


def _of_k(ks: Sequence[int], path: str) -> list[Placement]:
    _check_least(ks, 1, path)
    view = Highest(tuple(dict.fromkeys(ks)))
    return [Placement(SubKey(k=k), None, view, Only(part)) for part, k in enumerate(view.ks)]


def _of_top_k(ks: Sequence[int], path: str, aggregation: AggregationType | None = None) -> list[Placement]:
    """All classes, of which the k highest can be positive; of a micro average these alone, as TFMA has it."""
    _check_least(ks, 1, path)
    view = TopK(tuple(dict.fromkeys(ks)), alone=aggregation is not None)
    return [Placement(SubKey(top_k=k), aggregation, view, Only(part)) for part, k in enumerate(view.ks)]


def _check_least(numbers: Sequence[int], least: int, path: str) -> None:
    for number in numbers:
        if number < least:
            raise EvalConfigError(f"{path}: expected {least} or more, found {number}")


def _aggregated(spec: MetricsSpec, path: str, classes: int) -> list[Placement]:
    if not spec.HasField("aggregate"):
        return []
    options, path = spec.aggregate, f"{path}.aggregate"
    kind, weights, ks = options.WhichOneof("type"), dict(options.class_weights), options.top_k_list.values
    if kind is None or not getattr(options, kind):
        raise EvalConfigError(
            f"{path}: expected micro_average, macro_average or weighted_macro_average to be true, found none"
        )
    if weights and ks:
        raise EvalConfigError(f"{path}: class_weights and top_k_list exclude each other; set one of them")
    _check_weights(weights, f"{path}.class_weights")

    aggregation = AggregationType(**{kind: True})
    if ks:
        of_ks = _of_top_k if kind == "micro_average" else _macro_of_top_k
        return of_ks(ks, f"{path}.top_k_list", aggregation)
    if kind == "micro_average":
        return [Placement(None, aggregation, Micro(tuple(sorted(weights.items()))))]

    weights = weights or dict.fromkeys(range(classes), 1.0)
    if not weights:
        raise EvalConfigError(
            f"{path}.class_weights: {kind} needs to know the classes; expected for example {{0: 1, 1: 1, 2: 1}}, or "
            "classes of the model spec, which names all of them; found neither"
        )
    ids, shares = zip(*sorted(weights.items()), strict=True)
    return [Placement(None, aggregation, Classes(ids), _mean_of(aggregation, shares))]


def _macro_of_top_k(ks: Sequence[int], path: str, aggregation: AggregationType) -> list[Placement]:
    """The mean over the first to the k-th highest prediction."""
    _check_least(ks, 1, path)
    view = Highest(tuple(range(1, max(ks) + 1)))
    placed = []
    for k in dict.fromkeys(ks):
        shares = tuple(float(number <= k) for number in view.ks)
        placed.append(Placement(SubKey(top_k=k), aggregation, view, _mean_of(aggregation, shares)))
    return placed


def _mean_of(aggregation: AggregationType, weights: tuple[float, ...]) -> Pick:
    return MeanByPositives(weights) if aggregation.weighted_macro_average else Mean(weights)


def _check_weights(weights: Mapping[int, float], path: str) -> None:
    _check_least(list(weights), 0, path)
    for class_id, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise EvalConfigError(f"{path}[{class_id}]: expected a weight of 0 or more, found {weight}")
    if weights and not any(weights.values()):
        raise EvalConfigError(f"{path}: expected a weight above 0, found none")
