"""The subprocess launcher: what it hands on, what the log gets, how it ends."""

from __future__ import annotations

import os
import stat

import pytest

from assay.errors import ConfigError
from assay.operators.launchers.launcher import StageCall
from assay.operators.launchers.process import SubprocessLauncher

CALL = StageCall(arguments=("stage", "gate"), image="core", name="run.Gate.1")


@pytest.fixture
def interpreter(tmp_path):
    """A script in place of an interpreter."""

    def made(script):
        file = tmp_path / "python"
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return str(file)

    return made


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().split()[2] != "Z"


def test_lines_come_while_it_runs_and_the_exit_code_at_the_end(interpreter, tmp_path):
    heard = tmp_path / "heard"
    script = f"echo one >&2; until [ -e {heard} ]; do sleep 0.05; done; echo two; exit 75"
    lines = (running := SubprocessLauncher(python=interpreter(script)).start(CALL)).lines()
    assert next(lines) == "one"
    heard.touch()  # only now does it go on
    assert list(lines) == ["two"]
    assert running.wait() == 75


def test_it_runs_assay_as_a_module_with_the_arguments(interpreter):
    running = SubprocessLauncher(python=interpreter('echo "$@"')).start(CALL)
    assert list(running.lines()) == ["-u -P -m assay stage gate"]


def test_settings_of_airflow_do_not_reach_the_stage_and_others_do(interpreter, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("OURS", "kept")
    launcher = SubprocessLauncher(python=interpreter("env; pwd"), env={"MORE": "given"}, cwd=str(tmp_path))
    lines = list(launcher.start(CALL).lines())
    assert not [line for line in lines if line.startswith("AIRFLOW")]
    assert {"OURS=kept", "MORE=given", str(tmp_path)} <= set(lines)


def test_stopping_ends_the_whole_process_group_and_can_be_done_twice(interpreter):
    running = SubprocessLauncher(python=interpreter("sleep 300 & echo $!; echo $$; wait")).start(CALL)
    lines = running.lines()
    child, first = int(next(lines)), int(next(lines))
    assert is_alive(child)
    running.stop()
    running.stop()
    assert running.wait() == -15
    assert not is_alive(child)
    assert not is_alive(first)


def test_what_does_not_heed_the_signal_is_killed(interpreter, monkeypatch):
    monkeypatch.setattr("assay.operators.launchers.process._GRACE_SECONDS", 0.5)
    running = SubprocessLauncher(python=interpreter("trap '' TERM; echo $$; while true; do sleep 0.1; done")).start(
        CALL
    )
    pid = int(next(running.lines()))
    running.stop()
    assert running.wait() == -9
    assert not is_alive(pid)


def test_an_interpreter_must_be_named(monkeypatch):
    monkeypatch.delenv("ASSAY_PYTHON")
    with pytest.raises(ConfigError, match="expected an interpreter with assay\\[core\\]"):
        SubprocessLauncher().start(CALL)


def test_an_interpreter_that_is_not_there_is_named_in_the_error():
    with pytest.raises(ConfigError, match="cannot start /nowhere/python"):
        SubprocessLauncher(python="/nowhere/python").start(CALL)
