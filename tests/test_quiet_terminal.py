"""Only our own words come to a terminal: no log of Beam or TensorFlow, no traceback, no total before an error."""

import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.small_analysis import ANALYSIS
from tests.terminal import on_a_terminal

STAGES = """
import time

import apache_beam as beam


def fails(batch):
    raise ValueError("the sky is green\\nand more of it")


def waits(batch):
    open("waiting", "w").close()
    time.sleep(60)


def failing():
    return {"mine": None} and _Evaluate(fails)


def waiting():
    return _Evaluate(waits)


class _Evaluate(beam.PTransform):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def expand(self, extracts):
        return {"mine": extracts | beam.Map(self.function)}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (tmp_path / "my_stages.py").write_text(textwrap.dedent(STAGES))
    for name in ("failing", "waiting"):
        stage = f'{{name: Mine, factory: "my_stages:{name}", run_after: ExtractSliceKeys, outputs: [mine]}}'
        (tmp_path / f"{name}.yaml").write_text(f"{ANALYSIS}evaluators: [{stage}]\n")
    return tmp_path


def called(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "assay", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def without_progress(said):
    """The lines but for those of progress, which a slow machine needs some of."""
    return [line for line in said.splitlines() if line and not re.match(r"\d+:\d\d  ", line)]


def test_an_error_of_the_users_own_code_is_one_line_with_its_place(folder):
    done = called(folder, "run", "failing.yaml")
    assert done.returncode == 1
    (line,) = without_progress(done.stderr)
    assert line.startswith("error: in the step ")
    assert "Mine" in line
    assert line.endswith("ValueError: the sky is green (my_stages.py, line 8)")


def test_verbose_shows_what_beam_and_python_say(folder):
    done = called(folder, "run", "failing.yaml", "--verbose")
    assert "Traceback (most recent call last)" in done.stderr
    assert "apache_beam.runners" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: in the step ")


def test_an_error_of_a_stage_beside_others_is_called_an_error_once(folder):
    done = called(folder, "run", "failing.yaml", "--checkpoints", str(folder / "root"))
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert line.count("error: ") == 1
    assert "the sky is green" in line
    assert "Traceback" not in done.stderr


def test_an_interrupt_is_one_line(folder):
    command = [sys.executable, "-m", "assay", "run", "waiting.yaml"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (folder / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert without_progress(said) == ["error: interrupted"]
    assert "rows in" not in said


def test_tensorflow_starts_in_silence(tmp_path):
    import tensorflow as tf

    (tmp_path / "a.yaml").write_text(ANALYSIS.replace("csv, files: [d.csv]", "tfrecord, files: [d.tfrecord]"))
    with tf.io.TFRecordWriter(str(tmp_path / "d.tfrecord")) as writer:
        for label, score in ((1.0, 0.8), (0.0, 0.3)):
            floats = {"label": label, "score": score}
            features = {n: tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for n, v in floats.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    seen = on_a_terminal(tmp_path, "run", "a.yaml").decode()
    assert "NOT_EVALUATED" in seen
    for word in ("absl", "oneDNN", "cuda", "I0000", "W0000", "E0000", "To enable the following", "WARNING"):
        assert word not in seen
