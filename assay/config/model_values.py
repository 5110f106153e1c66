"""Checks what a model spec says of the values of labels and predictions."""

from __future__ import annotations

import math
from collections import Counter

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import EvalConfig, ModelSpec, OutputSpec
from assay.text.near_miss import one_of

LINKS = ("logit", "logit_each")
SCALES = ("percent",)


def spec_of_output(spec: ModelSpec, output: str) -> ModelSpec | OutputSpec:
    """What says how labels and predictions of an output are to be read: its own spec, or that of the model."""
    return spec.outputs.get(output, spec)


def check_model_values(config: EvalConfig) -> None:
    """Checks `positive_label`, `classes`, `sparse_labels`, `link`, `scale`, `outputs` and `padding_options`.

    Raises:
        EvalConfigError: a value that is not known, two fields that contradict each other, or an output that no metrics
            spec asks for.
    """
    for i, spec in enumerate(config.model_specs):
        path = f"model_specs[{i}]"
        _check_values(spec, path)
        for output in sorted(spec.outputs):
            _check_output(config, spec.name, output, f"{path}.outputs[{output!r}]")
            _check_values(spec.outputs[output], f"{path}.outputs[{output!r}]")
        if spec.HasField("padding_options"):
            _check_padding(spec, f"{path}.padding_options")
            _check_queries(config, spec.name, f"{path}.padding_options")


def has_column_for_each_class(spec: ModelSpec) -> bool:
    """Whether the prediction keys of a model spec are the names of its classes: columns, and no outputs."""
    return bool(spec.classes) and set(spec.prediction_keys) == set(spec.classes)


def _check_values(spec: ModelSpec | OutputSpec, path: str) -> None:
    _check_classes(spec, f"{path}.classes")
    _check_choice(spec.link, LINKS, f"{path}.link")
    _check_choice(spec.scale, SCALES, f"{path}.scale")
    if spec.positive_label and spec.classes:
        raise EvalConfigError(
            f"{path}.positive_label: classes are set too; expected positive_label where there are two classes, of "
            "which one is positive, or classes where each label names its own"
        )
    if spec.positive_label and spec.sparse_labels:
        raise EvalConfigError(
            f"{path}.positive_label: sparse_labels is set too, but a list of classes is not positive; remove one"
        )
    if spec.link and spec.scale:
        raise EvalConfigError(
            f"{path}.scale: link is set too, which makes probabilities already; remove one of the two"
        )


def _check_output(config: EvalConfig, model: str, output: str, path: str) -> None:
    """Refuses what is said of an output that no metrics spec names: it would be ignored."""
    asked = {
        name
        for spec in config.metrics_specs
        if not spec.model_names or model in spec.model_names
        for name in spec.output_names
    }
    if output not in asked:
        raise EvalConfigError(
            f"{path}: no metrics spec has this output in its output_names{one_of(output, sorted(asked))}"
        )


def _check_padding(spec: ModelSpec, path: str) -> None:
    if spec.sparse_labels:
        raise EvalConfigError(
            f"{path}: sparse_labels is set too, which takes lists of classes of any length; remove one of the two"
        )
    for field, value in spec.padding_options.ListFields():
        if not math.isfinite(value):
            raise EvalConfigError(f"{path}.{field.name}: expected a finite number, found {value}")


def _check_queries(config: EvalConfig, model: str, path: str) -> None:
    """Refuses lists of several lengths where rows of one number each are ranked."""
    for i, spec in enumerate(config.metrics_specs):
        if spec.query_key and (not spec.model_names or model in spec.model_names):
            raise EvalConfigError(
                f"{path}: metrics_specs[{i}].query_key ranks rows by one number each; expected no padding_options, "
                "or a query_key for another model"
            )


def _check_classes(spec: ModelSpec | OutputSpec, path: str) -> None:
    if len(spec.classes) == 1:
        raise EvalConfigError(f"{path}: expected the names of all classes, 2 or more, found {spec.classes[0]!r} alone")
    twice = [name for name, times in Counter(spec.classes).items() if times > 1]
    if twice:
        raise EvalConfigError(f"{path}: {twice[0]!r} occurs twice; expected a different name for each class")
    if "" in spec.classes:
        raise EvalConfigError(f"{path}[{list(spec.classes).index('')}]: expected the name of a class, found ''")


def _check_choice(value: str, known: tuple[str, ...], path: str) -> None:
    if value and value not in known:
        raise EvalConfigError(f"{path}: found {value!r}{one_of(value, known)}")
