"""From a plan to a Kubeflow pipeline: a task for each task of the plan, then those that depend on the verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Unpack

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.pipelines.mounts import check_mounts
from assay.pipelines.on_verdict import if_blessed
from assay.pipelines.tasks import FINISH, Settings, analysis, configured
from assay.plan.plan import CORE_IMAGE, Plan
from assay.storage.file_paths import FilePath, path_text


def build(
    plan: Plan,
    *,
    root: FilePath = "",
    name: str = "model-validation",
    description: str = "Evaluates a model and says whether it may be released.",
    on_blessed: Callable[[dsl.PipelineTask], Any] | None = None,
    **settings: Unpack[Settings],
) -> BaseComponent:
    """Makes a pipeline of a plan. It has the parameters of the plan, and `root`.

    Args:
        plan: the plan, with one task or several.
        root: default of the parameter `root`, the folder or gs:// URI of all checkpoints; "" makes it required.
        name: name of the pipeline.
        description: description of the pipeline.
        on_blessed: function that adds tasks, which run only if the candidate is blessed; it gets the task `bless`.
        settings: see `assay.pipelines.Settings`.
    """
    blessing = if_blessed(on_blessed, **settings)

    def pipeline(root: Any, **params: Any) -> None:
        with dsl.ExitHandler(finish(root, settings), name="analysis"):
            outcome = analysis(plan, root=root, params=params, **settings)
            outcome.then(blessing)

    return pipeline_of(pipeline, plan, name=name, description=description, root=root)


def finish(root: Any, settings: Settings) -> dsl.PipelineTask:
    """The task of the exit handler."""
    return configured(stages.finish(root=root), FINISH, CORE_IMAGE, {**settings, "retries": 0})


def pipeline_of(
    function: Callable[..., Any],
    plan: Plan,
    *,
    name: str,
    description: str,
    root: FilePath = "",
    without: Collection[str] = (),
    more: Mapping[str, tuple[Any, Any, str]] | None = None,
) -> BaseComponent:
    """Makes a pipeline of a function of `root` and the plan's parameters.

    Args:
        function: makes the tasks.
        plan: its parameters become those of the pipeline, with their defaults; those without must be given.
        name: name of the pipeline.
        description: description of the pipeline.
        root: default of the parameter `root`; "" for none.
        without: parameters of the plan that the pipeline sets itself.
        more: further parameters: name -> (type, default, description), `...` for no default.

    Raises:
        ConfigError: the root is a bucket or on a volume, and the plan has a path that its task does not see.
    """
    kinds = {"root": (str, path_text(root, "root") or ..., "folder or gs:// URI of all checkpoints."), **(more or {})}
    open_params = {param: default for param, default in plan.params.items() if param not in (*without, *plan.secrets)}
    kinds |= {
        param: (str, ... if default is None else default, f"${{{param}}} of the analysis file.")
        for param, default in open_params.items()
    }
    parameters = [
        inspect.Parameter(
            param,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if default is ... else default,
            annotation=kind,
        )
        for param, (kind, default, _) in kinds.items()
    ]
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)

    def pipeline(*values: Any) -> Any:  # Kubeflow gives them by position
        return function(**dict(zip((parameter.name for parameter in parameters), values, strict=True)))

    pipeline.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # Kubeflow reads it
    pipeline.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    told = (f"    {param}: {text}" for param, (_, _, text) in kinds.items())
    pipeline.__doc__ = "\n".join([description, "", "Args:", *told])
    compiled = dsl.pipeline(name=name, description=description)(pipeline)
    check_mounts(compiled, plan, path_text(root, "root"))
    return compiled
