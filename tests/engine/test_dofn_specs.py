"""Beam looks at a DoFn once in pipelines of ours, sees its state all the same, and is as before afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.runners import common
from apache_beam.transforms import userstate

from assay.engine.dofn_specs import _seen, each_looked_at_once

SEEN = beam.DoFn.StateParam(userstate.CombiningValueStateSpec("seen", VarIntCoder(), sum))


class Counts(beam.DoFn):
    def process(self, element, seen=SEEN):
        yield element


@dataclass
class Unhashable(beam.DoFn):
    """Equal to others of its kind, and so without a hash."""

    number: int = 0

    def process(self, element):
        yield element


@pytest.fixture
def looked_at(monkeypatch):
    """The kinds of DoFns that Beam looks at."""
    kinds = []

    class Method(common.MethodWrapper):
        def __init__(self, dofn, name):
            if name == "process":
                kinds.append(type(dofn))
            super().__init__(dofn, name)

    monkeypatch.setattr(common, "MethodWrapper", Method)
    return kinds


def test_beam_looks_at_a_dofn_once_and_sees_its_state(looked_at):
    dofns = [Counts(), beam.DoFn(), Unhashable(), Unhashable()]
    with each_looked_at_once():
        found = [[userstate.is_stateful_dofn(dofn) for dofn in dofns] for _ in range(3)]
    assert found == [[True, False, False, False]] * 3
    assert looked_at == [Counts, beam.DoFn, Unhashable, Unhashable]


def test_behind_the_last_of_several_pipelines_beam_is_as_before(looked_at):
    dofn = Counts()
    with each_looked_at_once():
        with each_looked_at_once():
            userstate.is_stateful_dofn(dofn)
        userstate.is_stateful_dofn(dofn)
        assert len(looked_at) == 1
    userstate.is_stateful_dofn(dofn)
    assert len(looked_at) == 2


def test_what_was_seen_in_a_dofn_goes_with_it():
    dofn = Counts()
    with each_looked_at_once():
        userstate.is_stateful_dofn(dofn)
    known = id(dofn)
    assert known in _seen
    del dofn
    assert known not in _seen
