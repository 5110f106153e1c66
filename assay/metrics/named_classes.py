"""Names that models give their classes, to stand beside the ids of values and plots that are of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.metrics.binding.metric import Metric
from assay.metrics.computations.class_thresholds import ClassThresholds
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally

NamedClasses = dict[tuple[str, str], tuple[str, ...]]
"""Model and output -> names of its classes, by class id."""


def named_classes(metrics: Iterable[Metric], tallies: Mapping[Stream, Tally]) -> NamedClasses:
    """The names that models give in their outputs; those that the eval config gives stand there.

    Args:
        metrics: all metrics; of models without values or plots of classes nobody needs names.
        tallies: what the columns of each source hold over the whole run, whose batches agree on the names.
    """
    named = NamedClasses()
    for metric in metrics:
        stream = metric.stream
        names = next(iter(tallies.get(stream.source, Tally()).classes_named), ())
        if names and not stream.meaning.classes and _is_of_classes(metric):
            named[stream.model_name, stream.output_name] = names
    return named


def _is_of_classes(metric: Metric) -> bool:
    sub_key = metric.key.sub_key
    return isinstance(metric.needs, ClassThresholds) or (sub_key is not None and sub_key.class_id is not None)
