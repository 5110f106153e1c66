"""Every exception from the comparison with TFMA has a reason, and a reference that is really there."""

import ast
from pathlib import Path

import pytest

from assay.metrics.declare import definitions
from tests.conformance.exceptions import APART, EVERY, MEANINGLESS_THERE, NOISE_THERE, RAISES_THERE, ZERO_THERE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("place", EVERY, ids=str)
def test_an_exception_has_a_reason_and_a_test_that_does_without_tfma(place):
    reason, reference = EVERY[place]
    assert len(reason.split()) > 2
    file, _, name = reference.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [module for module in imported if module.startswith("tensorflow_model_analysis")]


def test_exceptions_speak_of_metrics_that_there_are():
    assert set(definitions()) >= RAISES_THERE.keys() | APART.keys()
    names = {definition.name for definition in definitions().values()}
    assert names >= ZERO_THERE.keys() | NOISE_THERE.keys() | MEANINGLESS_THERE.keys()
