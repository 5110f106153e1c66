"""`blessed.json`: which model is the baseline today, moved by who blesses, read when a run begins. Light."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay import storage
from assay.errors import ConfigError, MissingFileError, PublishLostError
from assay.models.known import types_to_trust
from assay.plan.plan import Plan
from assay.text import json_text

_MOST_BYTES = 1 << 20

BLESSED = "blessed"
"""Type of a model whose URI is that of `blessed.json`."""


def blessed_uri(plan: Plan) -> str:
    """Where a plan finds its baseline; "" if it does not look for a blessed one."""
    return next((str(model["uri"]) for model in plan.models if model["type"] == BLESSED), "")


def candidate_of(plan: Plan) -> dict[str, Any]:
    """The model that a plan judges, the first if there are several; empty if predictions are in the data.

    A counterfactual model is a model that is fed other values: what may be released is the model itself.
    """
    candidates = sorted((model for model in plan.models if not model.get("baseline")), key=_is_counterfactual)
    return {key: value for key, value in candidates[0].items() if key != "counterfactual"} if candidates else {}


def _is_counterfactual(model: Mapping[str, Any]) -> bool:
    return "counterfactual" in model


def blessing_of(plan: Plan, verdict: Mapping[str, Any], *, digest: str, manifest: str, output: str) -> dict[str, Any]:
    """What is said of a candidate that is blessed.

    Args:
        plan: with its parameters.
        verdict: as `verdict.json` has it.
        digest: of the gate's checkpoint; "" for none.
        manifest: of it; "" for none.
        output: folder of the results.
    """
    facts = {"verdict": verdict["status"], "rows": verdict["rows"], "rubber_stamp": verdict["rubber_stamp"]}
    return {"model": candidate_of(plan), **facts, "digest": digest, "manifest": manifest, "output": output}


def today(plan: Plan) -> dict[str, Any] | None:
    """The model that is blessed today, where a plan asks for it and there is one."""
    uri = blessed_uri(plan)
    return read(uri) if uri else None


def read(uri: str) -> dict[str, Any] | None:
    """The model that is blessed today; None before the first.

    Raises:
        ConfigError: the file is there and says something else.
    """
    try:
        blessing = json_text.loads(storage.read(uri, most=_MOST_BYTES))
        model: dict[str, Any] = blessing["model"]
        if not all(isinstance(model[key], str) for key in ("type", "uri")) or model["type"] == BLESSED:
            raise TypeError("of type, uri")
    except MissingFileError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{uri}: expected blessed.json as BlessOperator writes it, with a model that has type and uri; found "
            "another file"
        ) from error
    return model


def move(uri: str, blessing: Mapping[str, Any]) -> None:
    """Makes `blessed.json` say what is blessed from now on.

    Raises:
        PublishLostError: somebody else moved it in the meantime.
    """
    content = (json.dumps(blessing, indent=2, sort_keys=True) + "\n").encode()
    before = storage.stat(uri)
    try:
        storage.publish(uri, content, replacing=None if before is None else before.generation)
    except PublishLostError:
        if storage.read(uri) != content:  # else it was this very try, whose answer was lost
            raise


def with_baseline(plan: Plan, model: Mapping[str, Any] | None) -> Plan:
    """The plan with the blessed model for its baseline.

    Args:
        plan: with a model of type `BLESSED`; any other is returned as it is.
        model: what `read` found. With None the plan has no baseline, and change thresholds are not checked: the
            first candidate has nothing to be compared with.
    """
    if not blessed_uri(plan):
        return plan
    if model is None:
        others = tuple(other for other in plan.models if other["type"] != BLESSED)
        return replace(plan, models=others, eval_config=_without_baseline(plan), rubber_stamp=True)
    models = (_baseline(model, other) if other["type"] == BLESSED else other for other in plan.models)
    return replace(plan, models=tuple(models))


def _baseline(model: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The blessed model in the role that the plan's entry has for it; only the plan may trust a model, no blessing."""
    settings = {key: value for key, value in model.items() if key != "trusted"}
    trust = {"trusted": True} if entry.get("trusted") and model["type"] in types_to_trust() else {}
    return {**settings, **trust, "name": entry["name"], "baseline": True}


def _without_baseline(plan: Plan) -> dict[str, Any]:
    from assay.config.resolved import parse_eval_config, resolve_eval_config, to_canonical_json

    config = resolve_eval_config(parse_eval_config(plan.eval_config), has_baseline_model=False, rubber_stamp=True)
    resolved: dict[str, Any] = json.loads(to_canonical_json(config))
    return resolved
