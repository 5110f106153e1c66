"""`signature_name` of a model spec chooses what a SavedModel computes, through every door."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay import cli
from assay.errors import ModelError

RNG = np.random.default_rng(12)
LABEL = RNG.integers(0, 2, 300)
ROWS = pd.DataFrame(
    {"label": LABEL, "a": RNG.normal(size=300) + 2 * LABEL, "b": RNG.normal(size=300) - LABEL, "c": RNG.random(300)}
)
COLUMNS = {"": "a", "serving_default": "a", "by_b": "b", "by_c": "c"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SavedModel with a signature for each column, and the rows."""
    from assay.models.tensorflow import import_tensorflow

    tf = import_tensorflow()

    class Scores(tf.Module):  # type: ignore[name-defined]
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="a")])
        def by_a(self, a):
            return {"p": tf.sigmoid(a)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="b")])
        def by_b(self, b):
            return {"p": tf.sigmoid(b)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="c")])
        def by_c(self, c):
            return {"p": tf.sigmoid(c)}

    model, made = Scores(), tmp_path_factory.mktemp("signatures")
    signatures = {"serving_default": model.by_a, "by_b": model.by_b, "by_c": model.by_c}
    tf.saved_model.save(model, str(made / "model"), signatures=signatures)
    ROWS.to_parquet(made / "rows.parquet")
    return made


def config(signature):
    return {
        "model_specs": [{"label_key": "label", "signature_name": signature}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
    }


def auc_in(uri):
    (value,) = assay.metrics_frame(str(uri))["value"]
    return float(value)


def expected(signature):
    return roc_auc_score(LABEL, ROWS[COLUMNS[signature]])


@pytest.mark.parametrize("signature", COLUMNS)
def test_python_evaluates_the_signature(folder, signature, tmp_path):
    model = assay.ModelRef(name="m", uri=str(folder / "model"), type="saved_model")
    assay.run_model_analysis(
        config(signature),
        data_location=str(folder / "rows.parquet"),
        file_format="parquet",
        models=[model],
        output_path=str(tmp_path),
    )
    assert auc_in(tmp_path) == pytest.approx(expected(signature), abs=1e-3)


def run(folder, signature, *more):
    analysis = {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "models": [{"name": "m", "type": "saved_model", "uri": "model"}],
        "eval_config": config(signature),
        "output": f"results {signature}",
    }
    (folder / "analysis.json").write_text(json.dumps(analysis))
    code = cli.main(["run", str(folder / "analysis.json"), "--quiet", *more])
    return code, folder / f"results {signature}"


def test_checkpoints_of_another_signature_are_not_taken(folder):
    for signature in ("by_b", "by_c", "serving_default"):
        code, results = run(folder, signature, "--checkpoints", str(folder / "checkpoints"))
        assert code == 0
        assert auc_in(results) == pytest.approx(expected(signature), abs=1e-3)


def test_an_unknown_signature_is_refused_with_those_that_there_are(folder, capsys):
    code, _ = run(folder, "by_d")
    assert code == 64
    assert "no signature 'by_d'; it has by_b, by_c, serving_default" in capsys.readouterr().err


def test_a_function_has_no_signature():
    model = assay.ModelRef(name="m", uri="tests.end_to_end.scores:score", type="callable")
    with pytest.raises(ModelError, match="model 'm' has no signature 'by_b': a function has none"):
        assay.run_model_analysis(config("by_b"), data_location="x", file_format="parquet", models=[model])
