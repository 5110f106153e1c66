"""The process of a task runs nothing but assay, and imports no more of Beam than it needs."""

import subprocess
import sys

from assay.components import stage_components as stages
from tests.kfp.launcher import Launcher
from tests.kfp.plans import GOOD_DAY, plan_of, write_day
from tests.kfp.test_components import common

HEAVY = ("apache_beam", "apache_beam.io.gcp.gcsfilesystem", "pandas")
PROGRAM = (
    f"import atexit, runpy, sys; atexit.register(lambda: print(*[m for m in {HEAVY} if m in sys.modules])); "
    "runpy.run_module('assay.components.run', run_name='__main__', alter_sys=True)"
)


def test_a_task_imports_the_core_of_beam_alone(tmp_path):
    write_day(tmp_path / "data", GOOD_DAY)
    given = common(plan_of(tmp_path / "data", tmp_path / "out"), tmp_path / "checkpoints")
    _, words = Launcher(tmp_path / "pipeline").call(stages.read_inputs, given)
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "apache_beam"
