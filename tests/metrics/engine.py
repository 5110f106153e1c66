"""Runs the metrics engine without Beam, cut up as a test wants it."""

import itertools

import numpy as np
from google.protobuf import text_format

from assay.extracts.columns import row_count, take
from assay.metrics.binding.bound import metrics_of
from assay.metrics.entries.examples import examples_of
from assay.metrics.evaluate import evaluate
from assay.metrics.states.forest import Forest
from assay.metrics.states.layout import layout_of
from assay.metrics.states.slices import SliceStates, block_count, place
from assay.proto.config_pb2 import EvalConfig
from assay.slicing.codes import codes_of, slice_rows
from assay.slicing.specs import slicings_of

EVERY_SLICE = (
    'slicing_specs {} slicing_specs { feature_keys: "group" } slicing_specs { feature_keys: ["group", "level"] }'
)


def config_of(metrics: str, slices: str = "slicing_specs {}", weighted: bool = True) -> EvalConfig:
    key = 'example_weight_key: "w"' if weighted else ""
    text = f"model_specs {{ {key} }} {slices} metrics_specs {{ {metrics} }}"
    return text_format.Parse(text, EvalConfig())


def cut(batch, *sizes):
    """Pieces of the given sizes, the last one taking the rest."""
    bounds = [0, *itertools.accumulate(sizes), row_count(batch)]
    return [take(batch, np.arange(a, b)) for a, b in itertools.pairwise(bounds)]


def evaluated(splits, config):
    """slice key -> {metric: value}. `splits` is a list of splits of the input, each a list of batches."""
    metrics = metrics_of(config)
    layout = layout_of(metrics)
    found = {}
    for slicing in slicings_of(config):
        forests: dict[int, Forest] = {}
        for index, batches in splits:
            states = SliceStates(layout)
            for batch in batches:
                rows = row_count(batch)
                examples = {metric.stream: examples_of(batch, metric.stream) for metric in metrics}
                codes = codes_of(slice_rows([slicing], batch["features"], rows)[slicing.name].column)
                states.add(codes, place(layout, examples), rows)
            for block, part in states.partials(block_count(len(slicing.features))):
                forests.setdefault(block, Forest()).add((0, index), part)
        for forest in forests.values():
            part = forest.total()
            values = evaluate(part, metrics, layout).values
            for i, key in enumerate(part.keys):
                assert key not in found, f"{key} came out twice"
                found[key] = {metric: slice_of(value, i) for metric, value in values.items()}
    return found


def slice_of(value, i):
    """The value of one slice, as one array."""
    if isinstance(value, np.ndarray):
        return value[i]
    return np.stack([np.broadcast_to(f, f.shape) if f.ndim == 1 else f[i] for f in value])


def whole(batch, config):
    return evaluated([(0, [batch])], config)
