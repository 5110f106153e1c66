"""What a cluster does for a user of Kubeflow, without one: the command of a pod, filled in as a launcher does it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kfp.launcher import executor_input


@dataclass(frozen=True)
class Pod:
    """The container of one task of a compiled pipeline.

    Attributes:
        command: the line that runs it, where its image's packages are installed.
        told: what the launcher tells it: inputs, and where outputs go.
    """

    command: str
    told: Mapping[str, Any]

    def output(self, name: str) -> str:
        """The value of an output parameter."""
        return Path(self.told["outputs"]["parameters"][name]["outputFile"]).read_text()

    def artifact(self, name: str) -> str:
        """The content of an output artifact."""
        return Path(self.told["outputs"]["artifacts"][name]["artifacts"][0]["uri"]).read_text()


def pod_of(pipeline: Path, task: str, given: Mapping[str, Any]) -> Pod:
    """The pod of a task, whose constants are in the pipeline and whose other inputs are given."""
    spec = next(yaml.safe_load_all(pipeline.read_text()))
    component = spec["components"][spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]]
    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    told = executor_input(component, {**_constants(spec, task), **given}, pipeline.parent / "pod")
    values = {"{{$}}": json.dumps(told), "{{$.pipeline_job_uuid}}": "job"}
    variables = [f"{entry['name']}={entry['value']}" for entry in container.get("env", [])]
    words = [*container["command"], *(values.get(word, word) for word in container["args"])]
    return Pod(shlex.join(["env", *variables, *words]), told)


def _constants(spec: Mapping[str, Any], task: str) -> dict[str, Any]:
    inputs = spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    return {name: value["runtimeValue"]["constant"] for name, value in inputs.items() if "runtimeValue" in value}


def upload(file: str, uri: str) -> str:
    """The line that puts a file into a bucket."""
    code = f"from assay import storage; storage.write({uri!r}, open({file!r}, 'rb').read())"
    return f"python -c {shlex.quote(code)}"
