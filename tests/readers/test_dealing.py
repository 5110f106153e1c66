"""Engines deal parts of an input out in turn; their order gives each worker neighbours."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from assay.engine.workers.runner import LocalRunner
from assay.readers.dealing import dealt, for_any_workers, for_workers


def hands(order, workers):
    """What each worker has, if parts are dealt out one by one."""
    return [order[worker::workers] for worker in range(workers)]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 20, 31])
def test_each_of_so_many_workers_has_neighbours_in_order(count, workers):
    order = for_workers(range(count), workers)
    assert sorted(order) == [*range(count)]
    for hand in hands(order, workers):
        assert hand == [*range(hand[0], hand[-1] + 1)] if hand else True
    sizes = [len(hand) for hand in hands(order, workers)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 16, 20, 32])
def test_each_worker_has_neighbours_where_nobody_tells_how_many_there_are(count, workers):
    order = for_any_workers(range(count))
    assert sorted(order) == [*range(count)]
    if count % workers == 0:
        for hand in hands(order, workers):
            assert sorted(hand) == ([*range(min(hand), max(hand) + 1)] if hand else [])


def test_parallelism_is_what_the_options_say():
    flags = ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--parallelism=2"]
    assert dealt(range(6), beam.Pipeline(options=PipelineOptions(flags))) == [0, 3, 1, 4, 2, 5]
    assert dealt(range(6), beam.Pipeline(options=PipelineOptions(flags[:2]))) == for_any_workers(range(6))


def test_on_this_machine_parts_stay_in_order():
    assert dealt(range(6), beam.Pipeline(runner=LocalRunner())) == [0, 1, 2, 3, 4, 5]
