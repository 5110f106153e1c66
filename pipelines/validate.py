"""A pipeline that evaluates a model and blesses it if it may be released."""

from __future__ import annotations

from typing import Any

from kfp.dsl.base_component import BaseComponent

from assay.pipelines.from_plan import build
from assay.plan.plan import Plan


def model_validation(plan: Plan, **settings: Any) -> BaseComponent:
    """Evaluates; if the candidate is blessed, `blessed.json` is moved to it, where the plan has such a baseline.

    Args:
        plan: of an analysis.
        settings: see `assay.pipelines.build`.
    """
    return build(plan, **settings)
