"""What a terminal shows of a run: nothing is cut within a word, and the worst comes first."""

import numpy as np
import pytest

from assay.errors import ResultsError
from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval, Matrices, MultiClassMatrices, ShownValues, Value
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.report.cells import cell_of
from assay.report.evidence import Measure, Slice, evidence_of
from assay.report.grids.printed import for_markdown, unlimited
from assay.report.terminal.overview import overview
from assay.report.terminal.selection import Selection
from assay.results.records import metric_records, too_small_records
from assay.storage.framing import framed
from assay.types import SliceKey
from assay.verdict import Checked, Reason, Status, Verdict
from tests.report import made_results
from tests.report.on_terminal import shown

SLICES: list[SliceKey] = [(), *(((("city", f"c{i:02}"),)) for i in range(50)), (("sex", "F"),)]
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


@pytest.fixture
def results(tmp_path):
    return save(tmp_path, metric_records(SLICES, np.arange(52) + 1000, VALUES))


def row(lines, start):
    """The cells of the line that begins with a text."""
    (found,) = (line for line in lines if line.startswith(start))
    return " ".join(found.removeprefix(start).split())


# Slices and metrics


def test_many_slices_have_a_row_each_and_what_is_left_out_is_told(results):
    lines = shown(results)
    assert row(lines, "Overall") == "1,000 0.5000 0.2500"
    assert sum(line.startswith("city=") for line in lines) == 20
    assert lines[-1] == "21 of 52 slices; assay show has more with --top N or --all"


def test_at_sixty_columns_metrics_that_have_no_room_are_counted(tmp_path):
    values: dict[MetricKey, Value] = {MetricKey(f"a_long_name_{i:02}"): np.ones(52) for i in range(33)}
    results = save(tmp_path, metric_records(SLICES, np.arange(52), values))
    lines = shown(results, 60)
    assert max(map(len, lines)) <= 60
    assert lines[-2:] == [
        "21 of 52 slices, 6 of 33 metrics; assay show has more with",
        "--top N, --metrics A,B or --all",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_all_shows_every_slice_and_metric_at_any_width(tmp_path, width):
    values: dict[MetricKey, Value] = {MetricKey(f"a_long_name_{i:02}"): np.ones(52) for i in range(33)}
    results = save(tmp_path, metric_records(SLICES, np.arange(52), values))
    lines = shown(results, width, everything=True)
    assert max(map(len, lines)) <= width
    tables = sum(line.startswith("Overall") for line in lines)
    assert sum(line.startswith("city=c49") for line in lines) == tables
    assert sum(line.split().count("1") for line in lines if line.startswith("sex=F")) == 33


def test_few_slices_with_many_metrics_have_a_column_each(results):
    lines = shown(results, 40, slices="sex:F", metrics=["auc", "example_count", "tp"])
    assert row(lines, "metric") == "sex=F"
    assert row(lines, "rows") == "1,051"
    assert row(lines, "auc unweighted") == "undefined"


def test_metrics_that_are_asked_for_come_in_that_order_and_may_be_arrays(results):
    lines = shown(results, metrics=["tp", "auc"], slices="sex=f")
    (head,) = (line for line in lines if line.startswith("slice"))
    assert head.index("tp") < head.index("auc weighted") < head.index("auc unweighted")
    assert row(lines, "sex=F") == "1,051 102, 103 1 undefined"


def test_a_metric_at_several_thresholds_has_a_column_for_each_with_its_threshold(tmp_path):
    config = made_results.CONFIG.replace(
        'metrics { class_name: "MeanSquaredError" }',
        'metrics { class_name: "FPR" config: \'"thresholds": [0.75, 0.25]\' }'
        'metrics { class_name: "PrecisionAtRecall" config: \'"recall": [0.5, 0.9], "thresholds": [0.1, 0.2, 0.3]\' }',
    )
    more: dict[MetricKey, Value] = {
        MetricKey("fpr", "new"): np.array([[0.1, 0.2]]),
        MetricKey("precision_at_recall", "new"): np.array([[0.3, 0.4]]),
    }
    results = made_results.save(tmp_path, [()], np.array([0.9]), more=more, config=config)
    lines = shown(results, 50)
    assert row(lines, "fpr@0.75") == "0.1000"
    assert row(lines, "fpr@0.25") == "0.2000"
    assert row(lines, "precision_at_recall@0.9") == "0.4000"


def test_intervals_stand_behind_values(tmp_path):
    key = MetricKey("auc", "new")
    interval = Interval(np.array([0.8144]), np.array([0.8475]), np.array([0.01]), 19)
    results = made_results.save(tmp_path, [()], np.array([0.8312]), intervals={key: interval})
    assert any("0.8312 [0.8144, 0.8475]" in line for line in shown(results, 80))


def test_each_number_at_a_threshold_has_its_own_interval(tmp_path):
    key = MetricKey("fpr", "new")
    config = made_results.CONFIG.replace(
        'metrics { class_name: "MeanSquaredError" }',
        'metrics { class_name: "FPR" config: "\\"thresholds\\": [0.25, 0.75]" }',
    )
    low, high = np.array([[0.1, 0.3]]), np.array([[0.2, 0.5]])
    interval = Interval(low, high, np.array([[0.01, 0.01]]), 19)
    more: dict[MetricKey, Value] = {key: np.array([[0.15, 0.4]])}
    results = made_results.save(tmp_path, [()], np.array([0.8]), more=more, intervals={key: interval}, config=config)
    assert row(shown(results, 60), "fpr@0.25") == "0.1500 [0.1000, 0.2000]"
    assert row(shown(results, 60), "fpr@0.75") == "0.4000 [0.3000, 0.5000]"


def test_changes_have_a_column_of_their_own_and_the_baseline_is_shown_when_asked_for(tmp_path):
    results = made_results.save(tmp_path, SLICES, np.linspace(0.5, 1, 52))
    head, overall = (next(line for line in shown(results) if line.startswith(start)) for start in ("slice", "Overall"))
    assert "auc change" in head
    assert "auc old" not in head
    assert overall.split()[1:4] == ["1,000", "0.5000", "-0.2000"] or overall.split()[2:5] == ["!", "0.5000", "-0.2000"]
    (asked,) = (line for line in shown(results, metrics=["auc"]) if line.startswith("slice"))
    assert asked.split("  ")[0] == "slice"
    assert "auc old" in asked


def test_failing_slices_come_first_with_a_mark_at_the_value(tmp_path):
    auc = np.full(30, 0.9)
    auc[[7, 20]] = 0.3, 0.5
    slices = [(), *(((("city", f"c{i:02}"),)) for i in range(1, 30))]
    lines = [line for line in shown(made_results.save(tmp_path, slices, auc)) if line.startswith(("Overall", "city="))]
    assert [line.split()[0] for line in lines[:3]] == ["Overall", "city=c07", "city=c20"]
    assert "! 0.3000" in lines[1]


def test_undefined_values_are_words_without_a_sign(tmp_path):
    results = made_results.save(tmp_path, SLICES, np.full(52, np.nan))
    text = "\n".join(shown(results))
    assert "undefined" in text
    assert "nan" not in text


def test_a_slice_that_is_too_small_says_so(tmp_path):
    records = [
        *metric_records(SLICES[:9], np.full(9, 5), {MetricKey("auc"): np.ones(9)}),
        *too_small_records([(("city", "small"),)], 5),
    ]
    assert row(shown(save(tmp_path, records)), "city=small") == "hidden -"


def test_a_metric_or_slice_that_is_not_there_is_named_with_what_is(results):
    with pytest.raises(ResultsError, match=r"no metric 'acu'.*did you mean 'auc'"):
        shown(results, metrics=["acu"])
    with pytest.raises(ResultsError, match=r"no slice has 'race'.*Overall, city=c00"):
        shown(results, slices="race")


def test_no_slice_that_meets_the_conditions_is_a_sentence(results):
    assert shown(results, where="rows < 0")[-1] == "No slice meets the conditions."


def test_brackets_and_what_would_act_on_a_terminal_are_shown_as_they_are(tmp_path):
    key = MetricKey("auc", "new", "[head]")
    lines = shown(save(tmp_path, metric_records([(("[b]", "[/b]\x1b[2J"),)], np.array([1]), {key: np.ones(1)})))
    assert any('[b]="[/b]\\u001b[2J"' in line for line in lines)
    assert any("auc [head]" in line for line in lines)


# Values that are no numbers


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
    results = save(tmp_path, metric_records([()], np.array([9]), values))
    lines = shown(results, 70, metrics=[key.name for key in values])
    text = " ".join(" ".join(lines).split())
    assert "11.289999961853027, 0.10000000000100001, 3" in text
    assert row(lines, "whole") == "9007199254740993, 7"
    assert row(lines, "names") == "Łódź, a"
    assert "0, 1, 2, 3, 4, 5, 6, 7 ... 12 more" in text
    assert row(lines, "recall") == "0.8333, 1"


def test_matrices_of_classes_are_told_in_words(tmp_path):
    cells = np.empty(1, object)
    cells[0] = np.array([[0, 0, 0, 5.0], [0, 0, 3, 1], [1, -1, 0, 2]])
    matrices = MultiClassMatrices(np.array([0.25, 0.5]), cells)
    values: dict[MetricKey, Value] = {MetricKey("classes", "new"): matrices}
    lines = shown(save(tmp_path, metric_records([()], np.array([9]), values)), metrics=["classes"])
    assert any("2 matrices of 2 classes" in line for line in lines)


@pytest.mark.parametrize(("is_sample", "expected"), [(True, "0.8333333333333334, 1"), (False, "0.8333, 1")])
def test_the_page_rounds_measures_and_no_values_of_the_data(is_sample, expected):
    key = MetricKey("recall")
    (record,) = map(MetricsForSlice.FromString, metric_records([()], np.array([9]), {key: np.array([[5 / 6, 1.0]])}))
    found = Slice("Overall", 9, {key: record.metric_keys_and_values[0]})
    assert cell_of(found, key, Measure("recall", key, is_number=False, is_sample=is_sample)) == expected


# The verdict

CHECKS = (
    Checked("auc", "at least 0.6", "all", 5, 0, "Overall", 0.7, 100),
    Checked("recall", "at least 0.5", "sex", 2, 1, "sex=F", 0.4, 12),
    Checked("auc", "at least 0.9", "all", 5, 2, "sex=M", 0.9, 50, error_bound=0.01, undecided=2),
    Checked("precision", "at least 0.5", "race", 0),
    Checked("fpr", "at most 0.5", "all", 1, 1, "Overall", None, 9),
)


def verdict_of(results, status=Status.NOT_BLESSED, reasons=(), checks=CHECKS, **more):
    verdict = Verdict(status, reasons, rows=100, checks=checks, **more)
    with open(f"{results}/verdict.json", "w", encoding="utf-8") as file:
        file.write(verdict.to_json())
    return results


def test_the_verdict_comes_first_then_a_line_for_each_threshold_the_failing_ones_first(results):
    lines = shown(verdict_of(results))
    assert lines[1] == "NOT BLESSED: 100 rows; no bad rows"
    head = next(at for at, line in enumerate(lines) if line.startswith("status"))
    assert [line.split()[0] for line in lines[head + 2 : head + 7]] == ["FAIL", "FAIL", "FAIL", "UNDECIDED", "PASS"]
    assert lines[head + 7] == "PASS=1 WARN=0 FAIL=3 UNDECIDED=1"
    assert row(lines, "UNDECIDED  auc") == "at least 0.9 0.9 ± 0.01 sex=M 50 2 of 5 all"
    assert row(lines, "FAIL       precision") == "at least 0.5 - - - no slice race"
    assert row(lines, "FAIL       fpr") == "at most 0.5 undefined Overall 9 1 of 1 all"


def test_a_model_that_all_thresholds_are_for_is_left_out_of_their_names(tmp_path):
    results = made_results.save(tmp_path, [()], np.array([0.9]))
    labels = ["auc [new, class_id=1]", "recall [new, class_id=1, weighted]", "mean [new, class_id=1]"]
    checks = tuple(Checked(label, "at least 0", "all", 1, 0, "Overall", 1.0, 9) for label in labels)
    lines = [line for line in shown(verdict_of(results, checks=checks)) if line.startswith("PASS ")]
    assert [" ".join(line.split()[1:3]) for line in lines] == [
        "auc [class_id=1]",
        "recall [class_id=1,",
        "mean [class_id=1]",
    ]


def test_a_value_that_looks_like_its_bound_has_all_digits(results):
    check = Checked("auc", "at least 0.92", "all", 1, 1, "Overall", 0.9199999999, 9)
    assert (
        row(shown(verdict_of(results, checks=(check,))), "FAIL")
        == "auc at least 0.92 0.9199999999 Overall 9 1 of 1 all"
    )


def test_at_sixty_columns_each_threshold_still_has_metric_bound_value_and_slice(results):
    lines = shown(verdict_of(results), 60)
    (line,) = (line for line in lines if line.startswith("FAIL       recall"))
    assert line.split()[-3:] == ["0.4", "sex=F", "12"]
    assert max(map(len, lines)) <= 70


def test_a_change_without_a_baseline_is_a_warning(tmp_path):
    config = 'model_specs { name: "new" label_key: "y" } metrics_specs { metrics { class_name: "AUC" } }'
    results = made_results.save(tmp_path, [()], np.array([0.9]), config=config)
    lines = shown(verdict_of(results, Status.BLESSED, checks=CHECKS[:1], rubber_stamp=True))
    assert row(lines, "WARN") == "change thresholds a baseline - - - no baseline all"
    assert row(lines, "PASS  ").startswith("auc at least 0.6")
    assert "PASS=1 WARN=1 FAIL=0 UNDECIDED=0" in lines


def test_what_no_threshold_can_tell_is_a_sentence(results):
    reasons = (
        Reason("31 good rows; expected at least 100 (min_rows)", bound="at least 100 (min_rows)", value=31),
        Reason("recall [new] is 0.4; expected at least 0.5", metric="recall", slice="sex=F", value=0.4, rows=12),
        Reason("fpr [new]: metric not found", metric="fpr", slice="Overall", rows=9),
    )
    lines = shown(verdict_of(results, Status.NOT_EVALUATED, reasons))
    assert lines[1:4] == [
        "NOT EVALUATED: 100 rows; no bad rows",
        "31 good rows; expected at least 100 (min_rows)",
        "Overall: fpr [new]: metric not found (9 rows)",
    ]
    assert not any("is 0.4; expected" in line for line in lines)


def test_a_verdict_of_an_older_version_shows_its_reasons(results):
    reasons = tuple(Reason(f"auc is {i}", metric="auc", slice=f"c={i}", value=float(i), rows=1) for i in range(30))
    lines = shown(verdict_of(results, reasons=reasons, checks=()))
    assert "c=0: auc is 0 (1 row)" in lines
    assert "... and 20 reasons more, in verdict.json" in lines


def test_results_without_a_verdict_can_be_shown(results):
    assert shown(results)[1] == "There is no verdict with these results."


def test_why_values_are_undefined_is_told_once_for_all_slices_that_share_the_reason(tmp_path):
    keys = [(), *(((("city", f"c{i}"),)) for i in range(4))]
    values = {MetricKey("auc"): np.full(5, np.nan), MetricKey("mean"): np.ones(5)}
    why = {MetricKey("auc"): ["crowded\x1b[2J", "crowded\x1b[2J", "", "crowded\x1b[2J", "crowded\x1b[2J"]}
    lines = shown(save(tmp_path, metric_records(keys, np.arange(5) + 1, values, reasons=why)))
    (line,) = (line for line in lines if "crowded" in line)
    assert line.startswith("auc is undefined in Overall, city=c0, city=c2 and 1 more: crowded")
    assert "\x1b" not in line


# Markdown


def test_markdown_has_every_metric_and_no_markup_of_the_data(tmp_path):
    slices = [(), *(((("city", f"*{i}*|"),)) for i in range(9))]
    results = made_results.save(tmp_path, slices, np.full(10, 0.9))
    text = for_markdown(overview(evidence_of(results), Selection(), unlimited))
    assert "| slice | rows | auc | auc change | mean\\_squared\\_error | mean\\_squared\\_error change |" in text
    assert "city=\\*3\\*&#124;" in text
