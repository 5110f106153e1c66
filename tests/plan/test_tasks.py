"""Plans as tasks: where they are cut, and what comes before what."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.plan.checks import check
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Plan, Stage, edges
from assay.plan.tasks import (
    CHECKPOINTS,
    CUTS,
    EVERY,
    NO_CHECKPOINTS,
    extracts_from,
    image_of,
    is_checkpointed,
    kind_of,
    reshaped,
    runs_models,
    task_named,
)
from assay.types import LAST_EXTRACTOR_STAGE_NAME, PREDICTIONS_EXTRACTOR_STAGE_NAME, PREDICTIONS_KEY

PREDICT = PREDICTIONS_EXTRACTOR_STAGE_NAME
METRICS = Stage(name="Metrics", kind=EVALUATE, run_after="SliceKeys", outputs=("metrics",))


def extractor(name, image="core", **own):
    return Stage(name=name, kind=EXTRACT, adds=("features",), image=image, **own)


def own_model(name):
    return Stage(name=name, kind=EXTRACT, adds=(PREDICTIONS_KEY,), settings={"factory": "m:f"})


def evaluator(name, run_after, *outputs):
    return Stage(name=name, kind=EVALUATE, run_after=run_after, outputs=outputs or (name.lower(),))


def plan_of(extractors, evaluators=(METRICS,), models=("m",)):
    plan = Plan(
        stages=(
            Stage(name="ReadInputs", kind=READ_INPUTS),
            *(extractor(e) if isinstance(e, str) else e for e in extractors),
            *evaluators,
            Stage(name="Gate", kind=GATE),
            Stage(name="WriteResults", kind=WRITE_RESULTS),
        ),
        tasks=(),
        inputs={"format": "csv", "files": ["/d/a.csv"]},
        models=tuple({"name": name, "type": "callable", "uri": "m:f"} for name in models),
        eval_config={},
        output="/out",
    )
    return reshaped(plan, NO_CHECKPOINTS)


def tasks(plan, checkpoints=CUTS):
    """Task -> its stages, and task -> those that it waits for."""
    cut = reshaped(plan, checkpoints)
    check(cut)
    return {t.name: t.stages for t in cut.tasks}, {t.name: set(t.after) for t in cut.tasks}


DEFAULT = ("Features", "Labels", PREDICT, "SliceKeys")


def test_the_default_plan_is_cut_after_reading_inference_slice_keys_and_each_stage_behind_them():
    stages, after = tasks(plan_of(DEFAULT))
    assert stages == {
        "ReadInputs": ("ReadInputs",),
        PREDICT: ("Features", "Labels", PREDICT),
        "SliceKeys": ("SliceKeys",),
        "Metrics": ("Metrics",),
        "Gate": ("Gate",),
        "WriteResults": ("WriteResults",),
    }
    assert after == {
        "ReadInputs": set(),
        PREDICT: {"ReadInputs"},
        "SliceKeys": {PREDICT},
        "Metrics": {"SliceKeys"},
        "Gate": {"Metrics"},
        "WriteResults": {"Metrics", "Gate"},
    }


def test_without_checkpoints_all_stages_are_one_task():
    plan = plan_of(DEFAULT)
    (task,) = reshaped(reshaped(plan, EVERY), NO_CHECKPOINTS).tasks
    assert (task.name, task.after) == ("Analyse", ())
    assert task.stages == tuple(stage.name for stage in plan.stages)
    assert not is_checkpointed(plan)
    assert is_checkpointed(reshaped(plan, CUTS))


def test_every_stage_can_be_a_task_of_its_own():
    stages, after = tasks(plan_of(DEFAULT), EVERY)
    assert all(held == (name,) for name, held in stages.items())
    assert after["Labels"] == {"Features"}
    assert after[PREDICT] == {"Labels", "ReadInputs"}  # which says what the models were


@pytest.mark.parametrize(
    ("extractors", "evaluators", "groups"),
    [
        (("A", "B", "SliceKeys"), (), [("A", "B", "SliceKeys")]),
        (("A", "B", "SliceKeys"), (evaluator("E", "A"),), [("A",), ("B", "SliceKeys")]),
        (("A", "SliceKeys", "B"), (), [("A", "SliceKeys"), ("B",)]),
        (("A", "SliceKeys", "B"), (evaluator("E", LAST_EXTRACTOR_STAGE_NAME),), [("A", "SliceKeys"), ("B",)]),
        (("A", "SliceKeys"), (evaluator("E", ""),), [("A", "SliceKeys")]),
        ((own_model("X"), "A", own_model("Y"), "SliceKeys"), (), [("X", "A", "Y"), ("SliceKeys",)]),
        ((PREDICT, "A", own_model("Y"), "SliceKeys"), (), [(PREDICT, "A", "Y"), ("SliceKeys",)]),
        (("A", extractor("B", "mine"), "SliceKeys"), (), [("A",), ("B",), ("SliceKeys",)]),
        (("A", extractor("B", "tensorflow"), "SliceKeys"), (), [("A", "B", "SliceKeys")]),
    ],
)
def test_extractors_are_cut_after_the_last_model_where_an_evaluator_waits_and_between_images(
    extractors, evaluators, groups
):
    stages, _ = tasks(plan_of(extractors, (METRICS, *evaluators)))
    assert [held for name, held in stages.items() if name in {group[-1] for group in groups}] == groups


def test_an_evaluator_reads_what_it_runs_after_and_nothing_else():
    evaluators = (METRICS, evaluator("AsRead", ""), evaluator("AtLast", LAST_EXTRACTOR_STAGE_NAME))
    cut = reshaped(plan_of((*DEFAULT, "Last"), evaluators), CUTS)
    found = {name: extracts_from(cut, task_named(cut, name)) for name in ("Metrics", "AsRead", "AtLast")}
    assert found == {"Metrics": "SliceKeys", "AsRead": "ReadInputs", "AtLast": "Last"}
    assert task_named(cut, "AsRead").after == ("ReadInputs",)
    assert {name: extracts_from(cut, task_named(cut, name)) for name in (PREDICT, "SliceKeys", "Last")} == {
        PREDICT: "ReadInputs",
        "SliceKeys": PREDICT,
        "Last": "SliceKeys",
    }


def test_the_gate_waits_for_metrics_only_and_publishing_for_every_output():
    _, after = tasks(plan_of(DEFAULT, (METRICS, evaluator("Own", ""), evaluator("More", "", "metrics"))))
    assert after["Gate"] == {"Metrics", "More"}
    assert after["WriteResults"] == {"Metrics", "Own", "More", "Gate"}


def test_only_a_task_that_runs_models_of_the_plan_waits_for_their_pins():
    cut = reshaped(plan_of(DEFAULT), CUTS)
    assert [task.name for task in cut.tasks if runs_models(cut, task)] == [PREDICT]
    without = reshaped(plan_of(("A", own_model("B"), "SliceKeys"), models=()), EVERY)
    assert [task.name for task in without.tasks if runs_models(without, task)] == []
    assert task_named(without, "B").after == ("A",)


@pytest.mark.parametrize(
    ("images", "expected"),
    [(("core", "core"), "core"), (("core", "tensorflow"), "tensorflow"), (("mine", "mine"), "mine")],
)
def test_a_task_runs_in_the_image_that_serves_all_its_stages(images, expected):
    cut = reshaped(plan_of([extractor(name, image) for name, image in zip("AB", images, strict=True)], ()), CUTS)
    assert image_of(cut, task_named(cut, "B")) == expected


def test_a_task_that_is_not_there_is_a_lookup_error():
    with pytest.raises(LookupError, match="Prediction"):
        task_named(plan_of(DEFAULT), "Prediction")


@st.composite
def plans(draw):
    names = [f"E{i}" for i in range(draw(st.integers(1, 5)))]
    kinds = st.sampled_from([extractor, own_model, lambda name: extractor(name, "mine")])
    extractors = [draw(kinds)(name) for name in names]
    waits = draw(st.lists(st.sampled_from(["", *names, LAST_EXTRACTOR_STAGE_NAME]), max_size=3))
    metrics = replace(METRICS, run_after=names[-1])
    return plan_of(extractors, (metrics, *(evaluator(f"V{i}", wait) for i, wait in enumerate(waits))))


@given(plans(), st.sampled_from(CHECKPOINTS))
def test_any_plan_in_any_shape_holds_together(plan, checkpoints):
    cut = reshaped(plan, checkpoints)
    check(cut)
    assert reshaped(cut, checkpoints) == cut
    assert reshaped(cut, NO_CHECKPOINTS) == plan
    if not is_checkpointed(cut):
        return
    home = {name: task for task in cut.tasks for name in task.stages}
    for edge in edges(plan):
        assert home[edge.before] is home[edge.after] or home[edge.before].name in home[edge.after].after
    for task in cut.tasks:
        kinds = {plan.stage(name).kind for name in task.stages}
        assert kinds == {kind_of(cut, task)}
        assert kinds == {EXTRACT} or len(task.stages) == 1
        assert task.name == task.stages[-1]
    for stage in plan.of_kind(EVALUATE):  # its Extracts are a checkpoint as they are
        assert extracts_from(cut, home[stage.name]) == plan.extractor_before(stage)
