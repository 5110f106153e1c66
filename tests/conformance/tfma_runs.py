"""TFMA itself on rows in memory, whose cells may be arrays, which its own `analyze_raw_data` drops."""

import os
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import text_format

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def run_tfma(frame: pd.DataFrame, config: str, folder: Path, *, has_baseline: bool) -> None:
    """Evaluates the rows as one batch; predictions are columns, of a baseline too."""
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
                eval_config=parsed, eval_shared_model=models if has_baseline else None, output_path=str(folder)
            )
        )


def _batch(frame: pd.DataFrame) -> pa.RecordBatch:
    """Every cell as a list."""
    columns = {name: pa.array([np.atleast_1d(cell).tolist() for cell in frame[name]]) for name in frame}
    return pa.RecordBatch.from_pydict(columns)
