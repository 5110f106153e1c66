"""What a stage read and wrote, as OpenLineage describes it: datasets with a namespace and a name.

The checkpoints of a task are one dataset in all runs, with their digest as the version. A glob is reported as the
folder before its first wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from assay.models.known import is_code
from assay.plan.plan import READ_INPUTS, Plan, Task
from assay.plan.tasks import is_checkpointed, kind_of, runs_models, task_named
from assay.storage.uris import is_uri, parts_of

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from openlineage.client.event_v2 import Dataset

_WILDCARD = re.compile(r"[*?\[]")


def lineage_of(plan: Plan, stage: str, inputs: Mapping[str, Any], result: Mapping[str, Any]) -> OperatorLineage:
    """Inputs and outputs of a stage that is done.

    Args:
        plan: with its parameters.
        stage: name of a task of the plan.
        inputs: task -> what its operator returned, or the URI of its manifest.
        result: what the stage's operator returns.
    """
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    task = task_named(plan, stage)
    manifests = [source if isinstance(source, str) else source["manifest"] for source in inputs.values()]
    read = [checkpoint(manifest) for manifest in manifests]
    read += [dataset(uri) for uri in dict.fromkeys(map(folder_of, _uris(plan, task)))]

    wrote = [results(plan.output, result["output"], result["counts"].get("rows"))] if result["output"] else []
    wrote += [checkpoint(result["manifest"], rows=result["rows"])] if result["manifest"] else []
    return OperatorLineage(inputs=read, outputs=wrote)


def results(output: str, folder: str, rows: int | None) -> Dataset:
    """The dataset of an analysis's results, one for all runs; its version is the folder of the run."""
    return dataset(output, version=folder.rsplit("/", 1)[-1], rows=rows)


def checkpoint(manifest: str, rows: int | None = None) -> Dataset:
    """The dataset of a checkpoint, by the URI of its manifest."""
    uri, digest, _ = manifest.rsplit("/", 2)
    return dataset(uri, version=digest, rows=rows)


def dataset(uri: str, version: str = "", rows: int | None = None) -> Dataset:
    """The dataset at a path or URI: an output if its number of rows is given, else an input."""
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset, output_statistics_output_dataset

    namespace, name = name_of(uri)
    facets = {"version": dataset_version_dataset.DatasetVersionDatasetFacet(version)} if version else {}
    if rows is None:
        return InputDataset(namespace=namespace, name=name, facets=facets)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets={"outputStatistics": statistics})


def name_of(uri: str) -> tuple[str, str]:
    """Namespace and name: of a URI `gs://bucket` and what follows; of a path `file` and the path."""
    if not is_uri(uri):
        return "file", uri.rstrip("/") or "/"
    scheme, bucket, name = parts_of(uri)
    return f"{scheme}://{bucket}", name.strip("/") or "/"


def folder_of(pattern: str) -> str:
    """The folder before the first wildcard of a glob; a path without wildcards as it is."""
    plain = _WILDCARD.split(pattern, maxsplit=1)[0]
    return pattern if plain == pattern else plain.rpartition("/")[0]


def _uris(plan: Plan, task: Task) -> Iterable[str]:
    """The data and models that a task reads."""
    is_whole = not is_checkpointed(plan)
    if is_whole or kind_of(plan, task) == READ_INPUTS:
        yield from plan.inputs.get("files", ())
        yield from (plan.inputs.get("join") or {}).get("files", ())
    if is_whole or runs_models(plan, task):
        yield from (model["uri"] for model in plan.models if not is_code(model["type"]))
