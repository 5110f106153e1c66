"""The eval configs of TFX's and TFMA's public examples run as they are, on small data and models of the same shapes.

Census, Chicago taxi, penguins, IMDB, MNIST, ranking, Civil Comments. Their text is written anew; fields, names
and thresholds are those of the examples.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import assay
from assay import cli

RNG = np.random.default_rng(15)
ROWS = 120

TAXI = """
model_specs {
  signature_name: "serving_default"
  label_key: "tips_xf"
  preprocessing_function_names: "transform_features"
}
slicing_specs {}
slicing_specs { feature_keys: "trip_start_hour" }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics {
    class_name: "BinaryAccuracy"
    threshold {
      value_threshold { lower_bound { value: 0.6 } }
      change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1e-10 } }
    }
  }
}
"""
PENGUIN = """
model_specs {
  signature_name: "serving_default"
  label_key: "species_xf"
  preprocessing_function_names: "transform_features"
}
slicing_specs {}
metrics_specs {
  metrics {
    class_name: "SparseCategoricalAccuracy"
    threshold {
      value_threshold { lower_bound { value: 0.6 } }
      change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1e-10 } }
    }
  }
}
"""
IMDB = """
model_specs { label_key: "label" }
slicing_specs {}
metrics_specs {
  metrics {
    class_name: "BinaryAccuracy"
    threshold {
      value_threshold { lower_bound { value: 0.4 } }
      change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1e-2 } }
    }
  }
}
"""
MNIST = """
model_specs { label_key: "image_class" }
slicing_specs {}
metrics_specs {
  metrics {
    class_name: "SparseCategoricalAccuracy"
    threshold { value_threshold { lower_bound { value: 0.3 } } }
  }
}
"""
MNIST_OF_THE_MODEL = """
model_specs { label_key: "image_class" }
slicing_specs {}
"""
RANKING = """
model_specs {
  model_type: "tf_keras"
  label_key: "relevance"
  padding_options { label_float_padding: -1.0 prediction_float_padding: -1.0 }
}
slicing_specs {}
slicing_specs { feature_keys: "query_tokens" }
metrics_specs {
  per_slice_thresholds {
    key: "metric/ndcg_10"
    value {
      thresholds {
        slicing_specs {}
        threshold { value_threshold { lower_bound { value: 0.6 } } }
      }
    }
  }
}
"""
CENSUS = """
model_specs { signature_name: "serving_default" label_key: "Over-50K" }
slicing_specs {}
slicing_specs { feature_keys: "Sex" }
slicing_specs { feature_keys: "Race" }
slicing_specs { feature_keys: "Sex" feature_keys: "Race" }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "BinaryAccuracy" }
  metrics { class_name: "AUC" }
  metrics { class_name: "AUCPrecisionRecall" }
  metrics { class_name: "ConfusionMatrixPlot" }
  metrics { class_name: "CalibrationPlot" }
  metrics { class_name: "FairnessIndicators" config: '{"thresholds": [0.25, 0.5, 0.75]}' }
}
options { compute_confidence_intervals { value: true } }
"""
CIVIL_COMMENTS = """
model_specs { label_key: "toxicity" }
slicing_specs {}
slicing_specs { feature_keys: "religion" }
metrics_specs {
  metrics { class_name: "AUC" }
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "Accuracy" }
  metrics {
    class_name: "FairnessIndicators"
    config: '{"thresholds": [0.4, 0.4125, 0.425, 0.4375, 0.45, 0.4675, 0.475, 0.4875, 0.5]}'
  }
}
options {
  compute_confidence_intervals { value: false }
  disabled_outputs { values: "analysis" }
}
"""


def _taxi(tf):
    miles, fare = RNG.exponential(4, ROWS), RNG.exponential(12, ROWS)
    tips = np.where(RNG.random(ROWS) < 0.4, 0.3 * fare, 0.05 * fare)
    rows = [
        {"trip_start_hour": int(hour), "trip_miles": m, "fare": f, "tips": t}
        for hour, m, f, t in zip(RNG.integers(0, 4, ROWS), miles, fare, tips, strict=True)
    ]
    spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in ("trip_miles", "fare", "tips")}

    def serve(examples):
        row = tf.io.parse_example(examples, spec)
        return {"outputs": tf.sigmoid(row["tips"] - 0.15 * row["fare"])[:, None]}

    def transform(examples):
        row = tf.io.parse_example(examples, spec)
        return {"tips_xf": tf.cast(row["tips"] > 0.2 * row["fare"], tf.int64), "fare_xf": row["fare"] / 10}

    return rows, {"serving_default": serve, "transform_features": transform}


def _penguin(tf):
    names = ("culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g")
    species = RNG.integers(0, 3, ROWS)
    rows = [{"species": int(kind), **{name: float(kind) + RNG.normal(0, 0.4) for name in names}} for kind in species]
    spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in names}

    def serve(examples):
        row = tf.io.parse_example(examples, spec)
        size = tf.add_n(list(row.values()))[:, None] / len(names)
        return {"output_0": tf.nn.softmax(-tf.square(size - tf.constant([[0.0, 1.0, 2.0]])))}

    def transform(examples):
        row = tf.io.parse_example(examples, {**spec, "species": tf.io.FixedLenFeature([], tf.int64)})
        return {f"{name}_xf": column for name, column in row.items()}

    return rows, {"serving_default": serve, "transform_features": transform}


def _imdb(tf):
    rows = [
        {"text": "good " * int(RNG.integers(0, 9)) + "bad " * 4, "label": int(RNG.integers(0, 2))} for _ in range(ROWS)
    ]
    spec = {"text": tf.io.FixedLenFeature([], tf.string)}

    def serve(examples):
        length = tf.strings.length(tf.io.parse_example(examples, spec)["text"])
        return {"outputs": tf.sigmoid(tf.cast(length, tf.float32) / 10 - 3)[:, None]}

    return rows, {"serving_default": serve}


def _mnist(tf):
    keras = pytest.importorskip("tf_keras")
    digit = RNG.integers(0, 10, ROWS)
    image = np.eye(10, dtype="float32")[digit] + RNG.normal(0, 0.3, (ROWS, 10)).astype("float32")
    rows = [{"image_floats": list(map(float, i)), "image_class": int(d)} for i, d in zip(image, digit, strict=True)]
    spec = {"image_floats": tf.io.FixedLenFeature([10], tf.float32)}

    model = keras.Sequential([keras.Input((10,), name="image_floats"), keras.layers.Dense(10, activation="softmax")])
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.RMSprop(0.1),
        metrics=["sparse_categorical_accuracy"],
    )
    model.fit(image, digit, epochs=5, verbose=0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"output_0": model(tf.io.parse_example(examples, spec)["image_floats"])}

    return rows, lambda folder: model.save(folder, save_format="tf", signatures={"serving_default": serve})


def _ranking(tf):
    """Lists of two to five documents, of a model that always ranks five.

    TensorFlow Ranking has no release for this TensorFlow: of its metrics, a model's files hold names and settings.
    """
    keras = pytest.importorskip("tf_keras")
    rows: list[dict[str, Any]] = [
        {"query_tokens": str(RNG.choice(["what", "how"])), "relevance": list(map(float, RNG.integers(0, 4, count)))}
        for count in RNG.integers(2, 6, ROWS)
    ]
    for row in rows:
        row["quality"] = [*(grade + RNG.normal(0, 0.5) for grade in row["relevance"]), *[0.0] * 5][:5]
    spec = {"quality": tf.io.FixedLenFeature([5], tf.float32)}

    def metric(class_name, name, **config):
        body = {"get_config": lambda self: {"name": name, "dtype": "float32", **config}}
        own = type(class_name, (keras.metrics.MeanSquaredError,), body)
        return keras.utils.register_keras_serializable("tensorflow_ranking")(own)(name)

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5, kernel_initializer="identity")])
    ndcg = metric("NDCGMetric", "metric/ndcg_10", topn=10, gain_fn=None, ragged=False)
    model.compile(loss=lambda y, p: tf.reduce_mean(y - p), metrics=[ndcg, metric("ARPMetric", "metric/arp")])
    model.fit(np.zeros((4, 5)), np.zeros((4, 5)), verbose=0)
    model.set_weights([np.eye(5), np.zeros(5)])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"outputs": model(tf.io.parse_example(examples, spec)["quality"])}

    return rows, lambda folder: model.save(folder, save_format="tf", signatures={"serving_default": serve})


def _census(tf):
    rows = [
        {
            "Sex": str(RNG.choice(["Female", "Male"])),
            "Race": str(RNG.choice(["Black", "White"])),
            "Age": float(RNG.integers(18, 90)),
            "Over-50K": float(RNG.integers(0, 2)),
        }
        for _ in range(ROWS)
    ]
    spec = {"Age": tf.io.FixedLenFeature([], tf.float32)}

    def serve(examples):
        return {"probability": tf.sigmoid(tf.io.parse_example(examples, spec)["Age"] / 20 - 2)[:, None]}

    return rows, {"serving_default": serve}


def _civil_comments(tf):
    faiths = ["buddhist", "christian", "jewish", "muslim"]
    rows = [
        {
            "comment_text": "a comment",
            "toxicity": float(RNG.random() < 0.3),
            "religion": [str(faith) for faith in RNG.choice(faiths, RNG.integers(0, 3), replace=False)],
            "score": RNG.random(),
        }
        for _ in range(ROWS)
    ]
    spec = {"score": tf.io.FixedLenFeature([], tf.float32)}

    def serve(examples):
        return {"toxicity": tf.io.parse_example(examples, spec)["score"][:, None]}

    return rows, {"serving_default": serve}


EXAMPLES = {
    "taxi": (TAXI, _taxi),
    "penguin": (PENGUIN, _penguin),
    "imdb": (IMDB, _imdb),
    "mnist": (MNIST, _mnist),
    "mnist, by the metrics of the model": (MNIST_OF_THE_MODEL, _mnist),
    "ranking": (RANKING, _ranking),
    "census": (CENSUS, _census),
    "civil comments": (CIVIL_COMMENTS, _civil_comments),
}
SLICES = {
    "taxi": {f"trip_start_hour={hour}" for hour in range(4)},
    "ranking": {f"query_tokens={word}" for word in ("what", "how")},
    "census": {f"Sex={sex}" for sex in ("Female", "Male")},
    "civil comments": {f"religion={faith}" for faith in ("buddhist", "christian", "jewish", "muslim")},
}
METRICS = {
    "mnist, by the metrics of the model": {"loss", "sparse_categorical_accuracy"},
    "ranking": {"metric/ndcg_10"},
}
LEFT_OUT = {"ranking": "model 'candidate' was compiled with 'metric/arp', which is not computed"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_eval_config_of_a_public_example_runs_unchanged_against_the_blessed_model(example, tmp_path, capsys):
    """The first run has no blessed model, and TFX leaves change thresholds out, too."""
    from assay.models.tensorflow import import_tensorflow

    tf = import_tensorflow()
    config, make = EXAMPLES[example]
    rows, saved = make(tf)
    write_examples(tf, rows, tmp_path / "eval.gz")
    if callable(saved):
        saved(tmp_path / "model")
    else:
        save_model(tf, saved, tmp_path / "model")
    (tmp_path / "eval_config.pbtxt").write_text(config, encoding="utf-8")
    write_analysis(tmp_path, has_change="change_threshold" in config)

    assert cli.main(["check", str(tmp_path / "analysis.yaml")]) == 0
    assert LEFT_OUT.get(example, "") in capsys.readouterr().out
    assert cli.main(["run", str(tmp_path / "analysis.yaml"), "--quiet"]) == 0
    table = assay.metrics_frame(str(tmp_path / "out"))
    overall = table[table["slice"] == "Overall"]
    assert len(overall), example
    assert not overall["value"].isna().any()
    assert set(table["slice"]) >= SLICES.get(example, set())
    assert set(overall["metric"]) >= METRICS.get(example, set())


def write_analysis(folder: Path, *, has_change: bool) -> None:
    models = [{"name": "candidate", "type": "saved_model", "uri": "model"}]
    if has_change:
        models.append({"name": "baseline", "baseline": "blessed", "uri": "blessed.json"})
    analysis = {
        "inputs": {"format": "tfrecord", "files": ["eval.gz"]},
        "models": models,
        "eval_config_file": "eval_config.pbtxt",
        "output": "out",
    }
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis), encoding="utf-8")


def write_examples(tf, rows, path: Path) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for row in rows:
            features = tf.train.Features(feature={name: _feature(tf, value) for name, value in row.items()})
            writer.write(tf.train.Example(features=features).SerializeToString())


def _feature(tf, value):
    values = value if isinstance(value, list) else [value]
    if not values or isinstance(values[0], str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode() for text in values]))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def save_model(tf, functions, path: Path) -> None:
    module = tf.Module()
    spec = [tf.TensorSpec([None], tf.string, name="examples")]
    module.functions = {name: tf.function(body, input_signature=spec) for name, body in functions.items()}
    tf.saved_model.save(module, str(path), signatures=dict(module.functions))


def test_a_table_of_rows_that_is_asked_for_and_disabled_is_refused(tmp_path, capsys):
    config = CENSUS.replace("options {", 'options { disabled_outputs { values: "analysis" }')
    (tmp_path / "eval_config.pbtxt").write_text(config, encoding="utf-8")
    write_analysis(tmp_path, has_change=False)
    path = tmp_path / "analysis.yaml"
    path.write_text(path.read_text() + "analysis_table: true\n", encoding="utf-8")
    assert cli.main(["check", str(path)]) == 64
    assert "analysis_table: found true, but options.disabled_outputs of the eval config has" in capsys.readouterr().err
