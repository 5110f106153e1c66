"""The process of the program: what a run imports and what not, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cpu import cpu_seconds, start_of_python

RNG = np.random.default_rng(7)
ROWS = pd.DataFrame(
    {
        "label": RNG.integers(0, 2, 300),
        "score": RNG.random(300),
        "day": pd.period_range("2026-01", periods=3, freq="M").repeat(100),
        "wait": pd.to_timedelta(np.arange(300) % 3, unit="s"),
    }
)
CONFIG: dict[str, Any] = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["day"]}, {"feature_keys": ["wait"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC"}]}],
}
HEAVY = ("IPython", "apache_beam.io.gcp.bigquery", "apache_beam.io.gcp.gcsfilesystem", "pandas", "pymongo")
AT_EXIT = (
    f"import atexit, sys; atexit.register(lambda: print(*[m for m in {(*HEAVY, 'apache_beam')} if m in sys.modules])); "
)
PROGRAM = "from assay.cli import command; command()"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def analysis(columns: list[str], **more: object) -> str:
    ROWS[columns].to_parquet("d.parquet")
    slicings = [spec for spec in CONFIG["slicing_specs"] if set(spec.get("feature_keys", ())) <= set(columns)]
    content = {
        "inputs": {"format": "parquet", "files": ["d.parquet"]},
        "output": "out",
        "eval_config": {**CONFIG, "slicing_specs": slicings},
    }
    Path("a.json").write_text(json.dumps({**content, **more}))
    return "a.json"


def program(*args: str, code: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)


def test_a_run_imports_the_core_of_beam_alone(folder):
    done = program("run", analysis(["label", "score"]), "--quiet", code=AT_EXIT + PROGRAM)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "apache_beam"


def test_own_code_is_run_with_all_of_beam_and_with_pandas(folder):
    Path("own.py").write_text(
        "import apache_beam as beam, pandas\nfrom assay import Writer\n"
        "@beam.ptransform_fn\ndef counted(evaluation):\n"
        "    return evaluation['metrics'] | beam.combiners.Count.Globally() | beam.io.WriteToText('counts')\n"
        "def count():\n    return Writer('Count', counted())\n"
    )
    writers = [{"name": "Count", "factory": "own:count"}]
    done = program("run", analysis(["label", "score"], writers=writers), "--quiet", code=AT_EXIT + PROGRAM)
    assert done.returncode == 0, done.stderr
    assert {"pandas", "apache_beam.io.gcp.gcsfilesystem"} <= set(done.stdout.splitlines()[-1].split())


def test_another_runner_has_all_of_beam_whoever_asks_for_it(folder):
    for file, flags in (({"runner": "FnApiRunner"}, ()), ({}, ("--", "--runner=FnApiRunner"))):
        arguments = ("run", analysis(["label", "score"], options=file), "--quiet", *flags)
        done = program(*arguments, code=AT_EXIT + PROGRAM)
        assert done.returncode == 0, done.stderr
        assert "apache_beam.io.gcp.gcsfilesystem" in done.stdout.splitlines()[-1].split()


def test_columns_that_only_pandas_can_print_are_sliced_as_ever(folder):
    import assay

    file = analysis(["label", "score", "day", "wait"])
    done = program("run", file, "--quiet")
    assert done.returncode == 0, done.stderr
    slices = {name for names in assay.load_eval_result("out").get_slice_names() for name in names}
    assert {("day", "2026-03"), ("wait", "0 days 00:00:01")} <= slices


def test_a_small_run_takes_no_more_than_seventy_starts_of_python(folder):
    """1.3 s, or some forty starts, where the bound was set; it was 110 with all of Beam."""
    command = (sys.executable, "-m", "assay", "run", analysis(["label", "score"]))
    assert cpu_seconds(*command) < 70 * start_of_python()


def test_main_leaves_the_process_of_others_alone(folder):
    code = "import sys; from assay.cli import main; main(sys.argv[1:]); import pandas; print('here')"
    done = program("run", analysis(["label", "score"]), "--quiet", code=code)
    assert done.stdout.splitlines()[-1] == "here", done.stderr


LEAVE = "import sys, atexit, threading, time; from assay.cli.own_process import leave; "


def test_leaving_prints_what_is_left_and_does_what_is_registered():
    done = program(code=LEAVE + "atexit.register(print, 'registered'); sys.stdout.write('left, '); leave(7)")
    assert (done.returncode, done.stdout) == (7, "left, registered\n")


def test_leaving_waits_for_threads_that_are_to_be_waited_for():
    code = LEAVE + "threading.Thread(target=lambda: (time.sleep(0.3), print('done'))).start(); leave(3)"
    done = program(code=code)
    assert (done.returncode, done.stdout) == (3, "done\n")


def test_what_cannot_be_printed_is_no_success():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", LEAVE + "print('x' * 10); leave(0)"], stdout=full, check=False)
    assert done.returncode != 0
