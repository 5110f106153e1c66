import json
import math
import textwrap
from pathlib import Path

import pytest

from assay.errors import ConfigError, EvalConfigError, MissingFileError, PipelineError, UsageError
from assay.plan.analysis_file import compile_analysis, load_analysis
from assay.plan.as_json import from_json, to_json
from assay.plan.filled import with_params
from assay.plan.plan import EVALUATE, EXTRACT, Stage

METRICS = [{"metrics": [{"class_name": "ExampleCount"}]}]


def analysis(**changes):
    """A small sound analysis of predictions in the data; None takes a key away."""
    written = {
        "inputs": {"format": "csv", "files": ["data/*.csv"]},
        "eval_config": {"model_specs": [{"label_key": "y", "prediction_key": "p"}], "metrics_specs": METRICS},
        "output": "out",
        **changes,
    }
    return {key: value for key, value in written.items() if value is not None}


def config(*specs, **fields):
    return {"model_specs": list(specs), "metrics_specs": METRICS, **fields}


def model(name="candidate", **fields):
    return {"name": name, "uri": f"models/{name}", "type": "saved_model", **fields}


def joining(join):
    return {"inputs": {"format": "csv", "files": "a", "join": join}}


def extractor(name="AddRegion", **fields):
    return {"name": name, "factory": "my_pkg.stages:add_region", "adds": ["features"], **fields}


def evaluator(name="Drift", **fields):
    return {"name": name, "factory": "my_pkg.stages:drift", "run_after": "", "outputs": ["drift"], **fields}


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="analysis.yaml"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(content) if isinstance(content, str) else json.dumps(content))
        return file

    return write_file


def refused(written, tmp_path, error=ConfigError):
    with pytest.raises(error) as caught:
        compile_analysis(written, tmp_path)
    assert caught.value.exit_code == 64
    assert "\n" not in str(caught.value)
    return str(caught.value)


def names(plan, kind):
    return [stage.name for stage in plan.of_kind(kind)]


# A whole file


def test_the_file_of_the_readme_becomes_a_plan(write, tmp_path):
    file = write(
        """
        params: {date: null}
        inputs: {format: tfrecord, files: ["data/${date}/eval-*.tfrecord.gz"]}
        on_bad_rows: skip
        max_bad_rows: 0.1%
        models:
          - {name: candidate, uri: models/candidate, type: saved_model}
          - {name: baseline, uri: models/baseline, type: keras, baseline: true}
        eval_config:
          model_specs: [{label_key: income}]
          metrics_specs: [{metrics: [{class_name: AUC}]}]
          slicing_specs: [{}, {feature_values: {zip: "94043"}}]
        extractors:
          - {name: AddRegion, factory: "my_pkg.stages:add_region", args: {n: 1}, after: ExtractFeatures,
             adds: [features]}
        evaluators:
          - {name: Drift, factory: "my_pkg.stages:drift", run_after: ExtractFeatures, outputs: [drift]}
        writers:
          - {name: WriteDrift, factory: "my_pkg.stages:write_drift"}
        output: out/
        """
    )
    plan = load_analysis(file, {"date": "2026-11-01"})
    assert plan.inputs["files"] == [f"{tmp_path}/data/2026-11-01/eval-*.tfrecord.gz"]
    assert [m["uri"] for m in plan.models] == [f"{tmp_path}/models/candidate", f"{tmp_path}/models/baseline"]
    assert plan.output == f"{tmp_path}/out"
    assert (plan.on_bad_rows, plan.max_bad_rows, plan.min_rows) == ("skip", 0.001, 1)
    assert [spec["name"] for spec in plan.eval_config["model_specs"]] == ["candidate", "baseline"]
    assert names(plan, EXTRACT) == [
        "ExtractFeatures",
        "AddRegion",
        "ExtractLabels",
        "ExtractExampleWeights",
        "ExtractPredictions",
        "ExtractSliceKeys",
    ]
    assert names(plan, EVALUATE) == ["EvaluateMetricsAndPlots", "Drift"]
    assert plan.stage("AddRegion").settings == {
        "factory": "my_pkg.stages:add_region",
        "args": {"n": 1},
        "per_row": False,
    }
    assert [w["name"] for w in plan.stage("WriteResults").settings["writers"]][-1] == "WriteDrift"
    assert [task.name for task in plan.tasks] == ["Analyse"]
    assert {s.name: s.image for s in plan.stages if s.image != "core"} == {
        "ReadInputs": "tensorflow",
        "ExtractPredictions": "tensorflow",
    }
    assert from_json(to_json(plan)) == plan


def test_yaml_and_json_give_the_same_plan(write):
    as_json = write(analysis(params={"a": 1}), "a.json")
    as_yaml = write(analysis(params={"a": 1}), "b.yaml")
    assert load_analysis(as_json) == load_analysis(as_yaml)


def test_without_given_parameters_they_stay_open(write):
    plan = load_analysis(write(analysis(params={"d": None}, output="out/${d}")))
    assert plan.params == {"d": None}
    assert plan.output.endswith("/out/${d}")
    assert not plan.resolved


def test_given_parameters_resolve_the_plan_and_missing_ones_are_refused(write):
    file = write(analysis(params={"d": None}, output="out/${d}"))
    assert load_analysis(file, {"d": "1"}).output.endswith("/out/1")
    with pytest.raises(ConfigError, match="parameter 'd' must be given: --param d=VALUE"):
        load_analysis(file, {})
    with pytest.raises(ConfigError, match="unknown parameter 'e'"):
        load_analysis(file, {"d": "1", "e": "2"})


def test_an_error_names_the_file_and_keeps_its_type(write):
    file = write(analysis(eval_config=config({"label_kye": "y"})))
    with pytest.raises(EvalConfigError) as caught:
        load_analysis(file)
    assert str(caught.value).startswith(f"{file}: eval_config.model_specs[0].label_kye")
    assert "did you mean 'label_key'?" in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.yaml: expected a file that can be read; No such file"):
        load_analysis(tmp_path / "nowhere.yaml")


# YAML


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("inputs: {format: csv", "line 1, column 21: expected YAML"),
        ("output: a\noutput: b\n", "line 2, column 1: the key 'output' is given twice; remove one"),
        ("inputs: {format: csv, format: csv}", "the key 'format' is given twice"),
        ("? [a]\n: b\n", "expected text as a key"),
        ("", "analysis.yaml: expected a mapping with the keys params, inputs"),
        ("- a\n", "analysis.yaml: expected a mapping"),
        ("output: a\n---\noutput: b\n", "expected YAML; expected a single document in the stream but found another"),
        ("output: !!python/object:os.system {}\n", "expected YAML"),
    ],
)
def test_a_file_that_is_no_yaml_is_refused_with_its_place(write, content, message):
    with pytest.raises(ConfigError) as caught:
        load_analysis(write(content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_json_is_refused_with_its_place(write):
    with pytest.raises(ConfigError, match="line 1, column 2: expected JSON"):
        load_analysis(write("{,}", "a.json"))
    with pytest.raises(ConfigError, match="the key 'output' is given twice"):
        load_analysis(write('{"output": "a", "output": "b"}', "b.json"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"output: \xff")
    with pytest.raises(ConfigError, match=r"^\S*/a\.yaml: expected UTF-8 text, found the byte 0xff"):
        load_analysis(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-11-01", "2026-11-01"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("02139", "02139"),
        ("1_000", "1_000"),
        ("1e-3", 0.001),
        ("-7", -7),
        ("0.5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
        ('"5"', "5"),
    ],
)
def test_yaml_scalars_mean_what_they_mean_in_json_and_all_else_is_text(write, written, value):
    content = f"""
        inputs: {{factory: "m:f", args: {{x: {written}}}}}
        eval_config:
          model_specs: [{{prediction_key: p}}]
          metrics_specs: [{{metrics: [{{class_name: ExampleCount}}]}}]
        output: out
    """
    found = load_analysis(write(content)).inputs["args"]["x"]
    assert found == value
    assert type(found) is type(value)


def test_yaml_keys_are_text_and_merges_work(write):
    content = """
        inputs:
          factory: m:f
          args: {<<: &common {1: a, yes: b}, yes: c}
        eval_config: {model_specs: [{prediction_key: p}], metrics_specs: [{metrics: [{class_name: ExampleCount}]}]}
        output: out
    """
    assert load_analysis(write(content)).inputs["args"] == {"1": "a", "yes": "c"}


# Keys and values


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ouput": "x"}, "ouput: unknown key; did you mean 'output'?"),
        ({"": "x"}, "unknown key ''; there are params"),
        ({"params": {1: "x"}}, "params: expected names of letters"),
        ({"inputs": {"format": "csv", "files": "a", "": 1}}, "inputs: unknown key ''; there are format"),
        ({"inputs": {"format": "csv", "files": 3}}, "inputs.files: expected text or a list of texts, found 3"),
        ({"eval_config": None, "eval_config_file": ""}, "eval_config_file: expected text that is not empty, found ''"),
        ({"output": None}, "output: this key is required"),
        ({"output": 5}, 'output: expected text, found 5 (in quotes it is text: "5")'),
        ({"output": ""}, "output: expected text that is not empty, found ''"),
        ({"inputs": None}, "inputs: this key is required"),
        ({"inputs": "a.csv"}, "inputs: expected a mapping with the keys format, files"),
        ({"inputs": {"format": "cvs", "files": "a"}}, "inputs.format: unknown value 'cvs'; did you mean 'csv'?"),
        ({"inputs": {"format": ["csv"], "files": "a"}}, "inputs.format: unknown value ['csv']"),
        ({"inputs": {"format": "csv"}}, "inputs.files: this key is required"),
        ({"inputs": {"format": "csv", "files": []}}, "inputs.files: expected at least one, found []"),
        ({"inputs": {"format": "csv", "files": ["a", 1]}}, "inputs.files[1]: expected text, found 1"),
        ({"inputs": {"format": "csv", "file": "a"}}, "inputs.file: unknown key; did you mean 'files'?"),
        ({"inputs": {"format": "csv", "files": "a", "batch_rows": 0}}, "inputs.batch_rows: expected a whole number"),
        ({"inputs": {"format": "csv", "files": "a", "options": []}}, "inputs.options: expected a mapping, found []"),
        ({"inputs": {"factory": "m:f", "files": "a"}}, "inputs.files: unknown key"),
        ({"inputs": {"factory": "m:f", "join": {}}}, "inputs.join: unknown key"),
        (joining({"files": "b", "keys": ["id"]}), "inputs.join.keys: unknown key"),
        (joining({"on": ["id"]}), "inputs.join.files: this key is required"),
        (joining({"files": "b"}), "inputs.join.on: this key is required"),
        (joining({"files": "b", "on": []}), "inputs.join.on: expected at least one key column, found []"),
        (joining({"files": "b", "on": ["id", "id"]}), "inputs.join.on: expected names, each once"),
        (joining({"files": "b", "on": "id"}), "inputs.join.on: expected a list, found 'id'"),
        (joining({"files": "b", "on": ["id"], "format": "cvs"}), "inputs.join.format: unknown value 'cvs'; did you m"),
        (joining({"files": "b", "on": ["id"], "max_unmatched": "2"}), "inputs.join.max_unmatched: expected a percent"),
        ({"inputs": {"factory": "my.module"}}, "inputs.factory: expected an import path package.module:function"),
        ({"inputs": {"factory": "m:f", "per_row": "yes"}}, "inputs.per_row: expected true or false, found 'yes'"),
        ({"on_bad_rows": "ignore"}, "on_bad_rows: unknown value 'ignore'; there are fail, skip"),
        ({"max_bad_rows": "1.2.3%"}, "max_bad_rows: expected a percentage such as 0.1%"),
        ({"max_bad_rows": 5}, "max_bad_rows: expected a percentage such as 0.1% or a share from 0 to 1, found 5"),
        ({"max_bad_rows": "nan"}, "max_bad_rows: expected a percentage"),
        ({"max_bad_rows": True}, "max_bad_rows: expected a percentage"),
        ({"min_rows": "many"}, "min_rows: expected a whole number of at least 1, found 'many'"),
        ({"min_rows": True}, "min_rows: expected a whole number"),
        ({"models": {"name": "m"}}, "models: expected a list, found"),
        ({"models": [{"name": "m", "type": "keras"}]}, "models[0].uri: this key is required"),
        (
            {"models": [model(type="savedmodel")]},
            "models[0].type: unknown value 'savedmodel'; did you mean 'saved_model'?",
        ),
        ({"models": [model(), model(tpye="keras")]}, "models[1].tpye: unknown key; did you mean 'type'?"),
        ({"models": [model(), model()]}, "models[1].name: two models have the name 'candidate'"),
        ({"models": [model("${a}")], "params": {"a": "x"}}, "models[0].name: expected text without a parameter"),
        ({"extractors": [extractor(adds=None)]}, "extractors[0].adds: this key is required"),
        ({"extractors": [extractor(adds=["a", "a"])]}, "extractors[0].adds: expected names, each once"),
        ({"extractors": [extractor(factory="x")]}, "extractors[0].factory: expected an import path"),
        ({"extractors": [extractor(run_after="x")]}, "extractors[0].run_after: unknown key"),
        ({"evaluators": [evaluator(outputs=None)]}, "evaluators[0].outputs: this key is required"),
        ({"evaluators": [evaluator(run_after=None)]}, "evaluators[0].run_after: this key is required"),
        ({"evaluators": [evaluator(args=[1])]}, "evaluators[0].args: expected a mapping, found [1]"),
        ({"writers": [{"name": "W"}]}, "writers[0].factory: this key is required"),
        ({"params": ["date"]}, "params: expected a mapping from parameter to default"),
        ({"params": {"a-b": 1}}, "params: expected names of letters, digits and _"),
        ({"params": {"a": [1]}}, "params.a: expected text without a parameter, a number"),
        ({"params": {"a": "${b}", "b": "x"}}, "params.a: expected text without a parameter"),
        (
            {"output": "o/${dat}", "params": {"date": "x"}},
            "output: unknown parameter 'dat' in 'o/${dat}'; did you mean",
        ),
        ({"extractors": [extractor(args={"a": ["${x}"]})]}, "extractors[0].args.a[0]: unknown parameter 'x'"),
        ({"extractors": [extractor(args={"a": float("nan")})]}, "extractors[0].args.a: expected a JSON value"),
    ],
)
def test_what_is_wrong_is_named_by_its_key_path(tmp_path, changes, message):
    assert refused(analysis(**changes), tmp_path).startswith(message)


def test_a_key_that_is_no_text_is_named(tmp_path):
    assert refused({**analysis(), 3: "x"}, tmp_path).startswith("unknown key 3; there are params")


@pytest.mark.parametrize(
    ("written", "found"),
    [("0.1%", 0.001), ("5 %", 0.05), (0.25, 0.25), (0, 0.0), (1, 1.0), ("100%", 1.0), ("0.02", 0.02)],
)
def test_a_share_is_a_percentage_or_a_number_up_to_one(tmp_path, written, found):
    assert compile_analysis(analysis(max_bad_rows=written), tmp_path).max_bad_rows == found


def test_null_is_as_good_as_absent(tmp_path):
    open_keys = dict.fromkeys(("models", "extractors", "evaluators", "writers", "params", "on_bad_rows", "min_rows"))
    assert compile_analysis({**analysis(), **open_keys}, tmp_path) == compile_analysis(analysis(), tmp_path)


def test_defaults_of_parameters_become_text(tmp_path):
    plan = compile_analysis(analysis(params={"n": 3, "x": 0.5, "b": True, "t": "t", "m": None}), tmp_path)
    assert plan.params == {"n": "3", "x": "0.5", "b": "true", "t": "t", "m": None}


# Places


@pytest.mark.parametrize("uri", ["/abs/x", "gs://bucket/x", "s3://bucket/${d}/x", "${d}/x"])
def test_absolute_places_and_uris_stay_as_they_are(tmp_path, uri):
    plan = compile_analysis(analysis(output=uri, inputs={"format": "csv", "files": uri}, params={"d": None}), tmp_path)
    assert plan.output == uri
    assert plan.inputs["files"] == [uri]


def test_relative_places_are_relative_to_the_file_and_not_to_the_process(write, tmp_path, monkeypatch):
    write(analysis(output="../out"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    plan = load_analysis("../analysis.yaml")
    assert plan.output == str(tmp_path.parent / "out")
    assert plan.inputs["files"] == [str(tmp_path / "data/*.csv")]


@pytest.mark.parametrize(
    ("base", "output"),
    [
        ("gs://bucket", "gs://bucket/runs/out"),
        ("gs://bucket/team/", "gs://bucket/team/runs/out"),
        ("s3://bucket/a/b", "s3://bucket/a/b/runs/out"),
        ("/srv/team", "/srv/team/runs/out"),
    ],
)
def test_relative_places_start_from_another_base(write, base, output):
    uris = ("models/${d}", "/abs/model", "gs://far/model")
    models = [model(f"m{i}", uri=uri) for i, uri in enumerate(uris)]
    specs = config(*({"name": m["name"], "label_key": "y"} for m in models))
    file = write(analysis(output="./runs/x/../out/", models=models, eval_config=specs, params={"d": None}))

    plan = load_analysis(file, base=base)
    moved = output.replace("runs/out", "models/${d}")
    assert (plan.output, [m["uri"] for m in plan.models]) == (output, [moved, *uris[1:]])
    assert load_analysis(file, {"d": "1"}, base).models[0]["uri"] == moved.replace("${d}", "1")


def test_a_base_may_be_a_path_but_no_path_that_was_made_of_a_uri(write, tmp_path):
    file = write(analysis(output="out"))
    assert load_analysis(file, base=tmp_path / "team").output == f"{tmp_path}/team/out"
    with pytest.raises(UsageError, match="base: a path cannot hold a URI, found 'gs:/bucket'"):
        load_analysis(file, base=Path("gs://bucket"))


def test_an_eval_config_file_lies_beside_the_analysis_file_whatever_the_base(write):
    write(
        'model_specs { label_key: "y" prediction_key: "p" } metrics_specs { metrics { class_name: "AUC" } }', "c.pbtxt"
    )
    written = {key: value for key, value in analysis().items() if key != "eval_config"}
    plan = load_analysis(write(written | {"eval_config_file": "c.pbtxt"}), base="gs://bucket")
    assert plan.eval_config["model_specs"][0]["label_key"] == "y"


def test_a_relative_place_does_not_leave_the_bucket(write):
    with pytest.raises(ConfigError, match=r"stays in the bucket of gs://bucket/a, found '\.\./\.\./other/out'"):
        load_analysis(write(analysis(output="../../other/out")), base="gs://bucket/a")


def test_a_second_source_has_places_and_parameters_and_the_format_of_the_first(tmp_path):
    join = {"files": "labels/${d}.csv", "on": ["id"], "max_unmatched": "1%"}
    plan = compile_analysis(analysis(params={"d": "today"}, **joining(join)), tmp_path)
    assert with_params(plan, {}).inputs["join"] == {
        "format": "csv",
        "files": [f"{tmp_path}/labels/today.csv"],
        "on": ["id"],
        "columns": None,
        "options": {},
        "max_unmatched": 0.01,
    }
    assert "join" not in compile_analysis(analysis(), tmp_path).inputs


def test_a_second_source_of_tf_examples_is_read_where_tensorflow_is(tmp_path):
    join = {"files": "labels", "on": ["id"], "format": "tfrecord"}
    assert compile_analysis(analysis(**joining(join)), tmp_path).stage("ReadInputs").image == "tensorflow"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/data/me")
    assert compile_analysis(analysis(output="~/out"), tmp_path).output == "/data/me/out"


def test_a_relative_place_that_starts_with_a_parameter_needs_a_dot(write, tmp_path):
    params = {"d": "runs"}
    with pytest.raises(ConfigError, match=r"output: expected an absolute path or a URI .*'runs/x'.*\(\./\$\{name\} in"):
        load_analysis(write(analysis(output="${d}/x", params=params)), {})
    assert load_analysis(write(analysis(output="./${d}/x", params=params)), {}).output == f"{tmp_path}/runs/x"


def test_an_import_path_of_a_callable_model_stays(tmp_path):
    written = analysis(models=[model(type="callable", uri="my_pkg.models:predict", args={"k": 1})])
    assert compile_analysis(written, tmp_path).models[0]["uri"] == "my_pkg.models:predict"


# Eval config


def test_an_eval_config_of_its_own_file_may_be_text_json_or_yaml(write, tmp_path):
    write(
        'model_specs { label_key: "y" prediction_key: "p" } metrics_specs { metrics { class_name: "AUC" } }', "c.pbtxt"
    )
    inline = {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
    }
    write(inline, "c.json")
    write(
        "model_specs: [{label_key: y, prediction_key: p}]\nmetrics_specs: [{metrics: [{class_name: AUC}]}]\n", "c.yaml"
    )
    expected = compile_analysis(analysis(eval_config=inline), tmp_path)
    for name in ("c.pbtxt", "c.json", "c.yaml", str(tmp_path / "c.json")):
        assert compile_analysis(analysis(eval_config=None, eval_config_file=name), tmp_path) == expected


def test_an_error_in_the_eval_config_file_names_that_file(write, tmp_path):
    write({"model_specs": [{"label_kye": "y"}]}, "c.json")
    message = refused(analysis(eval_config=None, eval_config_file="c.json"), tmp_path, EvalConfigError)
    assert message.startswith("eval_config_file c.json: model_specs[0].label_kye")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "eval_config_file c.json: expected an object with the fields model_specs"),
        ('{"options": {}, "options": {}}', "eval_config_file c.json: the key 'options' is given twice"),
        ("{", "eval_config_file c.json: line 1, column 2: expected JSON"),
        (b"\xff", "eval_config_file c.json: expected UTF-8 text, found the byte 0xff"),
        (json.dumps({"model_specs": [{"": 1}]}), "eval_config_file c.json: model_specs[0]: ModelSpec has no field ''"),
        (
            json.dumps(config({"label_key": "y"})),
            "eval_config_file c.json: model_specs[0].prediction_key: expected the column with the predictions",
        ),
    ],
)
def test_an_error_in_the_eval_config_file_says_its_place_once(content, message, tmp_path):
    (tmp_path / "c.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refused(analysis(eval_config=None, eval_config_file="c.json"), tmp_path).startswith(message)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "eval_config: line 1, column 2: expected JSON"),
        ({"": 1}, "eval_config: EvalConfig has no field ''; there are"),
        ({"metrics_specs": [{"": 1}]}, "eval_config.metrics_specs[0]: MetricsSpec has no field ''; there are"),
        ({"options": {"min_slice_size": math.inf}}, "eval_config.options.min_slice_size: expected a JSON value"),
    ],
)
def test_an_error_in_the_inline_eval_config_says_its_place_once(written, message, tmp_path):
    assert refused(analysis(eval_config=written), tmp_path).startswith(message)


def test_a_missing_eval_config_file_is_refused(tmp_path):
    message = refused(analysis(eval_config=None, eval_config_file="c.json"), tmp_path, MissingFileError)
    assert message == "eval_config_file c.json: expected a file that can be read; No such file or directory"


@pytest.mark.parametrize(("file", "inline", "found"), [(None, None, "none"), ("c", config(), "both")])
def test_the_eval_config_stands_in_one_place(tmp_path, file, inline, found):
    message = refused(analysis(eval_config=inline, eval_config_file=file), tmp_path)
    assert message == f"eval_config: expected either eval_config or eval_config_file, found {found}"


def test_an_unknown_metric_is_refused_with_a_near_miss(tmp_path):
    written = config({"prediction_key": "p"})
    written["metrics_specs"] = [{"metrics": [{"class_name": "AUG"}]}]
    message = refused(analysis(eval_config=written), tmp_path, EvalConfigError)
    assert message.startswith("eval_config.metrics_specs[0].metrics[0].class_name:")
    assert "did you mean 'AUC'?" in message


def test_parameters_stand_in_text_fields_of_the_eval_config(write):
    file = write(analysis(eval_config=config({"label_key": "${y}", "prediction_key": "p"}), params={"y": "label"}))
    assert load_analysis(file, {}).eval_config["model_specs"][0]["label_key"] == "label"


def test_a_parameter_in_a_number_of_the_eval_config_is_refused_with_the_reason(tmp_path):
    written = config({"prediction_key": "p"})
    threshold = {"value_threshold": {"lower_bound": {"value": "${bound}"}}}
    written["metrics_specs"] = [{"metrics": [{"class_name": "AUC", "threshold": threshold}]}]
    message = refused(analysis(eval_config=written, params={"bound": 0.5}), tmp_path, EvalConfigError)
    assert message.endswith("; a parameter can stand only in fields of text")


# Models and predictions


def test_without_models_the_predictions_come_from_the_data(tmp_path):
    plan = compile_analysis(analysis(), tmp_path)
    assert "ExtractMaterializedPredictions" in names(plan, EXTRACT)
    assert "ExtractPredictions" not in names(plan, EXTRACT)
    assert {stage.image for stage in plan.stages} == {"core"}


def test_without_models_and_prediction_key_the_analysis_is_refused(tmp_path):
    message = refused(analysis(eval_config=config({"label_key": "y"})), tmp_path, EvalConfigError)
    assert message.startswith("eval_config.model_specs[0].prediction_key: expected the column with the predictions")


def test_an_extractor_of_ones_own_may_bring_the_predictions(tmp_path):
    written = analysis(eval_config=config({"label_key": "y"}), extractors=[extractor(adds=["predictions"])])
    plan = compile_analysis(written, tmp_path)
    assert not {"ExtractMaterializedPredictions", "ExtractPredictions"} & set(names(plan, EXTRACT))


def test_a_callable_model_needs_no_tensorflow(tmp_path):
    plan = compile_analysis(analysis(models=[model(type="callable", uri="m:f")]), tmp_path)
    assert plan.stage("ExtractPredictions").image == "core"


def test_settings_of_a_model_that_are_not_given_are_left_to_its_loader(tmp_path):
    plan = compile_analysis(analysis(models=[model(features=["a", "b"])]), tmp_path)
    assert plan.models[0] == {
        "name": "candidate",
        "uri": f"{tmp_path}/models/candidate",
        "type": "saved_model",
        "baseline": False,
        "features": ["a", "b"],
    }


TWO = ({"name": "candidate"}, {"name": "baseline", "is_baseline": True})


@pytest.mark.parametrize(
    ("models", "specs", "message"),
    [
        (
            [model("candidat"), model("baseline", baseline=True)],
            TWO,
            "models[0].name: no model spec is named 'candidat'",
        ),
        (
            [model("baseline"), model("candidate", baseline=True)],
            TWO,
            "models[0].baseline: expected what the model spec",
        ),
        (
            [model("candidate")],
            ({"name": "candidate"}, {"name": "other"}),
            "eval_config.model_specs[1].name: no model is named 'other'",
        ),
    ],
)
def test_models_and_model_specs_must_agree(tmp_path, models, specs, message):
    assert refused(analysis(models=models, eval_config=config(*specs)), tmp_path).startswith(message)


def test_without_a_baseline_a_change_threshold_needs_the_rubber_stamp(tmp_path):
    written = config({"name": "candidate", "label_key": "label"}, {"name": "baseline", "is_baseline": True})
    threshold = {"change_threshold": {"absolute": {"value": 0.1}, "direction": "HIGHER_IS_BETTER"}}
    written["metrics_specs"] = [{"metrics": [{"class_name": "AUC", "threshold": threshold}]}]
    assert "baseline" in refused(analysis(models=[model()], eval_config=written), tmp_path)
    plan = compile_analysis(analysis(models=[model()], eval_config=written, rubber_stamp=True), tmp_path)
    assert plan.rubber_stamp
    assert len(plan.eval_config["model_specs"]) == 1


# Extra stages


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        ([extractor("A"), extractor("B")], "F L W P A B S"),
        ([extractor("A", after="ExtractFeatures"), extractor("B", after="ExtractFeatures")], "F A B L W P S"),
        ([extractor("A", after=""), extractor("B", after="A"), extractor("C", after="")], "A B C F L W P S"),
        ([extractor("A"), extractor("B", after="ExtractMaterializedPredictions")], "F L W P A B S"),
        ([extractor("A", after="ExtractSliceKeys"), extractor("B")], "F L W P B S A"),
        ([extractor("A", after="ExtractLabels"), extractor("B", after="A"), extractor("C")], "F L A B W P C S"),
    ],
)
def test_extractors_stand_where_after_says(tmp_path, extras, expected):
    short = {
        "ExtractFeatures": "F",
        "ExtractLabels": "L",
        "ExtractExampleWeights": "W",
        "ExtractMaterializedPredictions": "P",
        "ExtractSliceKeys": "S",
    }
    plan = compile_analysis(analysis(extractors=extras), tmp_path)
    assert " ".join(short.get(name, name) for name in names(plan, EXTRACT)) == expected


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"extractors": [extractor(after="ExtractFeature")]},
            ConfigError,
            "extractors[0].after: no extractor 'ExtractFeature' comes before; did you mean 'ExtractFeatures'?",
        ),
        ({"extractors": [extractor(after="ReadInputs")]}, ConfigError, '("" is directly after reading)'),
        ({"extractors": [extractor("ExtractLabels")]}, PipelineError, "two stages have the name 'ExtractLabels'"),
        ({"extractors": [extractor("a b")]}, PipelineError, "found the name 'a b'"),
        ({"extractors": [extractor(adds=["_mine"])]}, PipelineError, "'_mine'"),
        ({"evaluators": [evaluator(run_after="ExtractFeature")]}, PipelineError, "did you mean 'ExtractFeatures'?"),
        (
            {"evaluators": [evaluator(outputs=["analysis"])], "analysis_table": True},
            PipelineError,
            "belongs to evaluator",
        ),
        ({"evaluators": [evaluator(), evaluator("Second")]}, PipelineError, "'drift' belongs to evaluator 'Drift'"),
        ({"evaluators": [evaluator(outputs=[])]}, PipelineError, "at least one output key"),
        ({"writers": [{"name": "Gate", "factory": "m:f"}]}, PipelineError, "two stages have the name 'Gate'"),
    ],
)
def test_stages_that_do_not_fit_together_are_refused(tmp_path, changes, error, message):
    assert message in refused(analysis(**changes), tmp_path, error)


def test_an_evaluator_may_share_metrics(tmp_path):
    plan = compile_analysis(analysis(evaluators=[evaluator(outputs=["metrics", "drift"])]), tmp_path)
    assert plan.stage("Drift").outputs == ("metrics", "drift")


def test_the_analysis_table_adds_its_evaluator_and_writer(tmp_path):
    plan = compile_analysis(analysis(analysis_table=True), tmp_path)
    assert plan.stage("EvaluateExtracts") == Stage(
        name="EvaluateExtracts", kind=EVALUATE, run_after="<last-extractor>", outputs=("analysis",)
    )
    assert {"name": "WriteAnalysisTable"} in plan.stage("WriteResults").settings["writers"]


def test_a_reader_of_ones_own_states_its_factory(tmp_path):
    written = {"factory": "my_pkg.io:read", "args": {"table": "t/${d}"}, "per_row": True, "image": "mine:1"}
    plan = compile_analysis(analysis(inputs=written, params={"d": None}), tmp_path)
    assert plan.inputs == {"factory": "my_pkg.io:read", "args": {"table": "t/${d}"}, "per_row": True}
    assert plan.stage("ReadInputs").image == "mine:1"


def test_no_code_of_the_users_own_is_imported(tmp_path, monkeypatch):
    (tmp_path / "explosive.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    compile_analysis(
        analysis(
            inputs={"factory": "explosive:f"},
            models=[model(type="callable", uri="explosive:f")],
            extractors=[extractor(factory="explosive:f")],
            evaluators=[evaluator(factory="explosive:f")],
            writers=[{"name": "W", "factory": "explosive:f"}],
        ),
        tmp_path,
    )


def test_every_error_is_one_that_a_retry_cannot_help():
    assert {error.exit_code for error in (ConfigError, EvalConfigError, MissingFileError, PipelineError)} == {
        UsageError.exit_code
    }


# Where it runs --------------------------------------------------------------------------------------------------------


def test_options_by_name_are_flags_of_beam(tmp_path):
    options = {
        "runner": "FlinkRunner",
        "parallelism": 2,
        "save_main_session": True,
        "experiments": ["a", "b"],
        "environment_config": {"command": "/opt/boot"},
    }
    plan = compile_analysis(analysis(options=options), tmp_path)
    assert plan.options == (
        "--runner=FlinkRunner",
        "--parallelism=2",
        "--save_main_session",
        "--experiments=a",
        "--experiments=b",
        '--environment_config={"command": "/opt/boot"}',
    )
    assert from_json(to_json(plan)) == plan


def test_a_plan_without_options_is_what_it_was_before_there_were_any(tmp_path):
    text = to_json(compile_analysis(analysis(), tmp_path))
    assert '"options":[' not in text
    assert from_json(text).options == ()


def test_parameters_stand_in_options_and_secrets_do_not(tmp_path):
    params = {"host": "flink", "token": None}
    plan = compile_analysis(analysis(params=params, options={"job_endpoint": "${host}:8099"}), tmp_path)
    assert with_params(plan, {"host": "other"}).options == ("--job_endpoint=other:8099",)
    line = refused(analysis(params=params, options={"job_endpoint": "${token}"}), tmp_path)
    assert "'token', which is secret" in str(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"--runner": "FlinkRunner"}, "options: expected names of options of Beam pipelines, such as runner, without"),
        ({"streaming": False}, "options.streaming: expected text, a number, true, a mapping, or a list of these"),
        (["--runner=FlinkRunner"], "options: expected a mapping"),
    ],
)
def test_options_that_are_none_are_refused(options, line, tmp_path):
    with pytest.raises(ConfigError, match=line):
        compile_analysis(analysis(options=options), tmp_path)
