"""Results on a file system that only Beam knows."""

import apache_beam as beam
import pytest
from apache_beam.io.filesystem import FileMetadata, MatchResult
from apache_beam.io.localfilesystem import LocalFileSystem
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.errors import ResultsError
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results import load_eval_result, load_metrics
from assay.writers import EvalConfigWriter, MetricsPlotsAndValidationsWriter


class Elsewhere(LocalFileSystem):
    """Local files by another name: `elsewhere://` and a path."""

    @classmethod
    def scheme(cls):
        return "elsewhere"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        return tuple(path.rsplit("/", 1))

    def mkdirs(self, path):
        super().mkdirs(local(path))

    def match(self, patterns, limits=None):
        found = super().match([local(pattern) for pattern in patterns], limits)
        return [
            MatchResult(m.pattern, [FileMetadata(f"elsewhere:/{f.path}", f.size_in_bytes) for f in m.metadata_list])
            for m in found
        ]

    def create(self, path, *args, **settings):
        return super().create(local(path), *args, **settings)

    def open(self, path, *args, **settings):
        return super().open(local(path), *args, **settings)

    def rename(self, source_file_names, destination_file_names):
        super().rename(list(map(local, source_file_names)), list(map(local, destination_file_names)))

    def delete(self, paths):
        super().delete(list(map(local, paths)))

    def exists(self, path):
        return super().exists(local(path))


def local(path):
    return path.removeprefix("elsewhere:/")


def test_results_are_written_and_read_there(tmp_path):
    folder = f"elsewhere:/{tmp_path}/out"
    config = EvalConfig()
    config.model_specs.add(name="candidate")
    for writer in (MetricsPlotsAndValidationsWriter(folder), EvalConfigWriter(folder, config)):
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            _ = {"metrics": pipeline | beam.Create([MetricsForSlice(rows=3)])} | writer.stage_name >> writer.ptransform
    assert [record.rows for record in load_metrics(folder)] == [3]
    assert load_eval_result(folder).config == config
    assert (tmp_path / "out" / "eval_config.json").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ResultsError, match="nowhere"):
        load_metrics(f"elsewhere:/{tmp_path}/nowhere")
