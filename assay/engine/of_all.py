"""A function of all elements at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam


class OfAll(beam.PTransform):
    """PCollection[T] -> PCollection of one element: function(the T's as an iterable, empty where there is nothing).

    Args:
        function: must not mind the order.
        beside: what is handed to it as well, as an iterable, after the T's; None for nothing.
        settings: its keyword arguments.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        beside: beam.PCollection[Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self._function, self._beside, self._settings = function, beside, settings

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[Any]:
        start = elements.pipeline | "Start" >> beam.Impulse()
        return start | "Apply" >> beam.Map(
            _applied,
            elements=beam.pvalue.AsIter(elements),
            function=self._function,
            settings=self._settings,
            beside=None if self._beside is None else beam.pvalue.AsIter(self._beside),
        )


def _applied(
    _: bytes,
    elements: Iterable[Any],
    function: Callable[..., Any],
    settings: dict[str, Any],
    beside: Iterable[Any] | None,
) -> Any:
    return function(elements, **settings) if beside is None else function(elements, beside, **settings)
