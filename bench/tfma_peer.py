"""TFMA runs an analysis of ours, results written to files; in one process, by its usual call.

    python -m bench.tfma_peer ANALYSIS.json

That call also reads its results back; what this took of the CPU seconds is printed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import json_format
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.proto.config_pb2 import EvalConfig

_read_back = model_eval_lib.load_eval_result


def main(analysis_file: str) -> None:
    """Runs; prints the seconds of reading back as JSON."""
    analysis = json.loads(Path(analysis_file).read_text())
    seconds: list[float] = []

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        result = _read_back(*args, **kwargs)
        seconds.append(time.process_time() - start)
        return result

    model_eval_lib.load_eval_result = timed
    tfma.run_model_analysis(
        eval_config=json_format.ParseDict(analysis["eval_config"], EvalConfig()),
        data_location=analysis["inputs"]["files"][0],
        output_path=analysis["output"],
        pipeline_options=PipelineOptions(["--runner=FnApiRunner"]),
    )
    print(json.dumps({"read_back_s": sum(seconds)}))


if __name__ == "__main__":
    main(sys.argv[1])
