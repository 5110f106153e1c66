"""The tasks that run only if a candidate is blessed: a pipeline inside the pipeline."""

from collections.abc import Callable
from typing import Any, Unpack

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components import stage_components as stages
from assay.pipelines.tasks import BLESS, Settings, configured
from assay.plan.plan import CORE_IMAGE


def if_blessed(then: Callable[[dsl.PipelineTask], Any] | None = None, **settings: Unpack[Settings]) -> BaseComponent:
    """Makes the pipeline that blesses a candidate if the verdict is BLESSED; `Analysis.then` calls it.

    It has to be a pipeline of its own, as `kfp.local` supports only conditions on parameters of a pipeline.

    Args:
        then: function that adds tasks; it gets the task `bless`.
        settings: see `assay.pipelines.Settings`.
    """

    @dsl.pipeline(name="if-blessed")
    def pipeline(blessed: bool, blessing: str) -> None:
        with dsl.If(blessed == True, name="blessed"):  # noqa: E712 # becomes a condition
            task = configured(stages.bless(blessing=blessing), BLESS, CORE_IMAGE, settings)
            if then is not None:
                then(task)

    return pipeline
