"""Trains the demo's two models and writes the data that they are evaluated on.

    models/candidate/             SavedModel: `serving_default` takes serialised tf.Examples
    models/baseline.keras         Keras 3: takes the raw feature columns by name
    out/data/eval-*.tfrecord.gz   the test rows as tf.Examples
    out/data/eval.parquet         the same rows
    out/data/days/DATE/           the same rows again, as if a seventh of them had come on each of seven days

Sex, race and Hispanic origin are not given to the models: the analysis slices by them. Preprocessing is part of the
models, so that raw columns go in wherever they are served or evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

HERE = Path(__file__).parent
LABEL, WEIGHT = "income_50k", "instance_weight"
TEXT = ("education", "marital_status", "class_of_worker", "occupation", "tax_filer", "citizenship")
NUMBERS = ("age", "weeks_worked")
AMOUNTS = ("wage_per_hour", "capital_gains", "capital_losses", "dividends")  # mostly 0, long tails
BASELINE_FEATURES = ("education", "class_of_worker", "age", "weeks_worked", "capital_gains")
SHARDS = 4
DAYS = tuple(f"2026-11-{day}" for day in range(16, 23))
SEED = 1994

Columns = dict[str, npt.NDArray[Any]]


@click.command()
def main() -> None:
    """Trains, exports and writes the evaluation data; the same bytes of data and the same seeds each time."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    train = pd.read_parquet(HERE / "data" / "train.parquet")
    test = pd.read_parquet(HERE / "data" / "test.parquet")
    models = HERE / "models"
    models.mkdir(exist_ok=True)

    candidate = fit(network(train, TEXT + NUMBERS + AMOUNTS, hidden=(64, 32)), train, epochs=5)
    export_for_examples(candidate, models / "candidate")
    baseline = fit(network(train, BASELINE_FEATURES, hidden=()), train, epochs=4)
    baseline.save(models / "baseline.keras")
    write_eval_data(test, HERE / "out" / "data")
    click.echo(f"trained on {len(train):,} rows: {models}; wrote {len(test):,} rows: {HERE / 'out' / 'data'}")


def network(train: pd.DataFrame, features: tuple[str, ...], hidden: tuple[int, ...]) -> keras.Model:
    """Returns an untrained binary classifier of raw named columns; without hidden layers a logistic regression."""
    import keras

    inputs = {name: keras.Input((1,), name=name, dtype="string" if name in TEXT else "float32") for name in features}
    x = keras.layers.Concatenate()([encode(name, inputs[name], train[name].to_numpy()) for name in features])
    for width in hidden:
        x = keras.layers.Dense(width, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="probability")(x))


def encode(name: str, column: keras.KerasTensor, values: npt.NDArray[Any]) -> keras.KerasTensor:
    """Returns one-hot text, or a number of mean 0 and variance 1 (an amount as its logarithm)."""
    import keras

    if name in TEXT:
        vocabulary = sorted(set(values))
        return keras.layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot", name=f"{name}_code")(column)
    if name in AMOUNTS:
        column, values = keras.ops.log1p(column), np.log1p(values)
    scale = keras.layers.Normalization(mean=float(values.mean()), variance=float(values.var()), name=f"{name}_scaled")
    return scale(column)


def fit(model: keras.Model, train: pd.DataFrame, epochs: int) -> keras.Model:
    """Trains on weighted rows and returns the model."""
    import keras

    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    weights = (train[WEIGHT] / train[WEIGHT].mean()).to_numpy()
    model.fit(
        columns_for(model, train), train[LABEL].to_numpy(), sample_weight=weights,
        batch_size=1024, epochs=epochs, verbose=0,
    )  # fmt: skip
    return model


def columns_for(model: keras.Model, frame: pd.DataFrame) -> dict[str, tf.Tensor]:
    """Returns the columns that the model wants, each of shape (n, 1)."""
    import tensorflow as tf

    return {tensor.name: tf.constant(frame[tensor.name].to_numpy()[:, None], tensor.dtype) for tensor in model.inputs}


def export_for_examples(model: keras.Model, path: Path) -> None:
    """Writes a SavedModel whose `serving_default` maps serialised tf.Examples (n,) to `predictions` (n, 1)."""
    import keras
    import tensorflow as tf

    spec = {
        tensor.name: tf.io.FixedLenFeature((1,), tf.string if tensor.name in TEXT else tf.int64)
        for tensor in model.inputs
    }

    def serve(examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        parsed = tf.io.parse_example(examples, spec)
        return {"predictions": model({name: as_input(column) for name, column in parsed.items()})}

    def as_input(column: tf.Tensor) -> tf.Tensor:
        return column if column.dtype == tf.string else tf.cast(column, tf.float32)

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, [tf.TensorSpec((None,), tf.string, name="examples")])
    archive.write_out(str(path), verbose=False)


def write_eval_data(test: pd.DataFrame, folder: Path) -> None:
    """Writes the rows as TFRecords of tf.Example, in SHARDS files and by DAYS, and as one Parquet file."""
    folder.mkdir(parents=True, exist_ok=True)
    test.to_parquet(folder / "eval.parquet", index=False)
    for shard, rows in enumerate(parts(test, SHARDS)):
        write_examples(rows, folder / f"eval-{shard:05d}-of-{SHARDS:05d}.tfrecord.gz")
    for day, rows in zip(DAYS, parts(test, len(DAYS)), strict=True):
        (folder / "days" / day).mkdir(parents=True, exist_ok=True)
        write_examples(rows, folder / "days" / day / "eval.tfrecord.gz")


def parts(frame: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """Cuts rows into so many parts of one size, but for the last."""
    size = -(-len(frame) // count)
    return [frame.iloc[start : start + size] for start in range(0, len(frame), size)]


def write_examples(rows: pd.DataFrame, path: Path) -> None:
    """Writes rows as gzipped TFRecords of tf.Example."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for example in examples(rows):
            writer.write(example.SerializeToString())


def examples(frame: pd.DataFrame) -> Iterator[tf.train.Example]:
    """Yields a tf.Example for each row: text as bytes, whole numbers as int64, the weight as a float."""
    import tensorflow as tf

    columns = [(name, frame[name].to_numpy()) for name in frame]
    for row in range(len(frame)):
        example = tf.train.Example()
        for name, values in columns:
            feature = example.features.feature[name]
            if values.dtype == object:
                feature.bytes_list.value.append(values[row].encode())
            elif values.dtype.kind == "i":
                feature.int64_list.value.append(values[row])
            else:
                feature.float_list.value.append(values[row])
        yield example


if __name__ == "__main__":
    main()
