"""Models and stages of a user's own for the parity suite."""

import apache_beam as beam
import numpy as np
import pyarrow as pa

import assay
from assay.extracts.columns import leaves, take
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_to_proto
from assay.types import LAST_EXTRACTOR_STAGE_NAME


def logistic(columns):
    """A model of named columns, one of them with missing values."""
    return 1 / (1 + np.exp(2 - 4 * columns["score"] - np.nan_to_num(columns["age"]) / 100))


def scaled(scale):
    """A model made with an argument."""
    return lambda columns: np.clip(columns["older"] * scale, 0, 1)


def yes_and_no(columns):
    """A model of two outputs."""
    return {"yes": columns["score"], "no": 1 - columns["score"]}


def drop_young() -> assay.Extractor:
    """Drops rows, all of one batch; adds a narrow, a ragged, a nested, an (n, 2) and an empty column."""
    return assay.Extractor("DropYoung", beam.Map(without_young))


def without_young(extracts):
    ages = extracts["features"]["age"].fill_null(99.0).to_numpy(zero_copy_only=False)
    last = extracts["_source"]["file"][0].as_py().endswith("part-2.parquet")
    kept = take(extracts, (ages >= 30) & ~np.full(len(ages), last))
    ages = kept["features"]["age"].fill_null(-0.0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(np.arange(len(ages) + 1) % 3).astype(np.int32)
    ragged = pa.ListArray.from_arrays(ends, pa.array(np.arange(ends[-1])))
    return {
        **kept,
        "features": {**kept["features"], "decade": (ages // 10).astype(np.int8), "ragged": ragged},
        "derived": {"by.ten": {"age": ages / 10}, "pair": np.stack([ages, -ages], axis=1), "nothing": {}},
    }


def outputs_of_all_kinds() -> assay.Evaluator:
    """Every kind of element that an evaluator may put out; one output is shared with the default evaluator."""
    return assay.Evaluator("OutputsOfAllKinds", "ExtractSliceKeys", _OutputsOfAllKinds())


class _OutputsOfAllKinds(beam.PTransform):
    def expand(self, extracts):
        highest = (
            extracts
            | assay.FanoutSlices()
            | beam.MapTuple(lambda key, batch: (key, float(np.max(batch["predictions"], initial=0))))
            | beam.CombinePerKey(max)
        )
        return {
            "metrics": highest | beam.MapTuple(metric_record),
            "messages": highest | "Messages" >> beam.MapTuple(lambda key, score: slice_key_to_proto(key)),
            "texts": extracts | "Texts" >> beam.Map(lambda e: f"{len(e['labels'])} rows, größte zuerst\n\0"),
            "values": extracts | "Values" >> beam.Map(lambda e: {"a": [len(e["labels"]), 2**70, None, float("nan")]}),
            "bytes": extracts | "Bytes" >> beam.Map(lambda e: np.asarray(e["predictions"]).tobytes()),
            "batches": extracts | "Batches" >> beam.Map(lambda e: {"derived": e["derived"], "labels": e["labels"]}),
        }


def metric_record(key, score):
    record = MetricsForSlice(slice_key=slice_key_to_proto(key))
    value = record.metric_keys_and_values.add()
    value.key.name, value.value.double_value.value = "highest", score
    return record.SerializeToString(deterministic=True)


def rows_as_read() -> assay.Evaluator:
    """What there is directly after ReadInputs."""
    return assay.Evaluator("RowsAsRead", "", _Described("as_read", as_read))


def types_at_last() -> assay.Evaluator:
    """The types of the columns after the last extractor."""
    return assay.Evaluator("TypesAtLast", LAST_EXTRACTOR_STAGE_NAME, _Described("types", types_of))


class _Described(beam.PTransform):
    """Extracts -> {output: what `describe` says of each batch}."""

    def __init__(self, output, describe):
        super().__init__()
        self._output, self._describe = output, describe

    def expand(self, extracts):
        return {self._output: extracts | beam.Map(self._describe)}


def as_read(extracts):
    source = extracts["_source"]
    files = {file.rsplit("/", 1)[-1] for file in source["file"].to_pylist()}
    values = {name: column.to_pylist() for name, column in extracts["features"].items()}
    return {"files": sorted(files), "rows": source["row"].tolist(), "values": values}


def types_of(extracts):
    return {
        ".".join(path): f"{type(leaf).__name__} {getattr(leaf, 'type', None) or (leaf.dtype, leaf.shape)}"
        for path, leaf in leaves(extracts)
    }


def write_lines(path: str) -> beam.PTransform:
    """A writer of all that the evaluators above put out."""
    return _WriteLines(path)


class _WriteLines(beam.PTransform):
    def __init__(self, path):
        super().__init__()
        self._path = path

    def expand(self, evaluation):
        own = sorted(set(evaluation) - {"metrics", "plots", "validations", "analysis"})
        lines = [evaluation[key] | f"Lines({key})" >> beam.Map(line, key=key) for key in own]
        return lines | beam.Flatten() | beam.io.WriteToText(self._path)


def line(element, key):
    if key == "batches":
        element = {".".join(path): np.asarray(leaf).tolist() for path, leaf in leaves(element)}
    return f"{key}: {type(element).__name__} {element!r}".replace("\n", " ")
