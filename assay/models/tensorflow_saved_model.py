"""TensorFlow SavedModels: a signature that takes serialised tf.Examples, or one that takes named tensors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from assay.errors import ModelError
from assay.models import files, inputs
from assay.models.inputs import TEXT, InputSpec
from assay.models.model import ModelNeeds, ModelRef, Runner
from assay.models.tensorflow import empty_output, import_tensorflow, input_spec, numpy_outputs, tensor
from assay.types import Extracts

_GRAPH = "saved_model.pb"
_DEFAULT_SIGNATURE = "serving_default"
_PARSERS = ("ParseExample", "ParseSingleExample", "ParseSequenceExample", "DecodeProto")


def check(ref: ModelRef) -> None:
    """Checks that `ref.uri` is the folder of a SavedModel.

    Raises:
        ModelError: it is not; the message says what is there.
    """
    if files.exists(files.join(ref.uri, _GRAPH)):
        return
    there = files.children(ref.uri)
    versions = [name for name in there if name.isdigit() and files.exists(f"{files.join(ref.uri, name)}/{_GRAPH}")]
    if versions:
        newest = files.join(ref.uri, max(versions, key=int))
        raise ModelError(f"model {ref.name!r}: {ref.uri} holds versions of a model; name one of them, such as {newest}")
    if not files.is_remote(ref.uri) and not files.exists(ref.uri):
        raise ModelError(f"model {ref.name!r}: nothing at {ref.uri}; expected the folder of a SavedModel")
    hint = "; for a Keras file say `type: keras`" if ref.uri.endswith(".keras") else ""
    raise ModelError(f"model {ref.name!r}: no {_GRAPH} in {ref.uri}; expected the folder of a SavedModel{hint}")


def needs(ref: ModelRef) -> ModelNeeds:
    """Reads the signature from the graph's file.

    Raises:
        ModelError: there is no such signature, or an input of it is ragged or sparse.
    """
    specs, raw = _read_signature(ref, ref.uri)
    return ModelNeeds(raw=True, columns=()) if raw else ModelNeeds(raw=False, columns=inputs.wanted_columns(specs, ref))


def load(ref: ModelRef, path: str) -> Runner:
    """Loads the SavedModel at `path`.

    Raises:
        ModelError: there is no such signature, or an input of it is ragged or sparse.
    """
    tf = import_tensorflow()
    specs, raw = _read_signature(ref, path)
    inputs.wanted_columns(specs, ref)
    model = tf.saved_model.load(path)
    function = model.signatures[_signature_name(ref, model.signatures)]

    def run(extracts: Extracts, model: Any = model) -> Any:  # `function` alone would let the variables go
        arrays = {specs[0].name: inputs.raw_records(extracts, ref)} if raw else inputs.arrays(extracts, specs, ref)
        return numpy_outputs(function(**{s.name: tensor(arrays[s.name], s) for s in specs}), ref)

    outputs = function.structured_outputs
    return Runner(run, {name: empty_output(out.dtype.name, _shape(out.shape)) for name, out in outputs.items()})


def _read_signature(ref: ModelRef, folder: str) -> tuple[tuple[InputSpec, ...], bool]:
    """Returns the inputs, sorted by name, and whether the only one takes serialised tf.Examples."""
    import_tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2

    with files.open_binary(files.join(folder, _GRAPH)) as stream:
        graphs = saved_model_pb2.SavedModel.FromString(stream.read()).meta_graphs
    graph = next((g for g in graphs if "serve" in g.meta_info_def.tags), graphs[0])
    signature = graph.signature_def[_signature_name(ref, graph.signature_def)]
    specs = tuple(_spec(name, signature.inputs[name], ref) for name in sorted(signature.inputs))
    return specs, _is_raw(specs, ref) and _parses_examples(graph.graph_def)


def _is_raw(specs: tuple[InputSpec, ...], ref: ModelRef) -> bool:
    lone_text = len(specs) == 1 and specs[0].dtype == TEXT and len(specs[0].shape or (None,)) == 1
    return lone_text and not ref.features


def _parses_examples(graph: Any) -> bool:
    """Tells a signature that takes tf.Examples from one whose only feature is a text."""
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    return any(node.op.startswith(_PARSERS) for body in bodies for node in body)


def _signature_name(ref: ModelRef, there: Iterable[str]) -> str:
    names = sorted(name for name in there if not name.startswith("__"))
    wanted = ref.signature or (names[0] if len(names) == 1 else _DEFAULT_SIGNATURE)
    if wanted in names:
        return wanted
    near = difflib.get_close_matches(wanted, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"model {ref.name!r} has no signature {wanted!r}; it has {', '.join(names) or 'none'}{hint}")


def _spec(name: str, info: Any, ref: ModelRef) -> InputSpec:
    tf = import_tensorflow()
    if info.WhichOneof("encoding") != "name":
        raise ModelError(
            f"model {ref.name!r}: input {name!r} is ragged or sparse; export a signature with dense inputs, or one "
            "that takes serialised tf.Examples"
        )
    return input_spec(name, tf.as_dtype(info.dtype).name, _shape(tf.TensorShape(info.tensor_shape)), ref)


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    return None if shape.rank is None else tuple(shape.as_list())
