"""A user's own reader, extractor, evaluator and writer, named in an analysis file."""

import glob
from pathlib import Path

import pytest
import yaml

import assay
from assay.errors import ConfigError
from assay.plan.analysis_file import load_analysis
from assay.results.keys import slice_key_from_proto
from assay.run import check as checks
from assay.run import local

OWN = "tests.end_to_end.own_stages"


def analysis(folder: Path, **changes):
    content = {
        "inputs": {"factory": f"{OWN}:read_numbers", "args": {"batches": 4, "rows": 100}},
        "extractors": [
            {
                "name": "AddBand",
                "factory": f"{OWN}:add_band",
                "args": {"width": 0.5},
                "after": "ExtractFeatures",
                "adds": ["features"],
            }
        ],
        "evaluators": [
            {"name": "Highest", "factory": f"{OWN}:highest", "run_after": "ExtractSliceKeys", "outputs": ["highest"]}
        ],
        "writers": [
            {
                "name": "WriteHighest",
                "factory": f"{OWN}:write_lines",
                "args": {"key": "highest", "path": str(folder / "highest")},
            }
        ],
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "slicing_specs": [{}, {"feature_keys": ["band"]}, {"feature_keys": ["batch"]}],
            "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC"}]}],
        },
        "output": str(folder / "results"),
        **changes,
    }
    file = folder / "analysis.yaml"
    file.write_text(yaml.safe_dump(content))
    return load_analysis(file, {})


def rows_by_slice(folder):
    return {slice_key_from_proto(m.slice_key): m.rows for m in assay.load_metrics(str(folder / "results"))}


def lines(pattern):
    return sorted(line for file in glob.glob(f"{pattern}*") for line in Path(file).read_text().splitlines())


EXPECTED = {
    (): 400,
    (("band", 0),): 200,
    (("band", 1),): 200,
    (("batch", "b0"),): 200,
    (("batch", "b1"),): 200,
}


def test_stages_of_batches_do_their_part(tmp_path):
    result = local.run(analysis(tmp_path))
    assert rows_by_slice(tmp_path) == EXPECTED
    assert result.counts.rows == 400
    assert lines(tmp_path / "highest") == [
        "['Overall', 0.995]",
        "['band=0', 0.495]",
        "['band=1', 0.995]",
        "['batch=b0', 0.995]",
        "['batch=b1', 0.995]",
    ]


def test_stages_of_single_rows_do_the_same(tmp_path):
    plan = analysis(
        tmp_path,
        inputs={"factory": f"{OWN}:read_rows", "args": {"count": 400}, "per_row": True},
        extractors=[
            {
                "name": "AddBand",
                "factory": f"{OWN}:band_by_row",
                "per_row": True,
                "after": "ExtractFeatures",
                "adds": ["features"],
            }
        ],
        evaluators=[
            {
                "name": "CountRows",
                "factory": f"{OWN}:count_rows",
                "per_row": True,
                "run_after": "ExtractSliceKeys",
                "outputs": ["row_count"],
            }
        ],
        writers=[
            {
                "name": "WriteCount",
                "factory": f"{OWN}:write_lines",
                "args": {"key": "row_count", "path": str(tmp_path / "count")},
            }
        ],
    )
    local.run(plan)
    assert rows_by_slice(tmp_path) == EXPECTED
    assert lines(tmp_path / "count") == ["400"]


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no_such_package:stage", "cannot be imported"),
        (f"{OWN}:no_such_stage", "has no 'no_such_stage'"),
        (f"{OWN}:claims_another_name", "calls itself 'SomethingElse'"),
        (f"{OWN}:not_a_stage", "gave a int; expected an Extractor or a PTransform"),
        (f"{OWN}:add_band", "cannot take {}"),
    ],
)
def test_a_factory_that_disagrees_with_the_plan_is_refused_before_any_work(tmp_path, factory, message):
    extra = {"name": "Extra", "factory": factory, "adds": ["features"]}
    with pytest.raises(ConfigError, match="Extra") as caught:
        checks.check(analysis(tmp_path, extractors=[extra]), import_code=True)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"run_after": "ExtractLabels"}, "run_after is 'ExtractLabels' in the plan, and 'ExtractSliceKeys'"),
        ({"outputs": ["lowest"]}, "outputs are ['lowest'] in the plan, and ['highest'] in fact"),
    ],
)
def test_an_evaluator_is_held_to_what_the_plan_says_of_it(tmp_path, changed, message):
    evaluator = {
        "name": "Highest",
        "factory": f"{OWN}:highest",
        "run_after": "ExtractSliceKeys",
        "outputs": ["highest"],
    }
    with pytest.raises(ConfigError) as caught:
        local.run(analysis(tmp_path, evaluators=[evaluator | changed], writers=[]))
    assert message in str(caught.value)
