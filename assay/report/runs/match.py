"""What belongs together in results of several runs: their models, and the metrics and slices that somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.report.evidence import Evidence, Slice
from assay.report.slice_names import has_text
from assay.results.labels import labels_of, name_of
from assay.text.near_miss import one_of

OVERALL = "Overall"
"""Name of the slice of all rows."""


def plain(key: MetricKey) -> MetricKey:
    """The key of a metric for all models."""
    return key._replace(model_name="", is_diff=False)


def names_of(keys: Sequence[MetricKey], evidence: Evidence) -> dict[str, MetricKey]:
    """Name -> key: `auc` of the first candidate, `auc old` of another model, `auc change` against the baseline.

    Args:
        keys: of values.
        evidence: of the run whose models they name.
    """
    stems = {key: label for label, key in labels_of([*dict.fromkeys(map(plain, keys))], evidence.classes).items()}
    first, several = evidence.candidates[0], len(evidence.candidates) > 1
    named = {}
    for key in keys:
        model = "" if key.model_name == first else key.model_name
        of_change = (key.model_name if several else "", "change")
        named[" ".join(filter(None, (stems[plain(key)], *(of_change if key.is_diff else (model,)))))] = key
    return named


def matched_slices(before: Evidence, after: Evidence) -> dict[str, Slice]:
    """The slices of a run by name, in which models are called as those of the same role in another run.

    So a candidate is compared with a candidate, whatever their names, where each run has one; and so are baselines.

    Args:
        before: the run whose slices are returned.
        after: the run whose names they get.
    """
    renamed = _renamed(before, after)
    return {slice_.name: _with_names(slice_, renamed) for slice_ in before.slices}


def _renamed(before: Evidence, after: Evidence) -> dict[MetricKey, MetricKey]:
    names: dict[str, str] = {}
    for old, new in ((before.candidates, after.candidates), (sorted(before.baselines), sorted(after.baselines))):
        if len(old) == len(new) == 1:
            names[old[0]] = new[0]
    every = [names.get(model, model) for model in before.models]
    if len(set(every)) < len(every):
        return {}  # two models would become one: their names tell which is which

    # The mean of a column belongs to no model, and keeps its key.
    keys = {key: key._replace(model_name=names.get(key.model_name, key.model_name)) for key in before.keys}
    return {old: new for old, new in keys.items() if new in after.keys or old not in after.keys}


def _with_names(slice_: Slice, renamed: Mapping[MetricKey, MetricKey]) -> Slice:
    values = {renamed.get(key, key): value for key, value in slice_.values.items()}
    bounds = {renamed.get(key, key): bound for key, bound in slice_.error_bounds.items()}
    failed = frozenset(renamed.get(key, key) for key in slice_.failed)
    return replace(slice_, values=values, error_bounds=bounds, failed=failed)


def chosen_metrics(named: Mapping[str, MetricKey], metrics: Sequence[str] | None) -> dict[str, MetricKey]:
    """The metrics that are asked for, in the order of asking; with None all but changes against a baseline.

    Args:
        named: see `names_of`.
        metrics: such names; or a metric's own, which stands for all models, and `auc_diff` for its change.

    Raises:
        ResultsError: there is no such metric.
    """
    if metrics is None:
        return {name: key for name, key in named.items() if not key.is_diff}
    known = {name_of(key) for key in named.values()}
    for metric in metrics:
        if metric not in known and metric not in named:
            raise ResultsError(f"no metric {metric!r} in the results{one_of(metric, sorted(known))}")
    return {name: key for metric in metrics for name, key in named.items() if metric in (name, name_of(key))}


def chosen_slices(names: Sequence[str], text: str | None) -> list[str]:
    """The slices that have a text in their name, such as `sex` or `sex=Female` (or `sex:Female`); all with None.

    Raises:
        ResultsError: there is no such slice.
    """
    if text is None:
        return list(names)
    chosen = [name for name in names if has_text(name, text)]
    if not chosen:
        there = f"there are {', '.join(names[:8])} ..." if names else "there are none"
        raise ResultsError(f"no slice has {text!r} in its name; {there}")
    return chosen


def leading_metrics(
    labels: Mapping[str, MetricKey], judged: Set[MetricKey], evidence: Evidence
) -> dict[str, MetricKey]:
    """The candidates' metrics that matter most: those with thresholds; or the leading one; or the first.

    Args:
        labels: label -> key of metrics that are numbers.
        judged: keys without a model of metrics that have thresholds.
        evidence: of the run that names models.
    """
    own = {label: key for label, key in labels.items() if key.model_name in (*evidence.candidates, "")}
    with_thresholds = {label: key for label, key in own.items() if plain(key) in judged}
    leading = {label: key for label, key in own.items() if evidence.leading and plain(key) == evidence.leading.key}
    return with_thresholds or leading or dict(list(own.items())[:1])
