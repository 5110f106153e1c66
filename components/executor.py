"""The JSON that Kubeflow Pipelines gives to a container and expects back. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import ConfigError

_MOUNTS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
"""Scheme of a URI -> where the launcher on a cluster mounts its buckets in a container."""


@dataclass(frozen=True)
class Executor:
    """The executor input of a task: its inputs, and where its outputs go.

    Attributes:
        parameters: name -> value of each input parameter.
        artifacts: name -> artifact of each output, as Kubeflow writes it.
        parameter_files: name -> file of each output parameter.
        output_file: the file for all outputs.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, Any]]
    parameter_files: Mapping[str, str]
    output_file: str

    @classmethod
    def from_json(cls, text: str) -> Executor:
        """Reads the value of the placeholder `{{$}}`.

        Raises:
            ConfigError: it has another form.
        """
        try:
            executor_input = json.loads(text)
            parameters = executor_input.get("inputs", {}).get("parameterValues", {})
            outputs = executor_input["outputs"]
            artifacts = {name: output["artifacts"][0] for name, output in outputs.get("artifacts", {}).items()}
            files = {name: output["outputFile"] for name, output in outputs.get("parameters", {}).items()}
            return cls(parameters, artifacts, files, outputs["outputFile"])
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ConfigError(f"--executor-input: expected what Kubeflow puts for {{{{$}}}}; {error!r}") from error

    def text(self, name: str) -> str:
        """A parameter as text; "" if it is not given."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def mapping(self, name: str) -> dict[str, str]:
        """A parameter that is a mapping, without empty values; values as text."""
        value = self.parameters.get(name) or {}
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name}: expected a mapping, found {value!r}")
        return {str(key): str(item) for key, item in value.items() if item not in (None, "")}

    def texts(self, name: str) -> list[str]:
        """A parameter that is a list of texts."""
        value = self.parameters.get(name) or []
        if not isinstance(value, list):
            raise ConfigError(f"{name}: expected a list, found {value!r}")
        return [str(item) for item in value]


@dataclass
class Outputs:
    """The outputs of a task: parameters, and metadata and content of artifacts. Names that it lacks are ignored."""

    executor: Executor
    parameters: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)

    def parameter(self, name: str, value: Any) -> None:
        """Sets an output parameter, if the component has it."""
        if name in self.executor.parameter_files:
            self.parameters[name] = value
            _write(self.executor.parameter_files[name], value if isinstance(value, str) else json.dumps(value))

    def artifact(self, name: str, metadata: Mapping[str, Any], content: str | None = None) -> None:
        """Sets an artifact's metadata and, under the URI that Kubeflow gave, its content, if the component has it."""
        if name in self.executor.artifacts:
            self.metadata[name] = dict(metadata)
            if content is not None:
                _write(path_of(self.executor.artifacts[name]["uri"]), content)

    def write(self) -> None:
        """Writes all outputs where Kubeflow reads them. The URIs of artifacts stay, as a cluster accepts no others."""
        artifacts = {}
        for name, metadata in self.metadata.items():
            artifact = {key: value for key, value in self.executor.artifacts[name].items() if key != "type"}
            artifacts[name] = {"artifacts": [{**artifact, "metadata": {**artifact.get("metadata", {}), **metadata}}]}

        outputs = {"parameterValues": self.parameters, "artifacts": artifacts}
        _write(self.executor.output_file, json.dumps(outputs, allow_nan=False))


def path_of(uri: str) -> str:
    """The file behind the URI of an artifact, as a container sees it."""
    for scheme, folder in _MOUNTS.items():
        if uri.startswith(scheme):
            return folder + uri.removeprefix(scheme)
    return uri


def _write(path: str, content: str) -> None:
    os.makedirs(Path(path).parent, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")
