"""A stand-in for the launcher that a cluster puts before each container, with its two rules.

Output artifacts stay where it says, below the root of the pipeline; input artifacts are copied whole into the pod, so
that all of them together may be small only. It runs the command of a component in this process.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kfp.dsl.base_component import BaseComponent

from assay.components import run
from tests.kfp.goldens import text_of

MOST_BYTES = 1_000_000


@dataclass
class Task:
    """What became of a task.

    Attributes:
        code: exit code.
        parameters: output parameters.
        artifacts: output artifacts, as Kubeflow knows them.
    """

    code: int
    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def content(self, name: str) -> str:
        return Path(self.artifacts[name]["uri"]).read_text()


@dataclass
class Launcher:
    """Runs components one by one, as the tasks of one run of a pipeline.

    Attributes:
        root: of the pipeline, not of the checkpoints.
        job: name of the run.
    """

    root: Path
    job: str = "job"

    def run(self, component: BaseComponent, /, **given: Any) -> Task:
        """Runs a component; inputs that are artifacts are given as `Task.artifacts` has them."""
        told, words = self.call(component, given)
        try:
            run.main(words, standalone_mode=False)
        except SystemExit as ended:
            return outputs_of(told, int(ended.code or 0))
        raise AssertionError("the command did not exit")

    def call(self, component: BaseComponent, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """What stands for `{{$}}`, and the words behind the command of a component."""
        self.root.mkdir(exist_ok=True)
        spec = yaml.safe_load(text_of(component, self.root))
        (interface,) = spec["components"].values()
        (executor,) = spec["deploymentSpec"]["executors"].values()
        folder = self.root / uuid.uuid4().hex
        told = executor_input(interface, given, folder)
        assert copied_bytes(told) <= MOST_BYTES
        command = executor["container"]["args"]
        values = {"{{$}}": json.dumps(told), "{{$.pipeline_job_uuid}}": self.job}
        assert executor["container"]["command"] == ["python", "-P", "-m", "assay.components.run"]
        return told, [values.get(word, word) for word in command]


def executor_input(interface: dict[str, Any], given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What stands for `{{$}}`."""
    inputs, outputs = interface.get("inputDefinitions", {}), interface.get("outputDefinitions", {})
    wanted = inputs.get("parameters", {})
    defaults = {name: found["defaultValue"] for name, found in wanted.items() if "defaultValue" in found}
    return {
        "inputs": {
            "parameterValues": defaults | {name: given[name] for name in wanted if name in given},
            "artifacts": {name: {"artifacts": [given[name]]} for name in inputs.get("artifacts", {})},
        },
        "outputs": {
            "parameters": {name: {"outputFile": str(folder / name)} for name in outputs.get("parameters", {})},
            "artifacts": {
                name: {"artifacts": [artifact(name, found["artifactType"], folder)]}
                for name, found in outputs.get("artifacts", {}).items()
            },
            "outputFile": str(folder / "executor_output.json"),
        },
    }  # fmt: skip


def artifact(name: str, kind: dict[str, str], folder: Path) -> dict[str, Any]:
    return {"name": name, "type": kind, "uri": str(folder / name), "metadata": {}}


def copied_bytes(told: dict[str, Any]) -> int:
    """The size of all input artifacts."""
    files = [Path(found["artifacts"][0]["uri"]) for found in told["inputs"]["artifacts"].values()]
    return sum(file.stat().st_size for file in files)


def outputs_of(told: dict[str, Any], code: int) -> Task:
    """Reads the outputs as the launcher does."""
    if code:
        assert not Path(told["outputs"]["outputFile"]).exists()
        return Task(code)
    said = json.loads(Path(told["outputs"]["outputFile"]).read_text())
    artifacts = {}
    for name, given in told["outputs"]["artifacts"].items():
        (expected,), (found,) = given["artifacts"], said["artifacts"].get(name, given)["artifacts"]
        assert found["uri"] == expected["uri"], "an output artifact was put elsewhere"
        artifacts[name] = found
    for name, file in told["outputs"]["parameters"].items():
        value = said["parameterValues"][name]
        written = Path(file["outputFile"]).read_text()
        assert written == (value if isinstance(value, str) else json.dumps(value))
    return Task(code, said["parameterValues"], artifacts)
