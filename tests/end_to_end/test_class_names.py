"""Names of classes stand beside their ids wherever a person reads; files keep the ids, as TFMA has them."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay.errors import EvalConfigError
from assay.report.evidence import evidence_of
from assay.report.page.results import html_page, markdown_summary
from tests.report.on_terminal import shown

NAMES = ["cat", "dog", "<b>\x1b[2J", "a name of a class that is far too long to stand in the head of a table"]
RNG = np.random.default_rng(3)
SCORES = RNG.dirichlet([2, 1, 1, 1], 300)
LABEL = np.array([RNG.choice(4, p=p) for p in SCORES])
OTHER = RNG.dirichlet([1, 1, 1, 1], 300)
TABLE = pa.table({"label": LABEL, "new": SCORES.tolist(), "old": OTHER.tolist(), "names": [NAMES] * 300})

NEW = {"name": "new", "label_key": "label", "prediction_key": "new", "classes": NAMES}
OLD = {**NEW, "name": "old", "prediction_key": "old", "is_baseline": True}
OWN_NEW, OWN_OLD = (
    {
        "name": name,
        "label_key": "label",
        "prediction_keys": {"scores": name, "classes": "names"},
        "is_baseline": name == "old",
    }
    for name in ("new", "old")
)
"""Models that name their classes beside the scores."""
MODELS = {
    "one model": [NEW],
    "two models": [NEW, OLD],
    "names of the model": [OWN_NEW],
    "names of two models": [OWN_NEW, OWN_OLD],
    "names of the config and of a model": [NEW, OWN_OLD],
}
EACH = {"binarize": {"class_ids": {"values": [0, 1, 2, 3]}}}
UNREACHED = {"value_threshold": {"lower_bound": 0.999}}


def config(models, metrics, **metrics_spec):
    return {"model_specs": models, "metrics_specs": [{"metrics": metrics, **metrics_spec}]}


@pytest.fixture(scope="module", params=MODELS)
def results(request, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("results"))
    auc = {"class_name": "AUC", "threshold": UNREACHED}
    wanted = config(MODELS[request.param], [auc, {"class_name": "ConfusionMatrixPlot"}], **EACH)
    matrix = {"class_name": "MultiClassConfusionMatrixPlot"}
    wanted["metrics_specs"].append({"metrics": [matrix]})
    assay.analyze_raw_data(TABLE, wanted, folder)
    return folder


def test_the_table_in_the_terminal_names_classes(results):
    by_class, asked_for = "\n".join(shown(results)), "\n".join(shown(results, metrics=["auc"]))
    assert "\n0 (cat)  " in by_class
    assert "1 (dog)" in asked_for
    assert "\x1b" not in by_class + asked_for


def test_the_page_names_classes_in_metrics_thresholds_diagrams_and_confusions(results):
    page = html_page(results)
    assert "auc class_id 0 (cat)" in page
    assert "class_id=1 (dog)" in page
    assert "0 (cat), 1 (dog), 2 (&lt;b&gt;" in page
    assert "<td>0 (cat)" in page or ">0 (cat)<" in page
    assert "<b>\x1b" not in page


def test_markdown_names_classes(results):
    assert "| 0 (cat) |" in markdown_summary(results)


def test_reasons_and_checks_of_the_verdict_name_classes(results):
    verdict = assay.load_verdict(results)
    assert any("class_id=0 (cat)" in reason.message for reason in verdict.reasons)
    assert any("class_id=1 (dog)" in check.metric for check in verdict.checks)


def test_names_that_only_a_model_gives_stay_out_of_records_in_which_no_class_is_named(tmp_path):
    assay.analyze_raw_data(TABLE, config([OWN_NEW], [{"class_name": "CategoricalAccuracy"}]), str(tmp_path))
    assert not any(record.classes for record in assay.load_metrics(str(tmp_path)))


def test_slices_that_are_too_small_leave_the_names_in_reasons_and_checks(tmp_path):
    wanted = config([OWN_NEW], [{"class_name": "AUC", "threshold": UNREACHED}], **EACH)
    wanted |= {"slicing_specs": [{}, {"feature_keys": ["label"]}], "options": {"min_slice_size": 301}}
    assay.analyze_raw_data(TABLE, wanted, str(tmp_path))
    verdict = assay.load_verdict(str(tmp_path))
    assert len(verdict.checks) == len(NAMES)
    assert all(f"({name}" in check.metric for check, name in zip(verdict.checks, NAMES[:2], strict=False))


def test_models_that_disagree_have_names_of_their_own(tmp_path):
    table = TABLE.append_column("others", pa.array([["a", "b", "c", "d"]] * 300))
    other = {**OWN_OLD, "prediction_keys": {"scores": "old", "classes": "others"}}
    assay.analyze_raw_data(table, config([OWN_NEW, other], [{"class_name": "AUC"}], **EACH), str(tmp_path))
    classes = evidence_of(str(tmp_path)).classes
    assert (classes.of("new"), classes.of("old"), classes.of("")) == (tuple(NAMES), tuple("abcd"), ())


def test_long_names_are_shortened(results):
    tables = [" ".join(" ".join(lines).split()) for lines in (shown(results), shown(results, metrics=["auc"]))]
    assert not any(NAMES[3] in text for text in tables)
    assert "class_id 3 (a name of a class" in html_page(results)


def test_files_have_the_ids(results):
    ids = assay.metrics_frame(results).query("metric == 'auc'")["class_id"]
    assert set(ids) == {0, 1, 2, 3}


@pytest.mark.parametrize(("kind", "average"), [("macro_average", "macro"), ("weighted_macro_average", "weighted")])
def test_averages_are_over_the_classes_that_have_names(kind, average, tmp_path):
    metric = {"class_name": "AUC", "config": {"exact": True}, "threshold": {"value_threshold": {"lower_bound": 0.1}}}
    assay.analyze_raw_data(TABLE, config([NEW], [metric], aggregate={kind: True}), str(tmp_path))
    (value,) = assay.metrics_frame(str(tmp_path)).query("metric == 'auc'")["value"]
    assert value == pytest.approx(roc_auc_score(LABEL, SCORES, multi_class="ovr", average=average), rel=1e-12)
    assert assay.load_verdict(str(tmp_path)).status == "BLESSED"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"binarize": {"class_ids": {"values": [4]}}}, "it asks for class 4"),
        ({"binarize": {"k_list": {"values": [5]}}}, "it asks for the 5 highest"),
        ({"aggregate": {"macro_average": True, "class_weights": {4: 1.0}}}, "it asks for class 4"),
    ],
)
def test_a_class_beyond_those_that_have_names_is_refused_before_anything_is_read(part, said):
    with pytest.raises(EvalConfigError, match=rf"AUC: {said}, but classes of the model spec names 4; expected"):
        assay.analyze_raw_data(TABLE.slice(0, 0), config([NEW], [{"class_name": "AUC"}], **part))
