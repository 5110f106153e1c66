"""Fields and names of the EvalConfig that TFMA does not know, so that its reader of JSON refuses them."""

from __future__ import annotations

from google.protobuf.message import Message

from assay.config.fields import entries
from assay.proto.config_pb2 import EvalConfig

_FIRST = 1000
"""Number of the first field of our own in any message, and of the first name of our own in any enum."""


def without_own_fields(config: EvalConfig) -> EvalConfig:
    """A copy with the fields that TFMA knows, and no others."""
    copy = EvalConfig()
    copy.CopyFrom(config)
    _clear_own_fields(copy)
    return copy


def _clear_own_fields(message: Message) -> None:
    for field, value in message.ListFields():
        if field.number >= _FIRST or (field.enum_type is not None and not field.is_repeated and value >= _FIRST):
            message.ClearField(field.name)
            continue
        for _, inner in entries(field, value, ""):
            if isinstance(inner, Message):
                _clear_own_fields(inner)
