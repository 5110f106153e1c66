"""TFMA itself on rows in memory, whose cells may be arrays, which its own `analyze_raw_data` drops."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import text_format

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def run_tfma(
    frame: pd.DataFrame,
    config: str,
    folder: Path,
    *,
    has_baseline: bool,
    last: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> None:
    """Evaluates the rows as one batch; predictions are columns, of a baseline too. `last` changes the extracts."""
    from tensorflow_model_analysis import constants
    from tensorflow_model_analysis.api import model_eval_lib, types
    from tensorflow_model_analysis.proto import config_pb2

    parsed = text_format.Parse(config, config_pb2.EvalConfig())
    models = [
        types.EvalSharedModel(
            model_name=spec.name, model_type=constants.MATERIALIZED_PREDICTION, is_baseline=spec.is_baseline
        )
        for spec in parsed.model_specs
    ]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | beam.Create([_batch(frame)], reshuffle=False)
            | model_eval_lib.ExtractEvaluateAndWriteResults(
                eval_config=parsed,
                eval_shared_model=models if has_baseline else None,
                output_path=str(folder),
                extractors=None if last is None else _with_last(parsed, last),
            )
        )


def _with_last(config: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Any]:
    from tensorflow_model_analysis.api import model_eval_lib
    from tensorflow_model_analysis.extractors import extractor

    own = extractor.Extractor(stage_name="Last", ptransform=beam.Map(change))
    *earlier, slice_keys = model_eval_lib.default_extractors(eval_config=config)
    return [*earlier, own, slice_keys]


def _batch(frame: pd.DataFrame) -> pa.RecordBatch:
    """Every cell as a list."""
    columns = {name: pa.array([np.atleast_1d(cell).tolist() for cell in frame[name]]) for name in frame}
    return pa.RecordBatch.from_pydict(columns)
