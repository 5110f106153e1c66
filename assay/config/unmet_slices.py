"""Thresholds for slices that no slicing spec makes: no value could ever be held against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from assay.config.fields import messages_in
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import (
    CrossSliceMetricThreshold,
    CrossSlicingSpec,
    EvalConfig,
    PerSliceMetricThreshold,
    SlicingSpec,
)
from assay.slicing.sql_text import parse_query

_PARAMETER = "${"


def refuse_unmet_slices(config: EvalConfig) -> None:
    """Refuses thresholds for slices, or pairs of slices, that the config cannot make, whatever the data is.

    Only for runs whose evaluators are all assay's own, as others may make slices of their own.

    Args:
        config: a checked config; texts with parameters that are not filled in may mean any slice.

    Raises:
        EvalConfigError: the message starts with the path of the threshold's slicing spec.
    """
    _refuse_pairs(config, _made(config))
    for path, thresholds in messages_in(config, PerSliceMetricThreshold):
        for i, wanted in enumerate(thresholds.slicing_specs):
            refuse_unmade(config, wanted, f"{path}.slicing_specs[{i}]")


def refuse_unmade(config: EvalConfig, wanted: SlicingSpec, path: str) -> None:
    """Refuses the slicing spec of a threshold, at `path`, of which a config makes no slice; as above."""
    made = _made(config)
    if not any(_may_make(spec, wanted) for spec in made):
        raise EvalConfigError(
            f"{path}: no slicing spec makes slices of {_described(wanted)}, so that no value could be held against it; "
            f"slicing_specs make {', '.join(map(_described, made))}; add {_written(wanted)} to slicing_specs, or "
            "remove the threshold"
        )


def _made(config: EvalConfig) -> list[SlicingSpec]:
    """The slicing specs of which a config makes slices."""
    made = [*(config.slicing_specs or [SlicingSpec()])]
    made += [spec for pair in config.cross_slicing_specs for spec in (pair.baseline_spec, *pair.slicing_specs)]
    return made + [spec for one in config.disparities for spec in (one.slicing_spec, one.reference, SlicingSpec())]


def _refuse_pairs(config: EvalConfig, made: Sequence[SlicingSpec]) -> None:
    for path, thresholds in messages_in(config, CrossSliceMetricThreshold):
        for i, wanted in enumerate(thresholds.cross_slicing_specs):
            if not any(_may_make_pair(pair, wanted, made) for pair in config.cross_slicing_specs):
                compared = " and ".join(map(_described_pair, config.cross_slicing_specs)) or "nothing"
                raise EvalConfigError(
                    f"{path}.cross_slicing_specs[{i}]: no cross slicing spec compares {_described_pair(wanted)}, so "
                    f"that no value could be held against it; cross_slicing_specs compare {compared}; add it to "
                    "cross_slicing_specs, or remove the threshold"
                )


def _may_make_pair(pair: CrossSlicingSpec, wanted: CrossSlicingSpec, made: Sequence[SlicingSpec]) -> bool:
    """Whether some pair of slices may be one of both."""
    if not _may_make(pair.baseline_spec, wanted.baseline_spec):
        return False
    compared = product(pair.slicing_specs or made, wanted.slicing_specs)
    return not wanted.slicing_specs or any(_may_make(spec, other) for spec, other in compared)


def _described_pair(pair: CrossSlicingSpec) -> str:
    """A cross slicing spec for people."""
    others = " or ".join(map(_described, pair.slicing_specs)) or "any other slice"
    return f"{_described(pair.baseline_spec)} with {others}"


def _may_make(spec: SlicingSpec, wanted: SlicingSpec) -> bool:
    """Whether some slice may be one of both."""
    texts = [*_features(spec), *_features(wanted)]
    if any(_PARAMETER in text for text in texts):
        return True
    values, others = spec.feature_values, wanted.feature_values
    return _features(spec) == _features(wanted) and all(
        _may_be_same(values[feature], others[feature]) for feature in set(values) & set(others)
    )


def _features(spec: SlicingSpec) -> set[str]:
    names = parse_query(spec.slice_keys_sql).names if spec.slice_keys_sql else ()
    return {*spec.feature_keys, *spec.feature_values, *names}


def _may_be_same(value: str, other: str) -> bool:
    """Whether two texts may mean one value: numbers, moments and booleans can be written in several ways."""
    return value == other or not (_is_word(value) and _is_word(other))


def _is_word(text: str) -> bool:
    """Whether a text means nothing but itself, whatever the type of its column."""
    plain = text.strip().casefold()
    return plain not in ("true", "false", "nan", "inf") and not any(c.isdigit() or c in "${" for c in plain)


def _described(spec: SlicingSpec) -> str:
    """A slicing spec for people."""
    fixed: Mapping[str, str] = spec.feature_values
    features = (f"{name}={fixed[name]}" if name in fixed else name for name in sorted(_features(spec)))
    return " x ".join(features) or "all rows"


def _written(spec: SlicingSpec) -> str:
    """A slicing spec as a config has it."""
    keys, values = ", ".join(spec.feature_keys), ", ".join(f"{k}: {v}" for k, v in sorted(spec.feature_values.items()))
    fields = [f"feature_keys: [{keys}]"] * bool(keys) + [f"feature_values: {{{values}}}"] * bool(values)
    return f"{{{', '.join(fields)}}}"
