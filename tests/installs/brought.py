"""What readers have before they meet assay: scored rows, and what a pipeline of TFX has left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from assay.models.tensorflow import import_tensorflow

ROWS = 5_000


def write_scores(file: Path) -> None:
    """Writes a day's labels and predictions, by country."""
    rng = np.random.default_rng(0)
    score = rng.random(ROWS)
    label = (rng.random(ROWS) < score).astype(int)
    file.parent.mkdir(parents=True)
    pd.DataFrame({"country": rng.choice(["fr", "de"], ROWS), "label": label, "score": score}).to_parquet(file)


def write_pipeline(examples: Path, model: Path) -> None:
    """Writes tf.Examples, gzipped, and a SavedModel whose signature takes them as text, as serving signatures do."""
    tf = import_tensorflow()

    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, ROWS)
    rich = (rng.random(ROWS) < 1 / (1 + np.exp(-(age - 50) / 6))).astype(int)
    examples.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(examples), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for sex, years, label in zip(rng.choice(["Female", "Male"], ROWS), age, rich, strict=True):
            example = tf.train.Example()
            example.features.feature["sex"].bytes_list.value.append(sex.encode())
            example.features.feature["age"].int64_list.value.append(int(years))
            example.features.feature["income_50k"].int64_list.value.append(int(label))
            writer.write(example.SerializeToString())

    module = tf.Module()
    module.middle = tf.Variable(50.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(serialised):
        parsed = tf.io.parse_example(serialised, {"age": tf.io.FixedLenFeature([], tf.int64)})
        return {"outputs": tf.sigmoid((tf.cast(parsed["age"], tf.float32) - module.middle) / 6.0)}

    tf.saved_model.save(module, str(model), signatures={"serving_default": serve})
