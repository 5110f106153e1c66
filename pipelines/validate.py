"""A pipeline that evaluates a model and blesses it if it may be released."""

from __future__ import annotations

from typing import Any

from kfp.dsl.base_component import BaseComponent

from assay.pipelines.from_plan import build
from assay.plan.plan import Plan


def model_validation(plan: Plan, **settings: Any) -> BaseComponent:
    """Makes a pipeline that evaluates, and records a blessed candidate in `blessed.json`, if the plan uses that file.

    Args:
        plan: the plan.
        settings: see `assay.pipelines.build`.
    """
    return build(plan, **settings)
