"""Keras 3 models in `.keras` files: functional or Sequential, with named inputs or a single one."""

from __future__ import annotations

import copy
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from assay import bounds, storage
from assay.errors import ModelError
from assay.models import files, inputs
from assay.models.inputs import InputSpec
from assay.models.model import ModelNeeds, ModelRef, Runner
from assay.models.tensorflow import empty_output, import_tensorflow, input_spec, numpy_outputs, tensor
from assay.types import Extracts

_CONFIG = "config.json"
_BLOCK_BYTES = 1 << 20


def check(ref: ModelRef) -> None:
    """Checks that `ref.uri` is a `.keras` file.

    Raises:
        ModelError: it is not; the message says what is there.
    """
    if files.exists(storage.join(ref.uri, "saved_model.pb")):
        raise ModelError(f"model {ref.name!r}: {ref.uri} is a SavedModel; say `type: saved_model`")
    if not files.exists(ref.uri):
        raise ModelError(f"model {ref.name!r}: nothing at {ref.uri}; expected a .keras file")
    if files.children(ref.uri) or not _is_keras_zip(ref.uri):
        raise ModelError(
            f"model {ref.name!r}: {ref.uri} is no .keras file of Keras 3; save it with `model.save('name.keras')`"
        )
    if ref.signature not in ("", "serving_default"):
        raise ModelError(f"model {ref.name!r} has no signature {ref.signature!r}: a .keras file has none; remove it")


def needs(ref: ModelRef) -> ModelNeeds:
    """Reads the names of the inputs from the file's config; TensorFlow is not imported.

    Raises:
        ModelError: `features` are named for a model with several inputs.
    """
    names = _input_names(archive_config(ref))
    specs = [InputSpec(name, "float32", None) for name in names]
    return ModelNeeds(raw=False, columns=inputs.wanted_columns(specs, ref) if specs else ref.features or None)


def archive_config(ref: ModelRef) -> Any:
    """Reads the config of the model in the archive, as JSON; TensorFlow is not imported."""
    with files.open_binary(ref.uri) as stream, zipfile.ZipFile(stream) as archive:
        member = archive.getinfo(_CONFIG)
        if member.file_size > bounds.MODEL_CONFIG.value * bounds.MB:
            raise ModelError(f"model {ref.name!r}: {_CONFIG} of {ref.uri} unpacks to more than {bounds.MODEL_CONFIG}")
        content = b"".join(_unpacked(ref, archive, member))
        if zlib.crc32(content) != member.CRC:
            raise zipfile.BadZipFile(f"bad checksum of {_CONFIG}")
        return json.loads(content)


def load(ref: ModelRef, path: str) -> Runner:
    """Loads the model for inference only: losses and metrics it was trained with need not be there.

    Raises:
        ModelError: the model does not tell its inputs, or one of them is ragged or sparse.
    """
    _refuse_bomb(ref, path)
    import_tensorflow()
    import keras

    model = keras.saving.load_model(path, compile=False)
    if not getattr(model, "inputs", None):
        raise ModelError(
            f"model {ref.name!r}: a {type(model).__name__} does not tell its inputs; save a functional or Sequential "
            "model, export a SavedModel, or load it in a custom function (`type: callable`)"
        )
    specs = _specs(model, ref)
    inputs.wanted_columns(specs, ref)
    function = _graph(model)

    def run(extracts: Extracts) -> Any:
        arrays = inputs.arrays(extracts, specs, ref)
        return numpy_outputs(function([tensor(arrays[spec.name], spec) for spec in specs]), ref)

    outputs = _named(_structure(model)[1], model)
    empty = {name: empty_output(out.dtype, out.shape) for name, out in outputs.items()}
    return Runner(run, empty, lambda extracts: inputs.unfit_rows(extracts, specs, ref))


def _refuse_bomb(ref: ModelRef, path: str) -> None:
    """Weights hardly shrink when they are compressed: what unpacks to many times its size is no model."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > bounds.unpacked(os.path.getsize(path)):
            raise ModelError(
                f"model {ref.name!r}: {ref.uri} unpacks to {unpacked:,} bytes, more than {bounds.EXPANSION} and than "
                "1 GB"
            )
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:  # what Keras writes is stored, and costs nothing here
                for _ in _unpacked(ref, archive, member):
                    pass


def _unpacked(ref: ModelRef, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields a member in blocks, its checksum left to the caller.

    Refuses one that unpacks to more than the archive says: who reads it makes room for all of it.
    """
    where = f"model {ref.name!r}: {member.filename} of {ref.uri}"
    if member.compress_type not in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    ):  # others are unpacked as a whole, whatever is asked for
        raise ModelError(f"{where} is packed by method {member.compress_type}; expected deflate, or none as of Keras")

    longer = copy.copy(member)
    longer.file_size += 1
    longer.CRC = None  # type: ignore[assignment] # it is that of the bytes that are said to be there
    left = member.file_size
    with archive.open(longer) as stream:
        while block := stream.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                raise ModelError(f"{where} unpacks to more than the archive says; save the model again")
            yield block


def _structure(model: Any) -> tuple[Any, Any]:
    """Returns inputs and outputs, each one tensor or a list or dict of them, as the model was built with."""
    import keras

    if isinstance(model, keras.Sequential):
        return model.inputs[0], model.outputs[0]
    return model.input, model.output


def _is_keras_zip(uri: str) -> bool:
    with files.open_binary(uri) as stream:
        try:
            return _CONFIG in zipfile.ZipFile(stream).namelist()
        except zipfile.BadZipFile:
            return False


def _input_names(config: Mapping[str, Any]) -> list[str]:
    """Returns the inputs' names as Keras takes them in a dict; none if the config does not tell."""
    if config["class_name"] == "Sequential":
        layers = config["config"]["layers"]
        return [layer["config"]["name"] for layer in layers if layer["class_name"] == "InputLayer"]
    inputs = config["config"].get("input_layers", ())
    if isinstance(inputs, Mapping):
        return sorted(inputs)
    return [inputs[0]] if inputs and isinstance(inputs[0], str) else [layer[0] for layer in inputs]


def _specs(model: Any, ref: ModelRef) -> list[InputSpec]:
    """Returns the inputs in the order in which Keras flattens them."""
    import keras

    taken, _ = _structure(model)
    names = sorted(taken) if isinstance(taken, Mapping) else [kt.name for kt in model.inputs]
    specs = []
    for name, kt in zip(names, keras.tree.flatten(taken), strict=True):
        if getattr(kt, "sparse", False) or getattr(kt, "ragged", False):
            raise ModelError(f"model {ref.name!r}: input {name!r} is ragged or sparse; expected dense inputs")
        specs.append(input_spec(name, kt.dtype, _of_any_rows(kt), ref))
    return specs


def _of_any_rows(kt: Any) -> tuple[int | None, ...]:
    """The shape of an input. Keras records the rows of a first call, and takes any number all the same."""
    return (None, *kt.shape[1:])


def _graph(model: Any) -> Any:
    """Returns a function from flat inputs to outputs by name, traced once for any number of rows."""
    import keras

    tf = import_tensorflow()
    taken, _ = _structure(model)
    signature = [tf.TensorSpec(_of_any_rows(kt), kt.dtype) for kt in keras.tree.flatten(taken)]

    @tf.function(input_signature=[signature])
    def function(flat: Any) -> Any:
        return _named(model(keras.tree.pack_sequence_as(taken, flat), training=False), model)

    return function


def _named(output: Any, model: Any) -> dict[str, Any]:
    if isinstance(output, Mapping):
        return dict(output)
    if isinstance(output, list | tuple):
        return dict(zip(model.output_names, output, strict=True))
    return {"output": output}
