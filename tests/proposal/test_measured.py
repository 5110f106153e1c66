"""Values of a sample are those of a run."""

import pytest

import assay
from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.proposal.measured import measure
from assay.proposal.sample_in_memory import sample_of_data
from tests.proposal.public_data import SETS


@pytest.mark.parametrize(
    ("name", "class_name", "metric"),
    [
        ("breast_cancer", "AUC", "auc"),
        ("iris", "CategoricalAccuracy", "categorical_accuracy"),
        ("example ranking", "NDCG", "ndcg"),
        ("example topics", "LabelRankingAveragePrecision", "label_ranking_average_precision"),
        ("diabetes", "MeanAbsoluteError", "mean_absolute_error"),
    ],
)
def test_a_sample_of_all_rows_has_the_values_of_a_run(name, class_name, metric, tmp_path):
    frame = SETS[name][0]()
    config = assay.propose_analysis(frame).eval_config
    measured = measure(resolve_eval_config(parse_eval_config(config)), sample_of_data(frame), [class_name])
    assay.analyze_raw_data(frame, config, tmp_path)
    run = assay.metrics_frame(tmp_path)
    values = run[(run["metric"] == metric) & ~run["is_diff"]]
    assert sorted(value.value for value in measured.values) == pytest.approx(sorted(values["value"]))
    assert sum(measured.bad_rows.values()) == 0
