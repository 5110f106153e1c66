"""The signature of a SavedModel, read from the graph's file alone: no weights are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assay import storage
from assay.errors import ModelError
from assay.models import files
from assay.models.inputs import TEXT, InputSpec
from assay.models.model import ModelRef
from assay.models.tensorflow import import_tensorflow, input_spec
from assay.models.tensorflow_file_ops import refuse_untrusted
from assay.models.tensorflow_graph import called, functions_of, functions_reached
from assay.text.near_miss import hint

GRAPH_FILE = "saved_model.pb"

_DEFAULT = "serving_default"
_PARSERS = ("ParseExample", "ParseSingleExample", "ParseSequenceExample", "DecodeProto")
_COMPOSITES = ("RAGGED_TENSOR_SPEC", "SPARSE_TENSOR_SPEC")


@dataclass(frozen=True)
class Signature:
    """What a signature takes.

    Attributes:
        name: as in the SavedModel.
        inputs: sorted by name.
        raw: whether its only input takes serialised tf.Examples.
        outputs: their names, sorted.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    raw: bool
    outputs: tuple[str, ...]


def read_signature(ref: ModelRef, folder: str) -> Signature:
    """Returns the signature `ref.signature` of the SavedModel in `folder`.

    Empty means `serving_default`, or the only one there is.

    Raises:
        ModelError: there is no such signature, one of its inputs or outputs is ragged or sparse, or the model would
            touch files or run code and is not trusted.
    """
    graph = _read_graph(folder)
    name = _choose(ref, graph.signature_def)
    refuse_untrusted(ref, graph, name)
    signature = graph.signature_def[name]
    _refuse_composites(graph, signature, ref)
    inputs = tuple(_spec(key, signature.inputs[key], ref) for key in sorted(signature.inputs))
    lone_text = len(inputs) == 1 and inputs[0].dtype == TEXT and len(inputs[0].shape or (None,)) == 1
    raw = lone_text and not ref.features and _parses_examples(graph, signature)
    return Signature(name, inputs, raw, tuple(sorted(signature.outputs)))


def _read_graph(folder: str) -> Any:
    import_tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2

    with files.open_binary(storage.join(folder, GRAPH_FILE)) as stream:
        graphs = saved_model_pb2.SavedModel.FromString(stream.read()).meta_graphs
    return next((graph for graph in graphs if "serve" in graph.meta_info_def.tags), graphs[0])


def _choose(ref: ModelRef, signatures: Iterable[str]) -> str:
    names = sorted(name for name in signatures if not name.startswith("__"))
    wanted = ref.signature or (names[0] if len(names) == 1 else _DEFAULT)
    if wanted in names:
        return wanted
    known = (", ".join(names) or "none") + hint(wanted, names)
    raise ModelError(f"model {ref.name!r} has no signature {wanted!r}; it has {known}")


def _spec(name: str, info: Any, ref: ModelRef) -> InputSpec:
    tf = import_tensorflow()
    shape = tf.TensorShape(info.tensor_shape)
    return input_spec(name, tf.as_dtype(info.dtype).name, None if shape.rank is None else shape.as_list(), ref)


def _refuse_composites(graph: Any, signature: Any, ref: ModelRef) -> None:
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for name, info in tensors.items():
            if info.WhichOneof("encoding") not in (None, "name"):
                raise ModelError(_composite(f"{kind} {name!r} is", ref))
    if _has_composite_argument(graph, signature):
        raise ModelError(_composite(f"one of its inputs ({', '.join(sorted(signature.inputs))}) is part of", ref))


def _composite(what: str, ref: ModelRef) -> str:
    return (
        f"model {ref.name!r}: {what} a ragged or sparse tensor; export a signature with dense inputs and outputs, or "
        "one that takes serialised tf.Examples"
    )


def _has_composite_argument(graph: Any, signature: Any) -> bool:
    """TensorFlow 2 writes a ragged input as two plain ones; only the function behind the signature tells."""
    library = functions_of(graph)
    wrappers = called(_output_nodes(graph, signature))
    behind = [name for wrapper in wrappers if wrapper in library for name in called(library[wrapper].node_def)]
    known = graph.object_graph_def.concrete_functions
    arguments = [str(known[name].canonicalized_input_signature) for name in behind if name in known]
    return any(composite in text for text in arguments for composite in _COMPOSITES)


def _parses_examples(graph: Any, signature: Any) -> bool:
    """Tells a signature that takes tf.Examples from one whose only feature is a text."""
    nodes = list(graph.graph_def.node)
    for function in functions_reached(graph, called(_output_nodes(graph, signature))).values():
        nodes.extend(function.node_def)
    return any(node.op.startswith(_PARSERS) for node in nodes)


def _output_nodes(graph: Any, signature: Any) -> list[Any]:
    names = {info.name.split(":")[0] for info in signature.outputs.values()}
    return [node for node in graph.graph_def.node if node.name in names]
