"""`preprocessing_function_names`: a SavedModel makes labels, weights and slices of the rows, as TFX exports it."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay import cli
from assay.plan.analysis_file import load_analysis

RNG = np.random.default_rng(8)
N = 300
ROWS = pd.DataFrame({"age": RNG.integers(18, 80, N).astype(float), "tips": RNG.random(N), "fare": RNG.random(N)})
SCORE = 1 / (1 + np.exp(-(ROWS["tips"] + 0.5 * ROWS["fare"]).astype(np.float32)))
LABEL = (ROWS["tips"] > 0.2 * ROWS["fare"] + 0.4).astype(float)
IS_OLD = (ROWS["age"] >= 50).astype(int)


def score(tf, tips, fare):
    return {"score": tf.sigmoid(tips + 0.5 * fare)}


def transform(tf, age, tips, fare):
    label, old = tf.cast(tips > 0.2 * fare + 0.4, tf.int64), tf.cast(age >= 50, tf.int64)
    return {"tips_xf": label, "age_xf": old, "tips": tips * 0}


def save_model_of_examples(tf, path):
    """A SavedModel whose signatures take serialised tf.Examples."""
    spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in ROWS}

    def serve(examples):
        row = tf.io.parse_example(examples, spec)
        return score(tf, row["tips"], row["fare"])

    def transformed(examples):
        return transform(tf, **tf.io.parse_example(examples, spec))

    examples = [tf.TensorSpec([None], tf.string, name="examples")]
    save_model(tf, path, {"serving_default": (serve, examples), "transform_features": (transformed, examples)})


def save_model_of_tensors(tf, path):
    """A SavedModel whose signatures take named tensors."""
    spec = {name: tf.TensorSpec([None], tf.float32, name=name) for name in ROWS}
    years = tf.TensorSpec([None, 1], tf.float32, name="years")

    def serve(tips, fare):
        return score(tf, tips, fare)

    def transformed(age, tips, fare):
        return transform(tf, age, tips, fare)

    def is_old(years):
        return {"is_old": tf.cast(years[:, 0] >= 50, tf.int64)}

    functions = {
        "serving_default": (serve, [spec["tips"], spec["fare"]]),
        "transform_features": (transformed, list(spec.values())),
        "is_old": (is_old, [years]),
    }
    save_model(tf, path, functions)


def save_model(tf, path, functions):
    module = tf.Module()
    module.functions = {name: tf.function(body, input_signature=spec) for name, (body, spec) in functions.items()}
    tf.saved_model.save(module, path, signatures=dict(module.functions))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rows as tf.Examples and as Parquet, and the two models."""
    from assay.models.tensorflow import import_tensorflow

    tf = import_tensorflow()
    made = tmp_path_factory.mktemp("transformed")
    save_model_of_examples(tf, str(made / "examples"))
    save_model_of_tensors(tf, str(made / "tensors"))
    with tf.io.TFRecordWriter(str(made / "rows.tfrecord")) as writer:
        for row in ROWS.to_dict("records"):
            features = {k: tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for k, v in row.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    ROWS.to_parquet(made / "rows.parquet")
    return made


def analysis(
    folder, output="out", model="examples", functions=("transform_features",), slice_by="age_xf", models=None, **spec
):
    inputs = (
        {"format": "tfrecord", "files": ["rows.tfrecord"]}
        if model == "examples"
        else {"format": "parquet", "files": ["rows.parquet"]}
    )
    written = {
        "inputs": inputs,
        "models": [{"name": "m", "uri": model, "type": "saved_model"}] if models is None else models,
        "eval_config": {
            "model_specs": [
                {"label_key": "tips_xf", "preprocessing_function_names": list(functions), **spec},
            ],
            "slicing_specs": [{}, {"feature_keys": [slice_by]}],
            "metrics_specs": [{"metrics": [{"class_name": "AUC", "config": {"exact": True}}]}],
        },
        "output": str(output),
    }
    path = folder / "analysis.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    return str(path)


def aucs_in(uri):
    frame = assay.metrics_frame(str(uri))
    return frame[frame["metric"] == "auc"].set_index("slice")["value"].to_dict()


def aucs(slice_by):
    old = IS_OLD == 1
    return pytest.approx(
        {
            "Overall": roc_auc_score(LABEL, SCORE),
            f"{slice_by}=0": roc_auc_score(LABEL[~old], SCORE[~old]),
            f"{slice_by}=1": roc_auc_score(LABEL[old], SCORE[old]),
        },
        abs=1e-4,
    )


@pytest.mark.parametrize("model", ["examples", "tensors"])
@pytest.mark.parametrize("options", [(), ("--checkpoints", "root")], ids=["run", "checkpointed"])
def test_labels_and_slices_are_what_a_function_of_the_model_makes(model, options, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = analysis(folder, tmp_path / "out", model)
    assert cli.main(["check", path]) == 0
    assert cli.main(["run", path, "--quiet", *options]) == 0
    assert aucs_in(tmp_path / "out") == aucs("age_xf")


def test_python_calls_the_function_and_models_are_fed_the_rows_as_they_are(folder, tmp_path):
    config = load_analysis(analysis(folder, model="tensors")).eval_config
    assay.run_model_analysis(
        config,
        data_location=str(folder / "rows.parquet"),
        file_format="parquet",
        models=[assay.ModelRef(name="m", uri=str(folder / "tensors"), type="saved_model")],
        output_path=str(tmp_path / "out"),
    )
    assert aucs_in(tmp_path / "out") == aucs("age_xf")  # `tips` is 0 after the function


def test_one_feature_is_fed_to_a_function_of_one_input(folder, tmp_path):
    path = analysis(folder, tmp_path / "out", "tensors", ["transform_features", "is_old@age"], "is_old")
    assert cli.main(["run", path, "--quiet"]) == 0
    assert aucs_in(tmp_path / "out") == aucs("is_old")


def test_a_function_that_the_model_does_not_have_is_told(folder, capsys):
    assert cli.main(["check", analysis(folder, functions=["transform_feature"])]) != 0
    assert "no signature 'transform_feature'" in capsys.readouterr().err


def test_a_function_with_several_features_is_refused(folder, capsys):
    assert cli.main(["check", analysis(folder, functions=["is_old@age@tips"])]) != 0
    assert "function@feature with one feature, found 'is_old@age@tips'" in capsys.readouterr().err


def test_functions_without_a_model_that_has_them_are_refused(folder, capsys):
    assert cli.main(["check", analysis(folder, model="tensors", models=[], prediction_key="tips")]) != 0
    assert "no model is run" in capsys.readouterr().err
    of_code = [{"name": "m", "uri": "a:b", "type": "callable"}]
    assert cli.main(["check", analysis(folder, model="tensors", models=of_code)]) != 0
    assert "only a model of type saved_model has functions beside its own" in capsys.readouterr().err
