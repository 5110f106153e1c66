"""Every field of TFMA's EvalConfig, from its own message: ours has it, with its number, and uses it."""

import importlib.util
from pathlib import Path

import pytest

from assay.config.fields import FIELDS
from assay.proto.config_pb2 import EvalConfig


def theirs():
    """TFMA's message, without TFMA, whose import takes half a minute."""
    (folder,) = importlib.util.find_spec("tensorflow_model_analysis").submodule_search_locations
    spec = importlib.util.spec_from_file_location("config_pb2_of_tfma", Path(folder, "proto", "config_pb2.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EvalConfig.DESCRIPTOR


def fields_of(message, seen=()):
    """Message and field -> number, kind and whether it is repeated; of all messages that can be reached."""
    found = {}
    for field in message.fields:
        found[f"{message.name}.{field.name}"] = (field.number, field.type, field.is_repeated)
        inner = field.message_type
        if inner is not None and not inner.full_name.startswith("google.") and inner.name not in seen:
            found |= fields_of(inner, (*seen, inner.name))
    return found


def of_entries(name):
    """Whether a field is that of an entry of a map, which has no row of its own."""
    return name.partition(".")[0].endswith("Entry")


THEIRS, OURS = fields_of(theirs()), fields_of(EvalConfig.DESCRIPTOR)


def test_there_are_as_many_fields_as_we_know_of():
    assert len([name for name in THEIRS if not of_entries(name)]) > 60


@pytest.mark.parametrize("name", THEIRS)
def test_a_field_of_tfma_has_its_number_and_type_here(name):
    assert OURS[name] == THEIRS[name]


@pytest.mark.parametrize("name", [name for name in THEIRS if not of_entries(name)])
def test_a_field_of_tfma_is_used(name):
    assert importlib.util.find_spec(f"assay.{FIELDS[name]}") is not None
