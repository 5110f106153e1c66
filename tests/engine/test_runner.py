"""A pipeline leaves nothing in the folder for temporary files."""

import tempfile

import apache_beam as beam
import pytest
from apache_beam import pipeline

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
