"""A pipeline that trains, compares the new model with what was blessed last, and pushes it if it is blessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.errors import ConfigError
from assay.pipelines.from_plan import finish, pipeline_of
from assay.pipelines.on_verdict import if_blessed
from assay.pipelines.tasks import Settings, analysis
from assay.plan.plan import Plan
from assay.storage.file_paths import FilePath
from assay.text.near_miss import one_of


def retraining(
    plan: Plan,
    *,
    train: Callable[[], dsl.PipelineTask],
    push: Callable[[Any], dsl.PipelineTask],
    model_param: str = "model",
    root: FilePath = "",
    name: str = "retraining",
    description: str = "Trains, evaluates against the blessed model, and pushes what is blessed.",
    **settings: Unpack[Settings],
) -> BaseComponent:
    """Makes the pipeline.

    Args:
        plan: of an analysis whose candidate's `uri` is the parameter `model_param`.
        train: makes the task that trains, with an output parameter `model`: where the new model lies.
        push: is given the URI of the blessed model, and makes the task that releases it.
        model_param: parameter of the plan that takes the trained model.
        root: default of the parameter `root`, the folder or gs:// URI of all checkpoints.
        name: of the pipeline.
        description: of the pipeline.
        settings: see `assay.pipelines.Settings`.

    Raises:
        ConfigError: the plan has no such parameter.
    """
    check_param(plan, model_param, "model_param")
    blessing = if_blessed(lambda task: push(task.outputs["model"]), **settings)

    def pipeline(root: Any, **params: Any) -> None:
        with dsl.ExitHandler(finish(root, settings), name="retraining"):
            trained = train()
            values = {**params, model_param: trained.outputs["model"]}
            outcome = analysis(plan, root=root, params=values, **settings)
            outcome.then(blessing)

    return pipeline_of(pipeline, plan, name=name, description=description, root=root, without=(model_param,))


def check_param(plan: Plan, param: str, argument: str) -> None:
    """Raises ConfigError if a plan lacks a parameter that a pipeline fills in."""
    if param not in plan.params:
        raise ConfigError(f"{argument}: the plan has no parameter {param!r}{one_of(param, list(plan.params))}")
