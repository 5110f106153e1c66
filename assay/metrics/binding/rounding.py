"""Which metrics can be told with rounded counts: `round_counts_to` of the eval config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.config.own_modules import is_keras
from assay.errors import EvalConfigError
from assay.metrics.binding.metric import Metric
from assay.proto.config_pb2 import Options

_OPTION = "options.round_counts_to"


def multiple_of(options: Options) -> int:
    """What counts are told as multiples of; 1 if they are told as they are.

    Raises:
        EvalConfigError: a number below 1, or one that makes a slice that is shown one of 0 rows.
    """
    if not options.HasField("round_counts_to"):
        return 1
    found, least = options.round_counts_to.value, options.min_slice_size.value
    if found < 1:
        raise EvalConfigError(f"{_OPTION}: expected a number of rows, 1 or more, found {found}")
    if found > max(least, 1):
        raise EvalConfigError(
            f"{_OPTION}: expected at most min_slice_size, which is {least}, found {found}: a slice of fewer rows would "
            f"be shown as one of 0 or {found} rows; set min_slice_size to {found} or more"
        )
    return found


def refuse_telling(metric: Metric, path: str) -> None:
    """Refuses a metric that tells exact counts, where these are to be rounded.

    Raises:
        EvalConfigError: it does.
    """
    definition = metric.definition
    if definition.shows_data:
        raise EvalConfigError(
            f"{path}: {metric.class_name} shows values of rows, whose number would be told; remove it, or {_OPTION}"
        )
    if definition.is_by_feature and definition.adds_up:
        means = metric.class_name.replace("Total", "Mean")
        raise EvalConfigError(
            f"{path}: {metric.class_name} divided by {means} is the number of rows; "
            f"ask for {means}, or remove {_OPTION}"
        )


def not_rounded(metrics: Iterable[Metric]) -> Iterator[str]:
    """Yields a line for each metric of the user's own that may be a count, for all that is known."""
    for metric in dict.fromkeys(metric for metric in metrics if metric.module and not is_keras(metric.module)):
        if not metric.definition.holds_counts:
            yield (
                f"{metric.described}: not rounded, as it does not say that it is a count; declare adds_up if it is one"
            )
