import json
import math

import pytest
import yaml
from google.protobuf import json_format, text_format

from assay.config.resolved import (
    check_eval_config,
    columns_of,
    parse_eval_config,
    resolve_eval_config,
    to_canonical_json,
)
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig, ModelSpec

TEXT = """
model_specs { name: "candidate" label_key: "income" prediction_key: "p" example_weight_key: "weight" }
model_specs { name: "baseline" label_key: "income" prediction_key: "q" is_baseline: true }
slicing_specs {}
slicing_specs { feature_keys: ["sex"] feature_values { key: "zip" value: "94043" } }
metrics_specs {
  metrics {
    class_name: "AUC"
    config: '"num_thresholds": 100'
    threshold {
      value_threshold { lower_bound { value: 0 } }
      change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.01 } }
    }
    per_slice_thresholds {
      slicing_specs {}
      threshold { value_threshold { upper_bound { value: 1 } } }
    }
  }
  thresholds { key: "mean_label" value { value_threshold { lower_bound { value: 0.1 } } } }
  query_key: "query"
}
options { min_slice_size { value: 10 } }
"""

YAML = """
model_specs:
  - {name: candidate, label_key: income, prediction_key: p, example_weight_key: weight}
  - {name: baseline, label_key: income, prediction_key: q, is_baseline: true}
slicing_specs:
  - {}
  - {feature_keys: [sex], feature_values: {zip: "94043"}}
metrics_specs:
  - metrics:
      - class_name: AUC
        config: '"num_thresholds": 100'
        threshold:
          value_threshold: {lower_bound: 0}
          change_threshold: {direction: HIGHER_IS_BETTER, absolute: {value: -0.01}}
        per_slice_thresholds:
          - slicing_specs: [{}]
            threshold: {value_threshold: {upper_bound: 1.0}}
    thresholds:
      mean_label: {value_threshold: {lower_bound: 0.1}}
    query_key: query
options: {min_slice_size: 10}
"""


@pytest.fixture
def config():
    return text_format.Parse(TEXT, EvalConfig())


def message_of(error):
    return str(error.value)


# ---- forms ----


@pytest.mark.parametrize(
    "form",
    [
        lambda c: c,
        text_format.MessageToString,
        json_format.MessageToJson,
        lambda c: json_format.MessageToJson(c, preserving_proto_field_name=True),
        json_format.MessageToDict,
        lambda c: yaml.safe_load(YAML),
        lambda c: TEXT,
        to_canonical_json,
    ],
    ids=["message", "text", "json", "json-proto-names", "dict", "yaml", "text-by-hand", "canonical"],
)
def test_every_form_of_a_config_gives_the_same_message(form, config):
    assert parse_eval_config(form(config)) == config


def test_a_message_of_another_package_is_read_by_its_wire_form(config):
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    from assay.proto import config_pb2

    file = descriptor_pb2.FileDescriptorProto.FromString(config_pb2.DESCRIPTOR.serialized_pb)
    renamed = file.SerializeToString().replace(b"\x05assay", b"\x05other").replace(b".assay.", b".other.")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(config_pb2.DESCRIPTOR.dependencies[0].serialized_pb)
    file = descriptor_pb2.FileDescriptorProto.FromString(renamed)
    file.name = "other.proto"
    pool.Add(file)
    twin = message_factory.GetMessageClass(pool.FindMessageTypeByName("other.EvalConfig"))
    assert parse_eval_config(twin.FromString(config.SerializeToString())) == config


def test_reading_copies_the_message(config):
    parsed = parse_eval_config(config)
    parsed.model_specs[0].name = "changed"
    assert config.model_specs[0].name == "candidate"


def test_the_settings_of_a_metric_may_be_an_object():
    parsed = parse_eval_config({"metrics_specs": [{"metrics": [{"class_name": "AUC", "config": {"name": "a"}}]}]})
    assert json.loads(parsed.metrics_specs[0].metrics[0].config) == {"name": "a"}


def test_null_leaves_a_field_unset():
    assert parse_eval_config({"options": None, "model_specs": [{"name": None}]}) == EvalConfig(
        model_specs=[ModelSpec()]
    )


def test_an_empty_threshold_stays_set_in_canonical_json():
    given = parse_eval_config({"metrics_specs": [{"metrics": [{"threshold": {"value_threshold": {}}}]}]})
    again = parse_eval_config(to_canonical_json(given))
    assert again.metrics_specs[0].metrics[0].threshold.HasField("value_threshold")


def test_canonical_json_does_not_depend_on_the_order_of_writing():
    one = parse_eval_config({"model_specs": [{"label_keys": {"a": "x", "b": "y"}, "name": "m"}], "slicing_specs": [{}]})
    two = parse_eval_config({"slicingSpecs": [{}], "modelSpecs": [{"name": "m", "labelKeys": {"b": "y", "a": "x"}}]})
    text = '{"model_specs":[{"label_keys":{"a":"x","b":"y"},"name":"m"}],"slicing_specs":[{}]}'
    assert to_canonical_json(one) == to_canonical_json(two) == text


@pytest.mark.parametrize(
    ("source", "path", "hint"),
    [
        ({"metric_specs": []}, "metric_specs", "did you mean 'metrics_specs'"),
        ({"model_specs": [{"labelkey": "x"}]}, "model_specs[0].labelkey", "did you mean 'label_key'"),
        ({"model_specs": {"name": "x"}}, "model_specs", "a list"),
        ({"slicing_specs": [{"feature_keys": "sex"}]}, "slicing_specs[0].feature_keys", "a list"),
        ({"slicing_specs": [{"feature_values": {"zip": 94043}}]}, "slicing_specs[0].feature_values['zip']", "quotes"),
        ({"slicing_specs": [{"feature_values": ["zip"]}]}, "slicing_specs[0].feature_values", "an object"),
        ({"slicing_specs": ["sex"]}, "slicing_specs[0]", "feature_keys"),
        ({"model_specs": [{"is_baseline": "yes"}]}, "model_specs[0].is_baseline", "true or false"),
        ({"model_specs": [{"inference_batch_size": 1.5}]}, "model_specs[0].inference_batch_size", "a whole number"),
        ({"options": {"min_slice_size": True}}, "options.min_slice_size", "a whole number"),
        ({"options": {"min_slice_size": {"values": 3}}}, "options.min_slice_size", "a whole number"),
        (
            {"metrics_specs": [{}, {"metrics": [{"threshold": {"value_threshold": {"lower_bound": "high"}}}]}]},
            "metrics_specs[1].metrics[0].threshold.value_threshold.lower_bound",
            "a number, found 'high'",
        ),
        (
            {"metrics_specs": [{"thresholds": {"auc": {"change_threshold": {"direction": "HIGHER_BETTER"}}}}]},
            "metrics_specs[0].thresholds['auc'].change_threshold.direction",
            "did you mean 'HIGHER_IS_BETTER'",
        ),
        (
            {"metrics_specs": [{"metrics": [{"threshold": {"change_threshold": {"direction": ["up"]}}}]}]},
            "metrics_specs[0].metrics[0].threshold.change_threshold.direction",
            "LOWER_IS_BETTER",
        ),
        ({"metrics_specs": [{"metrics": [{"config": {"x": {1, 2}}}]}]}, "metrics_specs[0].metrics[0].config", "JSON"),
        ({"model_specs": [], "modelSpecs": []}, "model_specs", "twice"),
        ({"model_specs": [{"inference_batch_size": 2**40}]}, "model_specs[0].inference_batch_size", "to 2147483647, f"),
        ({"options": {"min_slice_size": 10**400}}, "options.min_slice_size", "to 2147483647, found 1000"),
        ({"options": {"min_slice_size": "many"}}, "options.min_slice_size", "expected a whole number, found 'many'"),
        (
            {"metrics_specs": [{"aggregate": {"micro_average": True, "macro_average": True}}]},
            "metrics_specs[0].aggregate",
            "micro_average and macro_average exclude each other",
        ),
        (
            {"metrics_specs": [{"aggregate": {"class_weights": {"one": 1}}}]},
            "metrics_specs[0].aggregate.class_weights['one']",
            "expected a whole number",
        ),
        ({"metrics_specs": [{"": {}}]}, "metrics_specs[0]", "MetricsSpec has no field ''; there are metrics"),
        ({"": 1}, "eval config", "EvalConfig has no field ''; there are model_specs"),
        ({"model_specs": [{"label key": "a"}]}, "model_specs[0]", "no field 'label key'; did you mean 'label_key'?"),
        ({"model_specs": [None]}, "model_specs[0]", "found nothing"),
        (None, "eval config", "found nothing"),
        ("[]", "eval config", "expected an object with the fields model_specs"),
        ('{"options": {}, "options": {}}', "eval config", "the key 'options' is given twice"),
        ({True: 1}, "True", "no such field"),
        (17, "eval config", "found int"),
        (ModelSpec(), "eval config", "found assay.ModelSpec"),
        ('{"model_specs": [}', "eval config", "line 1, column 18"),
    ],
)
def test_a_wrong_object_is_refused_with_the_path_of_the_field(source, path, hint):
    with pytest.raises(EvalConfigError) as error:
        parse_eval_config(source)
    assert message_of(error).startswith(f"{path}:")
    assert hint in message_of(error)


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        ("metric_specs {}", "metric_specs", "did you mean 'metrics_specs'?"),
        (
            'metrics_specs { metrics { class_name: "}" } }\n# {\nmetrics_specs { metrics {} metrics { clas_name: 1 } }',
            "metrics_specs[1].metrics[1].clas_name",
            "did you mean 'class_name'?",
        ),
        (
            "metrics_specs { metrics { threshold { value_threshold { lower_bound { value: abc } } } } }",
            "metrics_specs[0].metrics[0].threshold.value_threshold.lower_bound.value",
            "column 78: expected a number, found abc",
        ),
        ("model_specs { name: 4 }", "model_specs[0].name", "expected text in quotes, found 4"),
        ("model_specs <is_baseline: true> model_specs <is_baseline: 3>", "model_specs[1].is_baseline", "true"),
        ('model_specs: [{name: "a"}, {nam: "b"}]', "model_specs[1].nam", "did you mean 'name'?"),
        ('slicing_specs { feature_values { key: "a" val: "b" } }', "slicing_specs[0].feature_values[0].val", "value"),
        ("model_specs {", "model_specs[0]", "a { is never closed; add a }"),
    ],
)
def test_a_wrong_text_is_refused_with_the_path_of_the_field(text, path, hint):
    with pytest.raises(EvalConfigError) as error:
        parse_eval_config(text)
    assert message_of(error).startswith(f"{path}:")
    assert hint in message_of(error)


# ---- defaults ----


def with_change_threshold(**spec):
    metric = {"class_name": "AUC", "threshold": {"change_threshold": {"direction": 2, "absolute": 0.1}}}
    return parse_eval_config({"metrics_specs": [{"metrics": [metric]}], **spec})


def names_of(config):
    return [spec.name for spec in config.model_specs]


def test_an_empty_config_gets_a_model_spec_without_a_name():
    assert resolve_eval_config(EvalConfig()) == EvalConfig(model_specs=[ModelSpec()])


def test_resolving_does_not_change_what_it_is_given(config):
    before = EvalConfig.FromString(config.SerializeToString())
    resolve_eval_config(config, has_baseline_model=False)
    assert config == before


def test_the_name_of_a_single_model_is_dropped_everywhere():
    config = resolve_eval_config(
        parse_eval_config({"model_specs": [{"name": "m"}], "metrics_specs": [{}, {"model_names": ["m"]}]})
    )
    assert names_of(config) == [""]
    assert [list(spec.model_names) for spec in config.metrics_specs] == [[""], [""]]


def test_metrics_specs_without_models_are_for_all_models(config):
    resolved = resolve_eval_config(config)
    assert list(resolved.metrics_specs[0].model_names) == ["candidate", "baseline"]


def test_a_baseline_model_makes_two_specs_of_one_without_a_name():
    config = resolve_eval_config(with_change_threshold(model_specs=[{"label_key": "y"}]), has_baseline_model=True)
    assert names_of(config) == ["candidate", "baseline"]
    assert [spec.is_baseline for spec in config.model_specs] == [False, True]
    assert {spec.label_key for spec in config.model_specs} == {"y"}
    assert config.metrics_specs[0].metrics[0].threshold.HasField("change_threshold")


def test_a_baseline_spec_is_taken_out_when_there_is_no_baseline_model():
    specs = [{"name": "a"}, {"name": "b"}, {"name": "old", "is_baseline": True}]
    config = parse_eval_config({"model_specs": specs, "metrics_specs": [{"model_names": ["a", "old"]}]})
    resolved = resolve_eval_config(config, has_baseline_model=False)
    assert names_of(resolved) == ["a", "b"]
    assert list(resolved.metrics_specs[0].model_names) == ["a"]


@pytest.mark.parametrize("given", [None, False, True])
@pytest.mark.parametrize("key", [{"prediction_key": "q"}, {"prediction_keys": {"out": "q"}}], ids=["key", "keys"])
def test_a_baseline_whose_predictions_are_in_the_data_needs_no_model(given, key):
    specs = [{"name": "candidate", "prediction_key": "p"}, {"name": "baseline", "is_baseline": True, **key}]
    config = resolve_eval_config(with_change_threshold(model_specs=specs), has_baseline_model=given)
    assert names_of(config) == ["candidate", "baseline"]
    assert config.metrics_specs[0].metrics[0].threshold.HasField("change_threshold")


def test_metrics_of_the_baseline_alone_go_with_it():
    source = """
    model_specs { name: "new" label_key: "y" }
    model_specs { name: "old" label_key: "y" is_baseline: true }
    metrics_specs { model_names: "new" metrics { class_name: "AUC" } }
    metrics_specs { model_names: "old" metrics { class_name: "MeanLabel" } }
    metrics_specs { model_names: ["old", "new"] metrics { class_name: "Precision" } }
    metrics_specs { metrics { class_name: "Recall" } }
    """
    resolved = resolve_eval_config(parse_eval_config(source), has_baseline_model=False)
    assert [spec.metrics[0].class_name for spec in resolved.metrics_specs] == ["AUC", "Precision", "Recall"]
    assert [list(spec.model_names) for spec in resolved.metrics_specs] == [[""], [""], [""]]


def test_a_change_threshold_without_a_baseline_is_refused_and_named():
    with pytest.raises(
        EvalConfigError, match=r"^metrics_specs\[0\].metrics\[0\].threshold.change_threshold: .*baseline"
    ):
        resolve_eval_config(with_change_threshold())


def test_a_change_threshold_by_name_without_a_baseline_is_refused_and_named():
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.1}}
    by_name = {"thresholds": [{"slicing_specs": [{}], "threshold": threshold}]}
    config = parse_eval_config({"metrics_specs": [{"per_slice_thresholds": {"auc": by_name}}]})
    path = r"^metrics_specs\[0\].per_slice_thresholds\['auc'\].thresholds\[0\].threshold.change_threshold:"
    with pytest.raises(EvalConfigError, match=path):
        resolve_eval_config(config)


def test_a_rubber_stamp_takes_change_thresholds_out_and_leaves_value_thresholds(config):
    del config.model_specs[1]
    resolved = resolve_eval_config(config, rubber_stamp=True)
    threshold = resolved.metrics_specs[0].metrics[0].threshold
    assert not threshold.HasField("change_threshold")
    assert threshold.HasField("value_threshold")


def test_a_rubber_stamp_leaves_change_thresholds_where_there_is_a_baseline(config):
    resolved = resolve_eval_config(config, rubber_stamp=True)
    assert resolved.metrics_specs[0].metrics[0].threshold.HasField("change_threshold")


def test_confidence_intervals_without_a_method_are_by_jackknife():
    config = parse_eval_config({"options": {"compute_confidence_intervals": True}})
    assert resolve_eval_config(config).options.confidence_intervals.method == ConfidenceIntervalOptions.JACKKNIFE
    assert not resolve_eval_config(EvalConfig()).HasField("options")


# ---- checks ----


def test_a_good_config_passes(config):
    config.metrics_specs[0].ClearField("query_key")
    check_eval_config(resolve_eval_config(config))


def threshold_of(**bounds):
    return {"metrics_specs": [{"metrics": [{}, {"threshold": {"value_threshold": bounds}}]}]}


BOTH_KEYS = {"label_key": "y", "label_keys": {"a": "y"}}


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"model_specs": []}, "model_specs"),
        ({"model_specs": [{"name": "a"}, {}]}, "model_specs[1].name"),
        ({"model_specs": [{"name": "a"}, {"name": "a"}]}, "model_specs[1].name"),
        ({"model_specs": [BOTH_KEYS]}, "model_specs[0].label_key"),
        ({"model_specs": [{"prediction_key": "p", "prediction_keys": {"a": "p"}}]}, "model_specs[0].prediction_key"),
        (
            {"model_specs": [{"example_weight_key": "p", "example_weight_keys": {"a": "p"}}]},
            "model_specs[0].example_weight_key",
        ),
        (
            {"model_specs": [{"name": "a"}, {"name": "b", "is_baseline": True}, {"name": "c", "is_baseline": True}]},
            "model_specs[2].is_baseline",
        ),
        ({"model_specs": [{"is_baseline": True}]}, "model_specs[0].is_baseline"),
        ({"metrics_specs": [{"model_names": ["candidte"]}]}, "metrics_specs[0].model_names[0]"),
        ({"slicing_specs": [{}, {"slice_keys_sql": "SELECT"}]}, "slicing_specs[1].slice_keys_sql"),
        ({"slicing_specs": [{"feature_keys": ["a", ""]}]}, "slicing_specs[0].feature_keys[1]"),
        (
            {"slicing_specs": [{"feature_keys": ["a"], "feature_values": {"a": "1"}}]},
            "slicing_specs[0].feature_keys[0]",
        ),
        (
            {"metrics_specs": [{"metrics": [{"per_slice_thresholds": [{}]}]}]},
            "metrics_specs[0].metrics[0].per_slice_thresholds[0].slicing_specs",
        ),
        (
            {"metrics_specs": [{"per_slice_thresholds": {"auc": {"thresholds": [{}]}}}]},
            "metrics_specs[0].per_slice_thresholds['auc'].thresholds[0].slicing_specs",
        ),
        (
            {"metrics_specs": [{"metrics": [{"cross_slice_thresholds": [{}]}]}]},
            "metrics_specs[0].metrics[0].cross_slice_thresholds[0].cross_slicing_specs",
        ),
        (threshold_of(upper_bound=math.nan), "metrics_specs[0].metrics[1].threshold.value_threshold.upper_bound"),
        (threshold_of(lower_bound="NaN"), "metrics_specs[0].metrics[1].threshold.value_threshold.lower_bound"),
        (threshold_of(lower_bound=0.2, upper_bound=0.1), "metrics_specs[0].metrics[1].threshold.value_threshold"),
    ],
)
def test_a_config_that_cannot_be_is_refused_with_the_path_of_the_field(source, path):
    config = parse_eval_config({"model_specs": [{"name": "candidate"}], **source})
    with pytest.raises(EvalConfigError) as error:
        check_eval_config(config)
    assert message_of(error).startswith(f"{path}:")


def test_an_unknown_model_name_comes_with_the_near_one():
    specs = {
        "model_specs": [{"name": "candidate"}, {"name": "other"}],
        "metrics_specs": [{"model_names": ["candidte"]}],
    }
    with pytest.raises(EvalConfigError, match="did you mean 'candidate'"):
        check_eval_config(parse_eval_config(specs))


# ---- columns ----


def test_columns_are_listed_with_who_needs_them(config):
    assert columns_of(config) == {
        "income": "label_key of model 'candidate'",
        "weight": "example_weight_key of model 'candidate'",
        "p": "prediction_key of model 'candidate'",
        "q": "prediction_key of model 'baseline'",
        "sex": "slicing_specs[1]",
        "zip": "slicing_specs[1]",
        "query": "metrics_specs[0].query_key",
    }


def test_the_prediction_key_of_a_model_that_is_run_is_no_column(config):
    assert "p" not in columns_of(config, models=["candidate"])
    assert "q" in columns_of(config, models=["candidate"])


def test_columns_of_outputs_and_cross_slices_are_listed():
    config = parse_eval_config(
        {
            "model_specs": [{"label_keys": {"a": "y1", "b": "y2"}}],
            "cross_slicing_specs": [
                {"baseline_spec": {"feature_keys": ["sex"]}, "slicing_specs": [{"feature_keys": ["age"]}]}
            ],
        }
    )
    assert columns_of(config) == {
        "y1": "label_keys['a'] of model_specs[0]",
        "y2": "label_keys['b'] of model_specs[0]",
        "sex": "cross_slicing_specs[0].baseline_spec",
        "age": "cross_slicing_specs[0].slicing_specs[0]",
    }


def test_slices_that_only_a_threshold_names_need_no_column():
    entry = {"slicing_specs": [{"feature_keys": ["race"]}], "threshold": {"value_threshold": {"lower_bound": 0.5}}}
    assert columns_of(parse_eval_config({"metrics_specs": [{"metrics": [{"per_slice_thresholds": [entry]}]}]})) == {}
