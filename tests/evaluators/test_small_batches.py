"""A small or odd batch neither ends a run nor changes what its values mean: columns are judged over the whole run."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from assay.engine.recovery import recover
from assay.errors import BadRowError, ColumnTypeError
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.slicing.specs import slicings_of
from tests.beam_runs import run
from tests.metrics.engine import config_of

ROWS = 5000
RNG = np.random.default_rng(3)
LABEL = (RNG.random(ROWS) < 0.3).astype(float)
SCORE = np.clip(RNG.normal(0.4 + 0.2 * LABEL, 0.2), 0, 1)
BY_CLASS = RNG.dirichlet([2, 1, 1], ROWS)
CLASS = RNG.integers(0, 3, ROWS).astype(float)
ONE_HOT = np.eye(3)[CLASS.astype(int)]
ROC = config_of('metrics { class_name: "AUC" }', weighted=False)
LOSS = config_of('metrics { class_name: "CategoricalCrossEntropy" }')
FIRST_CLASS = config_of('metrics { class_name: "AUC" } binarize { class_ids { values: 0 } }')


def batch(label, score, weight=None):
    rows = len(label)
    weight = np.ones(rows) if weight is None else weight
    return {"features": {"g": pa.nulls(rows)}, "labels": label, "predictions": score, "example_weights": weight}


def lists(*rows):
    return pa.array(rows, pa.list_(pa.float64()))


def placed(batches, config):
    for split, one in enumerate(batches):
        rows = row_count(one)
        source = {
            "split": np.full(rows, split, np.int32),
            "file": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([f"file-{split}"])),
            "row": np.arange(rows),
        }
        yield extract_slice_keys({**one, "_source": source}, slicings=slicings_of(config)).extracts


def value_of(batches, config, skip_bad_rows=True):
    transform = MetricsAndPlotsEvaluator(config, skip_bad_rows=skip_bad_rows).ptransform
    (record,) = map(MetricsForSlice.FromString, run(list(placed(batches, config)), transform)["metrics"])
    return record.metric_keys_and_values[0].value.double_value.value


def refused(kind, message, batches, config, **settings):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Beam wraps it; the test looks inside
        value_of(batches, config, **settings)
    error = recover(caught.value)
    assert type(error) is kind, error
    assert message in str(error)


# Rows that are few in the run, and many in one batch -----------------------------------------------------------------

FEW = {
    "labels of -1 among those of one class": (np.append(np.zeros(48), [-1, -1]), RNG.random(50)),
    "probabilities just above 1": (np.arange(10.0) % 2, np.append(RNG.random(8), [1.001, 1.001])),
    "nothing but labels of 2": (np.full(9, 2.0), RNG.random(9)),
}


@pytest.mark.parametrize("case", FEW)
def test_what_is_rare_in_the_run_is_left_out_however_the_rows_are_cut(case):
    label, score = FEW[case]
    config = config_of('metrics { class_name: "Precision" }', weighted=False)
    good = (label >= 0) & (label <= 1) & (score <= 1)
    expected = sk.precision_score(np.append(LABEL, label[good]), np.append(SCORE, score[good]) > 0.5)
    assert value_of([batch(label, score), batch(LABEL, SCORE)], config) == pytest.approx(expected)


def test_where_a_bad_row_ends_the_run_its_batch_says_what_the_column_holds():
    batches = [batch(LABEL, SCORE), batch(*FEW["labels of -1 among those of one class"])]
    refused(ColumnTypeError, "AUC is for two classes", batches, ROC, skip_bad_rows=False)


def test_what_is_frequent_in_the_run_is_refused_however_the_rows_are_cut():
    label = np.sort(np.where(RNG.random(ROWS) < 0.05, 2.0, 1.0))  # in most batches there is nothing but 1
    batches = [batch(label[a : a + 500], SCORE[a : a + 500]) for a in range(0, ROWS, 500)]
    refused(ColumnTypeError, "AUC is for two classes", batches, ROC)


def test_a_column_without_one_good_row_is_refused():
    refused(
        ColumnTypeError, "holds -1, 5; say in the model spec", [batch(np.array([-1.0, 5] * 9), RNG.random(18))], ROC
    )


@pytest.mark.parametrize("config", [LOSS, FIRST_CLASS], ids=["vectors", "binarized"])
def test_class_ids_from_1_are_told_over_the_whole_run(config):
    last = CLASS == 2
    batches = [batch(CLASS[~last] + 1, BY_CLASS[~last]), batch(CLASS[last] + 1, BY_CLASS[last])]
    refused(ColumnTypeError, "class ids from 1 to 3; expected 0 to 2", batches, config)


def test_a_few_ids_that_are_one_too_large_are_bad_rows():
    batches = [batch(CLASS, BY_CLASS), batch(np.array([3.0, 3, 1]), BY_CLASS[:3])]
    expected = sk.log_loss(np.append(CLASS, 1), np.append(BY_CLASS, BY_CLASS[2:3], axis=0))
    assert value_of(batches, LOSS) == pytest.approx(expected)


# Batches without a row that is left ----------------------------------------------------------------------------------

NOTHING_LEFT = [
    batch(np.full(7, np.nan), BY_CLASS[:7]),
    batch(pa.nulls(7, pa.list_(pa.float64())), BY_CLASS[:7]),
    batch(CLASS[:7], pa.nulls(7, pa.list_(pa.float64()))),
    batch(pa.nulls(7, pa.list_(pa.float64())), lists(*[None] * 7)),
    batch(ONE_HOT[:7], lists(*[[]] * 7)),
    batch(CLASS[:4], BY_CLASS[:4], np.full(4, -1.0)),
]


@pytest.mark.parametrize("config", [LOSS, FIRST_CLASS], ids=["vectors", "binarized"])
def test_batches_of_only_bad_rows_change_nothing(config):
    good = batch(CLASS, BY_CLASS)
    assert value_of([good, *NOTHING_LEFT[:4], good, NOTHING_LEFT[5]], config) == value_of([good, good], config)


def test_batches_of_only_bad_rows_change_nothing_of_vectors_of_labels():
    good = batch(ONE_HOT, BY_CLASS)
    assert value_of([NOTHING_LEFT[4], good, NOTHING_LEFT[1]], LOSS) == pytest.approx(sk.log_loss(CLASS, BY_CLASS))


@pytest.mark.parametrize("at", [1, 4])
def test_the_first_row_of_such_a_batch_is_named_where_it_ends_the_run(at):
    refused(BadRowError, "file-0, row 0: ", [NOTHING_LEFT[at]], LOSS, skip_bad_rows=False)


# Lists of one length -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip_bad_rows", [True, False])
@pytest.mark.parametrize(
    ("config", "label", "score"),
    [
        (FIRST_CLASS, CLASS[:3], lists([0.5, 0.5], [0.1, 0.9], [0.2, 0.8])),
        (FIRST_CLASS, CLASS[:2], BY_CLASS[:2, :2]),
        (LOSS, CLASS[:1], lists([0.4, 0.3, 0.2, 0.1])),
    ],
    ids=["binarized", "an array", "vectors"],
)
def test_lists_that_most_rows_of_a_batch_have_may_not_be_odd_in_the_run(config, label, score, skip_bad_rows):
    message = (
        f"'predictions' has lists of 3 values in most batches and lists of {len(score[0])} values in others (file-0"
    )
    batches = [batch(label, score), batch(CLASS, BY_CLASS)]
    refused(ColumnTypeError, message, batches, config, skip_bad_rows=skip_bad_rows)


def test_labels_that_are_ids_in_some_batches_and_vectors_in_others_are_refused():
    batches = [batch(CLASS, BY_CLASS), batch(ONE_HOT[:9], BY_CLASS[:9])]
    message = "column 'labels' has one value a row in most batches and lists of 3 values in others (file-1, row 0)"
    refused(ColumnTypeError, message, batches, LOSS)


def test_odd_lists_within_a_batch_stay_bad_rows():
    odd = lists(*BY_CLASS[:4].tolist(), [0.5, 0.5])
    expected = sk.log_loss(np.append(CLASS, CLASS[:4]), np.append(BY_CLASS, BY_CLASS[:4], axis=0))
    assert value_of([batch(CLASS, BY_CLASS), batch(CLASS[:5], odd)], LOSS) == pytest.approx(expected)
