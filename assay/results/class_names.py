"""Names of classes, to stand beside their ids wherever a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from assay.metrics.keys import MetricKey, PlotKey, SubKey
from assay.proto.config_pb2 import EvalConfig
from assay.text.printable import shortened

ClassNames: TypeAlias = Mapping[str, Sequence[str]]
"""Model -> names of its classes, by class id; under "" those on which all models agree."""

NO_NAMES: ClassNames = {}

_LONGEST = 40


def class_names(config: EvalConfig) -> ClassNames:
    """The names that the model specs of a config give."""
    by_model = {spec.name: tuple(spec.classes) for spec in config.model_specs}
    agreed = next(iter(by_model.values()), ())
    return {"": agreed if all(names == agreed for names in by_model.values()) else (), **by_model}


def class_text(class_id: int, names: Sequence[str]) -> str:
    """A class for people: `1`, or `1 (cat)`."""
    return f"{class_id} ({shortened(names[class_id], _LONGEST)})" if 0 <= class_id < len(names) else str(class_id)


def part_texts(key: MetricKey | PlotKey, classes: ClassNames, between: str) -> Iterator[str]:
    """What a sub key says, for people: `class_id=1 (cat)` with "=" between."""
    for name, number in sub_key_parts(key.sub_key).items():
        names = classes.get(key.model_name, ()) if name == "class_id" else ()
        yield f"{name}{between}{class_text(number, names)}"


def sub_key_parts(key: SubKey | None) -> dict[str, int]:
    """The fields of a sub key that are set: `{"class_id": 1}`."""
    return {name: number for name, number in (key or SubKey())._asdict().items() if number is not None}
