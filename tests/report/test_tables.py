import io

import numpy as np
import pytest
from rich.console import Console

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.metrics.values import Matrices, MultiClassMatrices, ShownValues, Value
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.report.cells import cell_of
from assay.report.evidence import Measure, Slice
from assay.report.tables import metrics_table, remark_lines, verdict_panel
from assay.results.records import metric_records, too_small_records
from assay.storage.framing import framed
from assay.verdict import Reason, Status, Verdict

SLICES = [(), *(((("city", f"c{i:02}"),)) for i in range(50)), (("sex", "F"),)]
VALUES: dict[MetricKey, Value] = {
    MetricKey("auc", example_weighted=True): np.linspace(0.5, 1, 52),
    MetricKey("auc", example_weighted=False): np.where(np.arange(52) == 51, np.nan, 0.25),
    MetricKey("example_count"): np.full(52, 1234.0),
    MetricKey("tp"): np.arange(104.0).reshape(52, 2),
    MetricKey("cm"): Matrices(np.array([0.5]), *np.ones((4, 52, 1))),
}


def save(folder, records):
    (folder / "metrics-00000-of-00001.tfrecord").write_bytes(b"".join(map(framed, records)))
    return str(folder)


def test_why_values_are_undefined_is_told_once_for_all_slices_that_share_the_reason(tmp_path):
    keys = [(), *(((("city", f"c{i}"),)) for i in range(4))]
    values = {MetricKey("auc"): np.full(5, np.nan), MetricKey("mean"): np.ones(5)}
    why = {MetricKey("auc"): ["crowded\x1b[2J", "crowded\x1b[2J", "", "crowded\x1b[2J", "crowded\x1b[2J"]}
    folder = save(tmp_path, metric_records(keys, np.arange(5) + 1, values, reasons=why))
    (line,) = remark_lines(folder)
    assert line.startswith("auc is undefined in Overall, city=c0, city=c2 and 1 more: crowded")
    assert "\x1b" not in line


@pytest.fixture
def results(tmp_path):
    return save(tmp_path, metric_records(SLICES, np.arange(52) + 1000, VALUES))


def text(renderable):
    console = Console(file=io.StringIO(), width=200)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def line(shown, start):
    rows = ([cell.strip() for cell in row.strip("│").split("│")] for row in shown.splitlines())
    (found,) = (row for row in rows if row[0] == start)
    return found


def test_many_slices_have_a_row_each_up_to_forty_and_the_caption_says_so(results):
    shown = text(metrics_table(results))
    assert line(shown, "Overall") == ["Overall", "1,000", "0.5000", "0.2500"]
    assert "unweighted" in shown
    assert "2 of 3 metrics, 40 of 52 slices; choose with assay show --metrics and --slices" in " ".join(shown.split())


def test_few_slices_have_a_column_each(results):
    shown = text(metrics_table(results, None, "sex:F"))
    assert line(shown, "rows") == ["rows", "1,051"]
    assert line(shown, "auc unweighted") == ["auc unweighted", "undefined"]


def test_chosen_metrics_may_be_arrays_and_come_in_the_order_asked_for(results):
    shown = text(metrics_table(results, ["tp", "auc"], "sex=f"))
    assert line(shown, "tp") == ["tp", "102, 103"]
    assert shown.index("tp") < shown.index("auc weighted") < shown.index("auc unweighted")
    assert "example_count" not in shown


def sample(*values):
    samples = np.empty(1, object)
    samples[0] = np.array(values, object)
    return ShownValues(samples)


def test_values_of_the_data_are_shown_as_they_are_and_measures_of_it_rounded(tmp_path):
    values = {
        MetricKey("false_positive_feature_sampler"): sample(11.289999961853027, 0.1 + 1e-12, 3.0),
        MetricKey("whole"): sample(2**53 + 1, 7),
        MetricKey("names"): sample("Łódź", "a"),
        MetricKey("many"): sample(*range(20)),
        MetricKey("recall"): np.array([[5 / 6, 1.0]]),
    }
    shown = text(metrics_table(save(tmp_path, metric_records([()], np.array([9]), values)), [k.name for k in values]))
    assert line(shown, "false_positive_feature_sampler")[1] == "11.289999961853027, 0.10000000000100001, 3"
    assert line(shown, "whole")[1] == "9007199254740993, 7"
    assert line(shown, "names")[1] == "Łódź, a"
    assert line(shown, "many")[1] == "0, 1, 2, 3, 4, 5, 6, 7 ... 12 more"
    assert line(shown, "recall")[1] == "0.8333, 1"


def test_matrices_of_classes_are_told_in_words(tmp_path):
    cells = np.empty(1, object)
    cells[0] = np.array([[0, 0, 0, 5.0], [0, 0, 3, 1], [1, -1, 0, 2]])
    key, difference = MetricKey("classes", "new"), MetricKey("classes", "new", is_diff=True)
    matrices = MultiClassMatrices(np.array([0.25, 0.5]), cells)
    values: dict[MetricKey, Value] = {key: matrices, difference: matrices}
    shown = text(metrics_table(save(tmp_path, metric_records([()], np.array([9]), values)), ["classes"]))
    assert line(shown, "classes")[1] == "2 matrices of 2 classes"


@pytest.mark.parametrize(("is_sample", "shown"), [(True, "0.8333333333333334, 1"), (False, "0.8333, 1")])
def test_the_page_rounds_measures_and_no_values_of_the_data(is_sample, shown):
    key = MetricKey("recall")
    (record,) = map(MetricsForSlice.FromString, metric_records([()], np.array([9]), {key: np.array([[5 / 6, 1.0]])}))
    found = Slice("Overall", 9, {key: record.metric_keys_and_values[0]})
    assert cell_of(found, key, Measure("recall", key, is_number=False, is_sample=is_sample)) == shown


def test_a_metric_or_slice_that_is_not_there_is_named_with_what_is(results):
    with pytest.raises(ResultsError, match=r"no metric 'acu'.*did you mean 'auc'"):
        metrics_table(results, ["acu"])
    with pytest.raises(ResultsError, match=r"no slice has 'race'.*Overall, city=c00"):
        metrics_table(results, None, "race")


def test_where_nothing_is_asked_for_the_change_stands_beside_the_candidates_value(tmp_path):
    new = MetricKey("auc", "new")
    values = {
        new: np.full(1, 0.75),
        new._replace(model_name="old"): np.ones(1),
        new._replace(is_diff=True): -np.ones(1) / 4,
    }
    of_no_model = {MetricKey("mean_age"): np.full(1, 41.5)}
    shown = text(metrics_table(save(tmp_path, metric_records([()], np.array([1]), {**values, **of_no_model}))))
    assert line(shown, "auc new") == ["auc new", "0.7500 -0.2500"]
    assert line(shown, "mean_age") == ["mean_age", "41.5000"]
    assert "auc old" not in shown
    assert "2 of 4 metrics, 1 of 1 slices; choose with assay show" in " ".join(shown.split())


def test_models_are_told_apart_and_brackets_are_shown_as_they_are(tmp_path):
    key = MetricKey("auc", "candidate", "[head]")
    values = {key: np.ones(1), key._replace(model_name="baseline"): np.zeros(1), key._replace(is_diff=True): np.ones(1)}
    results = save(tmp_path, metric_records([(("[b]", "[/b]"),)], np.array([1]), values))
    shown = text(metrics_table(results, ["auc", "auc_diff"]))
    assert line(shown, "auc candidate [head]")[1] == "1"
    assert line(shown, "auc baseline [head]")[1] == "0"
    assert line(shown, "auc_diff [head]")[1] == "1"
    assert "[b]=[/b]" in shown


def test_a_chosen_metric_comes_with_the_baseline_and_the_difference(tmp_path):
    key = MetricKey("auc", "candidate")
    values = {key: np.ones(1), key._replace(model_name="baseline"): np.zeros(1), key._replace(is_diff=True): np.ones(1)}
    values[MetricKey("recall", "candidate")] = np.ones(1)
    shown = text(metrics_table(save(tmp_path, metric_records([()], np.array([1]), values)), ["auc"]))
    assert [line(shown, label)[1] for label in ("auc candidate", "auc baseline", "auc_diff")] == ["1", "0", "1"]
    assert "recall" not in shown


def test_where_there_is_little_room_the_candidate_is_shown(tmp_path):
    key = MetricKey("auc", "candidate")
    values = {key._replace(model_name="baseline"): np.zeros(9), key: np.ones(9), key._replace(is_diff=True): np.ones(9)}
    shown = text(metrics_table(save(tmp_path, metric_records(SLICES[:9], np.arange(9), values))))
    assert line(shown, "city=c00") == ["city=c00", "1", "1 +1"]


def test_a_slice_that_is_too_small_says_so(tmp_path):
    slices = SLICES[:9]
    records = [
        *metric_records(slices, np.full(9, 5), {MetricKey("auc"): np.ones(9)}),
        *too_small_records([(("city", "small"),)], np.array([2]), 5),
    ]
    assert line(text(metrics_table(save(tmp_path, records))), "city=small") == ["city=small", "2", "too few rows"]


def test_the_verdict_is_shown_with_its_reasons(tmp_path):
    reason = Reason("auc [candidate] is 0.5; expected at least 0.75", slice="sex=F", rows=12)
    (tmp_path / "verdict.json").write_text(Verdict(Status.NOT_BLESSED, (reason,), rows=100).to_json())
    shown = text(verdict_panel(str(tmp_path)))
    assert "NOT BLESSED: 100 rows" in shown
    assert "sex=F: auc [candidate] is 0.5; expected at least 0.75 (12 rows)" in shown


def test_results_without_a_verdict_can_be_shown(results):
    assert "no verdict" in text(verdict_panel(results))
