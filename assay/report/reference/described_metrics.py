"""What there is to say of each metric and plot, from what is registered: for docs/metrics.md and `assay metrics`."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from assay.metrics.declare import CHOSEN, Definition
from assay.metrics.entries.boxes import DETECTION, OBJECT
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Ranked, Vectors

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z])")
_NAN = re.compile(r"\bNaN\b")
_CLAUSE = re.compile(r";\s+(?=NaN\b)")


class Setting(NamedTuple):
    """A setting of a metric's config.

    Attributes:
        name: as the config has it.
        default: as JSON, or in words; None where the config has to set it.
    """

    name: str
    default: str | None


@dataclass(frozen=True)
class DescribedMetric:
    """A metric or plot.

    Attributes:
        class_names: what a config calls it; all but the first are aliases.
        names: what its values are called in results, by class name; "" for a plot that is not named there.
        is_plot: whether its values are those of a plot.
        value: what a value is.
        settings: of its config, but for `name`.
        example: settings that make a working metric, as in a config; "" if none are needed.
        range: where values lie; "" where that cannot be said.
        better: "higher" or "lower"; "" if neither.
        undefined: when a value is NaN; "" where its family tells, or where it never is.
        source: where its definition comes from; "" where its family tells.
        labels: the labels that it takes.
        predictions: the predictions that it takes.
        is_of_queries: whether it needs `query_key` of the metrics spec.
        compares: whether it compares a model with the baseline, and so needs one.
    """

    class_names: tuple[str, ...]
    names: tuple[str, ...]
    is_plot: bool
    value: str
    settings: tuple[Setting, ...]
    example: str
    range: str
    better: str
    undefined: str
    source: str
    labels: str
    predictions: str
    is_of_queries: bool
    compares: bool


@dataclass(frozen=True)
class Family:
    """Metrics that belong together.

    Attributes:
        name: of the module that declares them.
        title: what they are, without a full stop.
        text: what holds for all of them, in paragraphs; "" for nothing.
        label_rule: which labels they accept, where that needs saying; "" otherwise.
        undefined: sentences on when values of all of them are NaN; "" for none.
        source: where their definitions come from; "" where each metric tells.
        metrics: the metrics, in the order of their declaration.
    """

    name: str
    title: str
    text: str
    label_rule: str
    undefined: str
    source: str
    metrics: tuple[DescribedMetric, ...]


class Described(NamedTuple):
    """A docstring, taken apart."""

    value: str
    undefined: str
    source: str


def families_of(registered: Mapping[str, Definition]) -> list[Family]:
    """Describes all metrics, family by family.

    Args:
        registered: definitions by class name; those that share function and state are one metric and its aliases.
    """
    grouped = itertools.groupby(_by_metric(registered.values()), key=lambda twins: twins[0].function.__module__)
    return [_family(module, list(metrics)) for module, metrics in grouped]


def describe(docstring: str | None) -> Described:
    """Tells what a value is, when it is NaN, and where it comes from: sentences with NaN, and those on sources."""
    sentences = _SENTENCE.split(_one_line(docstring or ""))
    clauses = [clause for sentence in sentences for clause in _CLAUSE.split(sentence)]
    undefined = [clause for clause in clauses if _NAN.search(clause)]
    sources = [clause for clause in clauses if clause.startswith(("Source:", "Sources:"))]
    values = [clause for clause in clauses if clause not in undefined + sources]
    return Described(
        _sentence(". ".join(part.rstrip(".") for part in values)),
        "; ".join(part.removeprefix("NaN").rstrip(".").strip() for part in undefined),
        "; ".join(part.partition(":")[2].rstrip(".").strip() for part in sources),
    )


def first_sentence(text: str) -> str:
    """The first of the sentences of a text."""
    return _SENTENCE.split(text, maxsplit=1)[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _by_metric(definitions: Iterable[Definition]) -> list[list[Definition]]:
    """Definitions grouped with their aliases, families in the order in which they were registered."""
    metrics: dict[Any, list[Definition]] = {}
    for definition in definitions:
        metrics.setdefault((definition.function, definition.needs), []).append(definition)
    families = list(dict.fromkeys(twins[0].function.__module__ for twins in metrics.values()))
    return sorted(metrics.values(), key=lambda twins: families.index(twins[0].function.__module__))


def _family(module: str, metrics: Sequence[Sequence[Definition]]) -> Family:
    docstring = inspect.cleandoc(importlib.import_module(module).__doc__ or "")
    title, *rest = _SENTENCE.split(docstring, maxsplit=1)
    described = describe(docstring)
    return Family(
        name=module.rpartition(".")[2],
        title=_one_line(title).rstrip("."),
        text="".join(rest),
        label_rule=_label_rule(metrics),
        undefined=described.undefined,
        source=described.source,
        metrics=tuple(map(_metric, metrics)),
    )


def _label_rule(metrics: Sequence[Sequence[Definition]]) -> str:
    domains = {twins[0].class_name: twins[0].needs.domain for twins in metrics}
    binary = [name for name, domain in domains.items() if domain.shares and not domain.of_classes]
    if not binary:
        return ""
    which = "" if len(binary) == len(metrics) else f" for {', '.join(f'`{name}`' for name in binary)}"
    return f"Labels must lie in [0, 1]{which}; a label between counts as both, in part."


def _metric(twins: Sequence[Definition]) -> DescribedMetric:
    first = twins[0]
    described = describe(first.function.__doc__)
    return DescribedMetric(
        class_names=tuple(definition.class_name for definition in twins),
        names=tuple(dict.fromkeys(definition.name if definition.kept_name else "" for definition in twins)),
        is_plot=first.is_plot,
        value=described.value,
        settings=tuple(_settings(first)),
        example=first.example,
        range=first.range,
        better=first.better or "",
        undefined=described.undefined or first.undefined,
        source=described.source,
        labels=_labels(first),
        predictions=_predictions(first),
        is_of_queries=isinstance(first.needs.domain.view, Ranked),
        compares=first.needs.reads.baseline,
    )


def _settings(definition: Definition) -> Iterator[Setting]:
    if definition.top_k:
        yield Setting("top_k_list", None if definition.top_k == "required" else "all rows")
    for name, default in {**definition.state_settings, **definition.settings}.items():
        yield Setting(name, None if default is inspect.Parameter.empty else _json(default))


def _json(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value)


# What it takes --------------------------------------------------------------------------------------------------------

_NOT_READ = "not read"


def _labels(definition: Definition) -> str:
    domain, reads = definition.needs.domain, definition.needs.reads
    if definition.is_of_column or not reads.labels:
        return _NOT_READ
    no_numbers = _labels_that_are_no_numbers(reads)
    if no_numbers:
        return no_numbers
    if domain.one_class:
        return "class ids; or a number for each class, of which the highest counts"
    if domain.whole_classes:
        return "0 or 1 for each class; or class ids, one a row, or lists of them with sparse_labels"
    if isinstance(domain.view, Ranked):
        return "numbers"
    if isinstance(domain.view, Vectors):
        return "class ids; or a share for each class"
    return "0 and 1, or shares between them" if domain.shares else "numbers"


def _labels_that_are_no_numbers(reads: Reads) -> str:
    """What they have to be; "" where they are numbers."""
    if reads.masks is not None:
        return "masks: encoded images, or lists of class ids with decode_ground_truth: false"
    if reads.boxes is not None:
        return f"a list of objects in each row, each [{', '.join(OBJECT)}]"
    return "" if reads.pairing is None else reads.pairing.described["labels"]


def _predictions(definition: Definition) -> str:
    domain, reads = definition.needs.domain, definition.needs.reads
    if definition.is_of_column or not reads.predictions:
        return _NOT_READ
    if reads.masks is not None:
        return "masks: lists of class ids, or encoded images with decode_prediction: true"
    if reads.boxes is not None:
        return f"a list of detections in each row, each [{', '.join(DETECTION)}]{_scores_of_boxes(definition)}"
    if reads.pairing is not None:
        return reads.pairing.described["predictions"]
    if reads.baseline:
        return f"those of both models: {_words_of_scores(definition)}"
    if isinstance(domain.view, Ranked):
        return "one number a row, by which the rows of a query are ranked"

    return _words_of_scores(definition)


def _scores_of_boxes(definition: Definition) -> str:
    """Which scores detections may have, with the settings that change it."""
    if definition.needs.domain.high < math.inf:
        others = [name for name in ("thresholds",) if name in definition.state_settings]
        return "; scores from 0 to 1" + "".join(f", or any with {name}" for name in others)
    evenly = "num_thresholds" in definition.state_settings
    return "; scores of any kind" + (", or from 0 to 1 with num_thresholds" if evenly else "")


def _words_of_scores(definition: Definition) -> str:
    """What predictions have to be, with the settings that change it."""
    domain = definition.needs.domain
    each = " for each class" if isinstance(domain.view, Vectors) else ""
    others: dict[str, list[str]] = {}
    for setting, other in _other_domains(definition):
        if _scores(other) != _scores(domain):
            others.setdefault(_scores(other), []).append(setting)
    more = [f"{scores} with {' or '.join(settings)}" for scores, settings in others.items()]
    return f"{_scores(domain)}{each}" + "".join(f"; {text}" for text in more)


def _scores(domain: Domain) -> str:
    if (domain.low, domain.high) == (0.0, 1.0):
        return "probabilities"
    if domain.low > -math.inf:
        return f"numbers from {domain.low:g} on"
    return "scores of any kind" if domain.shares else "numbers"


def _other_domains(definition: Definition) -> Iterator[tuple[str, Domain]]:
    """Settings, and what the metric is defined for where a config sets one of them to another value."""
    needs: Any = definition.needs
    has_chosen = any(field.name == CHOSEN for field in dataclasses.fields(needs))
    for setting, default in definition.state_settings.items():
        other = _other(default)
        if other is not None:
            name = definition.renames.get(setting, setting)
            chosen = {CHOSEN: (name,)} if has_chosen else {}
            yield setting, dataclasses.replace(needs, **{name: other}, **chosen).domain


def _other(default: Any) -> Any:
    """Another value for a setting; None where the type does not tell what it could be."""
    if isinstance(default, bool):
        return not default
    if isinstance(default, float):
        return 0.25
    if isinstance(default, tuple) and all(isinstance(part, float) for part in default):
        return (0.25,)
    return None


def _sentence(text: str) -> str:
    return f"{text}." if text else ""
