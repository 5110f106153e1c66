"""How many processes and how much memory: flags of a pipeline, which every command, operator and component hands on."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from assay.cli import main
from assay.engine.workers import options as machine
from assay.engine.workers.options import MachineOptions, machine_flags, shared_flags
from assay.errors import ConfigError
from tests.engine.workers.slow_run import analysis_in


def test_flags_are_read_beside_those_of_beam():
    read = PipelineOptions(["--workers=3", "--memory=2GiB", "--job_name=x"]).view_as(MachineOptions)
    assert (read.workers, read.memory) == (3, 2 << 30)


def test_runs_at_once_share_cores_and_memory(monkeypatch):
    monkeypatch.setattr(machine, "available_cores", lambda: 8)
    assert shared_flags((), 2)[-1] == "--workers=4"
    assert shared_flags(("--workers=3", "--memory=2GB"), 2)[-2:] == ("--workers=1", "--memory=1000000000")
    assert shared_flags(("--runner=PrismRunner",), 2) == ("--runner=PrismRunner",)


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_python_refuses_what_is_no_number_of_processes(value):
    with pytest.raises(ConfigError, match="workers: expected a whole number"):
        machine_flags(value)


def test_python_refuses_workers_beside_options_of_a_pipeline():
    assert machine_flags(None, PipelineOptions([])) == ()
    with pytest.raises(ConfigError, match="pipeline_options"):
        machine_flags(2, PipelineOptions([]))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--workers", "0"], "--workers"),
        (["--memory", "much"], "such as 4GiB"),
        (["--workers", "2", "--", "--runner=PrismRunner"], "--workers is for runs on this machine"),
        (["--memory", "4GiB", "--", "--runner=PrismRunner"], "--memory is for runs on this machine"),
        (["--", "--workers=none"], "options of Beam pipelines"),
    ],
)
def test_the_command_refuses_what_cannot_be_in_one_line(tmp_path, capsys, flags, said):
    file = analysis_in(tmp_path, "half")
    flags = flags if "--" in flags else [*flags, "--"]
    at = flags.index("--")
    assert main(["run", "--quiet", *flags[:at], str(file), *flags[at:]]) == 64
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("flag", "value"), [("--workers", "2"), ("--memory", "4GiB")])
def test_the_command_refuses_them_beside_a_runner_of_the_analysis_file(tmp_path, capsys, flag, value):
    file = analysis_in(tmp_path, "half")
    file.write_text(file.read_text() + "options:\n  runner: PrismRunner\n")
    assert main(["run", "--quiet", flag, value, str(file)]) == 64
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{flag} is for runs on this machine, found runner 'PrismRunner'" in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_needs_more_memory_than_it_may_have_ends_with_one_line(tmp_path, capsys, workers):
    file = analysis_in(tmp_path, "half")
    assert main(["run", "--quiet", "--workers", workers, "--memory", "20MB", str(file)]) == 75
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: out of memory: the run holds ")
    assert "may hold 20 MB" in last
    assert not list((tmp_path / "out").glob("*/*"))
