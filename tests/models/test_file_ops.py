"""SavedModels that touch files or run code are refused before anything of them runs, through every door."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from numpy.testing import assert_array_equal

import assay
from assay.cli import main
from assay.errors import AssayError, ConfigError, ModelError
from assay.models import model
from assay.models.model import ModelRef
from assay.models.tensorflow import import_tensorflow
from assay.models.tensorflow_file_ops import REFUSED
from assay.plan import blessed
from assay.plan.analysis_file import load_analysis

CONFIG = {
    "model_specs": [{"name": "m", "label_key": "label"}],
    "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}]}],
}
NAMES_A_PLACE = re.compile(r"file|path|(^|_)dir$|prefix|url|address|uri|data_source|logdir|memory_region|checkpoint")
HARMLESS = {
    *("CTCBeamSearchDecoder", "Mfcc"),  # paths of a beam, a spectrogram
    *("ExperimentalSetStatsAggregatorDataset", "SetStatsAggregatorDataset", "TensorSliceDataset"),  # a name, a flag
    *("InitializeTableFromTextFile", "InitializeTableFromTextFileV2"),  # refused unless it is the model's own asset
    "FixedUnigramCandidateSampler",  # refused if it has a file
}


def save(folder, touch, *, other=None):
    """A model of x whose score is x, and which does `touch(tf, x)` on the way; `other` is a second signature's."""
    tf = import_tensorflow()
    x = [tf.TensorSpec([None], tf.float32, name="x")]

    def signature(does):
        @tf.function(input_signature=x)
        def score(x):
            with tf.control_dependencies([op for op in (does(tf, x),) if op is not None]):
                return {"score": tf.identity(x)}

        return score

    module = tf.Module()
    module.scale = tf.Variable(2.0)
    module.kept = [signature(touch), signature(other or (lambda tf, x: None))]
    named = {"serving_default": module.kept[0], "other": module.kept[1]}
    tf.saved_model.save(module, str(folder / "model"), signatures=named)
    return str(folder / "model")


def load(uri, **settings):
    loaded = model.load(ModelRef("m", uri, "saved_model", **settings))
    return loaded({"features": {"x": pa.array([1.0, 3.0])}})


def in_a_loop(tf, x):
    def body(i):
        with tf.control_dependencies([tf.io.write_file("stolen", "1")]):
            return i + 1

    return tf.while_loop(lambda i: i < 2, body, [tf.constant(0)])[0]


TOUCHES = {
    "WriteFile": lambda tf, x: tf.io.write_file("stolen", "1"),
    "ReadFile": lambda tf, x: tf.io.read_file("secret"),
    "MatchingFiles": lambda tf, x: tf.io.matching_files("/*"),
    "SaveV2": lambda tf, x: tf.raw_ops.SaveV2(prefix="stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x]),
    "RestoreV2": lambda tf, x: tf.raw_ops.RestoreV2(
        prefix="secret", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )[0],
    "PrintV2": lambda tf, x: tf.print(x, output_stream="file://stolen"),
    "EagerPyFunc": lambda tf, x: tf.py_function(lambda v: v, [x], tf.float32),
    "PyFunc": lambda tf, x: tf.numpy_function(lambda v: v, [x], tf.float32),
    "PyFuncStateless": lambda tf, x: tf.numpy_function(lambda v: v, [x], tf.float32, stateful=False),
    "TFRecordDataset": lambda tf, x: next(iter(tf.data.TFRecordDataset("secret"))),
    "CreateSummaryFileWriter": lambda tf, x: tf.raw_ops.CreateSummaryFileWriter(
        writer=tf.raw_ops.SummaryWriter(), logdir="stolen", max_queue=1, flush_millis=1, filename_suffix=""
    ),
}


@pytest.mark.parametrize("op", TOUCHES)
def test_a_signature_that_reaches_such_an_op_is_refused_by_name(op, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = save(tmp_path, TOUCHES[op])
    with pytest.raises(ModelError, match=rf"model 'm' .*: signature 'serving_default' runs {op} .*`trusted: true`"):
        load(uri)
    with pytest.raises(ModelError, match=op):
        model.needs(ModelRef("m", uri, "saved_model"))
    assert not (tmp_path / "stolen").exists()


def test_such_an_op_is_seen_in_the_body_of_a_loop(tmp_path):
    with pytest.raises(ModelError, match="runs WriteFile"):
        load(save(tmp_path, in_a_loop))


def test_only_the_evaluated_signature_counts(tmp_path):
    uri = save(tmp_path, lambda tf, x: None, other=TOUCHES["WriteFile"])
    assert load(uri).tolist() == [1, 3]
    with pytest.raises(ModelError, match="signature 'other' runs WriteFile"):
        load(uri, signature="other")


def test_a_trusted_model_may(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(save(tmp_path, TOUCHES["WriteFile"]), trusted=True).tolist() == [1, 3]
    assert (tmp_path / "stolen").read_text() == "1"


def test_printing_to_a_terminal_is_no_file(tmp_path):
    assert load(save(tmp_path, lambda tf, x: tf.print(x, output_stream=sys.stderr))).tolist() == [1, 3]


def table_of(tf, file):
    start = tf.lookup.TextFileInitializer(
        file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    return tf.lookup.StaticHashTable(start, -1)


def save_vocabulary(folder):
    """A model of words, whose score is the line of the word in a vocabulary that is saved with it."""
    tf = import_tensorflow()
    (folder / "words.txt").write_text("alpha\nbeta\n")
    module = tf.Module()
    module.table = table_of(tf, str(folder / "words.txt"))
    module.scale = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])
    def score(word):
        return {"line": tf.cast(module.table.lookup(word), tf.float32) * module.scale}

    tf.saved_model.save(module, str(folder / "model"), signatures={"serving_default": score})
    (folder / "words.txt").unlink()
    return folder / "model"


def edit(folder, change):
    from tensorflow.core.protobuf import saved_model_pb2

    file = Path(folder, "saved_model.pb")
    whole = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    change(whole.meta_graphs[0])
    file.write_bytes(whole.SerializeToString())


def test_a_vocabulary_in_the_model_s_folder_is_read_as_ever(tmp_path):
    loaded = model.load(ModelRef("m", str(save_vocabulary(tmp_path)), "saved_model", features=("word",)))
    assert_array_equal(loaded({"features": {"word": pa.array(["beta", "alpha", "gamma"])}}), [1, 0, -1])


@pytest.mark.parametrize("path", ["/etc/hostname", "../../secret", "below/../../../secret"])
def test_a_vocabulary_outside_of_the_model_s_folder_is_refused(path, tmp_path):
    folder = save_vocabulary(tmp_path)

    def elsewhere(graph):
        graph.asset_file_def[0].filename = path

    edit(folder, elsewhere)
    with pytest.raises(ModelError, match=f"its asset '{path}' is outside of {folder}"):
        load(str(folder))


def test_a_table_that_loading_fills_from_a_file_named_in_the_graph_is_refused(tmp_path):
    folder = save_vocabulary(tmp_path)

    def constant(graph):
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "InitializeTableFromTextFileV2":
                    name = function.node_def.add(name="place", op="Const")
                    name.attr["dtype"].type = 7
                    name.attr["value"].tensor.dtype = 7
                    name.attr["value"].tensor.string_val.append(b"/etc/hostname")
                    node.input[1] = "place:output:0"

    edit(folder, constant)
    with pytest.raises(ModelError, match=r"loading it runs InitializeTableFromTextFileV2 .*not an asset of the model"):
        load(str(folder))


def test_what_loading_runs_is_looked_at_too(tmp_path):
    tf = import_tensorflow()
    folder = save_vocabulary(tmp_path)

    def write_at_start(graph):
        for function in graph.graph_def.library.function:
            if "initializer" in function.signature.name:
                for name in ("place", "text"):
                    node = function.node_def.add(name=name, op="Const")
                    node.attr["dtype"].type = tf.string.as_datatype_enum
                    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(str(tmp_path / "stolen")))
                write = function.node_def.add(name="write", op="WriteFile")
                write.input.extend(["place:output:0", "text:output:0"])
                (last,) = [node for node in function.node_def if node.name == "NoOp"]
                last.input.append("^write")

    edit(folder, write_at_start)
    with pytest.raises(ModelError, match="loading it runs WriteFile"):
        load(str(folder))
    assert not (tmp_path / "stolen").exists()
    model.load(ModelRef("m", str(folder), "saved_model", trusted=True, features=("word",)))
    assert (tmp_path / "stolen").exists()  # so it would have run


def test_a_signature_whose_name_stands_for_another_function_is_seen_through(tmp_path):
    uri = save(tmp_path, lambda tf, x: None, other=TOUCHES["WriteFile"])

    def swap(graph):
        objects = graph.object_graph_def.nodes
        (signatures,) = [objects[child.node_id] for child in objects[0].children if child.local_name == "signatures"]
        by_name = {child.local_name: child for child in signatures.children}
        by_name["serving_default"].node_id = by_name["other"].node_id

    edit(uri, swap)
    with pytest.raises(ModelError, match="signature 'serving_default' runs WriteFile"):
        load(uri)


@pytest.mark.parametrize("where", ["signature", "start", "nowhere"])
def test_models_of_tensorflow_1_are_looked_at_alike(where, tmp_path):
    v1 = import_tensorflow().compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(v1.float32, [None], name="x")
        weight = v1.get_variable("w", [], initializer=v1.ones_initializer())
        write = v1.write_file(str(tmp_path / "stolen"), "1")
        with v1.control_dependencies([write] if where == "signature" else []):
            score = v1.multiply(x, weight, name="score")
        session.run(v1.global_variables_initializer())
        start = write if where == "start" else None
        v1.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, {"score": score}, legacy_init_op=start)
    if where == "nowhere":
        assert load(str(tmp_path / "model")).tolist() == [1, 3]
    else:
        with pytest.raises(ModelError, match="runs WriteFile"):
            load(str(tmp_path / "model"))
    assert not (tmp_path / "stolen").exists()


def test_no_op_of_tensorflow_that_takes_a_place_is_forgotten():
    import_tensorflow()
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())).op
    takers = {
        op.name
        for op in ops
        if not op.name.startswith("_") and any(NAMES_A_PLACE.search(part.name) for part in (*op.input_arg, *op.attr))
    }
    assert len(takers) > 40
    assert takers - REFUSED.keys() - HARMLESS == set()


# Through every door -------------------------------------------------------------------------------------------------


@pytest.fixture
def analysis(tmp_path, monkeypatch):
    """Writes analysis.yaml for a model that writes a file and returns its path."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path, lambda tf, x: tf.io.write_file(str(tmp_path / "stolen"), "1"))
    pd.DataFrame({"x": [0.25, 0.75], "label": [0.0, 1.0]}).to_parquet("rows.parquet")

    def written(**settings):
        described = {
            "inputs": {"format": "parquet", "files": ["rows.parquet"]},
            "models": [{"name": "m", "uri": "model", "type": "saved_model", **settings}],
            "eval_config": CONFIG,
            "output": "out",
        }
        Path("analysis.yaml").write_text(yaml.safe_dump(described))
        return "analysis.yaml"

    return written


def assert_refused(code, said, folder):
    assert code == 64
    assert "signature 'serving_default' runs WriteFile" in said.splitlines()[-1]
    assert "`trusted: true`" in said.splitlines()[-1]
    assert not (folder / "stolen").exists()


@pytest.mark.parametrize("command", ["check", "run"])
def test_the_command_refuses_it_in_one_line(command, analysis, tmp_path, capsys):
    code = main([command, analysis()])
    assert_refused(code, capsys.readouterr().err, tmp_path)


def test_a_process_with_checkpoints_refuses_it_in_one_line(analysis, tmp_path):
    words = [sys.executable, "-m", "assay", "run", analysis(), "--checkpoints", "root"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert_refused(done.returncode, done.stderr, tmp_path)


def test_the_command_runs_it_if_the_analysis_trusts_it(analysis, tmp_path):
    assert main(["run", analysis(trusted=True), "--checkpoints", "root", "--quiet"]) == 0
    assert (tmp_path / "stolen").exists()


def test_python_refuses_it_and_runs_it_if_it_is_trusted(analysis, tmp_path):
    analysis()
    run = partial(assay.run_model_analysis, CONFIG, data_location="rows.parquet", file_format="parquet")
    with pytest.raises(AssayError, match="runs WriteFile"):
        run(models=[ModelRef("m", "model", "saved_model")])
    assert not (tmp_path / "stolen").exists()
    trusted = ModelRef("m", "model", "saved_model", trusted=True)
    result = run(models=[trusted])
    assert result.get_metrics_for_slice()["mean_prediction"]["doubleValue"] == 0.5
    assert (tmp_path / "stolen").exists()


@pytest.mark.parametrize(("trusts", "kind"), [(True, "saved_model"), (False, "saved_model"), (True, "keras")])
def test_a_blessing_cannot_trust_a_model_but_the_analysis_can(trusts, kind, analysis, tmp_path):
    said = {"model": {"name": "a", "uri": "old", "type": kind, "trusted": True}}
    (tmp_path / "blessed.json").write_text(json.dumps(said))
    analysis()
    described = yaml.safe_load(Path("analysis.yaml").read_text())
    entry = {"name": "b", "uri": "blessed.json", "baseline": "blessed", "trusted": trusts}
    described["models"].append(entry)
    described["eval_config"]["model_specs"].append({"name": "b", "label_key": "label", "is_baseline": True})
    Path("analysis.yaml").write_text(yaml.safe_dump(described))
    plan = load_analysis("analysis.yaml")
    _, baseline = blessed.with_baseline(plan, blessed.today(plan)).models
    assert (baseline["name"], baseline["uri"]) == ("b", "old")
    assert baseline.get("trusted", False) is (trusts and kind == "saved_model")


@pytest.mark.parametrize("kind", ["keras", "callable"])
def test_only_a_saved_model_is_trusted(kind, analysis):
    with pytest.raises(ModelError, match="trusted"):
        ModelRef("m", "a:b", kind, trusted=True)
    with pytest.raises(ConfigError, match=r"models\[0\].trusted: it applies only to type saved_model"):
        load_analysis(analysis(type=kind, uri="a:b", trusted=True))


def test_a_keras_file_with_code_in_it_is_refused(tmp_path):
    import_tensorflow()
    import keras

    layers = [keras.Input((1,), name="x"), keras.layers.Lambda(lambda x: x + 1)]
    keras.Sequential(layers).save(tmp_path / "code.keras")
    with pytest.raises(ModelError, match="Lambda"):
        model.load(ModelRef("m", str(tmp_path / "code.keras"), "keras"))


def test_a_function_that_the_optimiser_may_call_in_place_of_another_is_looked_at(tmp_path):
    uri = save(tmp_path, lambda tf, x: None, other=TOUCHES["WriteFile"])

    def claim_to_do_the_same(graph):
        for function in graph.graph_def.library.function:
            if function.signature.name.startswith("__inference_score"):
                function.attr["api_implements"].s = b"score"

    edit(uri, claim_to_do_the_same)
    with pytest.raises(ModelError, match="signature 'serving_default' runs WriteFile"):
        load(uri)
