"""What an eval config says of bins. No Arrow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.text.near_miss import one_of

LENGTHS = {"year": 4, "month": 7, "day": 10}
"""What a moment is cut to -> how much of its text remains."""


@dataclass(frozen=True)
class Bins:
    """The bins of one feature.

    Attributes:
        edges: ascending; a number belongs to the bin that begins with the last edge that it is not below.
        by: of dates and times, `year`, `month` or `day`; "" for numbers.
    """

    edges: tuple[float, ...] = ()
    by: str = ""

    @property
    def names(self) -> list[str]:
        """The bins of numbers, as slices have them: `(-inf, 18)`, `[18, 65)`, `[65, inf)`."""
        texts = [number_text(edge) for edge in self.edges]
        return [f"(-inf, {texts[0]})", *(f"[{low}, {high})" for low, high in pairwise(texts)), f"[{texts[-1]}, inf)"]


def bins_of(config: EvalConfig) -> dict[str, Bins]:
    """Feature -> its bins."""
    return {name: Bins(tuple(one.edges), one.by) for name, one in config.bins.items()}


def check_bins(config: EvalConfig) -> None:
    """Refuses bins that are none, and bins of features that no slice is by.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    sliced = _sliced_features(config)
    for name, bins in sorted(bins_of(config).items()):
        path = f"bins[{name!r}]"
        if name not in sliced:
            raise EvalConfigError(
                f"{path}: no slicing spec has this feature{one_of(name, sorted(sliced))}; add it to feature_keys, or "
                "remove its bins"
            )
        if bool(bins.edges) == bool(bins.by):
            raise EvalConfigError(f"{path}: expected either edges, such as [18, 65], or by, such as month")
        if bins.by and bins.by not in LENGTHS:
            raise EvalConfigError(f"{path}.by: expected one of {list(LENGTHS)}, found {bins.by!r}")
        for i, edge in enumerate(bins.edges):
            if not math.isfinite(edge):
                raise EvalConfigError(f"{path}.edges[{i}]: expected a finite number, found {edge}")
            if i and edge <= bins.edges[i - 1]:
                raise EvalConfigError(f"{path}.edges[{i}]: expected more than {bins.edges[i - 1]:g}, found {edge:g}")


def _sliced_features(config: EvalConfig) -> set[str]:
    specs = [*config.slicing_specs]
    for pair in config.cross_slicing_specs:
        specs += [pair.baseline_spec, *pair.slicing_specs]
    for disparity in config.disparities:
        specs += [disparity.slicing_spec, disparity.reference]
    return {feature for spec in specs for feature in [*spec.feature_keys, *spec.feature_values]}


def wrong_bin(text: str, bins: Bins) -> str:
    """What is wrong with a text of `feature_values` that is to name a bin; "" if nothing is."""
    if bins.by:
        pattern = "-".join(["[0-9]{4}", "[0-9]{2}", "[0-9]{2}"][: list(LENGTHS).index(bins.by) + 1])
        example = "2024-01-31"[: LENGTHS[bins.by]]
        return "" if re.fullmatch(pattern, text) else f"expected a {bins.by} such as {example!r}, found {text!r}"
    return "" if text in bins.names else f"expected one of its bins, {', '.join(bins.names)}; found {text!r}"


def number_text(number: float) -> str:
    """A number as edges are printed, without a point if it is whole."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e16 else repr(number)
