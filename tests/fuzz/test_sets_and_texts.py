"""Random sets and texts: values are those of Python and of the libraries, however rows are cut and typed."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from tests.metrics.asked import asked
from tests.metrics.engine import config_of, cut, evaluated

SETS = st.lists(st.sampled_from(["a", "b", "ä", "", "a b"]), max_size=4)
TEXTS = st.lists(st.sampled_from(["the", "cat", "Cats", "sat.", "ä", "\n"]), max_size=8).map(" ".join)
KINDS = st.sampled_from([pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.binary())])
CUTS = st.lists(st.integers(0, 4), max_size=3)


def value_of(batch, class_name, cuts, **chosen):
    """Over rows that are cut into batches, each a split of its own."""
    batch = {**batch, "features": {"row": pa.array(np.arange(len(batch["labels"])))}}
    ends = np.minimum(np.cumsum([0, *cuts]), len(batch["labels"]))
    pieces = [(i, [piece]) for i, piece in enumerate(cut(batch, *np.diff(ends).tolist()))]
    found = evaluated(pieces, config_of(asked(class_name, **chosen), weighted=False))
    return next(iter(found[()].values())) if found else np.nan


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=6), KINDS, CUTS, st.sampled_from([None, 1, 2]))
def test_sets_of_any_type_are_matched_as_python_matches_them(rows, kind, cuts, top_k):
    labels, classes = zip(*rows, strict=True)
    scores = [[0.4 + 0.2 * (i % 2) for i in range(len(one))] for one in classes]
    predictions = {"classes": pa.array(classes, kind), "scores": pa.array(scores, pa.list_(pa.float32()))}
    batch = {"labels": pa.array(labels, kind), "predictions": predictions}
    found = value_of(batch, "SetMatchRecall", cuts, thresholds=0.5, **({"top_k": top_k} if top_k else {}))

    hits = 0
    for label, names, numbers in zip(labels, classes, scores, strict=True):
        best = dict(zip(names[:top_k], numbers[:top_k], strict=True))
        hits += sum(best.get(name, 0) > 0.5 for name in set(label))
    every = sum(len(set(label)) for label in labels)
    assert found == pytest.approx(hits / every if every else np.nan, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=6), KINDS, CUTS)
def test_lists_of_any_type_match_where_python_says_so(rows, kind, cuts):
    labels, predictions = ([pair[i] for pair in rows] for i in range(2))
    batch = {"labels": pa.array(labels, kind), "predictions": pa.array(predictions, kind)}
    assert value_of(batch, "ExactMatch", cuts) == pytest.approx(np.mean([a == b for a, b in rows]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), CUTS)
def test_texts_have_the_scores_of_the_libraries(rows, cuts):
    labels, predictions = ([pair[i] for pair in rows] for i in range(2))
    batch = {"labels": pa.array(labels), "predictions": pa.array(predictions)}
    bleu = BLEU().corpus_score(predictions, [labels])
    no_words = not (bleu.sys_len or bleu.ref_len)
    assert value_of(batch, "Bleu", cuts, smooth_method="exp") == pytest.approx(
        np.nan if no_words else bleu.score, nan_ok=True
    )
    rouge = [RougeScorer(["rougeL"]).score(a, b)["rougeL"].fmeasure for a, b in rows]
    assert value_of(batch, "RougeFMeasure", cuts, rouge_type="rougeL") == pytest.approx(np.mean(rouge))
