"""A SavedModel is a program. One that touches files or runs code beside TensorFlow's is refused before it is loaded.

What counts is what the evaluated signature reaches, and what loading the model runs. A vocabulary that lies in the
model's own folder, and the values of its variables, are read by loading as ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from assay.errors import ModelError
from assay.models import tensorflow_graph as graphs
from assay.models.model import ModelRef

_RUN_CODE = "runs Python code"
_READ, _WRITE, _READ_WRITE = "reads files", "writes files", "reads and writes files"
_NETWORK = "talks to a network"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), _RUN_CODE),
    "DatasetFromGraph": "runs a graph that is hidden in data",
    **dict.fromkeys(
        (
            *(
                "ReadFile",
                "MatchingFiles",
                "Restore",
                "RestoreSlice",
                "RestoreV2",
                "DTensorRestoreV2",
                "ImmutableConst",
            ),
            *("LoadAndRemapMatrix", "GenerateVocabRemapping", "RecordInput", "Skipgram", "InitializeTRTResource"),
            *("TFRecordReader", "TextLineReader", "WholeFileReader", "FixedLengthRecordReader", "LMDBReader"),
            *("TFRecordReaderV2", "TextLineReaderV2", "WholeFileReaderV2", "FixedLengthRecordReaderV2"),
            *("TFRecordDataset", "TFRecordDatasetV2", "TextLineDataset", "CSVDataset", "CSVDatasetV2"),
            *("FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "LMDBDataset", "SqlDataset", "LoadDataset"),
            *("MatchingFilesDataset", "ListSnapshotChunksDataset", "SnapshotChunkDataset", "SnapshotDatasetReader"),
            *("SnapshotNestedDatasetReader", "ExperimentalCSVDataset", "ExperimentalLMDBDataset"),
            *("ExperimentalMatchingFilesDataset", "ExperimentalSqlDataset"),
        ),
        _READ,
    ),
    **dict.fromkeys(
        (
            *("WriteFile", "Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints", "SaveDataset", "SaveDatasetV2"),
            *("DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "DumpTensor", "CalibrationStatisticsSaver"),
            *(
                "CreateSummaryFileWriter",
                "CreateSummaryDbWriter",
                "DebugIdentity",
                "DebugIdentityV2",
                "DebugIdentityV3",
            ),
            *("DebugNanCount", "DebugNumericSummary", "Copy", "CopyHost"),
        ),
        _WRITE,
    ),
    **dict.fromkeys(
        ("CacheDataset", "CacheDatasetV2", "SnapshotDataset", "SnapshotDatasetV2", "FileSystemSetConfiguration"),
        _READ_WRITE,
    ),
    **dict.fromkeys(
        (
            *("DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4"),
            *("RegisterDataset", "RegisterDatasetV2", "DistributedSave", "RpcClient", "RpcServer", "RpcCall"),
        ),
        _NETWORK,
    ),
}
"""Op -> what it does, whatever it is given. TensorFlow itself does not tell that of its ops."""

_TABLES = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")
_CURE = "if you trust it to do that, say `trusted: true` for the model (SECURITY.md)"


class Use(NamedTuple):
    """An op that touches what it should not.

    Attributes:
        op: its name in TensorFlow.
        does: such as "writes files".
        node: the name that it has in the graph.
    """

    op: str
    does: str
    node: str


def refuse_untrusted(ref: ModelRef, graph: Any, signature: str) -> None:
    """Refuses a model that would touch files or run code, unless `ref.trusted`.

    Args:
        ref: the model.
        graph: its MetaGraphDef.
        signature: name of the evaluated signature.

    Raises:
        ModelError: naming signature, op, and what to do.
    """
    if ref.trusted:
        return
    for asset in graph.asset_file_def:
        path = PurePosixPath(asset.filename)
        if path.is_absolute() or ".." in path.parts:
            raise ModelError(f"model {ref.name!r}: its asset {asset.filename!r} is outside of {ref.uri}; {_CURE}")

    outputs = [info.name for info in graph.signature_def[signature].outputs.values()]
    _refuse(ref, f"signature {signature!r}", _uses_of_signature(graph, signature, outputs))
    _refuse(ref, "loading it", _uses_of_loading(graph))


def _refuse(ref: ModelRef, what: str, uses: Iterable[Use]) -> None:
    use = next(iter(uses), None)
    if use is not None:
        raise ModelError(
            f"model {ref.name!r} ({ref.uri}): {what} runs {use.op} ({use.node!r}), which {use.does}; {_CURE}"
        )


def _uses_of_signature(graph: Any, signature: str, outputs: Iterable[str]) -> Iterator[Use]:
    nodes = graphs.nodes_reached(graph, outputs)
    names = [*graphs.called(nodes), *(node.op for node in nodes), *graphs.signature_functions(graph, signature)]
    yield from _uses(nodes, ())
    for function in graphs.functions_reached(graph, names).values():
        yield from _uses(function.node_def, ())


def _uses_of_loading(graph: Any) -> Iterator[Use]:
    library = graphs.functions_of(graph)
    roots = graphs.loading_functions(graph)
    for function in graphs.functions_reached(graph, roots).values():
        assets = _asset_arguments(graph, library, function.signature.name) if function.signature.name in roots else ()
        yield from _uses(function.node_def, assets)

    nodes = graphs.loading_nodes(graph)
    assets = [asset.tensor_info.name.split(":")[0] for asset in graph.asset_file_def]
    yield from _uses(nodes, assets)
    for function in graphs.functions_reached(graph, graphs.called(nodes)).values():
        yield from _uses(function.node_def, ())


def _asset_arguments(graph: Any, library: Mapping[str, Any], name: str) -> list[str]:
    """Returns the arguments of a function that are bound to files in the model's own folder; they come last."""
    objects = graph.object_graph_def.nodes
    bound = graph.object_graph_def.concrete_functions[name].bound_inputs
    arguments = [argument.name for argument in library[name].signature.input_arg]
    last = zip(reversed(arguments), reversed(bound), strict=False)
    return [argument for argument, node_id in last if objects[node_id].HasField("asset")]


def _uses(nodes: Iterable[Any], assets: Collection[str]) -> Iterator[Use]:
    """Yields what nodes of one graph or function touch; `assets` are what they may read tables from."""
    all_nodes = list(nodes)
    for node in all_nodes:
        does = REFUSED.get(node.op) or _does_as_set(node)
        if node.op in _TABLES and _source(node.input[1], all_nodes) not in assets:
            does = "reads a file that is not an asset of the model"
        if does:
            yield Use(node.op, does, node.name)


def _does_as_set(node: Any) -> str:
    """What ops do that touch files only where an attribute says so; "" for those that do not."""
    if node.op == "PrintV2" and node.attr["output_stream"].s.startswith(b"file://"):
        return _WRITE
    if node.op == "FixedUnigramCandidateSampler" and node.attr["vocab_file"].s:
        return _READ
    if node.op in ("DecodeProtoV2", "EncodeProto"):
        source = node.attr["descriptor_source"].s
        return "" if not source or source.startswith((b"local://", b"bytes://")) else _READ
    return ""


def _source(tensor: str, nodes: Iterable[Any]) -> str:
    """Returns the name of the node or argument that a tensor comes from, behind nodes that only hand it on."""
    by_name = {node.name: node for node in nodes}
    name, steps = tensor.split(":")[0], len(by_name)
    while steps and name in by_name and by_name[name].op == "Identity":
        name, steps = by_name[name].input[0].split(":")[0], steps - 1
    return name
