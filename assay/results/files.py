"""Finds and reads the files of a run's results, those that TFMA wrote included."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import BinaryIO, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from assay import storage
from assay.errors import ConfigError, CorruptFileError, MissingFileError, ResultsError
from assay.proto.config_pb2 import EvalConfig, EvalRun
from assay.proto.metrics_for_slice_pb2 import AttributionsForSlice, MetricsForSlice, PlotsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.latest import VERDICT_FILE, results_folder
from assay.storage.file_paths import FilePath, path_text
from assay.storage.framing import unframed
from assay.types import ATTRIBUTIONS_KEY, METRICS_KEY, OUTPUT_FILE_FORMATS, PLOTS_KEY, VALIDATIONS_KEY
from assay.verdict import Verdict

EVAL_CONFIG_FILE = "eval_config.json"
FULL_EVAL_CONFIG_FILE = "eval_config_in_full.json"
"""The config with the fields that TFMA does not know, where there are any."""

_M = TypeVar("_M", bound=Message)

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(\.|$)")


def load_metrics(output_path: FilePath) -> Iterator[MetricsForSlice]:
    """The metrics of each slice, in the order of the files.

    Args:
        output_path: output of an analysis, of which the latest run is opened; or the folder of a run, or of TFMA.

    Raises:
        ResultsError: no such folder, no metrics in it, or not all of their files.
        CorruptFileError: a file is damaged.
    """
    return _messages(_expected(results_folder(output_path), METRICS_KEY), MetricsForSlice)


def load_plots(output_path: FilePath) -> Iterator[PlotsForSlice]:
    """The plots of each slice, in the order of the files; arguments and errors as for `load_metrics`."""
    return _messages(_expected(results_folder(output_path), PLOTS_KEY), PlotsForSlice)


def load_attributions(output_path: FilePath) -> Iterator[AttributionsForSlice]:
    """The attributions of each slice, in the order of the files; arguments and errors as for `load_metrics`."""
    return _messages(_expected(results_folder(output_path), ATTRIBUTIONS_KEY), AttributionsForSlice)


def load_validation_result(output_path: FilePath) -> ValidationResult:
    """What the gate found; arguments and errors as for `load_metrics`."""
    output_path = results_folder(output_path)
    results = list(_messages(_expected(output_path, VALIDATIONS_KEY), ValidationResult))
    if len(results) != 1:
        raise ResultsError(
            f"{output_path}: expected one validation result, found {len(results)}; run the analysis again"
        )
    return results[0]


def load_verdict(output_path: FilePath) -> Verdict:
    """Whether the model may be released, and why not.

    Raises:
        ResultsError: no such folder, no verdict in it, or a damaged one.
    """
    output_path = results_folder(output_path)
    if VERDICT_FILE not in listed(output_path):
        raise ResultsError(f"{output_path}: no {VERDICT_FILE}; expected the folder of a run of assay that has finished")
    with _open(_path(output_path, VERDICT_FILE)) as file:
        return Verdict.from_json(file.read().decode("utf-8", "replace"))


def load_eval_run(output_path: FilePath) -> EvalRun | None:
    """Config and URIs of data and models, from `eval_config.json`; None if it was not written.

    Fields of the config that TFMA does not know are in a file beside it.

    Raises:
        ResultsError: no such folder.
        CorruptFileError: the file does not hold an EvalRun.
    """
    output_path = results_folder(output_path)
    names = listed(output_path)
    if EVAL_CONFIG_FILE not in names:
        return None
    run = _from_json(_path(output_path, EVAL_CONFIG_FILE), EvalRun())
    if FULL_EVAL_CONFIG_FILE in names:
        run.eval_config.CopyFrom(_from_json(_path(output_path, FULL_EVAL_CONFIG_FILE), EvalConfig()))
    return run


def _from_json(path: str, message: _M) -> _M:
    try:
        with _open(path) as file:
            return json_format.Parse(file.read(), message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError) as error:
        raise CorruptFileError(f"{path}: not an {type(message).__name__}: {error}") from error


def records_of(folder: str, key: str) -> Iterator[bytes]:
    """The serialised records under an output key in the folder of a run; none if it was not written."""
    for path in find_files(folder, key):
        yield from _records(path)


def find_files(folder: str, key: str) -> list[str]:
    """The files of one output key in the folder of a run: TFRecord or Parquet, else without a suffix.

    Old versions of TFMA wrote the last.

    Raises:
        ResultsError: no such folder, or shards that do not belong together.
    """
    names = sorted(listed(folder))
    shards = [name for name in names if re.fullmatch(rf"{key}(-[^.]*)?\.({'|'.join(OUTPUT_FILE_FORMATS)})", name)]
    shards = shards or [name for name in names if re.fullmatch(rf"{key}(-[^.]*)?", name)]
    _check_shards(folder, shards)
    return [_path(folder, name) for name in shards]


def listed(folder: FilePath) -> set[str]:
    """Names of the files in a folder.

    Raises:
        ResultsError: no such folder.
    """
    folder = path_text(folder, "output_path")
    try:
        names = set(storage.names(folder))
    except (ConfigError, MissingFileError) as error:
        raise ResultsError(f"{folder}: expected a folder of results; {error}") from error
    if not names:
        what = "there is nothing" if storage.stat(folder) is None else "it is a file"
        raise ResultsError(f"{folder}: expected a folder of results; {what}")
    return names


def _expected(output_path: str, key: str) -> list[str]:
    files = find_files(output_path, key)
    if not files:
        raise ResultsError(f"{output_path}: no {key}; expected files such as {key}-00000-of-00001.tfrecord")
    return files


def _check_shards(output_path: str, names: Sequence[str]) -> None:
    """Shards of two runs, or a part of them, would give values that no run computed."""
    shards = [(int(m[1]), int(m[2])) for m in map(_SHARD.search, names) if m]
    counts = {count for _, count in shards}
    if len(counts) > 1 or len({PurePath(name).suffix for name in names}) > 1:
        raise ResultsError(f"{output_path}: files of several runs: {', '.join(names)}; remove those of the older run")
    missing = [i for count in counts for i in range(count) if (i, count) not in shards]
    if missing:
        raise ResultsError(
            f"{output_path}: {len(missing)} files are missing beside {names[0]}, the first is number {missing[0]}"
        )


def _messages(paths: Sequence[str], kind: type[_M]) -> Iterator[_M]:
    for path in paths:
        for record in _records(path):
            try:
                yield kind.FromString(record)
            except DecodeError as error:
                raise CorruptFileError(f"{path}: a record is no {kind.__name__}: {error}") from error


def _records(path: str) -> Iterator[bytes]:
    with _open(path) as file:
        yield from _column(file, path) if path.endswith(".parquet") else unframed(file, path)


def _column(file: BinaryIO, path: str) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches(64, columns=["serialized_value"]):
            for value in batch.column(0):
                yield value.as_py()
    except (pa.ArrowException, KeyError, IndexError) as error:
        raise CorruptFileError(f"{path}: not readable as Parquet with a column serialized_value: {error}") from error


def _path(folder: FilePath, name: str) -> str:
    return storage.join(path_text(folder, "output_path"), name)


def _open(file: str) -> BinaryIO:
    path = storage.local_path(file)
    if path is None:
        return io.BytesIO(storage.read(file))  # whole, as checksums are of the whole
    storage.check_regular(path, "results", ResultsError)
    return open(path, "rb")
