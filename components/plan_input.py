"""The plan of a task: as JSON, by its URI, or by its path under the root. Standard library only."""

from __future__ import annotations

import os

from assay import storage
from assay.errors import ConfigError
from assay.plan.as_json import from_json, to_json
from assay.plan.plan import Plan
from assay.plan.stored import publish_plan, uri_of_plan
from assay.storage.uris import is_uri

PLAN_VARIABLE = "ASSAY_PLAN"
"""Environment variable with the JSON of a plan. The first task of a pipeline has it and stores the plan; so the inputs
of all tasks are short enough to read, and a compiled pipeline has the plan once."""


def environment_text(plan: Plan) -> str:
    """The value of `PLAN_VARIABLE`. Kubernetes reads `$$` and `$(NAME)` in it, so it has no such text."""
    return to_json(plan).replace("$$", r"\u0024\u0024").replace("$(", r"\u0024(")


def plan_uri(given: str, root: str) -> str:
    """The URI of the plan of a task. A plan that comes as JSON is stored first.

    Args:
        given: the parameter `plan`: JSON, a URI, or a path under the root.
        root: folder or URI of all checkpoints.

    Raises:
        ConfigError: there is no plan, or the variable has another one than the parameter says.
    """
    if given.lstrip().startswith("{"):
        return publish_plan(from_json(given), root)
    if not given:
        raise ConfigError("plan: expected a plan as JSON, its URI, or its path under the root; found nothing")

    uri = given if is_uri(given) or given.startswith("/") else storage.join(root, given)
    text = os.environ.get(PLAN_VARIABLE, "")
    return _published(from_json(text), root, uri) if text else uri


def _published(plan: Plan, root: str, expected: str) -> str:
    uri = uri_of_plan(plan, root)
    if uri != expected:
        raise ConfigError(
            f"plan: expected {expected}, found {uri} in the variable {PLAN_VARIABLE}; compile the pipeline again"
        )
    return publish_plan(plan, root)
