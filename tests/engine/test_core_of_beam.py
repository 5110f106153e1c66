"""Beam imported without its connectors, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from assay.engine.core_of_beam import import_core_of_beam
import_core_of_beam()
import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.runners import common
from apache_beam.transforms import userstate

SEEN = userstate.CombiningValueStateSpec("seen", VarIntCoder(), sum)

class Counts(beam.DoFn):
    def process(self, element, seen=beam.DoFn.StateParam(SEEN)):
        yield element

looked_at = []
class Method(common.MethodWrapper):
    def __init__(self, dofn, name):
        if name == "process":
            looked_at.append(type(dofn).__name__)
        super().__init__(dofn, name)

common.MethodWrapper = Method
counts, plain = Counts(), beam.DoFn()
for _ in range(3):
    print(userstate.is_stateful_dofn(counts), userstate.is_stateful_dofn(plain))
print(looked_at)
"""


def test_beam_looks_at_a_dofn_once_and_sees_its_state():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True False"] * 3 + ["['Counts', 'DoFn']"]
