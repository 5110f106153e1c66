"""The found slices whose metrics are computed in the same run, and which rows are in them.

What a search will find is not known when its pipeline is made, so that holds places for as many slices as may be found.
A slice that is found takes one of them, and brings its key along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import pyarrow as pa

from assay.config.source import parse_eval_config
from assay.extracts.columns import row_count
from assay.proto.config_pb2 import EvalConfig, SlicingSpec
from assay.slicing.codes import slice_rows
from assay.slicing.feature_bins import Bins, bins_of
from assay.slicing.specs import Slicing, slicing_of, slicings_of
from assay.types import FEATURES_KEY, SLICE_KEY_TYPES_KEY, TEXTS_KEY, Extracts

_PLACE = "found"


def told(slices: Iterable[Mapping[str, Any]], names_of_queries: Collection[str]) -> dict[str, Any]:
    """Which of the slices of a record get metrics; and of the other confirmed ones, why they do not.

    Args:
        slices: as a record has them.
        names_of_queries: what `slice_keys_sql` calls the features of its slices, which may be of other rows.
    """
    left_out = {one["slice"]: _why_none(one, names_of_queries) for one in slices if one["confirmed"]}
    return {
        "slices": [name for name, why in left_out.items() if not why],
        "left_out": {name: why for name, why in left_out.items() if why},
    }


def _why_none(one: Mapping[str, Any], names_of_queries: Collection[str]) -> str:
    if one["eval_config"] is None:
        return "no slicing spec makes a slice of rare values"
    taken = sorted({name for name, _ in one["slice_key"]} & set(names_of_queries))
    return f"slice_keys_sql has slices of the name {taken[0]!r}" if taken else ""


def names_of_queries(config: EvalConfig) -> frozenset[str]:
    """What the queries of an eval config call the features of their slices."""
    return frozenset(name for slicing in slicings_of(config) if slicing.query for name in slicing.features)


def with_places(config: EvalConfig, number: int) -> EvalConfig:
    """The eval config of the metrics of found slices: nothing but places for so many of them, compared with none."""
    places = EvalConfig()
    places.CopyFrom(config)
    for field in ("slicing_specs", "cross_slicing_specs", "disparities", "bins"):
        places.ClearField(field)
    places.slicing_specs.extend(SlicingSpec(feature_values={_PLACE: str(place)}) for place in range(number))
    return places


class FoundSlicings(NamedTuple):
    """The slicings, of one slice each, and the bins of their features."""

    slicings: tuple[Slicing, ...]
    bins: Mapping[str, Bins]


def slicings_in(record: Mapping[str, Any]) -> FoundSlicings:
    """How rows get into the slices of a record that get metrics: as into those of the config that it tells to add."""
    chosen = set(record["metrics"]["slices"])
    configs = [parse_eval_config(one["eval_config"]) for one in record["slices"] if one["slice"] in chosen]
    slicings = tuple(slicing_of(spec) for config in configs for spec in config.slicing_specs)
    return FoundSlicings(slicings, {name: bins for config in configs for name, bins in bins_of(config).items()})


def with_found_slices(extracts: Extracts, found: FoundSlicings, places: tuple[Slicing, ...]) -> Extracts:
    """A batch with its rows in the slices that were found; the batch is not changed."""
    rows = row_count(extracts)
    sliced = slice_rows(found.slicings, extracts.get(FEATURES_KEY, {}), rows, extracts.get(TEXTS_KEY), found.bins)
    nobody = pa.DictionaryArray.from_arrays(
        pa.nulls(rows, pa.int32()), pa.array([], pa.struct([(_PLACE, pa.string())]))
    )
    columns = (sliced[slicing.name].column for slicing in found.slicings)
    taken = zip_longest(places, columns, fillvalue=nobody)
    return {**extracts, SLICE_KEY_TYPES_KEY: {place.name: column for place, column in taken}}
