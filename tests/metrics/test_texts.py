"""Predicted texts, against rouge-score and sacrebleu."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

import assay
from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError, MissingPackageError
from assay.metrics.binding.bound import metrics_of

RNG = np.random.default_rng(3)
WORDS = ["the", "cat", "sat", "on", "a", "mat", "Dogs", "ran", "away,", "running", "fast."]


def text(size):
    return " ".join(RNG.choice(WORDS, size))


def rows(count, references=1):
    labels = [[text(size) for size in RNG.integers(1, 12, references)] for _ in range(count)]
    predictions = [text(RNG.integers(1, 12)) if i % 3 else label[0] for i, label in enumerate(labels)]
    weights = RNG.integers(1, 5, count).astype(float)
    shown = labels if references > 1 else [label[0] for label in labels]
    return pd.DataFrame({"label": shown, "prediction": predictions, "weight": weights, "references": labels})


def values_of(frame, class_name, settings, weighted=False, slices=({},)):
    """slice -> name -> value."""
    spec = {"label_key": "label", "prediction_key": "prediction"}
    spec |= {"example_weight_key": "weight"} if weighted else {}
    metrics = [{"class_name": class_name, "config": json.dumps(settings)}]
    config = {"model_specs": [spec], "slicing_specs": list(slices), "metrics_specs": [{"metrics": metrics}]}
    found = assay.analyze_raw_data(frame.drop(columns=["references"]), config).slicing_metrics
    return {key: {name: value["doubleValue"] for name, value in of[""][""].items()} for key, of in found}


@pytest.mark.parametrize(
    ("rouge_type", "settings"),
    [("rouge1", {}), ("rouge2", {}), ("rougeL", {}), ("rougeLsum", {}), ("rouge1", {"use_stemmer": True})],
)
@pytest.mark.parametrize("references", [1, 3])
def test_rouge_is_the_weighted_mean_of_the_scores_of_rows(rouge_type, settings, references):
    frame = rows(40, references)
    scorer = RougeScorer([rouge_type], **settings)
    scores = [scorer.score_multi(r.references, r.prediction)[rouge_type] for r in frame.itertuples()]
    expected = np.average(np.array(scores), axis=0, weights=frame["weight"])
    found = values_of(frame, "Rouge", {"rouge_type": rouge_type, **settings}, weighted=True)[()]
    assert list(found) == [f"{rouge_type}_{name}" for name in ("precision", "recall", "fmeasure")]
    assert [found[f"{rouge_type}_{name}"] for name in ("precision", "recall", "fmeasure")] == pytest.approx(expected)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lowercase": True},
        {"tokenize": "char"},
        {"smooth_method": "none"},
        {"smooth_method": "floor"},
        {"smooth_method": "floor", "smooth_value": 0.3},
        {"smooth_method": "add-k"},
        {"smooth_method": "add-k", "smooth_value": 2},
        {"use_effective_order": True},
        {"use_effective_order": True, "smooth_method": "add-k"},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [1, 2, 60])
def test_bleu_is_that_of_sacrebleu_for_all_rows_together(settings, size):
    frame = rows(size + 1, 2).iloc[1:]
    ours = {("effective_order" if name == "use_effective_order" else name): value for name, value in settings.items()}
    streams = [[refs[i] for refs in frame["references"]] for i in range(2)]
    expected = BLEU(**ours).corpus_score(frame["prediction"].tolist(), streams).score
    assert values_of(frame, "Bleu", settings)[()]["BLEU"] == pytest.approx(expected, rel=1e-9)


def test_a_weight_counts_a_row_as_often():
    frame = rows(30)
    repeated = frame.loc[frame.index.repeat(frame["weight"].astype(int))].reset_index(drop=True)
    assert values_of(frame, "Bleu", {}, weighted=True)[()] == pytest.approx(values_of(repeated, "Bleu", {})[()])


@pytest.mark.parametrize(
    ("label", "prediction"),
    [("", "the cat"), ("the cat", ""), ("dogs", "cats"), ("the cat sat on", "the cat sat on")],
)
def test_texts_without_a_match_have_what_sacrebleu_gives_them(label, prediction):
    frame = pd.DataFrame({"label": [label], "prediction": [prediction], "references": [[label]]})
    expected = BLEU().corpus_score([prediction], [[label]]).score
    assert values_of(frame, "Bleu", {})[()]["BLEU"] == pytest.approx(expected)


def test_nothing_but_empty_texts_has_no_bleu():
    frame = pd.DataFrame({"label": [""], "prediction": [""], "references": [[""]]})
    assert np.isnan(float(values_of(frame, "Bleu", {})[()]["BLEU"]))


def test_a_name_takes_the_place_of_the_rouge_type():
    found = values_of(rows(5), "Rouge", {"rouge_type": "rougeL", "name": "summary"})[()]
    assert list(found) == ["summary_precision", "summary_recall", "summary_fmeasure"]


@pytest.mark.parametrize(
    ("class_name", "settings", "message"),
    [
        ("Rouge", {}, "needs the setting 'rouge_type'"),
        ("Rouge", {"rouge_type": "rouge0"}, "rouge_type must be one of"),
        ("Rouge", {"rouge_type": "rouge1", "split_summaries": True}, "for rougeLsum alone"),
        ("Rouge", {"rouge_type": "rouge1", "tokenizer": "mine"}, "no setting 'tokenizer'"),
        ("Bleu", {"tokenize": "spm"}, "tokenize must be one of 13a"),
        ("Bleu", {"smooth_method": "more"}, "smooth_method of Bleu: expected one of"),
    ],
)
def test_settings_that_cannot_be_are_refused(class_name, settings, message):
    metrics = [{"class_name": class_name, "config": json.dumps(settings)}]
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(resolve_eval_config(parse_eval_config({"metrics_specs": [{"metrics": metrics}]})))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"prediction": ["a", None]}, BadRowError, "row 1: missing prediction, which Bleu cannot take"),
        ({"label": [["a"], []]}, BadRowError, "row 1: missing label"),
        ({"prediction": [["a"], ["b", "c"]]}, BadRowError, "row 1: several predicted texts"),
        ({"prediction": [0.5, 0.25]}, ColumnTypeError, "column 'prediction'.* has type double; expected texts"),
    ],
)
def test_rows_that_are_no_texts_are_refused(changes, error, message):
    frame = rows(2).assign(**changes)
    with pytest.raises(error, match=message):
        values_of(frame, "Bleu", {})


def test_the_extra_that_brings_the_library_is_named(monkeypatch):
    from assay.metrics.entries import texts

    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    texts._bleu.cache_clear()
    with pytest.raises(MissingPackageError, match=r"pip install 'assay\[text\]'"):
        values_of(rows(2), "Bleu", {"lowercase": True})
