"""Rank metrics of scores of any scale: those of scikit-learn, or refused where scores are too close together."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

import assay
from assay import cli
from assay.metrics.computations.cells import COUNT, cell_of, samples
from assay.metrics.computations.score_bins import bucket_of
from assay.metrics.computations.scores import ScoreTable, _geometry
from tests.metrics.engine import config_of, cut, evaluated, whole

ROWS = 3000
RNG = np.random.default_rng(8)
LABEL = (RNG.random(ROWS) < 0.3).astype(float)
MARGIN = RNG.normal(size=ROWS) + 1.5 * LABEL
SHARE = 1 / (1 + np.exp(-MARGIN))

SCALES = {
    "probabilities": SHARE,
    "rare events": SHARE * 1e-4,
    "very rare events": SHARE * 1e-12,
    "nearly sure": 1 - 1e-7 * (1 - SHARE),
    "logits": MARGIN * 4 - 3,
    "small margins": MARGIN * 1e-5,
    "percents": np.round(SHARE * 100),
    "points of credit": np.round(300 + 550 * SHARE),
    "log-likelihoods": -1e6 * np.exp(-MARGIN),
    "32-bit shares of one digit": np.round(SHARE, 1).astype(np.float32).astype(float),
    "few leaves of a tree": np.array([1e-9, 0.12, 0.1234567, 2 / 3, 0.9])[np.digitize(SHARE, [0.3, 0.5, 0.7, 0.8])],
    "votes": np.round(SHARE * 7) / 7,
    "all signs and scales": np.sign(MARGIN) * 10.0 ** (3 * np.abs(MARGIN) - 4),
}  # fmt: skip


def batch(score, label=LABEL):
    return {
        "features": {},
        "labels": label,
        "predictions": score,
        "example_weights": np.ones(len(score)),
    }


def value_of(score, metric, label=LABEL, *, one=True, **settings):
    asked = f'metrics {{ class_name: "{metric}" config: {json.dumps(json.dumps(settings))} }}'
    (value,) = whole(batch(score, label), config_of(asked, weighted=False))[()].values()
    return float(value) if one else value


@pytest.mark.parametrize("scale", SCALES)
def test_the_area_under_the_roc_curve_is_that_of_ranks(scale):
    expected = sk.roc_auc_score(LABEL, SCALES[scale])
    assert value_of(SCALES[scale], "AUC") == pytest.approx(expected, abs=2e-3)


def test_evenly_spaced_thresholds_that_are_asked_for_are_those_of_even_buckets():
    score = SHARE / 50
    expected = sk.roc_auc_score(LABEL, np.floor(score * 10_000))
    assert expected != pytest.approx(sk.roc_auc_score(LABEL, score), abs=1e-5)
    for count in (10_000, 1_000_000):
        assert value_of(score, "AUC", num_thresholds=count) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_rates_are_those_along_the_exact_curve(scale):
    fpr, tpr, _ = sk.roc_curve(LABEL, SCALES[scale], drop_intermediate=False)
    precision, recall, _ = sk.precision_recall_curve(LABEL, SCALES[scale])
    score = SCALES[scale]
    asked = [
        ("SensitivityAtSpecificity", {"specificity": 0.9}, tpr[1 - fpr >= 0.9].max()),
        ("SpecificityAtSensitivity", {"sensitivity": 0.6}, (1 - fpr)[tpr >= 0.6].max()),
        ("RecallAtFalsePositiveRate", {"false_positive_rate": 0.2}, tpr[fpr <= 0.2].max()),
        ("PrecisionAtRecall", {"recall": 0.5}, precision[recall >= 0.5].max()),
    ]
    if len(np.unique(score)) > 50:  # between few points scikit-learn goes straight, and we as Davis and Goadrich say
        asked.append(("AUCPrecisionRecall", {}, sk.auc(recall, precision)))
    for metric, settings, expected in asked:
        assert value_of(score, metric, **settings) == pytest.approx(expected, abs=0.02), metric


def test_real_ties_leave_no_doubt_and_are_worth_a_half():
    for values in ([0.3], [0.25, 0.75], [1e-9, 2e-9, 3e-9], [-4.5, 100.0]):
        score = np.array(values)[RNG.integers(0, len(values), ROWS)]
        assert value_of(score, "AUC") == pytest.approx(sk.roc_auc_score(LABEL, score), abs=1e-12)


CROWDED = {
    "a narrow band": 0.5 + SHARE * 1e-4,
    "years": 2024 + SHARE,
    "near a large number": 1e6 + MARGIN,
    "below what is told from 0": SHARE * 1e-30,
    "at both ends": np.where(MARGIN > 0, 1e12, -1e12) * (1 + SHARE),
}


@pytest.mark.parametrize("case", CROWDED)
@pytest.mark.parametrize(("metric", "settings"), [("AUC", {}), ("AUC", {"curve": "PR"}), ("AUCPrecisionRecall", {}),
    ("AUC", {"summation_method": "minoring"}), ("PrecisionAtRecall", {"recall": 0.5}),
    ("SensitivityAtSpecificity", {"specificity": 0.8})])  # fmt: skip
def test_scores_that_cannot_be_told_apart_have_no_value(case, metric, settings):
    assert np.isnan(value_of(CROWDED[case], metric, **settings))


def test_a_rate_that_crowded_scores_leave_little_doubt_of_has_a_value():
    score = np.where(MARGIN > -0.5, 1e12, -1e12) * (1 + SHARE)
    fpr, tpr, _ = sk.roc_curve(LABEL, score, drop_intermediate=False)
    exact = tpr[1 - fpr >= 0.3].max()
    assert value_of(score, "SensitivityAtSpecificity", specificity=0.3) == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("count", [20, 200, 5000])
def test_even_thresholds_that_cannot_tell_scores_apart_have_no_value(count):
    assert np.isnan(value_of(SHARE * 1e-4, "AUC", num_thresholds=count))
    assert value_of(SHARE, "AUC", num_thresholds=count) == pytest.approx(sk.roc_auc_score(LABEL, SHARE), abs=0.02)


def test_the_threshold_of_a_recall_is_not_looked_for_among_thresholds_that_cannot_tell():
    assert np.isnan(value_of(SHARE * 1e-5, "ThresholdAtRecall", recall=0.9))
    assert value_of(SHARE, "ThresholdAtRecall", recall=0.9) == pytest.approx(
        np.quantile(SHARE[LABEL == 1], 0.1), abs=5e-3
    )


def test_only_the_slice_whose_scores_are_crowded_has_no_value():
    score = np.where(np.arange(ROWS) < ROWS // 2, SHARE, 0.5 + SHARE * 1e-6)
    group = np.where(np.arange(ROWS) < ROWS // 2, 0, 1)
    config = config_of('metrics { class_name: "AUC" }', 'slicing_specs { feature_keys: "g" }', weighted=False)
    found = whole({**batch(score), "features": {"g": group}}, config)
    values = {key[0][1]: float(next(iter(value.values()))) for key, value in found.items()}
    half = group == 0
    assert values[0] == pytest.approx(sk.roc_auc_score(LABEL[half], SHARE[half]), abs=1e-3)
    assert np.isnan(values[1])


@pytest.mark.parametrize("scale", ["logits", "rare events", "votes"])
def test_bits_do_not_depend_on_how_splits_are_cut_up(scale):
    config = config_of(
        'metrics { class_name: "AUC" } metrics { class_name: "Recall" config: "\\"thresholds\\": [0.3]" }'
    )
    whole_batch = {**batch(SCALES[scale]), "example_weights": RNG.lognormal(size=ROWS)}
    splits = list(enumerate([piece] for piece in cut(whole_batch, 700, 11, 1000)))
    one = evaluated(splits, config)[()]
    other = evaluated(splits[::-1], config)[()]
    assert [np.asarray(value).tobytes() for value in one.values()] == [
        np.asarray(value).tobytes() for value in other.values()
    ]


def test_cells_keep_the_order_of_scores():
    score = np.sort(np.concatenate([RNG.normal(size=5000) * 10.0 ** RNG.uniform(-20, 12, 5000), RNG.random(5000),
        1 - 10.0 ** RNG.uniform(-17, 0, 5000), [0.0, 1.0, 2**-6, 1 - 2**-6, 1e300, -1e300]]))  # fmt: skip
    cells = cell_of(score)
    assert (np.diff(cells) >= 0).all()
    assert 0 <= cells[0] <= cells[-1] < COUNT
    assert set(cells) <= set(cell_of(samples()))


@pytest.mark.parametrize("exact", [(), (0.5,), (-3.0, 1e-12, 2**-7, 0.25, 0.9999, 1.0, 50.0)])
@pytest.mark.parametrize("fine", [False, True])
def test_a_cell_tells_the_bucket_and_the_thresholds_that_its_scores_have_passed(exact, fine):
    table = ScoreTable(exact, fine)
    score = np.concatenate([RNG.random(20_000), np.arange(10_001) / 10_000, RNG.normal(size=9000) * 60, [*exact],
        10.0 ** RNG.uniform(-18, 2, 9000), np.nextafter([*exact], np.inf)])  # fmt: skip
    cell = table.cell_of(score)
    geometry = _geometry(table)
    assert cell.max() < table.size
    assert (geometry.bucket[cell] == bucket_of(score, 10_000)).all()
    assert (geometry.passed[cell] == (score[:, None] > np.asarray(exact)).sum(1)).all()


@pytest.mark.parametrize("checkpoints", [[], ["--checkpoints", "checkpoints"]])
def test_the_verdict_says_why_there_is_no_value(checkpoints, tmp_path, monkeypatch, capsys):
    frame = pd.DataFrame({"label": LABEL, "margin": MARGIN, "year": CROWDED["years"]})
    frame.to_parquet(tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    bound = {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.6}}}
    for column, blessed in (("margin", True), ("year", False)):
        analysis = {
            "inputs": {"format": "parquet", "files": ["rows.parquet"]},
            "eval_config": {
                "model_specs": [{"label_key": "label", "prediction_key": column}],
                "metrics_specs": [{"metrics": [bound]}],
            },
            "output": column,
        }
        (tmp_path / "analysis.json").write_text(json.dumps(analysis))
        assert cli.main(["run", "analysis.json", "--quiet", *checkpoints]) == 0
        result = assay.load_validation_result(str(tmp_path / column))
        assert result.validation_ok == blessed
    (failure,) = result.metric_validations_per_slice[0].failures
    assert failure.message.startswith("auc is undefined: scores are too close together to order them")
    assert "set exact: true in its config, which keeps all distinct scores" in failure.message


def test_a_slice_may_have_more_cells_of_one_table_than_of_the_largest_one():
    rows = 40_000
    group, label = np.arange(rows) % 4, (RNG.random(rows) < 0.3).astype(float)
    score = np.where(group == 3, RNG.random(rows), RNG.uniform(-10, 10, rows))  # three slices of logits, one of shares
    asked = [("AUC", {}), ("CalibrationPlot", {"left": -10, "right": 10, "num_buckets": 10_000})]
    metrics = " ".join(
        f'metrics {{ class_name: "{name}" config: {json.dumps(json.dumps(settings))} }}' for name, settings in asked
    )
    config = config_of(metrics, 'slicing_specs { feature_keys: "g" }', weighted=False)
    for key, values in whole({**batch(score, label), "features": {"g": group}}, config).items():
        own = group == key[0][1]
        (area,) = (value for metric, value in values.items() if metric.class_name == "AUC")
        assert area == pytest.approx(sk.roc_auc_score(label[own], score[own]), abs=2e-3), key


def rare(negatives=1_000_000, positives=100):
    """All positives and as many negatives within one cell, in no order that could be told."""
    label = np.append(np.ones(positives), np.zeros(negatives))
    near = 0.70001 + 1e-6 * RNG.random(2 * positives)
    return label, np.concatenate([near, RNG.random(negatives - positives) * 0.6])


PRECISION_MATTERS = [
    ("AUCPrecisionRecall", {}),
    ("AUC", {"curve": "PR"}),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}),
    ("RecallAtPrecision", {"precision": 0.6}),
    ("PrecisionAtRecall", {"recall": 0.5}),
    ("AUCPrecisionRecall", {"num_thresholds": 200}),
]


@pytest.mark.parametrize(("metric", "settings"), PRECISION_MATTERS)
def test_precision_of_rare_positives_is_not_judged_by_the_area_under_the_roc_curve(metric, settings):
    label, score = rare()
    config = config_of(
        f'metrics {{ class_name: "{metric}" config: {json.dumps(json.dumps(settings))} }} metrics {{ class_name: "AUC" '
        'config: "\\"name\\": \\"roc\\"" }',
        weighted=False,
    )
    value, roc = whole(batch(score, label), config)[()].values()
    assert np.isnan(value)
    assert roc == pytest.approx(sk.roc_auc_score(label, score), abs=1e-4)


@pytest.mark.parametrize(("metric", "settings"), PRECISION_MATTERS[:-1])
def test_precision_of_rare_positives_that_are_tied_leaves_no_doubt(metric, settings):
    label, score = rare(100_000)
    assert not np.isnan(value_of(np.where(score > 0.65, 0.7, score), metric, label, **settings))


def test_rates_that_cannot_be_told_are_refused_one_by_one():
    label, score = rare(10_000)
    found = value_of(score, "RecallAtPrecision", label, precision=[0.4, 0.6], one=False)
    assert found[0] == 1
    assert np.isnan(found[1])


def test_with_few_thresholds_the_cure_is_to_leave_them_out():
    frame = pd.DataFrame({"label": LABEL, "score": SHARE * 1e-3})
    metric = {
        "class_name": "AUC",
        "config": {"num_thresholds": 200},
        "threshold": {"value_threshold": {"lower_bound": 0.6}},
    }
    asked = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": [metric]}],
    }
    (reason,) = assay.analyze_raw_data(frame, asked).verdict.reasons
    assert "leave out num_thresholds: 200 of its config" in reason.message


@pytest.mark.parametrize("digits", [2, 3, 4])
@pytest.mark.parametrize("rows", [60, 3000])
def test_rounded_scores_keep_their_order(digits, rows):
    """Scores of up to four digits lie on the edges of buckets, where 10,000 times the score may round down."""
    scores, labels = np.round(SHARE[:rows], digits), LABEL[:rows]
    assert value_of(scores, "AUC", labels) == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-12)


def test_each_multiple_of_a_bucket_begins_its_own():
    edges = np.arange(10_001) / 10_000
    np.testing.assert_array_equal(bucket_of(edges, 10_000), np.arange(10_001) + 1)
    np.testing.assert_array_equal(bucket_of(np.nextafter(edges, -1), 10_000), np.arange(10_001))
    np.testing.assert_array_equal(bucket_of(300 + edges * 550, 10_000, 300, 850), np.arange(10_001) + 1)
