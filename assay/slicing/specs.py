"""Which slices a slicing spec asks for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig, SlicingSpec
from assay.slicing.sql_text import Query, parse_query
from assay.slicing.text import OVERALL_NAME, name_part
from assay.slicing.values import same_value
from assay.types import SliceKey


@dataclass(frozen=True)
class Slicing:
    """One way to cut the data: every value of `keys`, only the given values of `values`, crossed within a row.

    Both are sorted by feature. A slicing without either is the overall slice.

    Attributes:
        keys: features of which every value makes a slice.
        values: features and the text of the only value that is meant.
        missing: whether rows without a value of a feature of `keys` are a slice too; the text `(missing)` in `values`
            then means those of that feature.
        query: that makes the slices in place of all this.
    """

    keys: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    missing: bool = False
    query: Query | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """All features of its slices, sorted."""
        if self.query is not None:
            return self.query.names
        return tuple(sorted({*self.keys, *(feature for feature, _ in self.values)}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it reads."""
        return self.features if self.query is None else self.query.columns

    @property
    def name(self) -> str:
        """Readable and unique among slicings: what could be taken for more, or for all rows, stands in quotes."""
        fixed = dict(self.values)
        name = ",".join(name_part(f, fixed.get(f)) for f in self.features) if self.features else OVERALL_NAME
        if self.query is not None:
            return f"{name} (SQL {zlib.crc32(repr(self.query).encode()):08x})"
        return f"{name} {_WITH_MISSING}" if self.missing else name


OVERALL = Slicing()

_WITH_MISSING = "or (missing)"
"""Ends the name of a slicing that has slices of rows without values."""


def slicing_of(spec: SlicingSpec) -> Slicing:
    """Converts a SlicingSpec; duplicate features collapse, and their order does not matter.

    Raises:
        EvalConfigError: a feature both under `feature_keys` and `feature_values`, or SQL that is not of the form.
    """
    if spec.slice_keys_sql:
        return Slicing(query=parse_query(spec.slice_keys_sql))
    both = sorted(set(spec.feature_keys) & set(spec.feature_values))
    if both:
        raise EvalConfigError(
            f"slicing_specs: {both} stand both in feature_keys and in feature_values; expected each in one of the two"
        )
    keys, values = tuple(sorted(set(spec.feature_keys))), tuple(sorted(spec.feature_values.items()))
    return Slicing(keys, values, missing=bool(spec.missing))


def slicings_of(config: EvalConfig) -> tuple[Slicing, ...]:
    """The distinct slicings of a config, those that cross slices and disparities ask for included.

    Overall if it names none.
    """
    specs = list(config.slicing_specs) or [SlicingSpec()]
    for cross in config.cross_slicing_specs:
        specs += [cross.baseline_spec, *cross.slicing_specs]
    for disparity in config.disparities:  # their extremes are values of the overall slice
        specs += [disparity.slicing_spec, disparity.reference, SlicingSpec()]
    return tuple(dict.fromkeys(slicing_of(spec) for spec in specs))


def matches(key: SliceKey, slicing: Slicing) -> bool:
    """Whether a slice is one of those that `slicing` makes."""
    if tuple(feature for feature, _ in key) != slicing.features:
        return False
    fixed = dict(slicing.values)
    return all(feature not in fixed or same_value(value, fixed[feature]) for feature, value in key)
