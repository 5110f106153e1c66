"""Elements of an evaluator's output as bytes: a first byte that says of which kind, then the content."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from types import NoneType
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from assay.errors import CorruptFileError, ResultsError
from assay.extracts.arrow_file import ExtractsFile, read_batches
from assay.extracts.columns import leaves
from assay.extracts.contents import check_output
from assay.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2
from assay.types import Extracts

KNOWN_FILES = (config_pb2.DESCRIPTOR, metrics_for_slice_pb2.DESCRIPTOR, validation_result_pb2.DESCRIPTOR)
"""Message types that can always be decoded; those of others once their module is imported."""

_BYTES, _JSON, _MESSAGE, _EXTRACTS = b"b", b"j", b"m", b"x"
_JSON_LEAVES = (str, int, float, list, NoneType)


def encode(element: Any, stage: str, key: str) -> bytes:
    """Returns an element of output `key` of `stage` as bytes.

    Raises:
        PipelineError: it is no bytes, text, JSON value, proto message or Extracts; names stage, key and type.
    """
    check_output(element, stage, key)
    if isinstance(element, bytes):
        return _BYTES + element
    if isinstance(element, Message):
        return _MESSAGE + _message_to_bytes(element)
    if isinstance(element, dict) and any(not isinstance(leaf, _JSON_LEAVES) for _, leaf in leaves(element)):
        return _EXTRACTS + _extracts_to_bytes(element)
    return _JSON + json.dumps(element, ensure_ascii=False).encode("utf-8", "surrogatepass")


def decode(content: bytes) -> Any:
    """Returns the element of which `encode` made `content`; numpy arrays of Extracts are read-only.

    Raises:
        ResultsError: a proto message of a type that no imported module defines.
        CorruptFileError: not what `encode` made.
    """
    read = _READ.get(content[:1])
    if read is None:
        raise CorruptFileError(f"expected an element of an output; found bytes that start with {content[:1]!r}")
    try:
        return read(content[1:])
    except (ValueError, DecodeError) as error:
        raise CorruptFileError(f"expected an element of an output; found {type(error).__name__}: {error}") from error


def _message_to_bytes(message: Message) -> bytes:
    name: str = message.DESCRIPTOR.full_name
    return name.encode() + b"\0" + message.SerializePartialToString(deterministic=True)


def _message_of(content: bytes) -> Message:
    name, end, body = content.partition(b"\0")
    if not end:
        raise ValueError("a proto message whose type has no end")
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(name.decode())
    except KeyError as error:
        raise ResultsError(
            f"an element is a proto message of type {name.decode()!r}, which nothing here defines; "
            f"import its module in the stage that reads it"
        ) from error
    message: Message = message_factory.GetMessageClass(descriptor)()
    message.MergeFromString(body)
    return message


def _extracts_to_bytes(extracts: Extracts) -> bytes:
    held = io.BytesIO()
    file = ExtractsFile(held)
    file.write(extracts)
    file.close()
    return held.getvalue()


def _extracts_of(content: bytes) -> Extracts:
    batch, *others = read_batches(content)
    if others:
        raise ValueError(f"{1 + len(others)} batches in place of one")
    return batch


def _json_of(content: bytes) -> Any:
    return json.loads(content.decode("utf-8", "surrogatepass"))


_READ: dict[bytes, Callable[[bytes], Any]] = {
    _BYTES: bytes,
    _JSON: _json_of,
    _MESSAGE: _message_of,
    _EXTRACTS: _extracts_of,
}
