"""Runs a Beam pipeline: always by a runner's name, with errors in our own types."""

from __future__ import annotations

import importlib
import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult

from assay.engine import job_server, memory, progress, server_jobs
from assay.engine.beam_log import keep_back_ended_streams, quiet_beam
from assay.engine.dofn_specs import each_looked_at_once
from assay.engine.downloads import check_program
from assay.engine.job_errors import of_job
from assay.engine.prism import check_workers
from assay.engine.recovery import of_custom_code, recover
from assay.engine.server_jobs import ServerJob
from assay.engine.workers.options import MachineOptions
from assay.engine.workers.runner import LocalRunner
from assay.errors import ConfigError
from assay.types import READ_INPUTS_STAGE_NAME

_OPTIONS_LOGGER = "apache_beam.options.pipeline_options"
_INTERRUPTED = "KeyboardInterrupt [while running"
"""What Beam makes of an interrupt inside a transform: the text of another error."""
_TUNED_WORKER = "assay.engine.tuned_worker"
_REFUSED_RUNNERS = {"daskrunner": "it drops outputs in silence"}


def run_pipeline(
    reader: beam.PTransform,
    analysis: beam.PTransform,
    options: PipelineOptions | Sequence[str] = (),
    count: beam.PTransform | None = None,
    on_job: Callable[[ServerJob], None] = lambda job: None,
) -> None:
    """Runs `reader` and `analysis` to the end.

    Args:
        reader: PBegin -> PCollection[Extracts].
        analysis: what is done with them.
        options: Beam pipeline options, or their flags; without a runner among them, the in-memory runner of this
            process is used.
        count: what is done with what both count: the pipeline, once it has all other steps -> PCollection.
        on_job: told which job it is, if it runs on a job server.

    Raises:
        AssayError: whatever went wrong on purpose, also where the runner only hands back its text.
    """
    options = _parsed(options)
    with quiet_beam(), each_looked_at_once(), _our_errors(), job_server.errors_of(options):
        result = _started(reader, analysis, options, count)
        job = server_jobs.job_of(result, options)
        with server_jobs.ended_if_interrupted(job):
            if job is not None:
                on_job(job)
            result.wait_until_finish()


def submitted(
    reader: beam.PTransform, analysis: beam.PTransform, options: Sequence[str], count: beam.PTransform
) -> Any:
    """Hands `reader` and `analysis` to a runner that runs them elsewhere; returns what Beam knows of the job.

    Raises:
        AssayError: whatever went wrong on purpose while the pipeline was built.
    """
    with quiet_beam(), each_looked_at_once(), _our_errors():
        return _started(reader, analysis, options, count)


def _started(
    reader: beam.PTransform,
    analysis: beam.PTransform,
    options: PipelineOptions | Sequence[str],
    count: beam.PTransform | None,
) -> PipelineResult:
    _tell_unknown_options()
    options = _parsed(options)
    job_server.check_answers(options)
    pipeline = _pipeline(options)
    job_server.limit_patience(pipeline.options)
    if not isinstance(pipeline.runner, LocalRunner):
        _tune_workers(pipeline.options)
        keep_back_ended_streams()
    try:
        with _nothing_displayed():
            _ = pipeline | READ_INPUTS_STAGE_NAME >> reader | "Analyse" >> analysis
            if count is not None:
                _ = pipeline | "Count" >> count
        with memory.limited(pipeline.runner.memory if isinstance(pipeline.runner, LocalRunner) else None):
            return pipeline.run()
    finally:
        if isinstance(pipeline.runner, LocalRunner):
            pipeline.runner.close()
        # Beam leaves it in notebooks, and where the pipeline could not be built.
        shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)


def _tune_workers(options: PipelineOptions) -> None:
    """Has each worker process of an engine import what fits it to its work; Beam calls that a plugin."""
    setup = options.view_as(SetupOptions)
    setup.beam_plugins = sorted({*(setup.beam_plugins or ()), _TUNED_WORKER})


@contextmanager
def _nothing_displayed() -> Iterator[None]:
    """In a notebook Beam displays a script, loaded from elsewhere, that only its interactive runner needs."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        yield
        return
    capture = importlib.import_module("IPython.utils.capture")
    with capture.capture_output(stdout=False, stderr=False):
        yield


@contextmanager
def _our_errors() -> Iterator[None]:
    """Raises one line in place of Beam's many; the cause stays the error's context, for whoever looks for it."""
    try:
        yield
    except Exception as error:
        if _INTERRUPTED in str(error):
            raise KeyboardInterrupt from None
        raise recover(error) or of_job(error) or of_custom_code(error) from None
    except SystemExit as error:  # of the parser of options, which has printed why
        raise ConfigError("options of Beam pipelines: expected what Beam takes; its own words are above") from error


def _parsed(options: PipelineOptions | Sequence[str]) -> PipelineOptions:
    return options if isinstance(options, PipelineOptions) else Options(options)


class Options(PipelineOptions):
    """Options that make each view of themselves once: Beam asks for two at every step, and each builds a parser."""

    def __init__(self, flags: Sequence[str]) -> None:
        super().__init__(list(flags))
        self.__dict__["_views"] = {}  # options refuse attributes that are no options

    def view_as(self, cls: type[Any]) -> Any:
        if cls not in self._views:
            self._views[cls] = super().view_as(cls)
        return self._views[cls]


def _tell_unknown_options() -> None:
    """Lets through the one thing of Beam's log that nobody else tells: options that it does not know."""
    logger = logging.getLogger(_OPTIONS_LOGGER)
    logger.addFilter(_without_values)
    logger.setLevel(logging.WARNING)


def _without_values(record: logging.LogRecord) -> bool:
    """Names an unknown option without its value, which may be a secret: beside the progress, or in Python's log."""
    message = re.sub(r"(-[\w-]+)=.*?(?=\. Did you mean|$)", r"\1=...", record.getMessage(), flags=re.DOTALL)
    record.msg, record.args = f"options of Beam pipelines: {message}", ()
    return not progress.say(record.msg)


def _pipeline(options: PipelineOptions) -> beam.Pipeline:
    try:
        return beam.Pipeline(**_runner(options))
    except ValueError as error:
        raise ConfigError(f"options of Beam pipelines: {error}") from error


def _runner(options: PipelineOptions) -> dict[str, Any]:
    """The runner, always by name: Beam's default would first try to download one."""
    name = options.view_as(StandardOptions).runner
    reason = _REFUSED_RUNNERS.get(str(name).lower())
    if reason:
        raise ConfigError(f"runner {name!r} is refused: {reason}; use FnApiRunner, Dataflow, Flink or Spark")
    machine = options.view_as(MachineOptions)
    if not name:
        return {"runner": LocalRunner(machine.workers, machine.memory or memory.of_container()), "options": options}
    for flag, value in (("--workers", machine.workers), ("--memory", machine.memory)):
        if value is not None:
            raise ConfigError(f"{flag} is for runs on this machine, found runner {name!r}; use that runner's options")
    check_program(options)
    check_workers(options)
    return {"options": options}


def job_server_of(options: PipelineOptions | Sequence[str]) -> str:
    """HOST:PORT of the job server that options name; "" for none."""
    return "" if runs_here(options) else job_server.endpoint_of(_parsed(options))


def runs_here(options: PipelineOptions | Sequence[str]) -> bool:
    """Whether options choose no runner, so that the pipeline runs in memory in this process."""
    # Without options there is nothing to parse, which would take as long as a small step of a run.
    return (not isinstance(options, PipelineOptions) and not options) or (
        _parsed(options).view_as(StandardOptions).runner in (None, "FnApiRunner")
    )
