"""Paths of an analysis file, from the folder or URI that they start at."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay.errors import ConfigError
from assay.models.known import is_code
from assay.plan.blessed import BLESSED
from assay.plan.plan import Plan
from assay.storage.uris import is_uri, parts_of


def uri_below(uri: str, base: str) -> str:
    """An absolute path or a URI; what starts with a parameter is left for the parameter to make absolute."""
    uri = os.path.expanduser(uri)
    if is_uri(uri) or uri.startswith("${"):
        return uri
    if is_uri(base) and not os.path.isabs(uri):
        return _below(base, uri)
    return os.path.abspath(os.path.join(base, uri))


def _below(base: str, uri: str) -> str:
    scheme, bucket, folder = parts_of(base)
    joined = posixpath.normpath(posixpath.join(f"{bucket}/{folder}", uri))
    if joined.split("/", 1)[0] != bucket:
        raise ConfigError(f"expected a path that stays in the bucket of {base}, found {uri!r}")
    return f"{scheme}://{joined}"


def inputs_below(inputs: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The section `inputs`, its files and those of its join by absolute paths."""
    inputs = {key: value for key, value in inputs.items() if key != "image"}
    if "files" not in inputs:
        return inputs
    join = inputs.pop("join")
    if join is not None:
        inputs["join"] = {**_with_files_below(join, base), "format": join["format"] or inputs["format"]}
    return _with_files_below(inputs, base)


def _with_files_below(source: Mapping[str, Any], base: str) -> dict[str, Any]:
    return {**source, "files": [uri_below(file, base) for file in source["files"]]}


def model_below(model: Mapping[str, Any], base: str) -> dict[str, Any]:
    """A model by an absolute path, without what is not set."""
    if model["baseline"] == BLESSED:
        trust = {"trusted": True} if model["trusted"] else {}
        uri = uri_below(model["uri"], base)
        return {"name": model["name"], "uri": uri, "type": BLESSED, "baseline": True, **trust}
    uri = model["uri"] if is_code(model["type"]) else uri_below(model["uri"], base)
    return {key: value for key, value in {**model, "uri": uri}.items() if value is not None}


def absolute(plan: Plan, base: str) -> Plan:
    """The plan with the paths of its files, models and output from `base` on."""
    inputs = _with_files_below(plan.inputs, base)
    if "join" in inputs:
        inputs["join"] = _with_files_below(inputs["join"], base)
    models = [
        model if is_code(model["type"]) else {**model, "uri": uri_below(model["uri"], base)} for model in plan.models
    ]
    return replace(plan, inputs=inputs, models=tuple(models), output=uri_below(plan.output, base))
