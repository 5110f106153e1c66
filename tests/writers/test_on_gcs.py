"""Results on Google Cloud Storage."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay import storage
from assay.errors import ResultsError
from assay.notebook.eval_result import load_eval_result
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.files import load_metrics
from assay.writers import EvalConfigWriter, MetricsPlotsAndValidationsWriter


@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_results_are_written_and_read_there(form, gcs):
    folder = f"{gcs.root}/{form}"
    config = EvalConfig()
    config.model_specs.add(name="candidate")
    for writer in (MetricsPlotsAndValidationsWriter(folder, form), EvalConfigWriter(folder, config)):
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            _ = {"metrics": pipeline | beam.Create([MetricsForSlice(rows=3)])} | writer.stage_name >> writer.ptransform
    assert [record.rows for record in load_metrics(folder)] == [3]
    assert load_eval_result(folder).config == config
    assert storage.stat(f"{folder}/eval_config.json") is not None
    assert not [uri for uri, _ in storage.list(folder) if uri.endswith(".tmp")]


def test_a_folder_that_is_not_there_is_named(gcs):
    with pytest.raises(ResultsError, match="nowhere"):
        load_metrics(f"{gcs.root}/nowhere")
