"""Options of confidence intervals that do not go together."""

from __future__ import annotations

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig

_FEWEST, _FEWEST_OF_BOUNDS, _MOST = 20, 200, 10_000
"""Replicates: for a standard error at all; so that 5 lie beyond each bound; that fit in memory."""


def check_intervals(config: EvalConfig) -> None:
    """Refuses options of a resolved config that mean nothing beside the method, and numbers that serve nobody.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    options, path = config.options.confidence_intervals, "options.confidence_intervals"
    method = ConfidenceIntervalOptions.ConfidenceIntervalMethod.Name(options.method)
    if options.HasField("replicates"):
        _check_replicates(options, method, f"{path}.replicates")
    elif options.interval:
        is_analytic = options.method == ConfidenceIntervalOptions.ANALYTIC
        other = "each formula of ANALYTIC has its own" if is_analytic else f"20 samples of {method} make Student's t"
        raise EvalConfigError(
            f"{path}.interval: replicates is not set, and {other}; add replicates: 1000 and the method "
            "POISSON_BOOTSTRAP, or remove the field"
        )
    if options.HasField("resample_by"):
        _check_resample_by(options, f"{path}.resample_by")


def _check_replicates(options: ConfidenceIntervalOptions, method: str, path: str) -> None:
    if options.method != ConfidenceIntervalOptions.POISSON_BOOTSTRAP:
        raise EvalConfigError(f"{path}: expected the method POISSON_BOOTSTRAP beside it, found {method}")
    bounds = ConfidenceIntervalOptions.Interval.Name(options.interval)
    is_plain = options.interval in (ConfidenceIntervalOptions.UNKNOWN_INTERVAL, ConfidenceIntervalOptions.STUDENT_T)
    fewest = _FEWEST if is_plain else _FEWEST_OF_BOUNDS
    if not fewest <= options.replicates <= _MOST:
        of = "" if is_plain else f" for the interval {bounds}"
        raise EvalConfigError(f"{path}: expected {fewest} to {_MOST:,}{of}, found {options.replicates:,}")


def _check_resample_by(options: ConfidenceIntervalOptions, path: str) -> None:
    if not options.resample_by:
        raise EvalConfigError(f"{path}: expected the name of a column, found ''")
    if options.method == ConfidenceIntervalOptions.ANALYTIC:
        raise EvalConfigError(
            f"{path}: the formulas of ANALYTIC take each row to be independent of the others; use the method "
            "POISSON_BOOTSTRAP or JACKKNIFE, or remove the field"
        )
