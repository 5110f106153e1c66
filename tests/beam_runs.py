"""Runs transforms in the in-memory runner and hands back what came out."""

from typing import ClassVar

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner


class Collect(beam.DoFn):
    """Keeps what it sees, by name. The in-memory runner works in this process, so the test can read it."""

    seen: ClassVar[dict[str, list]] = {}

    def __init__(self, name):
        self._name = name

    def process(self, element):
        Collect.seen[self._name].append(element)


def run(elements, transform):
    """Elements of each output of `transform` over `elements`; one list if it has one output."""
    Collect.seen = {}
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        result = pipeline | beam.Create(elements, reshuffle=False) | "Tested" >> transform
        outputs = result if isinstance(result, dict) else {"": result}
        for name, output in outputs.items():
            Collect.seen[name] = []
            _ = output | f"Collect({name})" >> beam.ParDo(Collect(name))
    return Collect.seen if isinstance(result, dict) else Collect.seen[""]
