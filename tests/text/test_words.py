"""Names in words."""

import pytest

from assay.text.words import separated, snake_case


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ExtractSliceKeys", "Extract-Slice-Keys"),
        ("ReadTFRecords", "Read-TF-Records"),
        ("AUC", "AUC"),
        ("NDCG10Metric", "NDCG10-Metric"),
        ("my-stage", "my-stage"),
        ("", ""),
    ],
)
def test_a_word_begins_with_a_capital_and_an_acronym_is_one(name, words):
    assert separated(name, "-") == words


def test_snake_case_has_small_letters():
    assert snake_case("AUCPrecisionRecall") == "auc_precision_recall"
    assert snake_case("F1Score") == "f1_score"
