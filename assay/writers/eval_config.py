"""The config of a run and the paths of its data and models, as `eval_config.json`, which TFMA opens.

A config with fields of our own is there a second time, in full, in a file that TFMA leaves alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import apache_beam as beam
from google.protobuf import json_format
from google.protobuf.message import Message

import assay
from assay.config.own_fields import without_own_fields
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.results.files import EVAL_CONFIG_FILE, FULL_EVAL_CONFIG_FILE
from assay.storage.file_paths import FilePath
from assay.types import WRITE_EVAL_CONFIG_STAGE_NAME, Evaluation, Writer
from assay.writers.files import create_files, path_in

_DISABLED = "eval_config"  # the name of this output in options.disabled_outputs


def EvalConfigWriter(
    output_path: FilePath,
    eval_config: EvalConfig,
    data_location: str = "",
    file_format: str = "",
    model_locations: Mapping[str, str] | None = None,
) -> Writer:
    """Writer of `eval_config.json`, an EvalRun in protobuf's JSON; needs no output of an evaluator.

    It holds the fields that TFMA knows. If the config has others, it is in `eval_config_in_full.json` as a whole.

    Args:
        output_path: folder of the results.
        eval_config: the resolved config; nothing is written if it has `eval_config` among its disabled outputs.
        data_location: path of the data, for people.
        file_format: format of the data, for people.
        model_locations: model name -> path or URI; a single model without a name is under "".
    """
    known = without_own_fields(eval_config)
    run = EvalRun(
        eval_config=known,
        version=assay.__version__,
        data_location=data_location,
        file_format=file_format,
        model_locations={"": ""} if model_locations is None else model_locations,
    )
    messages: dict[str, Message] = {EVAL_CONFIG_FILE: run}
    if known != eval_config:
        messages[FULL_EVAL_CONFIG_FILE] = eval_config

    is_wanted = _DISABLED not in eval_config.options.disabled_outputs.values
    contents = {path_in(output_path, name): _json(message) for name, message in messages.items() if is_wanted}
    return Writer(WRITE_EVAL_CONFIG_STAGE_NAME, _WriteEvalConfig(contents))


def _json(message: Message) -> bytes:
    return json_format.MessageToJson(message, sort_keys=True).encode()


class _WriteEvalConfig(beam.PTransform):
    """Evaluation -> names of written files."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        super().__init__()
        self._contents = contents

    def expand(self, evaluation: Evaluation) -> beam.PCollection[str]:
        return create_files(next(iter(evaluation.values())).pipeline, self._contents)
