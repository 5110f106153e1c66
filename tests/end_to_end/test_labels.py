"""Labels and predictions as people have them: every form gives the values of its 0/1 or one-hot form, from any file."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format

import assay
from assay import cli
from assay.config.resolved import parse_eval_config
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError
from assay.proto.config_pb2 import EvalConfig
from assay.report.page.results import html_page
from tests.report.on_terminal import shown

ROWS = 400
RNG = np.random.default_rng(13)
NAMES = ["cat", "dog", "bird"]
BY_CLASS = RNG.dirichlet([2, 1, 1], ROWS)
CLASS = np.array([RNG.choice(3, p=p) for p in BY_CLASS])
IS_DOG, SCORE = CLASS == 1, BY_CLASS[:, 1]
TAGS = [sorted(RNG.choice(3, RNG.integers(0, 4), replace=False).tolist()) for _ in range(ROWS)]
SEVERAL = np.array([[float(i in tags) for i in range(3)] for tags in TAGS])

TWO = ["AUC", "Precision", "BinaryCrossEntropy", "MeanLabel"]
EACH = {"binarize": {"class_ids": {"values": [0, 1, 2]}}}


def config(metrics=TWO, spec=None, **metrics_spec):
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score", **(spec or {})}],
        "metrics_specs": [{"metrics": [{"class_name": name} for name in metrics], **metrics_spec}],
    }


def lists(values):
    return [np.asarray(row).tolist() for row in values]


def values_in(folder):
    frame = assay.metrics_frame(str(folder))
    return [tuple(row) for row in frame[["metric", "class_id", "value"]].fillna(-1).itertuples(index=False)]


def values_of(folder, label, score, *args, **kwargs):
    assay.analyze_raw_data(pa.table({"label": label, "score": score}), config(*args, **kwargs), str(folder))
    return values_in(folder)


def refusal_of(error, label, score, *args, **kwargs):
    with pytest.raises(error) as refusal:
        assay.analyze_raw_data(pa.table({"label": label, "score": score}), config(*args, **kwargs))
    return str(refusal.value)


TWO_CLASSES = {
    "booleans": (IS_DOG, {}),
    "yes and no": (np.where(IS_DOG, "yes", "no"), {"positive_label": "yes"}),
    "one of three": (np.array(NAMES)[CLASS], {"positive_label": "dog"}),
    "digits in text": (np.where(IS_DOG, "1", "0"), {"positive_label": "1"}),
    "-1 and 1": (2 * IS_DOG - 1, {"positive_label": "1"}),
    "1 and 2": (1.0 + IS_DOG, {"positive_label": "2"}),
    "turned round": (1 - IS_DOG, {"positive_label": "0"}),
    "booleans turned round": (~IS_DOG, {"positive_label": "false"}),
    "two names": (np.where(IS_DOG, "yes", "no"), {"classes": ["no", "yes"]}),
    "two names of booleans": (~IS_DOG, {"classes": ["true", "false"]}),
}


@pytest.mark.parametrize("form", TWO_CLASSES)
def test_labels_of_two_classes_mean_0_and_1(form, tmp_path):
    label, spec = TWO_CLASSES[form]
    expected = values_of(tmp_path / "plain", IS_DOG.astype(int), SCORE)
    assert values_of(tmp_path / "form", label, SCORE, spec=spec) == expected
    assert len(expected) == len(TWO)


SEVERAL_CLASSES = {
    "ids": (CLASS, {}),
    "names": (np.array(NAMES)[CLASS].tolist(), {"classes": NAMES}),
    "categories": (pa.array(np.array(NAMES)[CLASS]).dictionary_encode(), {"classes": NAMES}),
    "names in lists": ([[NAMES[i]] for i in CLASS], {"classes": NAMES}),
    "numbers that are names": (np.array([5, 1, 3])[CLASS], {"classes": ["5", "1", "3"]}),
    "lists of one": ([[i] for i in CLASS], {"sparse_labels": True}),
}


@pytest.mark.parametrize("form", SEVERAL_CLASSES)
def test_labels_of_several_classes_mean_a_1_for_the_class(form, tmp_path):
    label, spec = SEVERAL_CLASSES[form]
    expected = values_of(tmp_path / "plain", lists(np.eye(3)[CLASS]), lists(BY_CLASS), **EACH)
    assert values_of(tmp_path / "form", label, lists(BY_CLASS), spec=spec, **EACH) == expected
    assert len(expected) == 3 * len(TWO)


LISTS = {
    "ids": (TAGS, {}),
    "ids and padding": ([[*tags, *[-1] * (4 - len(tags))] for tags in TAGS], {}),
    "names": ([[NAMES[i] for i in tags] for tags in TAGS], {"classes": NAMES}),
}


@pytest.mark.parametrize("form", LISTS)
def test_lists_of_classes_mean_a_1_for_each(form, tmp_path):
    label, spec = LISTS[form]
    expected = values_of(tmp_path / "plain", lists(SEVERAL), lists(BY_CLASS), **EACH)
    found = values_of(tmp_path / "form", label, lists(BY_CLASS), spec={**spec, "sparse_labels": True}, **EACH)
    assert found == expected


def test_a_label_of_the_second_of_two_columns_is_the_positive_one(tmp_path):
    both = lists(np.stack([1 - SCORE, SCORE], 1))
    asked = {"binarize": {"class_ids": {"values": [1]}}}
    expected = [value for *_, value in values_of(tmp_path / "plain", IS_DOG.astype(int), SCORE)]
    found = values_of(tmp_path / "both", np.where(IS_DOG, "yes", "no"), both, spec={"positive_label": "yes"}, **asked)
    assert [value for *_, value in found] == expected


# ---- predictions ----


@pytest.mark.parametrize(
    ("score", "spec"), [(np.log(SCORE / (1 - SCORE)), {"link": "logit"}), (SCORE * 100, {"scale": "percent"})]
)
def test_scores_of_another_scale_mean_probabilities(score, spec, tmp_path):
    expected = values_of(tmp_path / "plain", IS_DOG.astype(int), SCORE)
    found = values_of(tmp_path / "form", IS_DOG.astype(int), score, spec=spec)
    assert [name for name, *_ in found] == [name for name, *_ in expected]
    np.testing.assert_allclose([row[-1] for row in found], [row[-1] for row in expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("link", "logits"), [("logit", np.log(BY_CLASS) + 3), ("logit_each", np.log(BY_CLASS / (1 - BY_CLASS)))]
)
def test_logits_of_several_classes_mean_probabilities(link, logits, tmp_path):
    expected = values_of(tmp_path / "plain", CLASS, lists(BY_CLASS), **EACH)
    found = values_of(tmp_path / "form", CLASS, lists(logits), spec={"link": link}, **EACH)
    np.testing.assert_allclose([row[-1] for row in found], [row[-1] for row in expected], rtol=1e-12)


# ---- classes that a model names beside its scores ----

SHUFFLED = [2, 0, 1]
BY_SCORE = np.argsort(-BY_CLASS, 1)
NAMED_DOG = np.where(IS_DOG, "dog", "no")
KEYS = {"prediction_keys": {"scores": "score", "classes": "classes"}, "prediction_key": ""}
OWN_CLASSES = {
    "in the order of the ids": (BY_CLASS, [NAMES] * ROWS, {}),
    "in another order than the model spec has": (
        BY_CLASS[:, SHUFFLED], [[NAMES[i] for i in SHUFFLED]] * ROWS, {"classes": NAMES}
    ),
    "by falling score": (
        np.take_along_axis(BY_CLASS, BY_SCORE, 1), np.array(NAMES)[BY_SCORE].tolist(), {"classes": NAMES}
    ),
}  # fmt: skip


def with_classes(folder, label, score, classes, spec, **metrics_spec):
    table = pa.table({"label": label, "score": lists(score), "classes": classes})
    assay.analyze_raw_data(table, config(spec={**KEYS, **spec}, **metrics_spec), str(folder))
    return values_in(folder)


@pytest.mark.parametrize("form", OWN_CLASSES)
def test_names_beside_the_scores_say_which_score_is_that_of_which_class(form, tmp_path):
    score, classes, spec = OWN_CLASSES[form]
    expected = values_of(tmp_path / "plain", CLASS, lists(BY_CLASS), **EACH)
    found = with_classes(tmp_path / "named", np.array(NAMES)[CLASS].tolist(), score, classes, spec, **EACH)
    assert found == expected


def test_ids_beside_the_scores_say_which_score_is_that_of_which_class(tmp_path):
    score = np.take_along_axis(BY_CLASS, BY_SCORE, 1)
    expected = values_of(tmp_path / "plain", CLASS, lists(BY_CLASS), **EACH)
    assert with_classes(tmp_path / "ids", CLASS, score, BY_SCORE.tolist(), {}, **EACH) == expected


def test_the_predicted_class_beside_the_scores_orders_nothing(tmp_path):
    expected = values_of(tmp_path / "plain", CLASS, lists(BY_CLASS), **EACH)
    predicted = [[NAMES[i]] for i in BY_CLASS.argmax(1)]
    assert with_classes(tmp_path / "one", CLASS, BY_CLASS, predicted, {}, **EACH) == expected


def test_classes_of_a_classifier_of_tensorflow_are_texts_of_its_labels(tmp_path):
    both = np.stack([1 - SCORE, SCORE], 1)
    asked = {"binarize": {"class_ids": {"values": [1]}}}
    expected = values_of(tmp_path / "plain", IS_DOG.astype(int), lists(both), **asked)
    assert with_classes(tmp_path / "named", IS_DOG.astype(int), both, [["0", "1"]] * ROWS, {}, **asked) == expected


@pytest.mark.parametrize(
    ("label", "classes", "spec", "said"),
    [
        (CLASS, np.array(NAMES)[BY_SCORE].tolist(), {}, "or name them in classes of the model spec"),
        (
            CLASS,
            [["cat", "dog", "cow"]] * ROWS,
            {"classes": NAMES},
            "has ['cat', 'dog', 'cow'] in a row; expected",
        ),
        (CLASS, [[0, 1, 1]] * ROWS, {}, "expected"),
        (CLASS, [["cat", "dog"]] * ROWS, {}, "has 2 values in a row; expected 3, one for each score"),
        (NAMED_DOG, [["dog", "no", "bird"]] * ROWS, {"positive_label": "dog"}, "remove positive_label"),
    ],
)
def test_classes_beside_the_scores_that_say_nothing_certain_are_refused(label, classes, spec, said, tmp_path):
    with pytest.raises(ColumnTypeError) as refusal:
        with_classes(tmp_path, label, BY_CLASS, classes, spec, **EACH)
    assert said in str(refusal.value)


def test_classes_that_change_from_batch_to_batch_are_refused(tmp_path):
    half = ROWS // 2
    classes = [NAMES] * half + [[NAMES[i] for i in SHUFFLED]] * half
    table = pa.table({"label": CLASS, "score": lists(BY_CLASS), "classes": classes})
    batches = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=half))
    with pytest.raises(ColumnTypeError, match=r"name (them|all of them) in classes of the model spec"):
        assay.analyze_raw_data(batches, config(spec=KEYS, **EACH), str(tmp_path))


# ---- what is told ----


def test_two_classes_over_predictions_of_several_are_told_and_a_micro_average_is_not(tmp_path):
    asked = ["AUC", "Precision", "MeanPrediction", "ExampleCount", "MultiClassConfusionMatrixAtThresholds"]
    values_of(tmp_path / "flat", lists(np.eye(3)[CLASS]), lists(BY_CLASS), metrics=asked)
    (told,) = assay.load_eval_result(str(tmp_path / "flat")).remarks
    assert told.startswith("auc, precision: each of the 3 numbers of a prediction counts as a row of its own")
    assert told in shown(str(tmp_path / "flat"), 1_000)
    assert "aggregate: {micro_average: true}" in html_page(str(tmp_path / "flat"))

    micro = {"aggregate": {"micro_average": True}}
    values_of(tmp_path / "micro", lists(np.eye(3)[CLASS]), lists(BY_CLASS), metrics=["AUC", "Precision"], **micro)
    assert list(assay.load_eval_result(str(tmp_path / "micro")).remarks) == []
    values_of(tmp_path / "two", IS_DOG, SCORE)
    assert list(assay.load_eval_result(str(tmp_path / "two")).remarks) == []


@pytest.mark.parametrize(
    ("score", "metric", "said"),
    [
        (SCORE * 100, "Precision", "set scale: percent of the model spec if these are percents"),
        (SCORE * 9 - 4, "Precision", "set link: logit of the model spec if these are logits"),
        (SCORE * 9 - 4, "BinaryCrossEntropy", "set link: logit of the model spec"),
        (SCORE * 9 - 4, "ScoreDistributionPlot", "set link: logit of the model spec"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused_with_the_line_to_paste(score, metric, said):
    assert said in refusal_of(ColumnTypeError, IS_DOG, score, metrics=[metric])


# ---- every file, every form of the config ----


def write(folder, form, columns):
    path = folder / f"rows.{form}"
    if form == "parquet":
        pq.write_table(pa.table(columns), path)
    elif form == "csv":
        pd.DataFrame(columns).to_csv(path, index=False)
    elif form == "jsonl":
        pd.DataFrame(columns).to_json(path, orient="records", lines=True, double_precision=15)
    else:
        write_tfrecord(path, columns)


def write_tfrecord(path, columns):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        kinds = {name: np.hstack(list(column)).dtype for name, column in columns.items()}
        for row in zip(*columns.values(), strict=True):
            features = {
                name: feature_of(np.atleast_1d(np.asarray(value, kinds[name])))
                for name, value in zip(columns, row, strict=True)
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def feature_of(values):
    import tensorflow as tf

    if values.dtype.kind == "U":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode() for text in values.tolist()]))
    if values.dtype.kind in "ib":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values.astype(int)))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def run(folder, form, eval_config, *options):
    analysis = {
        "inputs": {"format": form, "files": [f"rows.{form}"]},
        "eval_config": eval_config,
        "output": "out",
    }
    (folder / "analysis.json").write_text(json.dumps(analysis))
    return cli.main(["run", str(folder / "analysis.json"), "--quiet", *options])


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl", "tfrecord"])
@pytest.mark.parametrize("labels", ["booleans", "yes and no", "digits in text", "-1 and 1", "two names"])
def test_labels_of_two_classes_mean_0_and_1_in_every_file(form, labels, tmp_path):
    label, spec = TWO_CLASSES[labels]
    score = np.float32(SCORE).astype(float)
    write(tmp_path, form, {"label": label, "score": score})
    assert run(tmp_path, form, config(spec=spec)) == 0
    expected = values_of(tmp_path / "plain", IS_DOG.astype(int), score)
    np.testing.assert_allclose(
        [row[-1] for row in values_in(tmp_path / "out")], [row[-1] for row in expected], rtol=1e-12
    )


@pytest.mark.parametrize("form", ["parquet", "jsonl", "tfrecord"])
@pytest.mark.parametrize("options", [[], ["--checkpoints", "checkpoints"]])
def test_names_and_lists_of_classes_are_read_from_every_file(form, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = np.float32(BY_CLASS).astype(float)
    none = [""] if form == "tfrecord" else []  # an empty list of a tf.Example is a missing one
    write(tmp_path, form, {"label": [names or none for names in LISTS["names"][0]], "score": lists(scores)})
    assert run(tmp_path, form, config(spec={"classes": NAMES, "sparse_labels": True}, **EACH), *options) == 0
    expected = values_of(tmp_path / "plain", lists(SEVERAL), lists(scores), **EACH)
    found = values_in(tmp_path / "out")
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    np.testing.assert_allclose([row[-1] for row in found], [row[-1] for row in expected], rtol=1e-12)


def test_what_the_model_spec_says_goes_through_every_form_of_a_config(tmp_path):
    spec = {"classes": NAMES, "sparse_labels": True, "link": "logit_each"}
    plain = config(spec=spec)
    message = parse_eval_config(plain)
    text = text_format.MessageToString(message)
    forms: list[Any] = [json.dumps(plain), text, message, EvalConfig.FromString(message.SerializeToString())]
    assert all(parse_eval_config(form) == message for form in forms)
    assert list(message.model_specs[0].classes) == NAMES


def test_results_have_the_whole_config_though_tfma_s_file_has_only_what_tfma_knows(tmp_path):
    values_of(tmp_path, np.where(IS_DOG, "yes", "no"), SCORE, spec={"positive_label": "yes"})
    folder = assay.results_folder(str(tmp_path))
    result = assay.load_eval_result(str(tmp_path))
    assert result.config is not None
    assert result.config.model_specs[0].positive_label == "yes"
    assert "positiveLabel" not in (tmp_path / folder / "eval_config.json").read_text()
    assert "eval_config_in_full.json" in json.loads((tmp_path / folder / "results.json").read_text())["files"]


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (np.where(IS_DOG, "yes", "no"), 'positive_label: "yes"'),
        (np.where(IS_DOG, "1", "0"), 'positive_label: "1"'),
        (np.where(IS_DOG, "spam", "ham"), 'positive_label: "spam"'),
        (np.array(NAMES)[CLASS], 'classes: ["bird", "cat", "dog"]'),
        (2 * IS_DOG - 1, 'positive_label: "1"'),
        (1 + IS_DOG, 'positive_label: "2"'),
    ],
)
def test_labels_that_nobody_gives_a_meaning_are_refused_with_the_line_to_paste(label, said):
    assert said in refusal_of(ColumnTypeError, label, SCORE)


def test_a_positive_label_that_no_row_has_is_refused():
    message = refusal_of(ColumnTypeError, np.where(IS_DOG, "yes", "no"), SCORE, spec={"positive_label": "Yes"})
    assert message == (
        "positive_label 'Yes' of the model spec does not occur in column 'label' (label_key); it holds 'no', 'yes'; "
        "did you mean 'yes'?"
    )


def test_a_batch_without_the_positive_label_is_no_reason_to_refuse_it(tmp_path):
    order = np.argsort(IS_DOG, kind="stable")
    table = pa.table({"label": np.where(IS_DOG, "yes", "no")[order], "score": SCORE[order]})
    batches = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=50))
    assay.analyze_raw_data(batches, config(spec={"positive_label": "yes"}), str(tmp_path / "sorted"))
    expected = dict(row[::2] for row in values_of(tmp_path / "plain", IS_DOG.astype(int), SCORE))
    assert dict(row[::2] for row in values_in(tmp_path / "sorted")) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("label", "spec", "said"),
    [
        ("dgo", {"classes": NAMES}, "'label' (label_key) has 'dgo' (did you mean 'dog'?), and there are 3 classes"),
        ("DOG", {"classes": NAMES}, "has 'DOG' (did you mean 'dog'?)"),
        (3, {}, "has 3, and there are 3 classes"),
        (-2, {"classes": NAMES}, "has -2, and there are 3 classes"),
        (["dog", "dgo"], {"classes": NAMES, "sparse_labels": True}, "has 'dgo' (did you mean 'dog'?)"),
        ([1, 3], {"sparse_labels": True}, "has [1, 3], and there are 3 classes"),
    ],
)
def test_a_label_that_is_no_class_is_a_bad_row(label, spec, said, tmp_path):
    good = {str: NAMES[0], int: 0, list: [0] if "classes" not in spec else [NAMES[0]]}[type(label)]
    labels = [good] * (ROWS - 1) + [label]
    message = refusal_of(BadRowError, labels, lists(BY_CLASS), spec=spec, **EACH)
    assert f"row {ROWS - 1}: " in message
    assert said in message

    table = pa.table({"label": labels, "score": lists(BY_CLASS)})
    counted = {**config(["ExampleCount", "AUC"], spec=spec, **EACH)}
    assay.analyze_raw_data(table, counted, str(tmp_path), on_bad_rows="skip")
    assert ("example_count", 0.0, ROWS - 1.0) in values_in(tmp_path)


@pytest.mark.parametrize(
    ("label", "score", "spec", "said"),
    [
        (
            CLASS,
            lists(BY_CLASS),
            {"classes": ["a", "b"]},
            "'score' (prediction_key) has 3 values a row, and classes of",
        ),
        (CLASS, SCORE, {"classes": NAMES}, "'score' (prediction_key) has 1 value a row, and classes of the model spec"),
        (CLASS, lists(BY_CLASS), {"positive_label": "1"}, "positive_label of the model spec makes two classes of"),
        (TAGS, SCORE, {"sparse_labels": True}, "sparse_labels of the model spec makes lists of classes of"),
        ([[0, 1]] * ROWS, lists(BY_CLASS), {}, "set sparse_labels: true of the model spec"),
        (lists(SEVERAL), lists(BY_CLASS), {"link": "logit"}, "set link: logit_each of the model spec"),
        ([[NAMES[0], NAMES[1]]] * ROWS, lists(BY_CLASS), {"classes": NAMES}, "set sparse_labels: true"),
        (IS_DOG, SCORE, {"positive_label": "yes"}, "holds numbers, and positive_label of the model spec is 'yes'"),
    ],
)
def test_a_meaning_that_does_not_fit_the_columns_is_refused(label, score, spec, said):
    assert said in refusal_of(ColumnTypeError, label, score, spec=spec, metrics=["MeanLabel"])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"positive_label": "a", "classes": ["a", "b"]}, "model_specs[0].positive_label: classes are set too"),
        ({"positive_label": "a", "sparse_labels": True}, "model_specs[0].positive_label: sparse_labels is set too"),
        ({"link": "logit", "scale": "percent"}, "model_specs[0].scale: link is set too"),
        ({"link": "logits"}, "model_specs[0].link: found 'logits'; did you mean 'logit'?"),
        ({"scale": "percents"}, "model_specs[0].scale: found 'percents'; did you mean 'percent'?"),
        ({"classes": ["a"]}, "model_specs[0].classes: expected the names of all classes"),
        ({"classes": ["a", "b", "a"]}, "model_specs[0].classes: 'a' occurs twice"),
        ({"classes": ["a", ""]}, "model_specs[0].classes[1]: expected the name of a class"),
        ({"positive_label": 1}, "model_specs[0].positive_label: expected text (numbers and dates in quotes)"),
    ],
)
def test_a_meaning_that_contradicts_itself_is_refused(spec, said):
    assert refusal_of(EvalConfigError, IS_DOG, SCORE, spec=spec).startswith(said)


def test_logits_are_not_made_probabilities_twice():
    metric = {"class_name": "BinaryCrossEntropy", "config": {"from_logits": True}}
    asked = {**config(spec={"link": "logit"}), "metrics_specs": [{"metrics": [metric]}]}
    with pytest.raises(EvalConfigError, match=r"^metrics_specs\[0\].*config: from_logits is true, but link"):
        assay.analyze_raw_data(pa.table({"label": IS_DOG, "score": SCORE}), asked)
