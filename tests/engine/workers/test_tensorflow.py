"""TensorFlow in worker processes: a model for each, within its share of the cores, with the bits of one process."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.models.tensorflow import import_tensorflow
from tests.parity.results import differing, parts_of

FILES, ROWS, FEATURES = 4, 300, 40
SHARE = 2
"""Threads of each of two workers on four cores."""

RUN = """
import sys
from assay.cli import main
from assay.engine.workers import pool, runner
from assay.readers import source
source.SPLIT_BYTES, runner.PAYS_AFTER, runner.PAYS_AFTER_IMPORTS = 0, 0.0, 0.0
runner.available_cores = lambda: 4
started = []
class Counted(pool.Pool):
    def __init__(self, count, *args):
        started.append((count, pool.is_forkable()))
        super().__init__(count, *args)
runner.Pool = Counted
code = main(["run", "--quiet", "--workers", sys.argv[2], sys.argv[1]])
print(started, "tensorflow" in sys.modules)
sys.exit(code)
"""


def threads_of_tensorflow(columns):
    """A model that says how many threads of the process compute for TensorFlow."""
    tf = import_tensorflow()
    size = int(tf.reduce_sum(tf.ones([600, 600]) @ tf.ones([600, 600])))
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    return np.full(len(columns["x0"]), names.count("tf_Compute") if size else 0, np.float64)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(7)
    for number in range(FILES):
        columns = {f"x{i}": rng.normal(size=ROWS).astype(np.float32) for i in range(FEATURES)}
        label = (rng.random(ROWS) < 0.4).astype(np.float32)
        pq.write_table(pa.table({**columns, "label": label}), tmp_path / f"{number}.parquet")
    return tmp_path


def keras(folder):
    tf = import_tensorflow()
    tf.keras.utils.set_random_seed(3)
    inputs = [tf.keras.Input((1,), name=f"x{i}") for i in range(FEATURES)]
    hidden = tf.keras.layers.Dense(64, activation="relu")(tf.keras.layers.Concatenate()(inputs))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.save(folder / "model.keras")
    return {"name": "m", "type": "keras", "uri": str(folder / "model.keras")}


def saved_model(folder):
    tf = import_tensorflow()
    tf.keras.utils.set_random_seed(4)
    module = tf.Module()
    module.weights = tf.Variable(tf.random.normal([FEATURES, 1]))
    signature = [tf.TensorSpec([None], tf.float32, name=f"x{i}") for i in range(FEATURES)]

    @tf.function(input_signature=signature)
    def score(*columns, **named):
        given = tf.stack([*columns, *named.values()], axis=1)
        return {"predictions": tf.sigmoid(given @ module.weights)}

    tf.saved_model.save(module, str(folder / "saved"), signatures={"serving_default": score})
    return {"name": "m", "type": "saved_model", "uri": str(folder / "saved")}


def run(data, model, workers, metrics):
    """Parts of the results of a run in a process of its own, and what that says of its pool and of its modules."""
    out = data / f"{model['type']}-{workers}"
    analysis = {
        "inputs": {"format": "parquet", "files": [str(data / "*.parquet")]},
        "models": [model],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "metrics_specs": [{"metrics": [{"class_name": name} for name in metrics]}],
        },
        "output": str(out / "results"),
    }
    file = data / f"{out.name}.json"
    file.write_text(json.dumps(analysis))
    command = [sys.executable, "-c", RUN, str(file), str(workers)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr
    return parts_of(out), ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("make", [keras, pytest.param(saved_model, marks=pytest.mark.slow)])
def test_two_workers_predict_the_bits_of_one_process_which_is_not_forked_with_tensorflow(data, make):
    model = make(data)
    expected, said = run(data, model, 1, ("AUC", "MeanPrediction", "Calibration"))
    assert said.startswith("[]")
    found, said = run(data, model, 2, ("AUC", "MeanPrediction", "Calibration"))
    assert said in ("[(2, True)] False", "[(2, False)] True"), "a process with TensorFlow was forked"
    assert differing(found, expected) == {}
    assert found["summary"]["rows"] == FILES * ROWS


@pytest.mark.slow
def test_a_worker_computes_with_its_share_of_the_cores(data):
    model = {"name": "m", "type": "callable", "uri": f"{__name__}:threads_of_tensorflow", "features": ["x0"]}
    found, said = run(data, model, 2, ("MeanPrediction",))
    assert said == "[(2, True)] False"
    values = next((data / "callable-2" / "results").glob("**/flat_metrics-*.parquet"))
    (mean,) = [row["value"] for row in pq.read_table(values).to_pylist() if row["metric"] == "mean_prediction"]
    assert (mean, found["summary"]["rows"]) == (SHARE, FILES * ROWS)
