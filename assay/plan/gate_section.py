"""The section `gate` of an analysis file: thresholds that ask for evidence, as `assay.gate.evidence` judges them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from assay.errors import ConfigError, EvalConfigError
from assay.plan.fields import Field, choice, count, expected, json_mapping, list_of, natural, section, text, word

QUESTIONS = ("non_inferior", "not_worse", "at_least", "at_most")
CORRECTIONS = ("holm", "hommel", "fdr_bh", "fdr_by", "none")
POLICIES = ("block", "warn", "pass")
MIN_ROWS = 200
"""Rows below which a slice is undecided where nothing else is said."""


def gate_section(value: Any, path: str) -> dict[str, Any]:
    """Reads the section.

    Returns:
        All of its keys, with defaults; thresholds without those that say nothing.

    Raises:
        ConfigError: an unknown key, one that is missing, or a value that cannot be.
    """
    read = section(value, path, _GATE)
    if not read["thresholds"] and read["force"] is None:
        raise expected(f"{path}.thresholds", "at least one threshold", value.get("thresholds"))
    return read


def check_gate(read: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Refuses thresholds that the eval config gives nothing to judge by; metrics are looked at when a run begins.

    Args:
        read: the content of the analysis file.
        config: its resolved eval config.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    from assay.config.gate_needs import refuse_gate  # here, because it brings protobuf
    from assay.config.resolved import parse_eval_config

    if read["gate"] and not read["evaluators"]:
        refuse_gate(parse_eval_config(config), read["gate"], rubber_stamp=read["rubber_stamp"])


def _threshold(value: Any, path: str) -> dict[str, Any]:
    read = section(value, path, _THRESHOLD)
    asked = [name for name in QUESTIONS if read[name] is not None]
    if len(asked) != 1:
        raise expected(path, f"one of {', '.join(QUESTIONS)}", " and ".join(asked) or None)
    if read["undecided"] is not None and read["severity"] == "warn":
        raise ConfigError(f"{path}.undecided: severity warn never blocks, so it applies to nothing; remove one")
    return {name: item for name, item in read.items() if item is not None}


def _slices(value: Any, path: str) -> list[dict[str, Any]]:
    """Slicing specs as JSON; whether they say what can be is asked of the reader of eval configs."""
    from assay.config.resolved import parse_eval_config  # here, because it brings protobuf

    specs: list[dict[str, Any]] = list_of(json_mapping)(value, path)
    if not specs:
        raise expected(path, "at least one slicing spec; leave the key out for all slices", value)
    for i, spec in enumerate(specs):
        try:
            parse_eval_config({"slicing_specs": [spec]})
        except EvalConfigError as error:
            raise EvalConfigError(str(error).replace("slicing_specs[0]", f"{path}[{i}]")) from error
    return specs


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise expected(path, "a number", value)
    return float(value)


def _margin(value: Any, path: str) -> float:
    margin = _number(value, path)
    if not margin > 0:
        raise expected(path, "a number above 0; use not_worse to block any shown regression", value)
    return margin


def _reason(value: Any, path: str) -> str:
    """Text; empty text forces nothing, so that a parameter may decide."""
    return text(value, path) if value != "" else ""


def _alpha(value: Any, path: str) -> float:
    alpha = _number(value, path)
    if not 0 < alpha < 0.5:
        raise expected(path, "a number above 0 and below 0.5, such as 0.05", value)
    return alpha


_NON_INFERIOR: Mapping[str, Field] = {"margin": Field(_margin)}
_FORCE: Mapping[str, Field] = {"reason": Field(_reason)}
_THRESHOLD: Mapping[str, Field] = {
    "metric": Field(word),
    "model": Field(text, None),
    "output": Field(text, None),
    "class_id": Field(natural, None),
    "k": Field(count, None),
    "top_k": Field(count, None),
    "slices": Field(_slices, None),
    "non_inferior": Field(lambda value, path: section(value, path, _NON_INFERIOR), None),
    "not_worse": Field(lambda value, path: section(value, path, {}), None),
    "at_least": Field(_number, None),
    "at_most": Field(_number, None),
    "better": Field(choice("higher", "lower"), None),
    "min_rows": Field(count, None),
    "severity": Field(choice("block", "warn"), "block"),
    "undecided": Field(choice(*POLICIES), None),
}
_GATE: Mapping[str, Field] = {
    "alpha": Field(_alpha, 0.05),
    "correction": Field(choice(*CORRECTIONS), "holm"),
    "undecided": Field(choice(*POLICIES), "block"),
    "min_rows": Field(count, MIN_ROWS),
    "looks": Field(count, 1),
    "force": Field(lambda value, path: section(value, path, _FORCE), None),
    "thresholds": Field(list_of(_threshold), []),
}
