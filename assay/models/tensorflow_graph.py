"""Which nodes and functions of a SavedModel's graph a signature, or loading the model, reaches. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

SIGNATURES = "signatures"
"""Name of the child of the root object under which TensorFlow 2 keeps the functions of the signatures."""


def functions_of(graph: Any) -> Mapping[str, Any]:
    """Returns the functions (FunctionDef) of a MetaGraphDef by name."""
    return {function.signature.name: function for function in graph.graph_def.library.function}


def called(nodes: Iterable[Any]) -> Iterator[str]:
    """Yields the names of functions that the attributes of nodes name."""
    for node in nodes:
        for value in node.attr.values():
            yield from (function.name for function in (value.func, *value.list.func) if function.name)


def functions_reached(graph: Any, names: Iterable[str]) -> dict[str, Any]:
    """Returns the functions `names` and all that they call, directly or not, by name."""
    library = functions_of(graph)
    reached: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in reached or name not in library:
            continue
        function = reached[name] = library[name]
        waiting.extend(called(function.node_def))
        waiting.extend(node.op for node in function.node_def)  # a call may also name its function as the op
        waiting.extend(_alternatives(function, library))
    return reached


def _alternatives(function: Any, library: Mapping[str, Any]) -> Iterator[str]:
    """TensorFlow's optimiser may call another function in place of one, if both say to implement the same thing."""
    interface = _implements(function)
    if interface:
        yield from (name for name, other in library.items() if _implements(other) == interface)


def _implements(function: Any) -> bytes:
    return bytes(function.attr["api_implements"].s) if "api_implements" in function.attr else b""


def nodes_reached(graph: Any, names: Iterable[str]) -> list[Any]:
    """Returns the nodes of the main graph that must run for those of these names, themselves included.

    Args:
        graph: a MetaGraphDef.
        names: of nodes or tensors ("node", "node:0", "^node").
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    reached: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name in nodes and name not in reached:
            reached[name] = nodes[name]
            waiting.extend(nodes[name].input)
    return list(reached.values())


def signature_functions(graph: Any, signature: str) -> list[str]:
    """Returns the functions that TensorFlow 2 runs for a signature; none for a model of TensorFlow 1."""
    objects = graph.object_graph_def.nodes
    if not objects:
        return []
    maps = [objects[child.node_id] for child in objects[0].children if child.local_name == SIGNATURES]
    chosen = [child.node_id for item in maps for child in item.children if child.local_name == signature]
    return [name for node_id in chosen for name in _functions_of_object(graph, node_id)]


def loading_functions(graph: Any) -> list[str]:
    """Returns the functions that TensorFlow 2 may run while it loads the model.

    They fill tables (`_create_resource`, `_initialize`), restore what is no variable, or stand under a private name
    that the loader's own objects might call.
    """
    objects = graph.object_graph_def.nodes
    wanted: set[int] = set()
    for item in objects:
        wanted |= {child.node_id for child in item.children if child.local_name.startswith("_")}
        for saveable in item.saveable_objects.values():
            wanted |= {saveable.save_function, saveable.restore_function}
    return [name for node_id in sorted(wanted) for name in _functions_of_object(graph, node_id)]


def _functions_of_object(graph: Any, node_id: int) -> list[str]:
    item = graph.object_graph_def.nodes[node_id]
    if item.HasField("bare_concrete_function"):
        return [item.bare_concrete_function.concrete_function_name]
    return list(item.function.concrete_functions)


def loading_nodes(graph: Any) -> list[Any]:
    """Returns the nodes of the main graph that run while a model of TensorFlow 1 is loaded; none for TensorFlow 2."""
    from tensorflow.core.framework import variable_pb2

    if graph.object_graph_def.nodes:
        return []
    names = [
        info.name for name, s in graph.signature_def.items() if name.startswith("__") for info in s.outputs.values()
    ]
    for name, collection in graph.collection_def.items():
        names.extend(collection.node_list.value)
        if name.endswith("variables"):
            variables = (variable_pb2.VariableDef.FromString(value) for value in collection.bytes_list.value)
            names.extend(variable.initializer_name for variable in variables)
    return nodes_reached(graph, names)
