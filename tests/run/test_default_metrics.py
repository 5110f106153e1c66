"""Metrics that models were compiled with, beside those of the config: when, under which name, and what is refused."""

import json

import pytest

from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import EvalConfigError, ModelError
from assay.models.model import ModelRef
from assay.plan.default_metrics import may_ask
from assay.run.default_metrics import found_in, from_noted, noted, with_default_metrics
from tests.zip_archives import zip_of

ACCURACY_AND_LOSS = {"loss": "binary_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["mse"]}
BOUND = {"value_threshold": {"lower_bound": 0.5}}
COUNT = {"metrics": [{"class_name": "ExampleCount"}]}
NAMED = {"metrics": [{"class_name": "AUC", "config": '{"name": "accuracy"}'}]}


def archive(path, **compiled):
    """A `.keras` file of a model with one number a row."""
    layer = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
    config = {"class_name": "Sequential", "config": {"layers": [layer]}, "compile_config": compiled or None}
    path.write_bytes(zip_of({"config.json": json.dumps(config).encode()}))
    return str(path)


@pytest.fixture
def model(tmp_path):
    """A function from what a model was compiled with to the model; without a name, the only one."""

    def of(name="m", **compiled):
        return ModelRef(name, archive(tmp_path / f"{name}.keras", **compiled), "keras")

    return of


def added(config, *refs, **specs):
    config = {"model_specs": [{"label_key": "y", **specs}], **config}
    resolved = resolve_eval_config(parse_eval_config(config), has_baseline_model=False)
    return with_default_metrics(resolved, refs, found_in(refs))


def names(result):
    """Of each metric its model specs, weightings and name."""
    return [
        (list(spec.model_names), spec.example_weights.weighted, json.loads(metric.config)["name"])
        for spec in result.config.metrics_specs
        for metric in spec.metrics
        if "name" in metric.config
    ]


OWN = [("accuracy", "BinaryAccuracy"), ("mse", "MeanSquaredError"), ("loss", "BinaryCrossentropy")]


@pytest.mark.parametrize(
    ("config", "are_there"),
    [
        ({}, True),
        ({"metrics_specs": [{"thresholds": {"accuracy": BOUND}}]}, True),
        ({"metrics_specs": [{**COUNT, "thresholds": {"loss": BOUND}}]}, True),
        ({"metrics_specs": [COUNT]}, False),
        ({"metrics_specs": [{**COUNT, "thresholds": {"example_count": BOUND}}]}, False),
        ({"metrics_specs": [COUNT], "options": {"include_default_metrics": True}}, True),
        (
            {
                "metrics_specs": [{**COUNT, "thresholds": {"loss": BOUND}}],
                "options": {"include_default_metrics": False},
            },
            False,
        ),
    ],
)
def test_without_the_option_they_are_there_if_the_config_needs_them(model, config, are_there):
    result = added(config, model(**ACCURACY_AND_LOSS))
    given = [(m[2]) for m in names(result)]
    assert given == ([name for name, _ in OWN] if are_there else [])
    classes = [metric.class_name for spec in result.config.metrics_specs for metric in spec.metrics]
    assert [name for name in classes if name != "ExampleCount"] == ([name for _, name in OWN] if are_there else [])
    assert not (are_there and result.config.options.include_default_metrics.value)


def test_a_plan_with_models_of_keras_waits_for_them_wherever_they_may_be_needed(model):
    plain = {"metrics_specs": [COUNT]}
    assert may_ask([{"type": "keras"}], {})
    assert may_ask([{"type": None}], {"metrics_specs": [{**COUNT, "thresholds": {"loss": BOUND}}]})
    assert may_ask([{"type": "saved_model"}], {**plain, "options": {"include_default_metrics": True}})
    assert not may_ask([{"type": "callable"}], {})
    assert not may_ask([{"type": "keras"}], plain)
    assert not may_ask([{"type": "keras"}], {"metrics_specs": [{**NAMED, "thresholds": {"accuracy": BOUND}}]})


def test_a_metric_of_the_config_takes_the_place_of_the_one_of_its_name(model):
    config = {"metrics_specs": [NAMED], "options": {"include_default_metrics": True}}
    result = added(config, model(**ACCURACY_AND_LOSS))
    assert [name for *_, name in names(result)] == ["accuracy", "mse", "loss"]
    assert result.config.metrics_specs[0].metrics[0].class_name == "AUC"


def test_weights_count_for_weighted_metrics_and_the_loss_alone(model):
    result = added({}, model(**ACCURACY_AND_LOSS), example_weight_key="w")
    assert names(result) == [([""], False, "accuracy"), ([""], True, "mse"), ([""], True, "loss")]
    assert result.config.metrics_specs[0].example_weights.unweighted


TWO = {"model_specs": [{"name": "new", "label_key": "y"}, {"name": "old", "label_key": "y"}]}


def test_two_models_share_what_both_were_compiled_with_and_each_has_its_own(model):
    result = added(TWO, model("new", loss="mse", metrics=["mae"]), model("old", loss="mse", metrics=["mape"]))
    assert names(result) == [(["new"], False, "mae"), (["new", "old"], False, "loss"), (["old"], False, "mape")]


def test_a_name_that_two_models_use_for_different_metrics_is_left_out(model):
    result = added(TWO, model("new", loss="mse"), model("old", loss="mae", metrics=["mse"]))
    assert names(result) == [(["old"], False, "mse")]
    (line,) = result.left_out
    assert line.startswith(
        "model 'new' was compiled with 'loss', which is not computed: the 2 models have other settings"
    )


LOGITS = {"class_name": "AUC", "module": "keras.metrics", "config": {"name": "auc", "from_logits": True}}


@pytest.mark.parametrize(("metric", "why"), [("mine", "code of the model's own"), (LOGITS, "no setting 'from_logits'")])
def test_what_cannot_be_computed_is_told_and_refused_where_all_is_asked_for(model, metric, why):
    ref = model(loss="mse", metrics=[metric])
    result = added({}, ref)
    assert [name for *_, name in names(result)] == ["loss"]
    (line,) = result.left_out
    assert why in line
    with pytest.raises(
        EvalConfigError, match=r"^options.include_default_metrics: model 'm' was .*set it to false, and name"
    ):
        added({"options": {"include_default_metrics": True}}, ref)


def test_a_threshold_on_what_cannot_be_computed_is_refused_with_the_reason(model):
    config = {"metrics_specs": [{"thresholds": {"mine": BOUND}}]}
    with pytest.raises(
        EvalConfigError, match=r"^metrics_specs: a threshold is for 'mine', but .* code of the model's own"
    ):
        added(config, model(loss="mse", metrics=["mine"]))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "^metrics_specs: no metric is asked for, and no model was compiled with metrics"),
        ({"options": {"include_default_metrics": True}}, "^options.include_default_metrics: no model was compiled"),
    ],
)
def test_a_model_that_was_not_compiled_has_none(model, config, message):
    with pytest.raises(EvalConfigError, match=message):
        added(config, model())


def test_without_a_model_there_are_none_to_ask_for():
    with pytest.raises(EvalConfigError, match=r"^options.include_default_metrics: no model is run"):
        added({"metrics_specs": [COUNT], "options": {"include_default_metrics": True}})


def test_what_is_noted_for_later_tasks_is_what_was_found(model):
    found = found_in([model(loss="mine", metrics=["mse", LOGITS])])
    assert from_noted(json.loads(json.dumps(noted(found)))) == found


@pytest.mark.parametrize("compiled", [{"metrics": [{"class_name": 3}]}, {"loss": {"class_name": "A"}}])
def test_a_file_that_says_nonsense_is_an_error_of_the_model(model, compiled):
    with pytest.raises(ModelError, match=r"^model 'm' .* cannot be read"):
        found_in([model(**compiled)])
