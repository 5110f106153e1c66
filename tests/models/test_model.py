import os
import pickle
import shutil
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import ModelError, TransientError
from assay.models import model
from assay.models.model import ModelNeeds, ModelRef, check, needs

load: Any = model.load


def function(name, **settings):
    return ModelRef("m", f"model_functions:{name}", "callable", **settings)


def rows(count):
    return {"features": {"x": np.arange(count, dtype=np.float64), "y": pa.array(["a"] * count)}}


@pytest.mark.usefixtures("model_functions")
def test_a_function_by_import_path_predicts():
    assert load(function("doubled"))(rows(3)).tolist() == [0, 2, 4]


def test_a_factory_is_called_once_with_its_arguments_whatever_the_number_of_threads(model_functions):
    model_functions.made.clear()
    loaded = []
    threads = [
        threading.Thread(target=lambda: loaded.append(load(function("scaled", args={"scale": 10})))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(model_functions.made) == 1
    assert len({id(model) for model in loaded}) == 1
    assert loaded[0](rows(2)).tolist() == [0, 10]
    assert load(function("scaled", args={"scale": 3}))(rows(2)).tolist() == [0, 3]


@pytest.mark.parametrize("count", [1, 3, 4, 10])
def test_large_batches_are_predicted_in_pieces_in_order(model_functions, count):
    model_functions.calls.clear()
    result = load(function("seen", batch_rows=4, features=("x",)))(rows(count))
    assert result.tolist() == list(range(count))
    assert [seen for _, seen in model_functions.calls] == [min(4, count - start) for start in range(0, count, 4)]
    assert {columns for columns, _ in model_functions.calls} == {"x"}


@pytest.mark.usefixtures("model_functions")
def test_a_function_sees_every_column_as_numpy():
    given = {
        "x": pa.array([1, None]),
        "t": pa.array(["a", None]).dictionary_encode(),
        "v": pa.array([[1, 2], [3, 4]]),
        "r": pa.array([[1], [2, 3]]),
    }
    seen = load(function("columns_as_given"))({"features": given})
    np.testing.assert_array_equal(seen["x"], [1, np.nan])
    assert seen["t"].to_pylist() == ["a", None]
    assert seen["v"].tolist() == [[1, 2], [3, 4]]
    assert seen["r"].to_pylist() == [[1], [2, 3]]


@pytest.mark.usefixtures("model_functions")
def test_several_outputs_are_a_dict_and_text_is_arrow():
    outputs = load(function("two_outputs", batch_rows=2))(rows(3))
    assert outputs["a"].tolist() == [0, 1, 2]
    assert outputs["b"].tolist() == [[0, 0], [1, -1], [2, -2]]
    assert load(function("words"))(rows(2)).to_pylist() == ["no", "yes"]


@pytest.mark.usefixtures("model_functions")
def test_an_empty_batch_is_predicted_without_calling_the_function():
    assert load(function("fails"))(rows(0)).shape == (0,)


@pytest.mark.usefixtures("model_functions")
@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("too_few", {}, "model 'm' returned 2 predictions for 3 rows"),
        ("fails", {}, r"model 'm' \(model_functions:fails\) failed on 3 rows: ZeroDivisionError: by zero"),
        ("doubled", {"features": ("z",)}, "takes a column 'z'"),
    ],
)
def test_a_function_that_fails_is_named(name, settings, message):
    with pytest.raises(ModelError, match=message):
        load(function(name, **settings))(rows(3))


@pytest.mark.usefixtures("model_functions")
def test_a_model_behind_a_broken_network_may_be_tried_again():
    with pytest.raises(TransientError, match=r"failed on 3 rows: ConnectionError: no route"):
        load(function("unreachable"))(rows(3))


@pytest.mark.usefixtures("model_functions")
@pytest.mark.parametrize(
    ("uri", "args", "message"),
    [
        ("model_functions:dubled", {}, "'model_functions' has no 'dubled'; did you mean 'doubled'?"),
        ("model_funktions:doubled", {}, "cannot import 'model_funktions'"),
        ("model_functions:NOT_A_FUNCTION", {}, "gave a int; expected a function"),
        ("model_functions:scaled", {"scael": 1}, "cannot be loaded: TypeError"),
    ],
)
def test_an_import_path_that_leads_nowhere_is_refused(uri, args, message):
    with pytest.raises(ModelError) as raised:
        load(ModelRef("m", uri, "callable", args=args))
    assert message in str(raised.value)


@pytest.mark.parametrize("uri", ["model_functions", "model_functions.doubled", "a/b.py:f", "a:b:c", ":f", "a: f", ""])
def test_an_import_path_of_another_shape_is_refused_without_importing(uri):
    with pytest.raises(ModelError, match=r"expected 'package.module:function'"):
        check(ModelRef("m", uri, "callable"))


def test_a_function_needs_all_columns_unless_it_names_them():
    assert needs(function("doubled")) == ModelNeeds(raw=False, columns=None)
    assert needs(function("doubled", features=["x"])) == ModelNeeds(raw=False, columns=("x",))


def test_an_unknown_type_is_refused_with_a_near_miss():
    with pytest.raises(ModelError, match=r"type 'savedmodel' is unknown; expected .*; did you mean 'saved_model'\?"):
        check(ModelRef("m", "there", "savedmodel"))


def test_a_batch_size_of_nothing_is_refused():
    with pytest.raises(ModelError, match="batch_rows: expected a whole number of at least 1, found 0"):
        function("doubled", batch_rows=0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("batch_rows", "many", "batch_rows: expected a whole number of at least 1, found 'many'"),
        ("batch_rows", 10**30, "batch_rows: expected a whole number"),
        ("features", "x", "features: expected a list of columns, found 'x'"),
        ("features", ["x", "x"], "features: expected columns, each once"),
        ("baseline", "yes", "baseline: expected true or false, found 'yes'"),
        ("args", ["x"], r"args: expected a mapping, found \['x'\]"),
        ("signature", 7, "signature: expected text, found 7"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_field(field, value, message):
    with pytest.raises(ModelError, match=f"^model '\\w+': {message}"):
        function("doubled", **{field: value})


@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_arguments_for_a_model_that_is_no_function_are_refused(kind):
    with pytest.raises(ModelError, match=r"^model 'm': args: they are for a function, not for type"):
        check(ModelRef("m", "there", kind, args={"depth": 3}))


def test_a_reference_survives_the_way_to_a_worker():
    ref = function("scaled", args={"scale": 1}, features=["x"])
    assert pickle.loads(pickle.dumps(ref)) == ref


@pytest.mark.parametrize(
    ("type_", "uri", "message"),
    [
        ("saved_model", "absent", "nothing at"),
        ("saved_model", "folder", "no saved_model.pb in"),
        ("saved_model", "served", "holds versions of a model; name one of them, such as .*served/12"),
        ("saved_model", "text.keras", "say `type: keras`"),
        ("keras", "absent", "nothing at"),
        ("keras", "folder", "is no .keras file"),
        ("keras", "text.keras", "is no .keras file"),
        ("keras", "served/2", "is a SavedModel; say `type: saved_model`"),
        ("keras", "s3x://bucket/m.keras", "expected a local folder or a gs://"),
    ],
)
def test_a_model_that_is_not_there_or_of_another_kind_is_refused(tmp_path, type_, uri, message):
    for version in ("2", "12"):
        (tmp_path / "served" / version).mkdir(parents=True)
        (tmp_path / "served" / version / "saved_model.pb").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(ModelError, match=message):
        check(ModelRef("m", uri if "://" in uri else str(tmp_path / uri), type_))


def test_checking_a_model_imports_no_framework(named_tensors, keras_named):
    code = f"""if True:
        import sys
        from assay.models.model import ModelRef, check, needs
        check(ModelRef("a", {named_tensors!r}, "saved_model"))
        check(ModelRef("b", {keras_named!r}, "keras"))
        check(ModelRef("c", "not_there:function", "callable"))
        print(*needs(ModelRef("b", {keras_named!r}, "keras")).columns)
        print(*({{"tensorflow", "keras", "apache_beam"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "age city clicks\n\n"


def test_a_model_is_loaded_again_only_when_its_file_has_changed(tmp_path, keras_one, keras_list):
    path = tmp_path / "m.keras"
    shutil.copy(keras_one, path)
    first = load(ModelRef("m", str(path), "keras"))
    assert load(ModelRef("m", str(path), "keras")) is first
    shutil.copy(keras_list, path)
    os.utime(path, (0, 0))
    assert load(ModelRef("m", str(path), "keras")) is not first
