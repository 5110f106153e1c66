"""The compiled components and pipelines that are kept: `python -m tests.kfp.goldens` writes them again."""

import re
from collections.abc import Iterator
from pathlib import Path

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from assay.components.stage_components import COMPONENTS
from assay.pipelines import Pods, compare_models, compiled, model_validation, retraining
from assay.pipelines.pods import for_task
from tests.kfp.plans import plan_of, versions_of

ROOT = Path(__file__).parents[2]
COMPILED, GOLDEN = ROOT / "components" / "compiled", Path(__file__).parent / "golden"


@dsl.container_component
def train(model: dsl.OutputPath(str)):  # type: ignore[valid-type]
    return dsl.ContainerSpec(
        image="assay-core:0.1.0",
        command=["sh", "-c", 'mkdir -p "$(dirname "$0")" && printf score > "$0"'],
        args=[model],
    )


@dsl.container_component
def push(model: str):
    return dsl.ContainerSpec(image="assay-core:0.1.0", command=["echo"], args=[model])


def pipelines() -> dict[str, BaseComponent]:
    """Name -> pipeline."""
    data, out, root = "gs://bucket/data", "gs://bucket/results", "gs://bucket/checkpoints"
    pods = for_task({"*": Pods(memory_limit="4Gi", node_selector={"pool": "batch"}, image_pull_policy="Always")})
    return {
        "model_validation": model_validation(plan_of(data, out), root=root, for_task=pods),
        "model_validation_fused": model_validation(plan_of(data, out, checkpoint="none"), root=root),
        "retraining": retraining(
            versions_of(data, out), train=train, push=lambda model: push(model=model), model_param="version", root=root
        ),
        "compare_models": compare_models(versions_of(data, out), root=root),
    }


def kept() -> Iterator[tuple[Path, BaseComponent]]:
    """(file, what is compiled into it)."""
    for component in COMPONENTS:
        yield COMPILED / f"{component.name.replace('-', '_')}.yaml", component
    for name, pipeline in pipelines().items():
        yield GOLDEN / f"{name}.yaml", pipeline


def text_of(pipeline: BaseComponent, folder: Path) -> str:
    """The YAML, without the version of kfp that wrote it."""
    written = compiled(pipeline, folder / "pipeline.yaml").read_text()
    return re.sub(r"^sdkVersion: .*\n", "", written, flags=re.MULTILINE)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for file, pipeline in kept():
            file.parent.mkdir(exist_ok=True)
            file.write_text(text_of(pipeline, Path(folder)))
