"""What a Keras model was compiled with, as its files say: losses and metrics. No code of the model is run or imported.

A `.keras` archive has it in its `config.json`; a SavedModel of Keras 2 (TensorFlow 2.5 and later) in
`keras_metadata.pb`. A SavedModel that Keras 3 exports has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from assay import bounds, storage
from assay.errors import ModelError
from assay.models import files
from assay.models.model import ModelRef
from assay.models.tensorflow_keras import archive_config

METADATA_FILE = "keras_metadata.pb"
_ROOT = "root"
"""The path of the model itself among the objects of a SavedModel."""


class Compiled(NamedTuple):
    """What `compile` was called with, as JSON.

    Attributes:
        loss: one for all outputs, or a list or mapping of them; None without any.
        metrics: one, a list, or lists or a mapping of such for outputs; None without any.
        weighted_metrics: likewise, of metrics that count the weights of rows.
        outputs: names of the outputs, in order; empty if the files do not tell them, as of a Sequential model.
        width: numbers of a prediction of the only output; None where the files do not tell.
    """

    loss: Any
    metrics: Any
    weighted_metrics: Any
    outputs: tuple[str, ...] = ()
    width: int | None = None


def compiled_with(ref: ModelRef) -> Compiled | None:
    """Reads what a model was compiled with; None if it was not, or is no model of Keras.

    Args:
        ref: a model that was checked.

    Raises:
        ModelError: the files are damaged.
    """
    config, told = _READERS[ref.type](ref) if ref.type in _READERS else ({}, None)
    if not told:
        return None
    layers = _layers(config)
    outputs = _output_names(layers.get("output_layers", ()))
    return Compiled(
        told.get("loss"),
        told.get("metrics"),
        told.get("weighted_metrics"),
        outputs,
        _width(layers.get("layers", ()), outputs),
    )


def _of_archive(ref: ModelRef) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    config = archive_config(ref)
    return config, config.get("compile_config")


def _of_saved_model(ref: ModelRef) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    uri = storage.join(ref.uri, METADATA_FILE)
    if not files.exists(uri):
        return {}, None
    try:
        with files.open_binary(uri) as stream:
            nodes = _saved_metadata().FromString(_at_most(stream.read(_most() + 1), ref)).nodes
        root: Mapping[str, Any] = next((json.loads(node.metadata) for node in nodes if node.node_path == _ROOT), {})
    except (DecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"model {ref.name!r}: {uri} is damaged: {error}; save the model again") from error
    return root.get("model_config") or root, root.get("training_config")


_READERS: Mapping[str, Callable[[ModelRef], tuple[Mapping[str, Any], Mapping[str, Any] | None]]] = {
    "keras": _of_archive,
    "saved_model": _of_saved_model,
}
"""Type of a model -> its config, and what it was compiled with."""


def _most() -> int:
    return bounds.MODEL_CONFIG.value * bounds.MB


def _at_most(content: bytes, ref: ModelRef) -> bytes:
    if len(content) > _most():
        raise ModelError(f"model {ref.name!r}: {METADATA_FILE} of {ref.uri} has more than {bounds.MODEL_CONFIG}")
    return content


def _saved_metadata() -> Any:
    """The message of `keras_metadata.pb`, of whose fields only these two are read."""
    file = descriptor_pb2.FileDescriptorProto(name="assay/saved_metadata.proto", package="assay.keras", syntax="proto3")
    node, metadata = file.message_type.add(name="Node"), file.message_type.add(name="Metadata")
    text = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    for name, number in (("node_path", 3), ("metadata", 5)):
        node.field.add(name=name, number=number, type=text, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    metadata.field.add(
        name="nodes",
        number=1,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".assay.keras.Node",
        label=descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("assay.keras.Metadata"))


def _layers(config: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = config.get("config")
    return inner if isinstance(inner, Mapping) else {}


def _output_names(output_layers: Any) -> tuple[str, ...]:
    """The names of the outputs of a functional model, as Keras gives them to metrics."""
    if isinstance(output_layers, Mapping):
        return tuple(output_layers)
    if output_layers and isinstance(output_layers[0], str):  # Keras 3 writes an only one without a list around it
        return (output_layers[0],)
    return tuple(layer[0] for layer in output_layers)


def _width(layers: Any, outputs: tuple[str, ...]) -> int | None:
    """Units of the last layer, where it is a Dense one: what its activation does not change."""
    if len(outputs) > 1 or not layers:
        return None
    last = next((layer for layer in layers if outputs and layer["config"].get("name") == outputs[0]), layers[-1])
    return last["config"].get("units") if last.get("class_name") == "Dense" else None
