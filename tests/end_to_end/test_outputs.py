"""What labels and predictions mean may differ by output: each gives the values that it gives in a model of its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import json_format, text_format

import assay
from assay.config.resolved import parse_eval_config
from assay.errors import ColumnTypeError, EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.report.evidence import evidence_of
from assay.report.page.results import html_page
from assay.results.latest import results_folder

ROWS = 200
RNG = np.random.default_rng(15)
ANIMALS, MOODS = ["cat", "dog", "bird"], ["calm", "wild", "shy"]
KIND_SCORES = RNG.dirichlet([2, 1, 1], ROWS)
KIND = np.array([RNG.choice(3, p=p) for p in KIND_SCORES])
CLICKED, LOGIT = RNG.random(ROWS) < 0.4, RNG.normal(size=ROWS)
TAGS = [sorted(RNG.choice(3, RNG.integers(0, 4), replace=False).tolist()) for _ in range(ROWS)]
TABLE = pa.table(
    {
        "clicked": np.where(CLICKED, "yes", "no"),
        "logit": LOGIT,
        "animal": np.array(ANIMALS)[KIND],
        "mood": np.array(MOODS)[KIND],
        "kind_scores": KIND_SCORES.tolist(),
        "percents": (100 * KIND_SCORES).tolist(),
        "tags": TAGS,
    }
)
COLUMNS = {
    "click": ("clicked", "logit"),
    "kind": ("animal", "kind_scores"),
    "mood": ("mood", "percents"),
    "tags": ("tags", "kind_scores"),
}
MEANINGS: dict[str, dict[str, Any]] = {
    "click": {"positive_label": "yes", "link": "logit"},
    "kind": {"classes": ANIMALS},
    "mood": {"classes": MOODS, "scale": "percent"},
    "tags": {"sparse_labels": True},
}
METRICS = ["AUC", "Precision", "BinaryCrossEntropy", "MeanLabel"]
MACRO = {"aggregate": {"macro_average": True}, "thresholds": {"precision": {"value_threshold": {"lower_bound": 0.99}}}}
EACH = {"binarize": {"class_ids": {"values": [0, 1, 2]}}}
ASKED: dict[str, dict[str, Any]] = {"click": {}, "kind": {**EACH, **MACRO}, "mood": {**EACH, **MACRO}, "tags": EACH}


def metrics_spec(output, **fields):
    return {"metrics": [{"class_name": name} for name in METRICS], **ASKED[output], **fields}


def config(outputs=None, **fields):
    return {
        "model_specs": [
            {
                "label_keys": {output: label for output, (label, _) in COLUMNS.items()},
                "prediction_keys": {output: score for output, (_, score) in COLUMNS.items()},
                "outputs": MEANINGS if outputs is None else outputs,
                **fields,
            }
        ],
        "metrics_specs": [metrics_spec(output, output_names=[output]) for output in COLUMNS],
    }


def values_in(folder, output=None):
    frame = assay.metrics_frame(str(folder))
    frame = frame if output is None else frame[frame["output"].fillna("") == output]
    columns = ["metric", "class_id", "aggregation", "value"]
    return [tuple(row) for row in frame[columns].fillna({"class_id": -1, "aggregation": ""}).itertuples(index=False)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("results"))
    assay.analyze_raw_data(TABLE, config(), folder)
    return folder


@pytest.mark.parametrize("output", COLUMNS)
def test_an_output_has_the_values_of_a_model_of_its_own(output, results, tmp_path):
    label, score = COLUMNS[output]
    alone = {"label_key": label, "prediction_key": score, **MEANINGS[output]}
    assay.analyze_raw_data(TABLE, {"model_specs": [alone], "metrics_specs": [metrics_spec(output)]}, str(tmp_path))
    expected = values_in(tmp_path)
    assert values_in(results, output) == expected
    assert len(expected) >= len(METRICS)


def test_the_names_of_an_output_stand_beside_its_ids(results):
    page, classes = html_page(results), evidence_of(results).classes
    assert (list(classes.of("", "kind")), list(classes.of("", "mood")), classes.of("", "tags")) == (ANIMALS, MOODS, ())
    assert "0 (cat)" in page
    assert "0 (calm)" in page


def test_a_threshold_on_a_macro_average_is_for_the_classes_of_its_output(results):
    reasons = [reason.message for reason in assay.load_verdict(results).reasons]
    assert any("[kind, macro_average]" in message for message in reasons)
    assert any("[mood, macro_average]" in message for message in reasons)


def test_what_the_model_spec_says_holds_for_outputs_that_have_no_spec_of_their_own(results, tmp_path):
    outputs = {output: spec for output, spec in MEANINGS.items() if output != "kind"}
    assay.analyze_raw_data(TABLE, config(outputs, classes=ANIMALS), str(tmp_path))
    assert values_in(tmp_path) == values_in(results)


def test_nothing_of_the_model_spec_holds_for_an_output_with_a_spec_of_its_own():
    wanted = config({"kind": {"link": "logit"}}, classes=ANIMALS)
    wanted["metrics_specs"] = [{"metrics": [{"class_name": "AUC"}], "output_names": ["kind"], **EACH}]
    with pytest.raises(ColumnTypeError, match=r"column 'animal' .*label_keys\['kind'\].*classes: "):
        assay.analyze_raw_data(TABLE, wanted)


def test_the_mean_over_outputs_takes_each_output_as_it_is_meant(tmp_path):
    wanted = config()
    both = {"output_names": ["kind", "mood"], "output_weights": {"kind": 1.0, "mood": 1.0}}
    wanted["metrics_specs"] = [metrics_spec("kind", **both)]
    wanted["model_specs"][0]["outputs"] = {name: MEANINGS[name] for name in ("kind", "mood")}
    assay.analyze_raw_data(TABLE, wanted, str(tmp_path))
    means, kind = values_in(tmp_path, ""), values_in(tmp_path, "kind")
    assert [row[-1] for row in means] == pytest.approx([row[-1] for row in kind], rel=1e-6)
    assert any("precision [macro_average]" in r.message for r in assay.load_verdict(str(tmp_path)).reasons)


def test_a_config_with_outputs_is_the_same_in_every_form():
    parsed = parse_eval_config(config())
    for form in (
        json.dumps(config()),
        text_format.MessageToString(parsed),
        EvalConfig.FromString(parsed.SerializeToString()),
        json.loads(json_format.MessageToJson(parsed)),
    ):
        assert parse_eval_config(form) == parsed


def test_tfma_opens_the_results_without_outputs_which_the_full_config_has(results):
    from tensorflow_model_analysis.proto import config_pb2

    run = json.loads(Path(results_folder(results), "eval_config.json").read_text())
    theirs = json_format.ParseDict(run["evalConfig"], config_pb2.EvalConfig())
    assert sorted(theirs.model_specs[0].label_keys) == sorted(COLUMNS)
    assert assay.load_eval_result(results).config.model_specs[0].outputs["kind"].classes == ANIMALS


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {"kinds": {"classes": ANIMALS}},
            r"^model_specs\[0\].outputs\['kinds'\]: no metrics spec .* did you mean 'kind'\? there are click, kind",
        ),
        ({"kind": {"classes": ["cat"]}}, r"^model_specs\[0\].outputs\['kind'\].classes: expected the names of all"),
        ({"click": {"link": "logits"}}, r"^model_specs\[0\].outputs\['click'\].link: found 'logits'; did you mean"),
        (
            {"kind": {"classes": ANIMALS, "positive_label": "cat"}},
            r"^model_specs\[0\].outputs\['kind'\].positive_label: classes are set too",
        ),
        ({"kind": {"clases": ANIMALS}}, r"^model_specs\[0\].outputs\['kind'\].clases: OutputSpec has no such field"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_path(outputs, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(TABLE, config(outputs))
