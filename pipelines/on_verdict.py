"""What runs only if a candidate is blessed: a pipeline within the pipeline."""

from collections.abc import Callable
from typing import Any, Unpack

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.pipelines.tasks import BLESS, Settings, configured
from assay.plan.plan import CORE_IMAGE


def if_blessed(then: Callable[[dsl.PipelineTask], Any] | None = None, **settings: Unpack[Settings]) -> BaseComponent:
    """Makes the pipeline that blesses a candidate if the verdict says so; to be called by `Analysis.then`.

    It is one of its own, made before the one around it, as `kfp.local` takes conditions on parameters only.

    Args:
        then: adds tasks; is given the task `bless`.
        settings: see `assay.pipelines.Settings`.
    """

    @dsl.pipeline(name="if-blessed")
    def pipeline(blessed: bool, blessing: str) -> None:
        with dsl.If(blessed == True, name="blessed"):  # noqa: E712 # becomes a condition
            task = configured(stages.bless(blessing=blessing), BLESS, CORE_IMAGE, settings)
            if then is not None:
                then(task)

    return pipeline
