"""The runner that options of Beam pipelines choose."""

from __future__ import annotations

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions


def chosen_runner(options: PipelineOptions) -> str:
    """The name of its class, without the module; `None` as text where options choose none."""
    return str(options.view_as(StandardOptions).runner).rpartition(".")[2]
