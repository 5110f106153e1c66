"""States that arrive from workers merge at once, and to the same bits whatever order they come in."""

from typing import Any

import numpy as np
import pytest
from apache_beam.coders import coders
from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer, ListBuffer
from apache_beam.transforms.core import Windowing
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from assay.engine.workers.arriving import Arriving
from assay.evaluators.block_states import Share
from assay.metrics.states.dense import Dense
from assay.metrics.states.forest import Forest
from assay.metrics.states.partial import Partial
from assay.types import SliceKey
from assay.verdict import Counts

SPLITS, SLICES = 13, 5
VALUES = coders.FastPrimitivesCoder()
PAIRS = coders.WindowedValueCoder(
    coders.TupleCoder([coders.StrUtf8Coder(), coders.LengthPrefixCoder(coders.BytesCoder())]),
    coders.GlobalWindowCoder(),
)
"""Of keys and encoded values, as runners have them that cannot read values."""


def state(split: int) -> Partial:
    """Sums whose order shows in their last bits."""
    rng = np.random.default_rng(split)
    keys: list[SliceKey] = [(("slice", int(number)),) for number in rng.permutation(SLICES)]
    return Partial(keys, rng.integers(1, 9, SLICES), [Dense(rng.lognormal(0, 9, (SLICES, 3)))])


def share(*splits: int, number: int = 0) -> Share:
    """What a worker has of some splits."""
    held = Forest()
    for split in splits:
        held.add((0, split), state(split))
    return Share(number, held.nodes, {})


def bits(part: Partial) -> dict[SliceKey, bytes]:
    (sums,) = part.states
    assert isinstance(sums, Dense)
    return {key: sums.sums[i].tobytes() for i, key in enumerate(part.keys)}


@pytest.fixture
def buffer():
    return GroupingBuffer(PAIRS, PAIRS, Windowing(GlobalWindows()))


@pytest.fixture
def arriving(buffer):
    return Arriving(buffer, VALUES)


def sent(*pairs: tuple[str, object]) -> bytes:
    window, coder = GlobalWindow(), PAIRS.get_impl()
    encoded = [WindowedValue((key, VALUES.encode(value)), window.max_timestamp(), [window]) for key, value in pairs]
    return b"".join(coder.encode_nested(value) for value in encoded)


def values_in(buffer: GroupingBuffer) -> list[list[Any]]:
    return [[VALUES.decode(value) for value in values] for values in buffer._table.values()]


@pytest.mark.parametrize("seed", range(20))
def test_states_have_the_same_bits_whatever_order_they_arrive_in(buffer, arriving, seed):
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(1, SPLITS), rng.integers(0, 6), replace=False))
    runs = [share(*run.tolist()) for run in np.split(np.arange(SPLITS), cuts)]
    for number in rng.permutation(len(runs)):
        arriving.append(sent(("key", runs[number])))
    arriving.close()
    ((joined,),) = values_in(buffer)
    assert bits(Forest(joined.nodes).total()) == bits(Forest(share(*range(SPLITS)).nodes).total())


def test_one_state_of_a_key_is_held_while_others_arrive(buffer, arriving):
    for split in (2, 0, 3, 1):
        arriving.append(sent(("a", share(split)), ("b", share(split))))
        assert values_in(buffer) == [[], []]
    arriving.close()
    assert [[list(held.nodes) for held in values] for values in values_in(buffer)] == [[[(2, 0)]], [[(2, 0)]]]


def test_states_of_two_passes_and_counts_stay_apart(buffer, arriving):
    for split in (0, 1):
        arriving.append(sent(("a", share(split)), ("a", share(split, number=1)), ("b", Counts(split))))
    arriving.close()
    states, counts = values_in(buffer)
    assert [(held.number, list(held.nodes)) for held in states] == [(0, [(1, 0)]), (1, [(1, 0)])]
    assert counts == [Counts(0), Counts(1)]


def test_values_that_do_not_join_wait_as_they_are(buffer, arriving):
    arriving.append(sent(("a", 1), ("a", 2), ("b", 3)))
    assert values_in(buffer) == [[1, 2], [3]]
    arriving.append(sent(("a", 4)))
    arriving.close()
    assert values_in(buffer) == [[1, 2, 4], [3]]


def test_what_is_not_grouped_goes_to_its_buffer():
    buffer = ListBuffer(None)
    arriving = Arriving(buffer, None)
    arriving.append(b"one")
    arriving.close()
    assert list(buffer) == [b"one"]
