"""A pipeline leaves nothing in the folder for temporary files, and fits workers of an engine to their work."""

import subprocess
import sys
import tempfile

import apache_beam as beam
import pytest
from apache_beam import pipeline
from apache_beam.options.pipeline_options import SetupOptions

from assay.engine.runner import run_pipeline
from assay.errors import ConfigError


class Refusing(beam.PTransform):
    def expand(self, pcoll):
        raise ConfigError("cannot be built")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("in_notebook", [False, True])
def test_a_pipeline_that_ran_leaves_no_folder_of_beam(temporary, in_notebook, monkeypatch):
    monkeypatch.setattr(pipeline, "is_in_ipython", lambda: in_notebook)
    run_pipeline(beam.Create([1, 2]), beam.Map(str))
    assert not list(temporary.iterdir())


def test_a_pipeline_that_cannot_be_built_leaves_no_folder_of_beam(temporary):
    with pytest.raises(ConfigError, match="cannot be built"):
        run_pipeline(beam.Create([1, 2]), Refusing())
    assert not list(temporary.iterdir())


def test_workers_of_an_engine_fit_themselves_to_their_work(monkeypatch):
    options = []
    run = beam.Pipeline.run

    def noted(self):
        options.append(self.options)
        return run(self)

    monkeypatch.setattr(beam.Pipeline, "run", noted)
    run_pipeline(beam.Create([1, 2]), beam.Map(str), ["--runner=FnApiRunner", "--beam_plugin=json"])
    run_pipeline(beam.Create([1, 2]), beam.Map(str))
    of_engine, of_this_machine = (found.view_as(SetupOptions).beam_plugins for found in options)
    assert of_this_machine is None

    # What Beam's worker does with them before anything else.
    code = f"from apache_beam.runners.worker.sdk_worker_main import _import_beam_plugins as load; load({of_engine})"
    looked = "import gc, os; print(gc.get_threshold()[0], os.environ['ARROW_DEFAULT_MEMORY_POOL'])"
    worker = [sys.executable, "-c", f"{code}; {looked}"]
    assert subprocess.run(worker, capture_output=True, text=True, check=True).stdout.split() == ["100000", "system"]
