"""Metrics that Keras models were compiled with have Keras' own values, whatever file the model is in."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import assay
from assay import cli

ROWS = 200
FEATURES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 3)).astype("float32"), columns=FEATURES)
    return frame.assign(kind=rng.integers(0, 3, ROWS), weight=rng.random(ROWS), group=rng.choice(["x", "y"], ROWS))


def compiled(keras):
    """A model of three classes."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")],
        weighted_metrics=["sparse_categorical_crossentropy"],
    )
    return model


@pytest.fixture(scope="module", params=["keras", "saved_model"])
def saved(request, data, tmp_path_factory):
    """Kind and file of a model, and what Keras says of it: Keras 3 writes archives, Keras 2 SavedModels."""
    from assay.models.tensorflow import import_tensorflow

    import_tensorflow()
    keras = pytest.importorskip("keras" if request.param == "keras" else "tf_keras")
    model, folder = compiled(keras), tmp_path_factory.mktemp("model")
    x, y, w = data[FEATURES].to_numpy(), data["kind"].to_numpy(), data["weight"].to_numpy()
    if request.param == "keras":
        model.save(folder / "m.keras")
    else:
        model.fit(x, y, verbose=0)
        model.save(folder / "m", save_format="tf")
    told = model.evaluate(x, y, sample_weight=w, batch_size=ROWS, verbose=0, return_dict=True)
    told["loss"] *= ROWS / w.sum()  # Keras divides the weighted sum by the number of rows
    return request.param, folder / ("m.keras" if request.param == "keras" else "m"), told


@pytest.fixture
def analysis(saved, data, tmp_path):
    """A function that writes an analysis file, in a folder of its own."""
    kind, file, _ = saved
    data.to_parquet(tmp_path / "rows.parquet")

    def write(checkpoint="none", **config):
        spec = {"label_key": "kind", "example_weight_key": "weight"}
        content = {
            "inputs": {"format": "parquet", "files": ["rows.parquet"]},
            "models": [{"name": "m", "type": kind, "uri": str(file), "features": FEATURES}],
            "eval_config": {"model_specs": [spec], "slicing_specs": [{}, {"feature_keys": ["group"]}], **config},
            "checkpoint": checkpoint,
            "output": "out",
        }
        path = tmp_path / f"{checkpoint}.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    return write


def values(folder):
    table = assay.metrics_frame(str(folder / "out"))
    return {(row.slice, row.metric): row.value for row in table.itertuples()}


def test_a_config_without_metrics_has_those_of_the_model_with_the_values_of_keras(analysis, saved, tmp_path):
    assert cli.main(["run", analysis(), "--quiet"]) == 0
    found = values(tmp_path)
    assert {name: found["Overall", name] for name in saved[2]} == pytest.approx(saved[2], rel=1e-5)
    assert len(found) == 3 * len(saved[2])

    assert cli.main(["run", analysis("every"), "--checkpoints", str(tmp_path / "root"), "--quiet"]) == 0
    assert values(tmp_path) == found


def test_a_threshold_by_name_holds_the_metric_of_the_model_against_its_bound(analysis, tmp_path, capsys):
    bound = {"value_threshold": {"lower_bound": 0.999}}
    specs = [{"metrics": [{"class_name": "ExampleCount"}], "thresholds": {"accuracy": bound}}]
    path = analysis("every", metrics_specs=specs)
    assert cli.main(["check", path]) == 0
    assert "1 threshold, 5 metrics" in capsys.readouterr().out
    assert cli.main(["run", path, "--checkpoints", str(tmp_path / "root"), "--quiet", "--fail-on", "not-blessed"]) == 1
    (verdict,) = [json.loads(file.read_text()) for file in tmp_path.glob("out/*/verdict.json")]
    assert verdict["status"] == "NOT_BLESSED"
    assert [(check["metric"], check["failed"]) for check in verdict["checks"]] == [("accuracy", 3)]


def test_the_metrics_of_two_models_are_compared_by_their_name(analysis, tmp_path):
    change = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.001}}
    path = Path(analysis(metrics_specs=[{"thresholds": {"accuracy": change}}]))
    content = yaml.safe_load(path.read_text())
    content["models"].append({**content["models"][0], "name": "before", "baseline": True})
    content["eval_config"]["model_specs"][0] |= {"name": "m"}
    content["eval_config"]["model_specs"].append({"name": "before", "label_key": "kind", "is_baseline": True})
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert cli.main(["run", str(path), "--quiet", "--fail-on", "not-blessed"]) == 1
    (verdict,) = [json.loads(found.read_text()) for found in tmp_path.glob("out/*/verdict.json")]
    assert [(check["metric"], check["value"]) for check in verdict["checks"]] == [("accuracy [m]", 0.0)]
