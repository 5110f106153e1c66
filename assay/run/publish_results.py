"""The last task of a checkpointed plan: result files out of the checkpoints of evaluators and gate."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import apache_beam as beam

from assay.checkpoints import digests
from assay.checkpoints.commit import load_or_none
from assay.checkpoints.layout import manifest_uri
from assay.checkpoints.manifest import Manifest
from assay.checkpoints.transforms import ReadOutput
from assay.evaluators.merge import merge_evaluations
from assay.plan.as_json import digest
from assay.plan.plan import GATE, WRITE_RESULTS
from assay.results.published import Making
from assay.run import dataflow, publishing
from assay.run.build import writers_of
from assay.run.context import Context
from assay.run.outcome import StageResult
from assay.run.output import check_output
from assay.run.pipeline import WriteResults
from assay.run.works import TaskCall
from assay.run.writing import results_written
from assay.types import Evaluation
from assay.verdict import Verdict, total


def publish_results(call: TaskCall, context: Context) -> StageResult:
    """Writes the results; it always does, since somebody may have taken them away."""
    started = time.time()
    check_output(call.plan.output)
    judged = next(manifest for manifest in call.before.values() if manifest.kind == GATE)
    verdict = Verdict.from_json(json.dumps(judged.verdict))
    counts = total(step.counts for step in call.lineage.values())

    run, inputs = call.checkpoints.run, dict(call.checkpoints.inputs)
    read = digests.digest_of({"plan": digest(call.plan), "inputs": inputs, "run": run})
    job = read if dataflow.is_chosen(call.options) else ""
    folder = publishing.results_folder_of(call.plan.output, run, call.asked, job)
    with results_written(
        folder,
        call.task.name,
        read,
        _ReadEvaluation(call.root, call.before),
        WriteResults(writers_of(context, folder)),
        call.options,
        call.remote,
        is_named=bool(run or job),
    ):
        publishing.publish(call.plan, folder, call.task.name, verdict, counts, started, _making(call))
    return StageResult(
        task=call.task.name,
        kind=WRITE_RESULTS,
        counts=asdict(counts.shown(call.plan.min_slice_size, call.plan.round_counts_to)),
        verdict=verdict.status,
        output=folder,
    )


def _making(call: TaskCall) -> Making:
    """What the manifests of all tasks before tell; one that was cleared away meanwhile is left out."""
    digests_of = {task: step.digest for task, step in call.lineage.items()}
    uris = [manifest_uri(call.root, task, digest) for task, digest in digests_of.items()]
    manifests = [manifest for manifest in map(load_or_none, uris) if manifest is not None]
    read = next((manifest for manifest in manifests if manifest.inputs or manifest.models), None)
    return Making(
        seconds={manifest.task: manifest.seconds for manifest in manifests},
        checkpoints=digests_of,
        data=digests.digest_of(dict(read.inputs)) if read and read.inputs else "",
        models={name: digests.digest_of(dict(pins)) for name, pins in read.models.items()} if read else {},
    )


class _ReadEvaluation(beam.PTransform):
    """PBegin -> the Evaluation that the checkpoints of evaluators and gate hold together."""

    def __init__(self, root: str, before: Mapping[str, Manifest]) -> None:
        super().__init__()
        self._root, self._before = root, dict(before)

    def expand(self, pbegin: Any) -> Evaluation:
        read = {name: self._outputs(pbegin, manifest) for name, manifest in self._before.items()}
        return merge_evaluations(read)

    def _outputs(self, pbegin: Any, manifest: Manifest) -> Evaluation:
        return {
            key: pbegin | f"Read({manifest.task}, {key})" >> ReadOutput(self._root, manifest.task, manifest.shards, key)
            for key in manifest.outputs
        }
