"""The parts of a prediction that a metric is asked for (classes, ks, averages), and the sub keys that name them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from assay.errors import EvalConfigError
from assay.metrics.binding.settings import integer, many
from assay.metrics.declare import OWN, Definition
from assay.metrics.entries.matched import Matched
from assay.metrics.entries.pixel_classes import PixelClasses
from assay.metrics.entries.views import FLAT, WHOLE_ROWS, Classes, Highest, Micro, Ranked, TopK, View
from assay.metrics.keys import AggregationType, SubKey
from assay.metrics.picks import ONE, Mean, MeanByPositives, Only, Pick
from assay.proto.config_pb2 import MetricsSpec

_TOP_K_LIST = "top_k_list"
"""Setting with which a measure of ranked lists asks for parts by itself; `OWN` has those of others."""


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
    if own and not has_parts:
        return [_own(own, path)]
    if not has_parts:
        return [Placement()]
    if "class_id" in own:
        raise EvalConfigError(
            f"{path}: class_id of a metric's config cannot be combined with binarize or aggregate; remove one"
        )
    placed = [*_binarized(spec, path), *_aggregated(spec, path, classes)]
    return [_of_highest(one, own["top_k"], path) for one in placed] if "top_k" in own else placed


def placements_of(
    definition: Definition,
    class_name: str,
    spec: MetricsSpec,
    settings: Mapping[str, Any],
    number: int,
    path: str,
    classes: int,
) -> list[Placement]:
    """The values of one metric of a metrics spec; as `placements`.

    Args:
        definition: of the metric.
        class_name: what the config calls it.
        spec: the metrics spec.
        settings: those of the metric.
        number: of the metrics spec.
        path: of the metric, for errors.
        classes: how many the model spec names; 0 if it names none.

    Raises:
        EvalConfigError: the metric has no such value.
    """
    of_spec, view = f"metrics_specs[{number}]", definition.needs.domain.view
    if spec.query_key and definition.shows_data:
        raise EvalConfigError(f"{path}: {class_name} shows values of rows; expected a metrics spec without query_key")
    if definition.is_by_feature:
        return _of_attributions(class_name, spec, path, of_spec, classes)
    if view is not None:
        return _of_own_view(view, definition, class_name, spec, settings, path)
    if not has_parts(definition):
        placed = placements(spec, {}, of_spec, classes)
        return [Placement()] if definition.is_of_column else [Placement(one.sub_key, one.aggregation) for one in placed]

    own = own_parts(settings, path)
    placed = placements(spec, own, path if own else of_spec, classes)
    misfit = next(filter(None, (one.view.misfit(classes) for one in placed)), "") if classes else ""
    if misfit:
        where = f"{path}.config" if own else path
        raise EvalConfigError(
            f"{where}: {class_name}: {misfit}, but classes of the model spec names {classes}; expected class_id, "
            f"class_ids and class_weights of 0 to {classes - 1}, top_k, k_list and top_k_list of 1 to {classes}"
        )
    _refuse_no_value(definition, class_name, placed, path)
    if spec.query_key and any(isinstance(placement.view, Highest) for placement in placed):
        raise EvalConfigError(
            f"{path}: the k-th highest prediction is one of classes, but with query_key rows take their place; "
            "expected a metrics spec without k_list and macro averages of top_k_list, or without query_key"
        )
    return [_within_query(placement) for placement in placed] if spec.query_key else placed


def _of_own_view(
    view: View, definition: Definition, class_name: str, spec: MetricsSpec, settings: Mapping[str, Any], path: str
) -> list[Placement]:
    """The values of a metric that sees rows in a way of its own."""
    if isinstance(view, Ranked):
        return _of_queries(definition, class_name, spec, settings, path)
    if isinstance(view, Matched | PixelClasses):
        _refuse_parts_of_images(class_name, spec, settings, path)
        return _of_masks(settings, path) if isinstance(view, PixelClasses) else [_of_boxes(definition, settings, path)]
    if view == WHOLE_ROWS and spec.query_key:
        raise EvalConfigError(f"{path}: {class_name} looks at single rows; expected a metrics spec without query_key")
    if spec.HasField("binarize") or spec.HasField("aggregate"):
        together = "whole rows" if view == WHOLE_ROWS else "all classes together"
        raise EvalConfigError(
            f"{path}: {class_name} looks at {together}; expected a metrics spec without binarize and aggregate for it"
        )
    return [Placement(view=view)]


def _of_attributions(class_name: str, spec: MetricsSpec, path: str, of_spec: str, classes: int) -> list[Placement]:
    """The parts of attributions, which are numbers of a list and no views of rows."""
    if spec.HasField("aggregate"):
        raise EvalConfigError(
            f"{path}: attributions have no average over classes; expected a metrics spec without aggregate for "
            f"{class_name}"
        )
    parts = placements(spec, {}, of_spec, classes)
    return [Placement(sub_key=one.sub_key, view=WHOLE_ROWS) for one in parts]


def has_parts(definition: Definition) -> bool:
    """Whether a metric can be asked for by class or by k; a column, or a number of rows, has no parts."""
    needs = definition.needs
    return needs.reads.predictions and needs.domain.view is None


def without_parts(settings: Mapping[str, Any], definition: Definition) -> dict[str, Any]:
    """The settings of a metric but for those that ask for a part."""
    asking = settings_of_parts(definition)
    return {name: value for name, value in settings.items() if name not in asking}


def settings_of_parts(definition: Definition) -> tuple[str, ...]:
    """The settings with which a metric can ask for a part."""
    return OWN if has_parts(definition) else (_TOP_K_LIST,) if definition.top_k else ()


def _refuse_no_value(definition: Definition, class_name: str, placed: Sequence[Placement], path: str) -> None:
    if definition.needs.reads.baseline:
        _refuse_incomparable(class_name, placed, path)
    if not definition.is_number and not all(isinstance(placement.pick, Only) for placement in placed):
        raise EvalConfigError(
            f"{path}: values of {class_name} are not numbers that can be averaged over classes; expected a metrics "
            "spec without macro_average and weighted_macro_average for it"
        )
    if any(_has_below(placement.view) for placement in placed) and not definition.needs.domain.compares:
        raise EvalConfigError(
            f"{path}: {class_name} needs the predictions themselves, but with top_k all beyond the k highest are below "
            "any threshold; expected a metrics spec without top_k_list for it, or k_list"
        )


def _refuse_incomparable(class_name: str, placed: Sequence[Placement], path: str) -> None:
    """Refuses parts of two models' predictions that do not correspond, or that labels weigh."""
    for one in placed:
        is_chosen = isinstance(one.view, Highest) or (isinstance(one.view, TopK) and one.view.alone)
        if is_chosen or isinstance(one.pick, MeanByPositives):
            raise EvalConfigError(
                f"{path}: {class_name} compares two models class by class, without labels; expected a metrics spec "
                "without k_list, weighted_macro_average, and top_k_list of an average for it"
            )


def _has_below(view: View) -> bool:
    """Whether some entries are below any threshold."""
    return (isinstance(view, TopK) and not view.alone) or (isinstance(view, Classes) and view.top_k > 0)


def _within_query(placement: Placement) -> Placement:
    """The rows of a query take the place of classes: the k highest are those of the query."""
    view = placement.view
    return placement._replace(view=replace(view, of_query=True)) if isinstance(view, TopK) else placement


def _of_queries(
    definition: Definition, class_name: str, spec: MetricsSpec, settings: Mapping[str, Any], path: str
) -> list[Placement]:
    """The values of a measure of ranked lists: one for each k."""
    if not spec.query_key:
        raise EvalConfigError(
            f"{path}: {class_name} ranks the rows of a query; expected query_key of the metrics spec, the column that "
            "identifies queries"
        )
    if spec.HasField("aggregate") or spec.binarize.class_ids.values or spec.binarize.k_list.values:
        raise EvalConfigError(
            f"{path}: {class_name} has no classes; expected a metrics spec without aggregate, class_ids and k_list"
        )
    view = Placement(view=Ranked())
    if not definition.top_k:
        return [view]
    try:
        own = many(integer)(settings[_TOP_K_LIST]) if _TOP_K_LIST in settings else ()
    except ValueError as error:
        raise EvalConfigError(f"{path}.config: {_TOP_K_LIST}: {error}") from error
    ks = dict.fromkeys([*own, *spec.binarize.top_k_list.values])
    _check_least(own, 1, f"{path}.config: {_TOP_K_LIST}")
    _check_least(list(ks), 1, f"{path}: top_k_list of binarize")
    if not ks and definition.top_k == "required":
        raise EvalConfigError(
            f"{path}.config: {class_name} needs the setting 'top_k_list'; set it, for example {definition.example}"
        )
    return [view._replace(sub_key=SubKey(top_k=k)) for k in ks] or [view]


def _refuse_parts_of_images(class_name: str, spec: MetricsSpec, settings: Mapping[str, Any], path: str) -> None:
    """Refuses what says which classes, rows or outputs count, as the metric's own config does."""
    if spec.query_key or spec.HasField("aggregate") or spec.HasField("binarize"):
        raise EvalConfigError(
            f"{path}: {class_name} looks at images, whose classes its own config names; expected a metrics spec "
            "without binarize, aggregate and query_key for it"
        )
    if spec.output_names and (settings.get("labels_to_stack") or settings.get("predictions_to_stack")):
        raise EvalConfigError(
            f"{path}: {class_name} names columns and outputs in labels_to_stack or predictions_to_stack already; "
            "expected a metrics spec without output_names for it"
        )


def _of_boxes(definition: Definition, settings: Mapping[str, Any], path: str) -> Placement:
    """The value of a metric of boxes."""
    own = own_parts(settings, path) if definition.keyed_by_class else {}
    return Placement(SubKey(class_id=own["class_id"]) if "class_id" in own else None)


def _of_masks(settings: Mapping[str, Any], path: str) -> list[Placement]:
    """The values of a metric of masks, one for each class."""
    try:
        ids = many(integer)(settings.get("class_ids", -1))
    except ValueError as error:
        raise EvalConfigError(f"{path}.config: class_ids: {error}") from error
    return [Placement(SubKey(class_id=one), pick=Only(at)) for at, one in enumerate(ids)]


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
    if "class_id" not in own:
        return _of_top_k([own["top_k"]], f"{path}.config: top_k")[0]
    of_class = _of_classes([own["class_id"]], f"{path}.config: class_id")[0]
    return _of_highest(of_class, own["top_k"], path) if "top_k" in own else of_class


def _of_highest(placement: Placement, top_k: int, path: str) -> Placement:
    """The same of classes of which only those with the k highest predictions of a row can be positive."""
    _check_least([top_k], 1, f"{path}.config: top_k")
    if not isinstance(placement.view, Classes):
        raise EvalConfigError(
            f"{path}: top_k of a metric's config can be combined with class_ids, macro_average and "
            "weighted_macro_average with class_weights; expected a metrics spec without k_list, top_k_list and "
            "micro_average, or no top_k"
        )
    sub_key = (placement.sub_key or SubKey())._replace(top_k=top_k)
    return placement._replace(sub_key=sub_key, view=replace(placement.view, top_k=top_k))


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
