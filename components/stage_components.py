"""Kubeflow components: a container for each kind of stage, one for a whole plan, and what stands around them.

A component hands on where its checkpoint's manifest is, as a parameter; the artifact has a copy of that small file and
the facts as metadata, as a cluster copies input artifacts whole, and refuses outputs that lie elsewhere than it says.
"""

from typing import Dict, List  # noqa: UP035 # Kubeflow reads the annotations, and knows no others

from kfp import dsl

from assay.plan.plan import CORE_IMAGE, EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS
from assay.plan.tasks import image_named
from assay.run.outcome import ANALYSE

IMAGE = image_named(CORE_IMAGE, {})
"""Of all components, unless a task is given another."""

_RUN = dsl.PIPELINE_JOB_ID_PLACEHOLDER
_GIVEN = dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER


def _container(kind: str) -> dsl.ContainerSpec:
    command = ["python", "-P", "-m", "assay.components.run"]  # -P: nothing of the folder where it runs
    return dsl.ContainerSpec(image=IMAGE, command=command, args=[kind, "--run", _RUN, "--executor-input", _GIVEN])


@dsl.container_component
def read_inputs(
    plan: str,
    root: str,
    checkpoint: dsl.Output[dsl.Dataset],
    manifest: dsl.OutputPath(str),  # type: ignore[valid-type]
    digest: dsl.OutputPath(str),  # type: ignore[valid-type]
    stage: str = "ReadInputs",
    params: Dict[str, str] = {},  # noqa: B006, UP006
    options: List[str] = [],  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Reads the data, and pins data and models.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI of all checkpoints.
        checkpoint: Extracts: a copy of the manifest, with its URI as metadata.
        manifest: URI of the checkpoint's manifest.
        digest: digest of the checkpoint.
        stage: name of the task in the plan.
        params: values of the plan's parameters; an empty value means the default.
        options: Beam pipeline options.
    """
    return _container(READ_INPUTS)


@dsl.container_component
def extract(
    plan: str,
    root: str,
    stage: str,
    inputs: Dict[str, str],  # noqa: UP006
    extracts: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Output[dsl.Dataset],
    manifest: dsl.OutputPath(str),  # type: ignore[valid-type]
    digest: dsl.OutputPath(str),  # type: ignore[valid-type]
    params: Dict[str, str] = {},  # noqa: B006, UP006
    options: List[str] = [],  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Runs extractors in series.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI of all checkpoints.
        stage: name of the task in the plan.
        inputs: URI of the manifest of each earlier task, by task name.
        extracts: input of the extractors.
        checkpoint: Extracts with more columns: a copy of the manifest, with its URI as metadata.
        manifest: URI of the checkpoint's manifest.
        digest: digest of the checkpoint.
        params: values of the plan's parameters; an empty value means the default.
        options: Beam pipeline options.
    """
    return _container(EXTRACT)


@dsl.container_component
def evaluate(
    plan: str,
    root: str,
    stage: str,
    inputs: Dict[str, str],  # noqa: UP006
    extracts: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Output[dsl.Artifact],
    overall_metrics: dsl.Output[dsl.Metrics],
    roc_and_confusion_matrix: dsl.Output[dsl.ClassificationMetrics],
    manifest: dsl.OutputPath(str),  # type: ignore[valid-type]
    digest: dsl.OutputPath(str),  # type: ignore[valid-type]
    params: Dict[str, str] = {},  # noqa: B006, UP006
    options: List[str] = [],  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Runs an evaluator on the output of the extractor in its run_after.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI of all checkpoints.
        stage: name of the task in the plan.
        inputs: URI of the manifest of each earlier task, by task name.
        extracts: input of the evaluator.
        checkpoint: the evaluation: a copy of the manifest, with its URI as metadata.
        overall_metrics: metrics of all rows.
        roc_and_confusion_matrix: of all rows, if there are such plots.
        manifest: URI of the checkpoint's manifest.
        digest: digest of the checkpoint.
        params: values of the plan's parameters; an empty value means the default.
        options: Beam pipeline options.
    """
    return _container(EVALUATE)


@dsl.container_component
def gate(
    plan: str,
    root: str,
    inputs: Dict[str, str],  # noqa: UP006
    verdict_summary: dsl.Output[dsl.Markdown],
    manifest: dsl.OutputPath(str),  # type: ignore[valid-type]
    verdict: dsl.OutputPath(str),  # type: ignore[valid-type]
    blessed: dsl.OutputPath(bool),  # type: ignore[valid-type]
    blessing: dsl.OutputPath(str),  # type: ignore[valid-type]
    stage: str = "Gate",
    params: Dict[str, str] = {},  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Compares metrics with thresholds and gives the verdict.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI of all checkpoints.
        inputs: URI of the manifest of each earlier task, by task name.
        verdict_summary: the verdict with its reasons.
        manifest: URI of the checkpoint's manifest.
        verdict: BLESSED, NOT_BLESSED or NOT_EVALUATED.
        blessed: whether it is BLESSED, for dsl.If.
        blessing: the candidate and the verdict, as input for bless.
        stage: name of the task in the plan.
        params: values of the plan's parameters; an empty value means the default.
    """
    return _container(GATE)


@dsl.container_component
def write_results(
    plan: str,
    root: str,
    inputs: Dict[str, str],  # noqa: UP006
    results: dsl.Output[dsl.Artifact],
    results_page: dsl.Output[dsl.HTML],
    results_summary: dsl.Output[dsl.Markdown],
    output: dsl.OutputPath(str),  # type: ignore[valid-type]
    verdict: dsl.OutputPath(str),  # type: ignore[valid-type]
    stage: str = "WriteResults",
    params: Dict[str, str] = {},  # noqa: B006, UP006
    options: List[str] = [],  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Publishes the results, blessed or not.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI of all checkpoints.
        inputs: URI of the manifest of each earlier task, by task name.
        results: what was done, with the URI of the results as metadata.
        results_page: verdict, metrics by slice and plots.
        results_summary: verdict and metrics in short.
        output: folder of the results.
        verdict: BLESSED, NOT_BLESSED or NOT_EVALUATED.
        stage: name of the task in the plan.
        params: values of the plan's parameters; an empty value means the default.
        options: Beam pipeline options.
    """
    return _container(WRITE_RESULTS)


@dsl.container_component
def analyse(
    plan: str,
    root: str,
    results: dsl.Output[dsl.Artifact],
    overall_metrics: dsl.Output[dsl.Metrics],
    roc_and_confusion_matrix: dsl.Output[dsl.ClassificationMetrics],
    results_page: dsl.Output[dsl.HTML],
    results_summary: dsl.Output[dsl.Markdown],
    output: dsl.OutputPath(str),  # type: ignore[valid-type]
    verdict: dsl.OutputPath(str),  # type: ignore[valid-type]
    blessed: dsl.OutputPath(bool),  # type: ignore[valid-type]
    blessing: dsl.OutputPath(str),  # type: ignore[valid-type]
    stage: str = "Analyse",
    params: Dict[str, str] = {},  # noqa: B006, UP006
    options: List[str] = [],  # noqa: B006, UP006
) -> dsl.ContainerSpec:
    """Runs a whole plan as one Beam job, without checkpoints.

    Args:
        plan: the plan as JSON, its URI, or its path under the root.
        root: folder or gs:// URI, under which plans and runs are recorded.
        results: what was done, with the URI of the results as metadata.
        overall_metrics: metrics of all rows.
        roc_and_confusion_matrix: of all rows, if there are such plots.
        results_page: verdict, metrics by slice and plots.
        results_summary: verdict and metrics in short.
        output: folder of the results.
        verdict: BLESSED, NOT_BLESSED or NOT_EVALUATED.
        blessed: whether it is BLESSED, for dsl.If.
        blessing: the candidate and the verdict, as input for bless.
        stage: name of the task in the plan.
        params: values of the plan's parameters; an empty value means the default.
        options: Beam pipeline options.
    """
    return _container(ANALYSE)


@dsl.container_component
def bless(
    blessing: str,
    model: dsl.OutputPath(str),  # type: ignore[valid-type]
    blessed: str = "",
) -> dsl.ContainerSpec:
    """Records the candidate in blessed.json. It refuses a candidate that is not blessed.

    Args:
        blessing: output of gate or analyse.
        model: URI of the candidate.
        blessed: URI of blessed.json; empty: the file that the plan's blessed baseline comes from, if any.
    """
    return _container("bless")


@dsl.container_component
def finish(status: dsl.PipelineTaskFinalStatus, root: str) -> dsl.ContainerSpec:
    """Exit handler: reports the outcome of each task of a run.

    Args:
        status: filled in by Kubeflow.
        root: folder or gs:// URI of all checkpoints.
    """
    return _container("finish")


@dsl.container_component
def compare(
    names: List[str],  # noqa: UP006
    outputs: List[str],  # noqa: UP006
    root: str,
    comparison: dsl.Output[dsl.Markdown],
    blessed: dsl.OutputPath(List[str]),  # type: ignore[valid-type] # noqa: UP006
) -> dsl.ContainerSpec:
    """Puts the results of several candidates side by side.

    Args:
        names: of the candidates.
        outputs: the folder of the results of each.
        root: folder or gs:// URI of all checkpoints.
        comparison: verdict and metrics of each.
        blessed: names of those that are blessed.
    """
    return _container("compare")


COMPONENTS = (read_inputs, extract, evaluate, gate, write_results, analyse, bless, compare, finish)
