"""Runs the metrics engine without Beam, cut up as a test wants it."""

import itertools

import numpy as np
import pyarrow as pa
from google.protobuf import text_format

from assay.extracts.columns import row_count, take
from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of
from assay.metrics.by_query import by_bucket, states_of_bucket
from assay.metrics.engine import Accumulator
from assay.metrics.entries.selection import columns_of
from assay.metrics.evaluate import evaluate
from assay.metrics.split_states import BlockKey
from assay.metrics.states.forest import Forest
from assay.metrics.states.partial import Partial, side_by_side
from assay.metrics.states.slice_limit import SliceLimit
from assay.metrics.states.slices import SliceStates
from assay.metrics.values import ByFeature, MultiClassMatrices, MultiLabelMatrices, ShownValues
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.slicing.codes import Codes, slice_rows
from assay.slicing.specs import slicings_of
from assay.types import SLICE_KEY_TYPES_KEY, SOURCE_KEY

EVERY_SLICE = (
    'slicing_specs {} slicing_specs { feature_keys: "group" } slicing_specs { feature_keys: ["group", "level"] }'
)


def config_of(metrics: str, slices: str = "slicing_specs {}", weighted: bool = True) -> EvalConfig:
    key = 'example_weight_key: "w"' if weighted else ""
    text = f"model_specs {{ {key} }} {slices} metrics_specs {{ {metrics} }}"
    return text_format.Parse(text, EvalConfig())


def config_of_two(metrics: str, slices: str = "slicing_specs {}") -> EvalConfig:
    """Of a candidate, `new`, and a baseline, `old`."""
    models = "".join(
        f'model_specs {{ name: "{name}" example_weight_key: "w" is_baseline: {is_baseline} }} '
        for name, is_baseline in (("new", "false"), ("old", "true"))
    )
    names = 'model_names: ["new", "old"]'
    return text_format.Parse(f"{models} {slices} metrics_specs {{ {names} {metrics} }}", EvalConfig())


def cut(batch, *sizes):
    """Pieces of the given sizes, the last one taking the rest."""
    bounds = [0, *itertools.accumulate(sizes), row_count(batch)]
    return [take(batch, np.arange(a, b)) for a, b in itertools.pairwise(bounds)]


def analysis_of(config) -> Analysis:
    return Analysis(metrics_of(config), SliceLimit(slicings_of(config), MOST_SLICES))


def evaluated(splits, config):
    """slice key -> {metric: value}. `splits` is a list of splits of the input, each a list of batches."""
    analysis = analysis_of(config)
    forests: list[dict[BlockKey, Forest]] = [{} for _ in analysis.passes]
    for number, states in enumerate([_of_rows(splits, analysis), *_of_queries(splits, analysis)]):
        for block, (node, part) in states:
            forests[number].setdefault(block, Forest()).add(node, part)

    found: dict = {}
    nothing = Partial([], np.zeros(0, np.int64), [])
    stores = [one.layout.stores() for one in analysis.passes]
    for block in forests[0]:
        parts = [of[block].total() if block in of else nothing for of in forests]
        of_block = values_of(side_by_side(parts, stores), analysis)
        assert found.keys().isdisjoint(of_block), "a slice came out twice"
        found |= of_block
    return found


def _of_rows(splits, analysis):
    for index, batches in splits:
        accumulator = Accumulator(analysis)  # a bundle for each split
        for batch in _numbered(batches, index, analysis):
            accumulator.add(batch)
        yield from accumulator.parts()


def _of_queries(splits, analysis):
    """Of each `query_key`, with the pieces of each bucket in another order than that of the data."""
    for one in analysis.passes[1:]:
        buckets: dict = {}
        for index, batches in splits:
            for batch in _numbered(batches, index, analysis):
                for bucket, piece in by_bucket(batch, analysis, one.query_key):
                    buckets.setdefault(bucket, []).insert(0, piece)
        yield itertools.chain.from_iterable(
            states_of_bucket(bucket, pieces, analysis, one.query_key) for bucket, pieces in buckets.items()
        )


def _numbered(batches, index, analysis):
    """The batches of a split with their slices, and rows counted over all of them."""
    first = 0
    for batch in batches:
        extracts = sliced(batch, index, analysis.slicings)
        extracts[SOURCE_KEY]["row"] += first
        first += row_count(batch)
        yield extracts


def values_of(part, analysis):
    """slice key -> {metric: value} of a state."""
    values = evaluate(part, analysis.metrics, analysis.layout).values
    return {key: {metric: slice_of(value, i) for metric, value in values.items()} for i, key in enumerate(part.keys)}


def unchecked(batch, config):
    """{metric: value} of all rows of one batch, those too that no pass over data would take."""
    analysis = analysis_of(config)
    examples = {stream: stream.view.entries(columns_of(batch, stream.source)) for stream in analysis.passes[0].streams}
    states = SliceStates(analysis.layout.stores())
    states.add(Codes(None, None, [()]), analysis.layout.contributions(examples), row_count(batch))
    ((_, part),) = states.partials(1)
    return values_of(part, analysis)[()]


def sliced(batch, split, slicings):
    """The batch with the split that it comes from and the slices of its rows."""
    rows = row_count(batch)
    file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([f"split-{split}"]))
    source = {"split": np.full(rows, split), "file": file, "row": np.arange(rows)}
    slices = slice_rows(slicings, batch["features"], rows)
    return {**batch, SOURCE_KEY: source, SLICE_KEY_TYPES_KEY: {name: found.column for name, found in slices.items()}}


def slice_of(value, i):
    """The value of one slice, as one array."""
    if isinstance(value, np.ndarray):
        return value[i]
    if isinstance(value, ShownValues):
        return value.values[i]
    if isinstance(value, ByFeature):
        return np.concatenate([numbers for _, numbers in sorted(value.values[i].items())])
    if isinstance(value, MultiClassMatrices | MultiLabelMatrices):
        return value.cells[i]
    return np.stack([np.broadcast_to(f, f.shape) if f.ndim == 1 else f[i] for f in value])


def whole(batch, config):
    return evaluated([(0, [batch])], config)
