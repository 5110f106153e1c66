"""What a Keras model was compiled with -> metrics of an eval config, and what of it cannot be one, with the reason.

A name means what it means in Keras. Code of the model's own is never looked for: a file may not say what is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assay.config.own_modules import KERAS_LOSSES, KERAS_METRICS, ONLY_IN_KERAS, OURS_IN_KERAS, own_module
from assay.metrics.ranking_definitions import OF_RANKING
from assay.models.compiled import Compiled
from assay.text.words import snake_case

LOSS = "loss"
"""The name of the loss, of each output."""

_ACCURACY, _CROSS_ENTROPY = ("accuracy", "acc"), ("crossentropy", "ce")
_ALIASES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "kullback_leibler_divergence": "KLDivergence",
    "logcosh": "LogCosh",
}
"""Short names of Keras in small letters -> class."""
_OF_LOSSES = {"LogCoshError": "LogCosh"}
_OF_METRICS = {loss: metric for metric, loss in _OF_LOSSES.items()}
_MEANS = ("sum_over_batch_size", "auto", "mean", "mean_with_sample_weight")
_LOSSES_TOO = frozenset(("CategoricalHinge", "CosineSimilarity", "Hinge", "KLDivergence", "Poisson", "SquaredHinge"))
"""Losses that are called like metrics of Keras."""
_METRICS_TOO = frozenset(("F1Score",))
"""Metrics of Keras that are called like one of ours, which is another."""
_CLASSES = {
    spelled: class_name
    for class_name in sorted(OURS_IN_KERAS.union(*ONLY_IN_KERAS.values(), _LOSSES_TOO, _METRICS_TOO))
    for spelled in (class_name, snake_case(class_name))
}
"""A name of Keras -> class."""
_DO_NOT_ADD_UP = frozenset(("Circle", "ConcordanceCorrelation", "CTC", "Dice", "PearsonCorrelation", "Tversky"))
"""What no sum over rows gives."""
_RANKING = "tensorflow_ranking>"
"""Before the names under which TensorFlow Ranking registers its classes."""
_NOT_BY_NAME = "it is code of the model's own; name it with its module in metrics_specs"


class DefaultMetric(NamedTuple):
    """A metric that a model was compiled with, as an eval config asks for it.

    Attributes:
        name: what Keras calls it.
        class_name: as in a MetricConfig.
        module: likewise.
        settings: likewise, without the name.
        output: the output of the model; "" for the only one.
        weighted: whether it counts the weights of rows.
    """

    name: str
    class_name: str
    module: str
    settings: Mapping[str, Any]
    output: str = ""
    weighted: bool = False


class Unknown(NamedTuple):
    """What a model was compiled with and no config can ask for.

    Attributes:
        name: what Keras calls it.
        why: the reason, and what to do.
    """

    name: str
    why: str


class _Unmapped(Exception):
    """The reason."""


def default_metrics(compiled: Compiled) -> list[DefaultMetric | Unknown]:
    """The metrics and the loss of a model, of each output."""
    losses = _by_output(compiled.loss, compiled.outputs)
    found: list[DefaultMetric | Unknown] = []
    for asked, weighted in ((compiled.metrics, False), (compiled.weighted_metrics, True)):
        for output, of_output in _by_output(asked, compiled.outputs).items():
            loss = next(map(_class_of, losses.get(output, ())), "")
            found += [_metric(one, output, loss, compiled.width, weighted=weighted) for one in of_output]
    for output, of_output in losses.items():
        found += [_loss(one, output) for one in of_output]
    if len(losses) > 1:
        found.append(Unknown(LOSS, f"it is the sum over the outputs, each of which has its own {LOSS}"))
    return found


def _by_output(asked: Any, outputs: Sequence[str]) -> dict[str, list[Any]]:
    """Output -> what is asked for it; the only output is ""."""
    is_mapping = isinstance(asked, Mapping) and "class_name" not in asked
    if len(outputs) < 2 and not (is_mapping and len(asked) > 1):
        return {"": [*_flat(asked)]}
    if is_mapping:
        return {name: [*_flat(of_output)] for name, of_output in asked.items()}
    if isinstance(asked, list) and len(asked) == len(outputs):
        return {name: [*_flat(of_output)] for name, of_output in zip(outputs, asked, strict=True)}
    return {name: [*_flat(asked)] for name in outputs}


def _flat(asked: Any) -> Iterator[Any]:
    """What is asked for one output, lists of lists and mappings by output taken apart."""
    if isinstance(asked, list):
        for one in asked:
            yield from _flat(one)
    elif isinstance(asked, Mapping) and "class_name" not in asked:
        yield from _flat([*asked.values()])
    elif asked is not None:
        yield asked


def _metric(asked: Any, output: str, loss: str, width: int | None, *, weighted: bool) -> DefaultMetric | Unknown:
    name = _name_of(asked)
    try:
        if _is_of_ranking(asked):
            return _of_ranking(asked, name, output)._replace(weighted=weighted)
        class_name, settings = _class_of(asked), _settings_of(asked)
        if isinstance(asked, str) and name.lower() in (*_ACCURACY, *_CROSS_ENTROPY):
            class_name = _for_shape(name, loss, width)
        class_name = _OF_METRICS.get(class_name, class_name)
        if class_name not in OURS_IN_KERAS | ONLY_IN_KERAS[KERAS_METRICS] | _METRICS_TOO:
            raise _Unmapped(_NOT_BY_NAME)
        return _asked(name, class_name, KERAS_METRICS, settings, output)._replace(weighted=weighted)
    except _Unmapped as error:
        return Unknown(name, str(error))


def _loss(asked: Any, output: str) -> DefaultMetric | Unknown:
    try:
        class_name, settings = _class_of(asked), _settings_of(asked)
        class_name = _OF_LOSSES.get(class_name, class_name)
        if class_name not in OURS_IN_KERAS | ONLY_IN_KERAS[KERAS_LOSSES] | _LOSSES_TOO:
            raise _Unmapped(_NOT_BY_NAME)
        reduction = settings.pop("reduction", _MEANS[0])
        if reduction not in _MEANS:
            raise _Unmapped(f"its reduction is {reduction!r}, and assay's loss is the mean over rows")
        return _asked(LOSS, class_name, KERAS_LOSSES, settings, output)._replace(weighted=True)
    except _Unmapped as error:
        return Unknown(LOSS, f"{_name_of(asked)}: {error}")


def _asked(name: str, class_name: str, module: str, settings: Mapping[str, Any], output: str) -> DefaultMetric:
    if class_name in _DO_NOT_ADD_UP:
        raise _Unmapped("it is no sum over rows, so that parts of the data cannot be merged")
    if settings.get("average", "macro") is None:
        raise _Unmapped(f"it has a value for each class; name {class_name} with an average in metrics_specs")
    if own_module(module, class_name):
        return DefaultMetric(name, class_name, module, settings, output)
    # Settings of Keras that are off need not be known to a metric of ours.
    is_off = {"axis": -1}
    kept = {key: value for key, value in settings.items() if value is not None and value is not False}
    return DefaultMetric(name, class_name, "", {k: v for k, v in kept.items() if is_off.get(k) != v}, output)


def _is_of_ranking(asked: Any) -> bool:
    return isinstance(asked, Mapping) and str(asked["class_name"]).startswith(_RANKING)


def _of_ranking(asked: Mapping[str, Any], name: str, output: str) -> DefaultMetric:
    """A metric of TensorFlow Ranking, with its own gains and discounts."""
    class_name, settings = asked["class_name"].removeprefix(_RANKING), _settings_of(asked)
    if class_name not in OF_RANKING:
        raise _Unmapped("assay does not have this metric of TensorFlow Ranking")
    settings.pop("ragged", None)
    for function, default in (("gain_fn", "pow_minus_1"), ("rank_discount_fn", "log2_inverse")):
        if settings.pop(function, None) not in (None, default, f"{_RANKING}{default}"):
            raise _Unmapped(f"its {function} is code of the model's own")
    topn = settings.pop("topn", None)
    return DefaultMetric(name, class_name, "", {**settings, **({"topn": topn} if topn else {})}, output)


def _for_shape(name: str, loss: str, width: int | None) -> str:
    """The class that Keras takes for `accuracy` and `crossentropy`, which goes by the numbers of a prediction.

    Labels that are class ids or one-hot vectors give the same value.
    """
    kinds = ("BinaryAccuracy", "CategoricalAccuracy")
    if name.lower() in _CROSS_ENTROPY:
        kinds = ("BinaryCrossentropy", "CategoricalCrossentropy")
    if width is None and loss not in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        raise _Unmapped(
            f"which {name} it is depends on the shape of the predictions, which the model's files do not tell; name "
            f"{kinds[0]} or {kinds[1]} in metrics_specs"
        )
    return kinds[0] if width == 1 else kinds[1]


def _class_of(asked: Any) -> str:
    """The class of Keras that a text, a function or an object stands for; "" where it is the model's own."""
    if isinstance(asked, str):
        return _ALIASES.get(asked.lower()) or _CLASSES.get(asked) or _CLASSES.get(asked.lower(), "")
    class_name, module = asked["class_name"], asked.get("module") or ""
    if class_name == "MeanMetricWrapper":
        return _class_of(asked["config"].get("fn"))
    if class_name == "function":
        return _class_of(asked["config"]) if module.split(".")[0] in ("keras", "tf_keras") else ""
    if ">" in class_name or (module and module.split(".")[0] not in ("keras", "tf_keras")):
        return ""
    return str(class_name)


def _settings_of(asked: Any) -> dict[str, Any]:
    config = asked["config"] if isinstance(asked, Mapping) else None
    if not isinstance(config, Mapping):
        return {}
    return {key: value for key, value in config.items() if key not in ("name", "dtype", "fn")}


def _name_of(asked: Any) -> str:
    if isinstance(asked, str):
        return asked
    config = asked["config"]
    name = config.get("name") if isinstance(config, Mapping) else config
    return name if isinstance(name, str) else str(asked["class_name"])
