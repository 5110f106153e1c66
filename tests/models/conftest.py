"""Small models, built once a session; each computes something that a test can compute by hand."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from assay.models.tensorflow import import_tensorflow


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def _save(path: Path, **functions) -> str:
    """Saves functions as the signatures of a SavedModel."""
    tf = import_tensorflow()
    module = tf.Module()
    module.scale = tf.Variable(2.0)
    signatures = {name: make(tf, module) for name, make in functions.items()}
    module.kept = list(signatures.values())
    tf.saved_model.save(module, str(path), signatures=signatures)
    return str(path)


@pytest.fixture(scope="session")
def named_tensors(models) -> str:
    """score = 2 * age + clicks + (1 if city == "Rome"), from inputs (n, 1), (n,), (n, 1)."""

    def serve(tf, module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 1], tf.float32, name="age"),
                tf.TensorSpec([None], tf.int64, name="clicks"),
                tf.TensorSpec([None, 1], tf.string, name="city"),
            ]
        )
        def score(age, clicks, city):
            rome = tf.cast(tf.equal(city, "Rome"), tf.float32)
            return {"score": module.scale * age + tf.cast(clicks, tf.float32)[:, None] + rome}

        return score

    return _save(models / "named_tensors", serving_default=serve)


@pytest.fixture(scope="session")
def serialised_examples(models) -> str:
    """serving_default: 2 * x of a serialised tf.Example; with_classes: that, and the classes as text (n, 2)."""

    def parsed(tf, examples):
        return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

    def serve(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def score(examples):
            return {"predictions": module.scale * parsed(tf, examples)}

        return score

    def with_classes(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def classify(examples):
            x = parsed(tf, examples)
            classes = tf.tile(tf.constant([["no", "yes"]]), [tf.shape(x)[0], 1])
            return {"scores": tf.concat([1.0 - x, x], axis=1), "classes": classes}

        return classify

    return _save(models / "serialised_examples", serving_default=serve, with_classes=with_classes)


@pytest.fixture(scope="session")
def one_text(models) -> str:
    """A signature whose only input is a text feature, not a tf.Example: its length in bytes."""

    def serve(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="comment")])
        def length(comment):
            return {"length": module.scale * tf.cast(tf.strings.length(comment), tf.float32) / 2.0}

        return length

    return _save(models / "one_text", score_text=serve)


@pytest.fixture(scope="session")
def ragged(models) -> str:
    """Signatures of a sparse input, of a ragged input, and of a ragged output."""

    def of_sparse(tf, module):
        @tf.function(input_signature=[tf.SparseTensorSpec([None, None], tf.float32)])
        def total(values):
            return {"total": module.scale * tf.sparse.reduce_sum(values, axis=1)}

        return total

    def of_ragged(tf, module):
        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
        def total(values):
            return {"total": module.scale * tf.reduce_sum(values, axis=1)}

        return total

    def to_ragged(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="lengths")])
        def runs(lengths):
            return {"runs": tf.cast(tf.ragged.range(lengths), tf.float32) * module.scale}

        return runs

    return _save(models / "ragged", of_sparse=of_sparse, of_ragged=of_ragged, to_ragged=to_ragged)


@pytest.fixture(scope="session")
def odd_outputs(models) -> str:
    """Signatures whose output does not fit: one value for the batch; a reshape that refuses odd row counts."""
    tf_input = "x"

    def mean(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name=tf_input)])
        def of_batch(x):
            return {"mean": module.scale * tf.reduce_mean(x)}

        return of_batch

    def pairs(tf, module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name=tf_input)])
        def in_pairs(x):
            return {"pairs": module.scale * tf.reshape(x, [-1, 2])}

        return in_pairs

    return _save(models / "odd_outputs", mean=mean, pairs=pairs)


def _linear(keras, units: int, name: str):
    return keras.layers.Dense(units, kernel_initializer="ones", bias_initializer="zeros", name=name)


@pytest.fixture(scope="session")
def keras_named(models) -> str:
    """Dict of inputs (age, clicks, city) -> age + clicks + index of the city (Oslo 1, Rome 2, else 0)."""
    import_tensorflow()
    import keras

    given = {
        "clicks": keras.Input((1,), dtype="int64", name="clicks_input"),
        "age": keras.Input((1,), name="age_input"),
        "city": keras.Input((1,), dtype="string", name="city_input"),
    }
    city = keras.layers.StringLookup(vocabulary=["Oslo", "Rome"])(given["city"])
    total = keras.layers.Concatenate()(
        [keras.ops.cast(value, "float32") for value in (given["clicks"], given["age"], city)]
    )
    path = str(models / "named.keras")
    keras.Model(given, _linear(keras, 1, "score")(total)).save(path)
    return path


@pytest.fixture(scope="session")
def keras_list(models) -> str:
    """Inputs in a list, named by their layers (b before a), and two outputs: a, 10 * b."""
    import_tensorflow()
    import keras

    b, a = keras.Input((1,), name="b"), keras.Input((1,), name="a")
    outputs = [keras.layers.Rescaling(1.0, name="left")(a), keras.layers.Rescaling(10.0, name="right")(b)]
    path = str(models / "list.keras")
    keras.Model([b, a], outputs).save(path)
    return path


@pytest.fixture(scope="session")
def keras_one(models) -> str:
    """A Sequential model of one input "x" of three columns: their sum. Compiled with a loss of its own."""
    import_tensorflow()
    import keras

    model = keras.Sequential([keras.Input((3,), name="x"), _linear(keras, 1, "sum")])

    @keras.saving.register_keras_serializable("tests")
    def own_loss(labels, predictions):
        return keras.ops.mean(labels - predictions)

    model.compile(loss=own_loss)
    path = str(models / "one.keras")
    model.save(path)
    return path


@pytest.fixture
def model_functions(monkeypatch):
    """The module of models that are Python functions, importable as `model_functions`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("model_functions")
