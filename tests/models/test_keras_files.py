"""`.keras` files as people save them, and as nobody should."""

import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import ModelError
from assay.models.model import ModelRef, load, needs
from tests.doors import values_of_files
from tests.wrong_calls import SEQUENTIAL
from tests.zip_archives import zip_of

keras = pytest.importorskip("keras")


def saved(file, kind, rows):
    """A model of two columns that adds them up, built by a call with that many rows."""
    if kind == "Sequential":
        model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        model(np.zeros((rows, 2), "float32"))
    else:
        given = keras.Input(batch_shape=(rows, 2))
        model = keras.Model(given, keras.ops.sum(given, axis=1, keepdims=True))
    model.save(file)


@pytest.mark.parametrize("rows", [1, 3, 32])
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_the_rows_of_a_first_call_are_no_demand(tmp_path, rows, kind):
    saved(tmp_path / "m.keras", kind, rows)
    loaded = load(ModelRef("m", str(tmp_path / "m.keras"), "keras", features=("a", "b")))
    features = {"a": pa.array(np.arange(7.0)), "b": pa.array(np.ones(7))}
    np.testing.assert_array_equal(np.asarray(loaded({"features": features})), [1, 2, 3, 4, 5, 6, 7])


@pytest.mark.parametrize(
    ("door", "kind", "rows"),
    [("files", "Sequential", 1), ("command", "functional", 3), ("checkpointed", "Sequential", 32)],
)
def test_the_rows_of_a_first_call_are_no_demand_at_any_door(tmp_path, door, kind, rows):
    saved(tmp_path / "m.keras", kind, rows)
    pq.write_table(pa.table({"a": np.arange(7.0), "b": np.ones(7), "label": np.zeros(7)}), tmp_path / "rows.parquet")
    call = {
        "files": "rows.parquet",
        "format": "parquet",
        "models": [{"name": "m", "uri": "m.keras", "type": "keras", "features": ["a", "b"], "batch_rows": 5}],
        "eval_config": {
            "model_specs": [{"label_key": "label"}],
            "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}]}],
        },
    }
    assert values_of_files(door, call, tmp_path)["Overall"]["mean_prediction"] == np.arange(1, 8).mean()


def keras_zip(path, config, weights=b"", **settings):
    path.write_bytes(zip_of({"config.json": config, "model.weights.h5": weights}, **settings))
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
    ref = keras_zip(tmp_path / "m.keras", b"{}", bytes(50 << 20))
    with pytest.raises(ModelError, match=r"unpacks to 52,.* bytes, more than 200 times its size \(set ASSAY_MAX_EXP"):
        load(ref)


BLANKS = b" " * (3 << 20)
LIES = {
    "a config": ("config.json", SEQUENTIAL + BLANKS, len(SEQUENTIAL)),
    "no config": ("config.json", BLANKS, 2 << 20),
    "weights of no bytes": ("model.weights.h5", BLANKS, 0),
    "weights of a byte less": ("model.weights.h5", BLANKS, len(BLANKS) - 1),
    "a file beside them": ("assets/words.txt", BLANKS, 10),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_member_that_unpacks_to_more_than_the_archive_says_is_refused(tmp_path, lie):
    name, content, claim = LIES[lie]
    members = {"config.json": SEQUENTIAL, "model.weights.h5": b"", name: content}
    (tmp_path / "m.keras").write_bytes(zip_of(members, claims={name: claim}))
    with pytest.raises(ModelError, match=rf"{name} of .*m\.keras unpacks to more than the archive says; save"):
        load(ModelRef("m", str(tmp_path / "m.keras"), "keras"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_takes_as_much_memory_as_it_wants_is_refused(tmp_path, method):
    ref = keras_zip(tmp_path / "m.keras", SEQUENTIAL, method=method)
    with pytest.raises(ModelError, match=rf"config\.json of .*m\.keras is packed by method {method}; expected deflate"):
        needs(ref)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("offset", [0, 40, -1])
def test_a_config_with_a_byte_changed_is_refused(tmp_path, method, offset):
    changed = bytearray(SEQUENTIAL)
    changed[offset] ^= 1
    archive = zip_of({"config.json": bytes(changed)}, method=method)
    checksum, other = (zlib.crc32(content).to_bytes(4, "little") for content in (changed, SEQUENTIAL))
    (tmp_path / "m.keras").write_bytes(archive.replace(checksum, other))
    with pytest.raises(ModelError, match=r"m\.keras\) cannot be read: BadZipFile: [Bb]ad"):
        needs(ModelRef("m", str(tmp_path / "m.keras"), "keras"))


@pytest.mark.parametrize("config", [b"", b"[]", b"{", b'{"class_name": 3}', b'"text"', b"\xff", b"[" * 5000])
def test_a_config_that_is_none_names_the_model(tmp_path, config):
    with pytest.raises(ModelError, match=r"model 'm' \(.*m\.keras\) cannot be read"):
        needs(keras_zip(tmp_path / "m.keras", config))
