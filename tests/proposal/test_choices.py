"""What is chosen: roles, the kind of problem, scale, slices, thresholds."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay.errors import MissingColumnError, UsageError
from assay.proposal import names
from assay.proposal.bounds import bound_of, rounded_up
from assay.proposal.data import auc
from assay.proposal.metrics import HIGHER, LOWER

ROWS = 400


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def spec_of(frame, **asked):
    (spec,) = assay.propose_analysis(pd.DataFrame(frame), **asked).eval_config["model_specs"]
    return spec


def binary(rng, **columns):
    score = rng.random(ROWS)
    return {"label": (rng.random(ROWS) < score).astype(int), "score": score, **columns}


# roles


@pytest.mark.parametrize("label", ["label", "target", "y_true", "yTrue", "Outcome", "ground_truth", "is_fraud_label"])
@pytest.mark.parametrize("score", ["score", "prediction", "y_pred", "predictedProbability", "fraud_score", "Prob"])
def test_label_and_prediction_are_told_by_their_names(rng, label, score):
    frame = binary(rng)
    spec = spec_of({label: frame["label"], score: frame["score"]})
    assert (spec["label_key"], spec["prediction_key"]) == (label, score)


def test_a_label_is_told_by_the_name_of_its_prediction(rng):
    frame = binary(rng)
    assert spec_of({"churned": frame["label"], "churned_prob": frame["score"]})["label_key"] == "churned"


def test_a_question_is_the_label_of_its_prediction(rng):
    frame = binary(rng)
    spec = spec_of({"is_fraud": frame["label"], "fraud_probability": frame["score"], "vip": rng.integers(0, 2, ROWS)})
    assert spec["label_key"] == "is_fraud"


def test_a_label_is_told_by_columns_that_are_named_after_its_values(rng):
    columns = {f"prob_{name}": rng.random(ROWS) for name in ("neg", "pos", "neutral")}
    frame = {
        "mood": rng.choice(["neg", "pos", "neutral"], ROWS),
        **columns,
        "prediction": rng.choice(["neg", "pos"], ROWS),
    }
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert proposal.eval_config["model_specs"][0]["label_key"] == "mood"
    assert "prediction: it is named like a prediction" in proposal.text


def test_the_only_column_of_two_values_needs_less_agreement_but_more_than_noise(rng):
    score = rng.random(2000)
    weak = (rng.random(2000) < 0.4 + 0.2 * score).astype(int)
    assert 0.52 < roc_auc_score(weak, score) < 0.65
    assert spec_of({"bought": weak, "score": score})["label_key"] == "bought"


def test_a_prediction_that_is_a_copy_of_the_label_is_told(rng):
    label = rng.normal(size=ROWS)
    assert (
        "the same as the label in every row"
        in assay.propose_analysis(pd.DataFrame({"target": label, "prediction": label})).text
    )


def test_where_both_are_missing_predictions_are_asked_for(rng):
    with pytest.raises(UsageError, match="no column is named like a prediction"):
        assay.propose_analysis(pd.DataFrame({"sex": rng.integers(0, 2, ROWS), "age": rng.integers(0, 99, ROWS)}))


def test_of_columns_without_a_telling_name_that_is_the_label_with_which_predictions_agree(rng):
    frame = binary(rng)
    other = rng.integers(0, 2, ROWS)
    assert spec_of({"sex": other, "bought": frame["label"], "score": frame["score"]})["label_key"] == "bought"


def test_a_column_of_two_values_with_which_predictions_do_not_agree_is_no_label(rng):
    with pytest.raises(UsageError, match=r"no column is named like a label.*label='sex'"):
        assay.propose_analysis(pd.DataFrame({"sex": rng.integers(0, 2, ROWS), "score": rng.random(ROWS)}))


def test_a_predicted_class_beside_a_probability_is_passed_over(rng):
    frame = binary(rng)
    frame["prediction"] = (frame["score"] > 0.5).astype(int)
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert proposal.eval_config["model_specs"][0]["prediction_key"] == "score"
    assert "prediction: it looks like the predicted class" in proposal.text


def test_a_predicted_class_alone_is_evaluated_as_a_decision(rng):
    frame = binary(rng)
    frame["prediction"] = (frame.pop("score") > 0.5).astype(int)
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert "BinaryAccuracy" in proposal.text
    assert "AUC" not in proposal.text


@pytest.mark.parametrize(
    ("new", "old"),
    [("score_new", "score_old"), ("candidate_score", "baseline_score"), ("new", "old"), ("score", "score_base")],
)
def test_names_tell_candidate_and_baseline(rng, new, old):
    frame = binary(rng)
    score = frame.pop("score")
    proposal = assay.propose_analysis(
        pd.DataFrame({**frame, old: np.clip(score + 0.1 * rng.random(ROWS), 0, 1), new: score})
    )
    first, second = proposal.eval_config["model_specs"]
    assert (first["prediction_key"], second["prediction_key"], second["is_baseline"]) == (new, old, True)
    assert "change_threshold" in proposal.text


def test_other_names_are_models_side_by_side(rng):
    frame = binary(rng)
    score = frame.pop("score")
    specs = assay.propose_analysis(pd.DataFrame({**frame, "a_score": score, "b_score": score**2})).eval_config[
        "model_specs"
    ]
    assert [(spec["name"], spec.get("is_baseline")) for spec in specs] == [("a", None), ("b", None)]


def test_the_weight_of_a_row_is_told_by_its_name_and_the_weight_of_a_body_is_not(rng):
    frame = binary(rng, sample_weight=rng.random(ROWS), weight=60 + 20 * rng.random(ROWS))
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert proposal.eval_config["model_specs"][0]["example_weight_key"] == "sample_weight"
    alone = assay.propose_analysis(pd.DataFrame(frame).drop(columns=["sample_weight"]))
    assert "example_weight_key" not in alone.eval_config["model_specs"][0]
    assert "weight: if it is the weight of a row, say weight='weight'" in alone.text


def test_what_is_asked_for_is_taken(rng):
    frame = {
        "a": rng.integers(0, 2, ROWS),
        "b": rng.random(ROWS),
        "c": rng.random(ROWS),
        "d": rng.integers(0, 40, ROWS),
    }
    proposal = assay.propose_analysis(pd.DataFrame(frame), label="a", predictions=["b"], weight="c", slices=["d"])
    (spec,) = proposal.eval_config["model_specs"]
    assert (spec["label_key"], spec["prediction_key"], spec["example_weight_key"]) == ("a", "b", "c")
    assert proposal.eval_config["slicing_specs"] == [{}, {"feature_keys": ["d"]}]


def test_models_are_compared_with_the_baseline_that_is_named(rng):
    frame = binary(rng)
    score = frame.pop("score")
    proposal = assay.propose_analysis(
        pd.DataFrame({**frame, "u": score, "v": score**2}), predictions=["v", "u"], baseline="v"
    )
    specs = proposal.eval_config["model_specs"]
    assert [(spec["prediction_key"], spec.get("is_baseline", False)) for spec in specs] == [("u", False), ("v", True)]
    with pytest.raises(UsageError, match="baseline 'label': expected one of the predictions"):
        assay.propose_analysis(pd.DataFrame({**frame, "u": score}), predictions="u", baseline="label")


def test_the_positive_label_and_the_names_of_classes_are_taken_as_they_are_given(rng):
    frame = binary(rng)
    assert spec_of(frame, positive="0")["positive_label"] == "0"
    with pytest.raises(UsageError, match="no row of the sample has the label 'maybe'; there are 0, 1"):
        spec_of(frame, positive="maybe")
    names_, ids, scores = three_classes(rng)
    seen = {"label": names_[np.minimum(ids, 1)], "probabilities": list(scores)}
    with pytest.raises(UsageError, match=r"2 different labels.*classes=\['NAME'\], once for each"):
        spec_of(seen)
    assert spec_of(seen, classes=["wolf", "ant", "bee"])["classes"] == ["wolf", "ant", "bee"]
    with pytest.raises(UsageError, match="expected 3 names, one for each number of a prediction, found 2"):
        spec_of(seen, classes=["wolf", "ant"])


def test_a_column_that_is_not_there_is_named_with_the_nearest_one(rng):
    with pytest.raises(MissingColumnError, match="no column 'lable'; did you mean 'label'"):
        assay.propose_analysis(pd.DataFrame(binary(rng)), label="lable")


# problems


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        ((0, 1), None),
        ((False, True), None),
        (("no", "yes"), "yes"),
        (("<=50K", ">50K"), ">50K"),
        ((-1, 1), "1"),
        ((1, 2), "2"),
    ],
)
def test_two_labels_are_two_classes_and_the_positive_one_is_told(rng, labels, positive):
    frame = binary(rng)
    frame["label"] = np.where(frame["label"] == 1, labels[1], labels[0])
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert proposal.eval_config["model_specs"][0].get("positive_label") == positive
    result = assay.analyze_raw_data(pd.DataFrame(frame), proposal.eval_config)
    expected = roc_auc_score(frame["label"] == labels[1], frame["score"])
    assert result.get_metrics_for_slice()["auc"]["doubleValue"] == pytest.approx(expected, abs=1e-3)


def test_a_number_for_each_of_two_classes_is_that_of_the_positive_one(rng):
    frame = binary(rng)
    score = frame.pop("score")
    listed = {**frame, "probabilities": [[1 - s, s] for s in score]}
    columns = {**frame, "p0": 1 - score, "p1": score}
    expected = roc_auc_score(frame["label"], score)
    for form in (listed, columns):
        proposal = assay.propose_analysis(pd.DataFrame(form))
        result = assay.analyze_raw_data(pd.DataFrame(form), proposal.eval_config)
        values = [
            metrics["auc"]["doubleValue"]
            for metrics in dict(result.slicing_metrics)[()][""].values()
            if "auc" in metrics
        ]
        assert values == [pytest.approx(expected, abs=1e-3)]


def three_classes(rng):
    names_ = np.array(["wolf", "ant", "bee"])
    ids = rng.integers(0, 3, ROWS)
    scores = rng.random((ROWS, 3))
    scores[np.arange(ROWS), ids] += 0.8
    return names_, ids, scores / scores.sum(axis=1, keepdims=True)


def accuracy_of(frame, **asked):
    proposal = assay.propose_analysis(pd.DataFrame(frame), **asked)
    result = assay.analyze_raw_data(pd.DataFrame(frame), proposal.eval_config)
    return proposal, result.get_metrics_for_slice()["categorical_accuracy"]["doubleValue"]


def test_the_order_of_classes_is_told_from_the_predictions(rng):
    names_, ids, scores = three_classes(rng)
    proposal, accuracy = accuracy_of({"label": names_[ids], "probabilities": list(scores)})
    assert proposal.eval_config["model_specs"][0]["classes"] == ["wolf", "ant", "bee"]
    assert accuracy == pytest.approx((scores.argmax(axis=1) == ids).mean())


def test_names_of_many_classes_are_told_too(rng):
    ids = rng.permutation(np.arange(6 * 77) % 77)
    scores = rng.random((len(ids), 77))
    scores[np.arange(len(ids)), ids] += 1
    intents = np.array([f"intent {i}" for i in rng.permutation(77)])
    frame = pd.DataFrame({"label": intents[ids], "probabilities": list(scores / scores.sum(axis=1, keepdims=True))})
    proposal = assay.propose_analysis(frame)
    assert proposal.eval_config["model_specs"][0]["classes"] == intents.tolist()
    columns = pd.DataFrame(scores, columns=[f"score {name}" for name in intents])
    proposal = assay.propose_analysis(pd.concat([frame[["label"]], columns / 100], axis=1))
    assert len(proposal.eval_config["model_specs"][0]["prediction_keys"]) == 77


def test_of_rows_in_memory_some_are_taken_from_all_over(rng):
    frame = pd.DataFrame({"label": np.repeat([0, 1], 30_000), "score": rng.random(60_000)})
    proposal = assay.propose_analysis(frame)
    assert "from 20,000 of 60,000 rows, evenly spread." in proposal.text
    assert "value_threshold" in proposal.text


def test_a_column_for_each_class_is_told_by_the_names_of_the_classes(rng):
    names_, ids, scores = three_classes(rng)
    columns = {f"prob_{name}": scores[:, at] for at, name in enumerate(names_)}
    proposal, accuracy = accuracy_of({"label": names_[ids], **columns})
    assert proposal.eval_config["model_specs"][0]["prediction_keys"]["wolf"] == "prob_wolf"
    assert accuracy == pytest.approx((scores.argmax(axis=1) == ids).mean())


@pytest.mark.parametrize("start", [0, 1])
def test_numbers_of_classes_are_ids_or_names_of_them(rng, start):
    _, ids, scores = three_classes(rng)
    proposal, accuracy = accuracy_of({"label": ids + start, "probabilities": list(scores)})
    assert proposal.eval_config["model_specs"][0].get("classes") == (["1", "2", "3"] if start else None)
    assert accuracy == pytest.approx((scores.argmax(axis=1) == ids).mean())


def test_one_hot_labels_are_classes_and_multi_hot_ones_are_not(rng):
    _, ids, scores = three_classes(rng)
    _, accuracy = accuracy_of({"label": list(np.eye(3, dtype=int)[ids]), "probabilities": list(scores)})
    assert accuracy == pytest.approx((scores.argmax(axis=1) == ids).mean())
    several = assay.propose_analysis(
        pd.DataFrame({"label": list(rng.integers(0, 2, (ROWS, 3))), "probabilities": list(rng.random((ROWS, 3)))})
    )
    assert "LabelRankingAveragePrecision" in several.text
    assert "sparse_labels" not in several.eval_config["model_specs"][0]


def test_numbers_of_many_values_are_a_regression(rng):
    x = rng.normal(size=ROWS)
    proposal = assay.propose_analysis(pd.DataFrame({"target": x, "prediction": x + 0.1 * rng.normal(size=ROWS)}))
    assert "MeanAbsoluteError" in proposal.text


def test_rows_of_queries_are_ranked_lists_and_uneven_weights_are_none_of_queries(rng):
    frame = {
        "query_id": rng.integers(0, 40, ROWS),
        "relevance": rng.integers(0, 4, ROWS),
        "score": rng.random(ROWS),
        "sample_weight": rng.random(ROWS),
    }
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert "query_key: query_id" in proposal.text
    assert "config: {top_k_list: [3, 10]}" in proposal.text
    assert "sample_weight: its values differ within one query_id" in proposal.text


def test_names_of_weights_and_queries_can_be_overruled(rng):
    frame = binary(rng, query=rng.integers(0, 40, ROWS), sample_weight=rng.random(ROWS))
    ranked = assay.propose_analysis(pd.DataFrame(frame))
    assert "If query makes no ranked lists: query='-'." in " ".join(ranked.text.replace("#", "").split())
    plain = assay.propose_analysis(pd.DataFrame(frame), query="-", weight="-")
    assert "query_key" not in plain.text
    assert "example_weight_key" not in plain.text
    assert "class_name: AUC" in plain.text


def test_what_cannot_serve_as_asked_is_refused(rng):
    frame = binary(rng, text="a", negative=-rng.random(ROWS))
    for asked, said in (
        ({"weight": "negative"}, "column 'negative' has numbers below 0; expected weights"),
        ({"predictions": "text"}, "column 'text' holds text; expected predictions as numbers"),
        ({"label": "text"}, "one label only, 'a'"),
        ({"query": "text", "label": "text"}, "query 'text': expected labels of 0 or more"),
    ):
        with pytest.raises(UsageError, match=said):
            assay.propose_analysis(pd.DataFrame(frame), **asked)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda p: p, None),
        (lambda p: 100 * p, ("scale", "percent")),
        (lambda p: np.log(p / (1 - p)), ("link", "logit")),
    ],
)
def test_percents_and_logits_are_made_probabilities(rng, change, field):
    frame = binary(rng)
    frame["score"] = change(np.clip(frame["score"], 0.001, 0.999))
    spec = spec_of(frame)
    assert {key: spec[key] for key in ("link", "scale") if key in spec} == dict([field] if field else [])


def test_scores_of_another_scale_get_metrics_of_their_order_alone(rng):
    frame = binary(rng)
    frame["score"] = 1000 * frame["score"]
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    assert "AUC" in proposal.text
    assert "Calibration" not in proposal.text


# slices


def test_slices_are_columns_of_few_values_and_others_are_passed_over_with_the_reason(rng):
    frame = binary(
        rng,
        country=rng.choice(["fr", "de"], ROWS),
        vip=rng.random(ROWS) < 0.5,
        stars=rng.integers(1, 6, ROWS),
        id=[f"id{i}" for i in range(ROWS)],
        note=[f"a long text about nothing in particular, number {i // 2}" for i in range(ROWS)],
        price=rng.random(ROWS),
        constant=1,
        empty=None,
        day=pd.date_range("2026-01-01", periods=ROWS, freq="h"),
    )
    frame["copy"] = np.where(frame["label"] == 1, "bought", "not bought")
    proposal = assay.propose_analysis(pd.DataFrame(frame))
    sliced = [spec["feature_keys"][0] for spec in proposal.eval_config["slicing_specs"][1:]]
    assert sliced == ["country", "vip", "stars"]
    for line in (
        "id: each row has a value of its own, as ids have",
        "note: long texts, 200 values",
        "price: each row has a value of its own",
        "constant: all rows have the same value",
        "empty: it has no value",
        "day: each row has a value of its own",
        "copy: the label follows from it",
    ):
        assert f"#   {line}" in proposal.text


# rows and thresholds


def test_rows_that_cannot_be_evaluated_are_counted_and_accepted(rng):
    frame = pd.DataFrame(binary(rng)).astype({"label": float})
    frame.loc[:19, "label"] = np.nan
    frame.loc[20:25, "score"] = np.inf
    proposal = assay.propose_analysis(frame)
    assert proposal.settings == {"on_bad_rows": "skip", "max_bad_rows": "11%"}
    said = " ".join(proposal.text.replace("#", "").split())
    assert "26 of 400 rows of the sample cannot be evaluated: missing label (20), prediction not finite (6)" in said
    result = assay.analyze_raw_data(frame, proposal.eval_config, **proposal.settings)
    assert result.verdict.status == "BLESSED"


def test_limits_are_beyond_the_values_by_more_than_noise():
    assert bound_of(0.9, HIGHER, 10_000).limit == 0.88
    assert bound_of(0.9, HIGHER, 100).limit == 0.8
    assert bound_of(0.3, HIGHER, 4).limit == 0.0
    assert bound_of(2.0, LOWER, 10_000).limit == 2.2
    assert bound_of(float("nan"), HIGHER, 100) is None


@pytest.mark.parametrize(("number", "up"), [(0.0123, 0.013), (0.013, 0.013), (123.0, 130.0), (1e-9, 1e-9), (0.0, 0.0)])
def test_a_number_is_rounded_up_to_two_digits(number, up):
    assert rounded_up(number) == up


def test_a_blessed_run_gives_the_thresholds_of_the_next_file(rng, tmp_path):
    frame = pd.DataFrame(binary(rng))
    first = assay.propose_analysis(frame)
    assay.analyze_raw_data(frame, first.eval_config, tmp_path / "out", **first.settings)
    worse = frame.assign(score=rng.random(ROWS))
    proposal = assay.propose_analysis(worse, blessed=tmp_path / "out")
    said = " ".join(proposal.text.replace("#", "").split())
    assert f"AUC is {first_value(first):.4g} in the run in {tmp_path / 'out'} that was blessed" in said
    bound = proposal.eval_config["metrics_specs"][0]["metrics"][0]["per_slice_thresholds"]
    assert bound == first.eval_config["metrics_specs"][0]["metrics"][0]["per_slice_thresholds"]
    assert json.loads(json.dumps(bound))

    judged = assay.analyze_raw_data(worse, proposal.eval_config, tmp_path / "worse")
    assert judged.verdict.status == "NOT_BLESSED"
    with pytest.raises(UsageError, match="expected a run that is BLESSED, found NOT_BLESSED"):
        assay.propose_analysis(frame, blessed=tmp_path / "worse")


def first_value(proposal) -> float:
    """The value that is named in the comment on the threshold."""
    said = " ".join(proposal.text.replace("#", "").split())
    return float(said.split("AUC is ")[1].split(" in ")[0])


# words and figures


def test_the_area_under_the_curve_is_that_of_scikit_learn(rng):
    scores, positives = np.round(rng.random(ROWS), 1), rng.random(ROWS) < 0.3
    assert auc(scores, positives) == pytest.approx(roc_auc_score(positives, scores), abs=1e-12)


def test_names_are_cut_into_words():
    assert names.words("predictedIncome_v2") == ("predicted", "income", "v", "2")
    assert names.words("名前") == ("名前",)
