"""Names of classes, to stand beside their ids wherever a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from assay.metrics.keys import MetricKey, PlotKey, SubKey
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.text.printable import shortened

NamesByOutput: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
"""Model and output -> names of its classes, by class id."""

_LONGEST = 40


@dataclass(frozen=True)
class ClassNames:
    """Names of classes by model and output.

    Attributes:
        models: all models.
        by_output: under the output "" those of a model's outputs that have no names of their own.
    """

    models: tuple[str, ...] = ()
    by_output: NamesByOutput = field(default_factory=dict)

    def of(self, model: str, output: str = "") -> Sequence[str]:
        """The names of a model's output, by class id; for "", if no model is called so, those that all models share."""
        if model or model in self.models:
            return self.by_output.get((model, output), self.by_output.get((model, ""), ()))
        shared = {tuple(self.of(name, output)) for name in self.models}
        return shared.pop() if len(shared) == 1 else ()

    def told_by(self, record: MetricsForSlice) -> ClassNames:
        """These names and those that a record has, which are the models' own."""
        new = [one for one in record.classes if not self.by_output.get((one.model_name, one.output_name))]
        if not new:
            return self
        models = dict.fromkeys([*self.models, *(one.model_name for one in new)])
        named = {(one.model_name, one.output_name): tuple(one.names) for one in new}
        return ClassNames(tuple(models), {**self.by_output, **named})


NO_NAMES = ClassNames()


def class_names(config: EvalConfig, records: Iterable[MetricsForSlice] = ()) -> ClassNames:
    """The names that the model specs of a config give, and for outputs without these the names that a model gives.

    Args:
        config: of the run.
        records: of its metrics, which have the models' names.
    """
    by_output: dict[tuple[str, str], Sequence[str]] = {}
    for spec in config.model_specs:
        by_output[spec.name, ""] = tuple(spec.classes)
        by_output |= {(spec.name, output): tuple(own.classes) for output, own in spec.outputs.items()}
    names = ClassNames(tuple(spec.name for spec in config.model_specs), by_output)
    for record in records:
        names = names.told_by(record)
    return names


def class_text(class_id: int, names: Sequence[str]) -> str:
    """A class for people: `1`, or `1 (cat)`."""
    return f"{class_id} ({shortened(names[class_id], _LONGEST)})" if 0 <= class_id < len(names) else str(class_id)


def part_texts(key: MetricKey | PlotKey, classes: ClassNames, between: str) -> Iterator[str]:
    """What a sub key says, for people: `class_id=1 (cat)` with "=" between."""
    for name, number in sub_key_parts(key.sub_key).items():
        names = classes.of(key.model_name, key.output_name) if name == "class_id" else ()
        yield f"{name}{between}{class_text(number, names)}"


def sub_key_parts(key: SubKey | None) -> dict[str, int]:
    """The fields of a sub key that are set: `{"class_id": 1}`."""
    return {name: number for name, number in (key or SubKey())._asdict().items() if number is not None}
