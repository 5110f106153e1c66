"""What is told of a search: the slices that were found, what was searched, and what was not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.discovery.cells import MIXED, MOST_IN_PAIRS, MOST_VALUES, OTHER, TOO_MANY
from assay.discovery.groups import Groups, groups_of
from assay.discovery.hidden import Listed, hidden
from assay.discovery.search import Found, Key, candidates_of, found_slices, mean_loss, scores_of
from assay.discovery.settings import Search
from assay.discovery.tables import Tables
from assay.discovery.triples import TripleTables, Wanted, candidates_in, wanted
from assay.discovery.with_metrics import told
from assay.slicing.text import slice_text
from assay.text.counted import counted
from assay.text.multiples import to_multiple
from assay.types import MISSING, SliceKey

_WHY = {
    TOO_MANY: f"more than {MOST_VALUES:,} values",
    OTHER: "neither numbers nor texts",
    MIXED: "numbers in some rows and texts in others",
}


def wanted_of(tables: Tables, search: Search) -> Wanted:
    """What a second scan has to count.

    Args:
        tables: of all rows.
        search: what was asked for.
    """
    groups, _ = _groups(tables, search)
    scores = scores_of(tables, alpha=search.alpha, min_rows=search.min_rows)
    if scores is None:
        return Wanted({}, {}, ())
    scores = scores.reached_by(candidates_of(tables, groups), search.top_k)
    return wanted(tables, groups, scores, search.searched.loss.most)


def record_of(
    tables: Tables,
    search: Search,
    want: Wanted | None = None,
    counted_again: TripleTables | None = None,
    listed: Mapping[SliceKey, int] | None = None,
) -> dict[str, Any]:
    """All that is told of a search, as JSON.

    Args:
        tables: of all rows.
        search: what was asked for.
        want: of `wanted_of`, where there was a second scan.
        counted_again: what that has counted.
        listed: rows of the slices that slicing specs list; not asked for where any slice may be shown.
    """
    groups, left_out = _groups(tables, search)
    scores = scores_of(tables, alpha=search.alpha, min_rows=search.min_rows)
    candidates = candidates_of(tables, groups)
    if scores is not None and counted_again is not None:
        to_reach = scores.reached_by(candidates, search.top_k)
        candidates = candidates.with_more(candidates_in(counted_again, tables, groups, to_reach))
    found = found_slices(tables, candidates, scores, search.top_k)
    shown = _shown(found, tables, groups, search, listed or {})
    slices = [_told(one, groups, search) for one in shown]
    loss = search.searched.loss
    mean = mean_loss(tables)
    return {
        "model": loss.model.model_name,
        "baseline": loss.baseline.model_name if loss.baseline else None,
        "loss": loss.name,
        "mean_loss": None if math.isnan(mean) else mean,
        "rows": to_multiple(tables.rows, search.round_counts_to),
        "rows_without_loss": to_multiple(tables.left_out, search.round_counts_to),
        "unused_weights": list(search.weights),
        "alpha": search.alpha,
        "min_rows": search.min_rows,
        "level": search.searched.level,
        **({} if want is None else {"triples": _told_of_triples(want)}),
        "features": sorted(groups),
        "left_out": left_out,
        "slices": slices,
        **({"withheld": len(found) - len(shown)} if search.min_slice_size > 1 else {}),
        **({"metrics": told(slices, search.names_of_queries)} if search.has_metrics else {}),
        "eval_config": _together(one["eval_config"] for one in slices if one["confirmed"]),
    }


def _shown(
    found: Sequence[Found],
    tables: Tables,
    groups: Mapping[str, Groups],
    search: Search,
    listed: Mapping[SliceKey, int],
) -> Sequence[Found]:
    """The slices that tell nothing of slices that are too small to be shown."""
    if search.min_slice_size <= 1 or not found:
        return found
    halves = tables.total[0].tolist()
    others = Listed(listed, search.names_of_queries)
    are_hidden = hidden(found, halves, others, tables.cells, groups, search.min_slice_size)
    return [one for one, is_hidden in zip(found, are_hidden, strict=True) if not is_hidden]


def _told_of_triples(want: Wanted) -> dict[str, int]:
    """Of the triples of features: how many were counted, ruled out by bounds, and left out as too many."""
    return {"searched": len(want.triples), "ruled_out": want.ruled_out, "left_out": want.left_out}


def _groups(tables: Tables, search: Search) -> tuple[dict[str, Groups], dict[str, str]]:
    """The groups of each feature that is searched; and why others are not, or not in pairs."""
    groups, left_out = dict[str, Groups](), dict[str, str]()
    for name in (*search.searched.features, *(name for name, _ in search.searched.edges)):
        if name not in tables.cells:
            left_out[name] = "no rows have it"
    for name, cells in sorted(tables.cells.items()):
        if not cells.is_searched:
            left_out[name] = _WHY[cells.kind]
            continue
        rows = tables.singles[name][0].sum(axis=-1)
        one = groups_of(cells, rows, bins=search.bins, min_rows=search.min_rows)
        if len(one.groups) < 2:
            left_out[name] = _why_alone(one, search.min_rows)
            continue
        groups[name] = one
        if not cells.in_pairs and search.searched.level > 1:
            left_out[name] = f"searched alone, and not in pairs: more than {MOST_IN_PAIRS} values"
    return groups, left_out


def _why_alone(groups: Groups, min_rows: int) -> str:
    """Why a feature has a single group, or none."""
    if not groups.groups or groups.groups[0].value is None:
        return "no row has a value"
    return (
        f"every value has fewer than {counted(min_rows, 'row')}" if groups.groups[0].rare else "all rows have one value"
    )


def _told(found: Found, groups: Mapping[str, Groups], search: Search) -> dict[str, Any]:
    has_ratio = search.searched.loss.baseline is None and found.overall > 0
    above, own = found.degrees_of_freedom
    key = slice_key_of(found.key)
    return {
        "slice": slice_text(key),
        "slice_key": [list(part) for part in key],
        "rows": to_multiple(found.rows, search.round_counts_to),
        "loss": found.loss,
        "loss_error": _estimated(found.loss_error, own, search.round_counts_to),
        "overall_loss": found.overall,
        "difference": found.loss - found.overall,
        "difference_error": _estimated(found.difference_error, above, search.round_counts_to),
        "ratio": found.loss / found.overall if has_ratio else None,
        "score": found.score,
        "p_value": found.p_value,
        "confirmed": found.p_value <= search.significance,
        "eval_config": _specs(found.key, groups),
    }


def _estimated(standard_error: float, degrees_of_freedom: float, multiple: int) -> dict[str, float] | None:
    """How sure an estimate is; None where nothing varies, so that nothing tells.

    Degrees of freedom tell the number of rows, and are rounded as that is.
    """
    if not (standard_error > 0 and math.isfinite(standard_error) and math.isfinite(degrees_of_freedom)):
        return None
    if multiple > 1:
        degrees_of_freedom = float(max(to_multiple(int(degrees_of_freedom), multiple), 1))
    return {"standard_error": standard_error, "degrees_of_freedom": degrees_of_freedom}


def slice_key_of(key: Key) -> SliceKey:
    """The key of a slice, whose text is what it is called in all results: `sex=Female, age=[18, 25)`."""
    return tuple((name, f"({counted(group.rare, 'rare value')})" if group.rare else group.value) for name, group in key)


def _specs(key: Key, groups: Mapping[str, Groups]) -> dict[str, Any] | None:
    """What to add to an eval config to have the slice among those of every run; None of rare values."""
    if any(group.rare for _, group in key):
        return None
    spec: dict[str, Any] = {
        "feature_values": {name: MISSING if group.value is None else group.value for name, group in key}
    }
    if any(group.value is None for _, group in key):
        spec["missing"] = "slice"
    bins = {
        name: {"edges": [int(edge) if edge.is_integer() else edge for edge in groups[name].edges]}
        for name, _ in key
        if groups[name].edges
    }
    return {"slicing_specs": [spec], **({"bins": bins} if bins else {})}


def _together(configs: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """What to add to an eval config to have all of these slices; empty for none."""
    specs, bins = list[Any](), dict[str, Any]()
    for config in configs:
        specs += (config or {}).get("slicing_specs", [])
        bins |= (config or {}).get("bins", {})
    return {**({"slicing_specs": specs} if specs else {}), **({"bins": bins} if bins else {})}
