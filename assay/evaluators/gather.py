"""All elements at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam


class Gather(beam.PTransform):
    """PCollection[T] -> PCollection[list[T]] of exactly one element, an empty list where there is nothing."""

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[list[Any]]:
        seed = elements.pipeline | beam.Impulse() | "Seed" >> beam.Map(lambda _: (0, ()))
        keyed = elements | "Key" >> beam.Map(lambda element: (0, (element,)))
        return (seed, keyed) | beam.Flatten() | beam.GroupByKey() | "List" >> beam.Map(_joined)


def _joined(of_key: tuple[int, Iterable[tuple[Any, ...]]]) -> list[Any]:
    return [element for part in of_key[1] for element in part]
