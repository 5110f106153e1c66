"""Labels and predictions as people have them become what metrics are computed from, whichever type holds them."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, softmax
from sklearn.preprocessing import MultiLabelBinarizer

from assay.errors import ColumnTypeError
from assay.metrics.entries.labels import labels_of, sparse_labels_of
from assay.metrics.entries.meaning import Meaning
from assay.metrics.entries.misfits import refuse_absent_label, refuse_other_classes
from assay.metrics.entries.probabilities import probabilities
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally, merged

NAN, INF = np.nan, np.inf
TEXTS = pa.array(["no", "yes", None, "maybe"])
TEXT_COLUMNS = [
    *(TEXTS.cast(kind) for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())),
    TEXTS.dictionary_encode(),
    pa.array([["no"], ["yes"], None, ["maybe"]]),
    pa.array([[b"no"], [b"yes"], [], [b"maybe"]], pa.large_list(pa.binary())),
    pa.array([["no"], ["yes"], [None], ["maybe"]], pa.list_(pa.string(), 1)),
    pa.array([["no"], ["yes"], None, ["maybe"]], pa.list_view(pa.string())),
    pa.RunEndEncodedArray.from_arrays([1, 2, 3, 4], TEXTS),
    np.array(["no", "yes", None, "maybe"], object),
]


def kind_of(column):
    return str(column.type) if isinstance(column, pa.Array) else column.dtype.name


def read(column, **meaning):
    return labels_of(column, Meaning(**meaning), "label", "")


@pytest.mark.parametrize("column", TEXT_COLUMNS, ids=kind_of)
def test_a_text_is_the_positive_one_or_not_and_a_missing_one_is_missing(column):
    labels = read(column, positive_label="yes")
    np.testing.assert_array_equal(labels.values, [0, 1, NAN, 0])
    assert labels.others == ()


@pytest.mark.parametrize("column", TEXT_COLUMNS, ids=kind_of)
def test_a_text_is_the_id_of_its_class_and_infinite_where_there_is_no_such_class(column):
    np.testing.assert_array_equal(read(column, classes=("yes", "no")).values, [1, 0, NAN, INF])


def test_bytes_of_a_fixed_size_are_texts():
    column = pa.array([b"no.", b"yes", None], pa.binary(3))
    np.testing.assert_array_equal(read(column, positive_label="yes").values, [0, 1, NAN])
    np.testing.assert_array_equal(read(column, classes=("yes", "no.")).values, [1, 0, NAN])


@pytest.mark.parametrize("column", TEXT_COLUMNS, ids=kind_of)
def test_the_labels_that_there_are_come_with_a_positive_one_that_is_not_there(column):
    assert read(column, positive_label="Yes").others == ("maybe", "no", "yes")


def test_nobody_knows_whether_there_is_a_positive_label_where_all_are_missing():
    assert read(pa.array([None, None], pa.string()), positive_label="yes").others is None


@pytest.mark.parametrize(
    ("column", "positive", "expected"),
    [
        (np.array([-1.0, 1.0, NAN]), "1", [0, 1, NAN]),
        (np.array([-1.0, 1.0, INF]), "-1", [1, 0, INF]),
        (pa.array([1, 2, None]), "2", [0, 1, NAN]),
        (pa.array([0.5, 2]), "2.0", [0, 1]),
        (pa.array([True, False, None]), "true", [1, 0, NAN]),
        (pa.array([True, False]), "false", [0, 1]),
        (np.array([True, False]), "True", [1, 0]),
        (pa.array([[1, 2], [2, 2]]), "2", [[0, 1], [1, 1]]),
    ],
)
def test_a_number_is_the_positive_one_if_the_text_says_so(column, positive, expected):
    np.testing.assert_array_equal(read(column, positive_label=positive).values, expected)


def test_a_positive_label_that_is_no_number_is_refused_for_numbers():
    with pytest.raises(ColumnTypeError, match=r"^column 'label' holds numbers, .* is 'yes'; .*positive_label: \"1\""):
        read(np.array([0.0, 1.0]), positive_label="yes")


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0.0, 1.0, 7.0], ("cat", "dog"), [0, 1, 7]),
        ([3.0, 9.0, 7.0, -1.0, NAN, 4.0], ("9", "3", "7"), [1, 0, 2, -1, NAN, INF]),
        ([1.0, 2.0], ("1", "2", "3"), [0, 1]),
        ([1.0, 2.0], ("0", "1", "2"), [1, 2]),
        ([1.0, 0.0], ("true", "false"), [0, 1]),
        ([1.0, 0.0], ("no", "yes"), [1, 0]),
        ([-1.0, 1.0], ("-1", "1"), [0, 1]),
        ([1.0, 2.0], ("1", "two"), [1, 2]),
    ],
)
def test_numbers_are_class_ids_unless_all_classes_are_named_by_numbers(labels, classes, expected):
    np.testing.assert_array_equal(read(np.array(labels), classes=classes).values, expected)


def test_a_number_for_each_class_is_taken_as_it_is_whatever_the_classes_are_called():
    one_hot = np.eye(3)
    np.testing.assert_array_equal(read(one_hot, classes=("1", "2", "3")).values, one_hot)


def test_lists_of_texts_are_refused_unless_they_are_said_to_be_lists_of_classes():
    with pytest.raises(ColumnTypeError, match="set sparse_labels: true"):
        read(pa.array([["a", "b"], ["b", "a"]]), classes=("a", "b"))


ROWS = [[2], [], [0, 1], [1, 1], [0, 1, 2]]
SEVERAL = MultiLabelBinarizer(classes=[0, 1, 2]).fit_transform(ROWS)
NAMES = ("cat", "dog", "bird")
PADDED = [[*row, *[-1] * (3 - len(row))] for row in ROWS]
NAMED = [[NAMES[i] for i in row] for row in ROWS]


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        (pa.array(ROWS), ()),
        (pa.array(ROWS, pa.large_list(pa.float32())), NAMES),
        (pa.array(PADDED), ()),
        (pa.array(PADDED, pa.list_(pa.int8(), 3)), ()),
        (np.array(PADDED, float), ()),
        (pa.array(NAMED), NAMES),
        (pa.array([names or ["", ""] for names in NAMED]), NAMES),
        (pa.array(NAMED, pa.list_(pa.dictionary(pa.int8(), pa.string()))), NAMES),
        (pa.array(NAMED, pa.large_list(pa.binary())), NAMES),
        (pa.array([[3 * i for i in row] for row in ROWS]), ("0", "3", "6")),
        (pa.array([[0], *ROWS])[1:], ()),
    ],
    ids=str,
)
def test_lists_of_classes_are_1_in_each_of_them(column, classes):
    found = sparse_labels_of(column, Meaning(classes=classes, sparse_labels=True), 3, "label", "")
    np.testing.assert_array_equal(found, SEVERAL)


def test_one_class_without_a_list_is_a_list_of_one():
    found = sparse_labels_of(np.array([1.0, NAN, 0.0]), Meaning(sparse_labels=True), 2, "label", "")
    np.testing.assert_array_equal(found, [[0, 1], [NAN, NAN], [1, 0]])
    found = sparse_labels_of(pa.array(["b", None]), Meaning(classes=("a", "b"), sparse_labels=True), 2, "label", "")
    np.testing.assert_array_equal(found, [[0, 1], [NAN, NAN]])


@pytest.mark.parametrize(
    ("row", "expected"), [(None, NAN), ([0, None], NAN), ([3], INF), ([-2], INF), ([0, 0.5], INF), ([], 0), ([-1], 0)]
)
def test_a_list_of_what_is_no_class_makes_a_bad_row_and_an_empty_list_has_no_class(row, expected):
    column = pa.array([[0, 1.0], row])
    found = sparse_labels_of(column, Meaning(sparse_labels=True), 3, "label", "")
    np.testing.assert_array_equal(found, [[1, 1, 0], [expected] * 3])


LOGITS = np.array([[-800.0, 0.0, 3.5], [800.0, 1e-9, -3.5], [1.0, 2.0, 3.0]])


def test_logits_become_what_scipy_makes_of_them():
    np.testing.assert_allclose(probabilities(LOGITS[:, 2], Meaning(link="logit")), expit(LOGITS[:, 2]), rtol=1e-15)
    np.testing.assert_allclose(probabilities(LOGITS, Meaning(link="logit")), softmax(LOGITS, 1), rtol=1e-14)
    np.testing.assert_allclose(probabilities(LOGITS, Meaning(link="logit_each")), expit(LOGITS), rtol=1e-14)


def test_percents_are_divided():
    np.testing.assert_array_equal(probabilities(np.array([35.0, 100.0]), Meaning(scale="percent")), [0.35, 1])


@pytest.mark.parametrize("link", ["logit", "logit_each"])
def test_what_is_not_finite_stays_a_bad_row(link):
    values = np.array([NAN, INF, -INF, 0])
    np.testing.assert_array_equal(probabilities(values, Meaning(link=link)), [NAN, INF, -INF, 0.5])
    found = probabilities(np.array([[INF, 0.0], [0.0, NAN]]), Meaning(link=link))
    assert not np.isfinite(found).all(axis=1).any()


def test_a_model_that_names_other_classes_in_a_later_batch_is_refused_over_the_whole_run():
    first, second = (Tally(5, classes_named={names: f"rows, row {i}"}) for i, names in enumerate([NAMES, NAMES[::-1]]))
    refuse_other_classes(merged([first, first]), Stream())
    with pytest.raises(ColumnTypeError, match=r"are 'cat', 'dog', 'bird' in one batch, and 'bird', .*\(rows, row 1\)"):
        refuse_other_classes(merged([first, second]), Stream())


def test_a_positive_label_of_any_batch_counts_for_the_run():
    absent, present = Tally(5, others=("no",)), Tally(5, others=())
    stream = Stream(meaning=Meaning(positive_label="yes"))
    for tallies in ([absent, present], [present, absent], [Tally(5), present], [Tally(5)]):
        refuse_absent_label(merged(tallies), stream)
    with pytest.raises(ColumnTypeError, match=r"it holds 'maybe', 'no'$"):
        refuse_absent_label(merged([absent, Tally(5), Tally(5, others=("maybe",))]), stream)
