"""`.keras` files as people save them, and as nobody should."""

import zipfile

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ModelError
from assay.models.model import ModelRef, load, needs

keras = pytest.importorskip("keras")


@pytest.mark.parametrize("rows", [1, 3, 32])
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_the_rows_of_a_first_call_are_no_demand(tmp_path, rows, kind):
    if kind == "Sequential":
        model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        model(np.zeros((rows, 2), "float32"))
    else:
        given = keras.Input(batch_shape=(rows, 2))
        model = keras.Model(given, keras.ops.sum(given, axis=1, keepdims=True))
    model.save(tmp_path / "m.keras")
    loaded = load(ModelRef("m", str(tmp_path / "m.keras"), "keras", features=("a", "b")))
    features = {"a": pa.array(np.arange(7.0)), "b": pa.array(np.ones(7))}
    np.testing.assert_array_equal(np.asarray(loaded({"features": features})), [1, 2, 3, 4, 5, 6, 7])


def keras_zip(path, config, *more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        for name, content in more:
            archive.writestr(name, content)
    return ModelRef("m", str(path), "keras")


@pytest.mark.parametrize("size", [65, 100])
def test_a_config_that_unpacks_to_too_much_is_refused_with_the_way_to_raise_it(tmp_path, monkeypatch, size):
    ref = keras_zip(tmp_path / "m.keras", b'{"class_name": "' + b"a" * (size << 20) + b'"}')
    with pytest.raises(ModelError, match=r"m\.keras unpacks to more than 64 MB \(set ASSAY_MAX_MODEL_CONFIG_MB"):
        needs(ref)
    monkeypatch.setenv("ASSAY_MAX_MODEL_CONFIG_MB", "200")
    with pytest.raises(ModelError, match="cannot be read"):  # it is no config either
        needs(ref)


def test_weights_that_unpack_to_many_times_the_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("assay.bounds._ALWAYS_TAKEN", 1 << 20)
    ref = keras_zip(tmp_path / "m.keras", b"{}", ("model.weights.h5", bytes(50 << 20)))
    with pytest.raises(ModelError, match=r"unpacks to 52,.* bytes, more than 200 times its size \(set ASSAY_MAX_EXP"):
        load(ref)


@pytest.mark.parametrize("config", [b"", b"[]", b"{", b'{"class_name": 3}', b'"text"', b"\xff", b"[" * 5000])
def test_a_config_that_is_none_names_the_model(tmp_path, config):
    with pytest.raises(ModelError, match=r"model 'm' \(.*m\.keras\) cannot be read"):
        needs(keras_zip(tmp_path / "m.keras", config))
