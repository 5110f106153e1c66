"""A function of all elements at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam


class OfAll(beam.PTransform):
    """PCollection[T] -> PCollection of one element: function(the T's as an iterable, empty where there is nothing).

    Args:
        function: must not mind the order.
        settings: its keyword arguments.
    """

    def __init__(self, function: Callable[..., Any], **settings: Any) -> None:
        super().__init__()
        self._function, self._settings = function, settings

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[Any]:
        start = elements.pipeline | "Start" >> beam.Impulse()
        return start | "Apply" >> beam.Map(
            _applied, elements=beam.pvalue.AsIter(elements), function=self._function, settings=self._settings
        )


def _applied(_: bytes, elements: Iterable[Any], function: Callable[..., Any], settings: dict[str, Any]) -> Any:
    return function(elements, **settings)
