import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ModelError
from assay.models import model
from assay.models.model import ModelNeeds, ModelRef, needs
from assay.models.tensorflow import _quiet, import_tensorflow

load: Any = model.load


def saved(uri, **settings):
    return ModelRef("m", uri, "saved_model", **settings)


def examples(values):
    tf = import_tensorflow()
    floats = [tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for v in values]
    records = [tf.train.Example(features=tf.train.Features(feature={"x": f})) for f in floats]
    return pa.array([record.SerializeToString() for record in records], pa.binary())


NAMED = {
    "age": pa.array([1, 2, 3]),
    "clicks": np.array([10.0, 20.0, 30.0]),
    "city": pa.array(["Rome", None, "Oslo"]).dictionary_encode(),
    "unused": pa.array([[1], [2, 3], None]),
}


def test_a_signature_of_named_tensors_is_fed_by_columns_of_those_names(named_tensors):
    ref = saved(named_tensors, batch_rows=2)
    assert needs(ref) == ModelNeeds(raw=False, columns=("age", "city", "clicks"))
    assert load(ref)({"features": NAMED}).tolist() == [13.0, 24.0, 36.0]


def test_a_signature_of_serialised_examples_is_fed_the_raw_records(serialised_examples):
    ref = saved(serialised_examples, batch_rows=2)
    assert needs(ref) == ModelNeeds(raw=True, columns=())
    assert load(ref)({"features": {}, "input": examples([1, 2, 3])}).tolist() == [2, 4, 6]


def test_several_outputs_are_a_dict_with_classes_as_text(serialised_examples):
    outputs = load(saved(serialised_examples, signature="with_classes"))({"input": examples([0.25, 1.0])})
    assert outputs["scores"].tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert outputs["classes"].to_pylist() == [["no", "yes"], ["no", "yes"]]


def test_an_empty_batch_has_the_outputs_of_the_signature(serialised_examples, odd_outputs):
    none = {"features": {"x": pa.array([], pa.float32())}, "input": pa.array([], pa.binary())}
    outputs = load(saved(serialised_examples, signature="with_classes"))(none)
    assert {name: len(column) for name, column in outputs.items()} == {"scores": 0, "classes": 0}
    assert load(saved(odd_outputs, signature="pairs"))(none).shape == (0, 2)


def test_a_lone_text_input_is_a_column_if_the_graph_parses_no_examples(one_text):
    ref = saved(one_text)
    assert needs(ref) == ModelNeeds(raw=False, columns=("comment",))
    assert load(ref)({"features": {"comment": pa.array(["ab", "c", None])}}).tolist() == [2, 1, 0]


def test_features_name_the_column_of_a_lone_input(one_text):
    ref = saved(one_text, features=("review",))
    assert needs(ref).columns == ("review",)
    assert load(ref)({"features": {"review": pa.array(["ab", "c"])}}).tolist() == [2, 1]


def test_an_unknown_signature_is_refused_with_those_there(serialised_examples):
    with pytest.raises(ModelError, match=r"no signature 'with_class'; it has serving_default, with_classes; did you"):
        needs(saved(serialised_examples, signature="with_class"))


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("of_sparse", r"inputs \(values, values_1, values_2\) is part of a ragged or sparse tensor"),
        ("of_ragged", r"inputs \(values, values_1\) is part of a ragged or sparse tensor"),
        ("to_ragged", "output 'runs' is a ragged or sparse tensor"),
    ],
)
def test_a_ragged_or_sparse_signature_is_refused_before_any_work(ragged, signature, message):
    with pytest.raises(ModelError, match=message):
        needs(saved(ragged, signature=signature))


@pytest.mark.parametrize(("signature", "message"), [("mean", "returned one"), ("pairs", "failed on 3 rows: Invalid")])
def test_an_output_that_does_not_fit_the_rows_is_refused(odd_outputs, signature, message):
    with pytest.raises(ModelError, match=message):
        load(saved(odd_outputs, signature=signature))({"features": {"x": pa.array([1.0, 2.0, 3.0])}})


def test_a_record_that_the_model_cannot_parse_is_named_in_one_line(serialised_examples):
    with pytest.raises(ModelError, match=r"model 'm' .* failed on 1 row: InvalidArgumentError") as raised:
        load(saved(serialised_examples))({"input": pa.array([b""])})
    assert "\n" not in str(raised.value)


def test_a_damaged_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x00damaged")
    with pytest.raises(ModelError, match="cannot be read: DecodeError"):
        needs(saved(str(tmp_path)))


def test_threads_may_share_a_model(named_tensors):
    loaded = load(saved(named_tensors))
    batches = [{"features": {**NAMED, "age": pa.array([n, n, n])}} for n in range(32)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(loaded, batches))
    assert [r.tolist() for r in results] == [[2.0 * n + 11, 2.0 * n + 20, 2.0 * n + 30] for n in range(32)]


def test_a_keras_model_takes_a_dict_of_inputs_by_the_keys_it_was_built_with(keras_named):
    ref = ModelRef("m", keras_named, "keras", batch_rows=2)
    assert needs(ref) == ModelNeeds(raw=False, columns=("age", "city", "clicks"))
    assert load(ref)({"features": NAMED}).tolist() == [13.0, 22.0, 34.0]


def test_a_keras_model_takes_a_list_of_inputs_by_their_names_and_returns_outputs_by_theirs(keras_list):
    ref = ModelRef("m", keras_list, "keras")
    assert needs(ref).columns == ("b", "a")
    outputs = load(ref)({"features": {"a": pa.array([1, 2]), "b": pa.array([3, 4])}})
    assert {name: column.tolist() for name, column in outputs.items()} == {"left": [1, 2], "right": [30, 40]}
    none = load(ref)({"features": {"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64())}})
    assert {name: column.shape for name, column in none.items()} == {"left": (0,), "right": (0,)}


def test_a_single_input_is_fed_by_one_list_column_or_by_several_columns(keras_one):
    by_name = ModelRef("m", keras_one, "keras")
    assert needs(by_name).columns == ("x",)
    assert load(by_name)({"features": {"x": pa.array([[1, 2, 3], [4, 5, 6]])}}).tolist() == [6, 15]
    stacked = ModelRef("m", keras_one, "keras", features=("a", "b", "c"))
    assert needs(stacked).columns == ("a", "b", "c")
    columns = {"a": pa.array([1, 4]), "b": np.array([2.0, 5.0]), "c": pa.array([3, 6])}
    assert load(stacked)({"features": columns}).tolist() == [6, 15]


def test_a_keras_model_predicts_as_keras_itself_does(keras_one):
    import_tensorflow()
    import keras

    x = np.random.default_rng(7).normal(size=(1000, 3)).astype(np.float32)
    expected = keras.saving.load_model(keras_one, compile=False).predict(x, verbose=0)[:, 0]
    found = load(ModelRef("m", keras_one, "keras"))({"features": {"x": x}})
    # Three terms, added in float32 in an order that the processor chooses: two roundings, each of the terms' size.
    rounding = 2 * 2.0**-24 * np.abs(x).sum(axis=1)
    assert (np.abs(found - expected) <= 2 * rounding).all()


def test_a_keras_model_is_traced_once_for_batches_of_any_size(keras_one):
    loaded = load(ModelRef("m", keras_one, "keras", batch_rows=64))
    for rows in (1, 5, 64, 100):
        assert loaded({"features": {"x": np.ones((rows, 3))}}).tolist() == [3.0] * rows
    held = [cell.cell_contents for cell in loaded.runner.run.__closure__]
    traced = [thing.experimental_get_tracing_count() for thing in held if hasattr(thing, "get_concrete_function")]
    assert traced == [1]


def test_a_signature_of_a_keras_file_is_refused(keras_one):
    with pytest.raises(ModelError, match=r"a \.keras file has none"):
        needs(ModelRef("m", keras_one, "keras", signature="classify"))


def test_loading_and_predicting_leaves_stderr_empty(keras_one):
    code = f"""if True:
        import numpy as np
        from assay.models.model import ModelRef, load
        load(ModelRef("m", {keras_one!r}, "keras"))({{"features": {{"x": np.ones((2, 3))}}}})"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(("level", "seen"), [("3", "an error\n"), ("0", "I0000 00:00:1 a note\nan error\n")])
def test_only_notes_are_kept_out_of_stderr_while_tensorflow_is_imported(capfd, level, seen):
    with _quiet(level):
        os.write(2, b"I0000 00:00:1 a note\nan error\n")
    assert capfd.readouterr().err == seen
