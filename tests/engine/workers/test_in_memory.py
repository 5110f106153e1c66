"""Tables in memory are shared with forks of the process, where it can be forked; the bits stay the same."""

import functools

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.engine.workers import pool, runner
from assay.errors import ConfigError
from assay.evaluators import block_states, metrics_and_plots
from assay.readers import arrow
from tests.engine.workers.counted_pools import sizes_of_pools
from tests.parity.results import differing, parts_of

ROWS = 900
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [
        {"metrics": [{"class_name": "AUC"}, {"class_name": "MeanPrediction"}, {"class_name": "Calibration"}]}
    ],
    "options": {"compute_confidence_intervals": True},
}


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    label = (rng.random(ROWS) < 0.4).astype(float)
    scores = np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1)
    return pa.table({"label": label, "prediction": scores, "group": rng.choice(["a", "b", "c"], ROWS)})


@pytest.fixture
def started(monkeypatch):
    """Parts of 100 rows that pay; the numbers of processes that were started."""
    monkeypatch.setattr(runner, "PAYS_AFTER", 0.0)
    monkeypatch.setattr(runner, "PAYS_AFTER_IMPORTS", 0.0)
    monkeypatch.setattr(arrow, "PART_ROWS", 100)
    monkeypatch.setattr(arrow, "from_arrow", functools.partial(arrow.from_arrow, batch_rows=50))
    return sizes_of_pools(monkeypatch)


def evaluated(table, folder, **settings):
    assay.analyze_raw_data(table, CONFIG, folder / "results", **settings)
    return parts_of(folder)


def test_forks_give_the_bits_of_one_process(table, tmp_path, started, monkeypatch):
    monkeypatch.setattr(pool, "is_forkable", lambda: True)
    expected = evaluated(table, tmp_path / "1", workers=1)
    for workers in (2, 3):
        assert differing(evaluated(table, tmp_path / str(workers), workers=workers), expected) == {}
    assert started == [2, 3]
    assert expected["summary"]["rows"] == ROWS


def test_states_of_workers_merge_before_all_have_come(table, tmp_path, started, monkeypatch):
    monkeypatch.setattr(pool, "is_forkable", lambda: True)
    counts = []

    def counted(shares, analysis):
        counts.append([len(share.nodes) for share in shares])
        return block_states.merged(shares, analysis)

    monkeypatch.setattr(metrics_and_plots, "merged", counted)
    evaluated(table, tmp_path, workers=3)
    assert started == [3]
    assert counts == [[2], [2]]  # of each slicing one state, of 9 parts: 0 to 7, and 8


def test_a_process_that_cannot_be_forked_does_it_alone(table, tmp_path, started, monkeypatch):
    monkeypatch.setattr(pool, "is_forkable", lambda: False)
    found = evaluated(table, tmp_path / "2", workers=2)
    assert (started, found["summary"]["rows"]) == ([], ROWS)


def test_a_small_table_starts_no_process(table, tmp_path, started, monkeypatch):
    monkeypatch.setattr(pool, "is_forkable", lambda: True)
    monkeypatch.setattr(runner, "PAYS_AFTER", 1.5)
    evaluated(table, tmp_path, workers=2)
    assert started == []


def test_a_number_of_processes_that_is_none_is_refused(table, tmp_path):
    with pytest.raises(ConfigError, match="workers"):
        assay.analyze_raw_data(table, CONFIG, tmp_path, workers=0)
