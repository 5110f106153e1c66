"""`assay init` and then `assay run`, without an edit, on data sets that people know."""

import json

import pytest

from assay.cli import main
from tests.proposal.public_data import SETS, write


def verdict():
    with open("out/analysis/verdict.json") as file:
        return json.load(file)


@pytest.mark.parametrize("name", SETS)
def test_what_init_writes_gives_a_verdict_without_an_edit(name, tmp_path, monkeypatch, capsys):
    load, form, _ = SETS[name]
    write(load(), form, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["init", f"scored.{form}"]) == 0, capsys.readouterr().err
    text = (tmp_path / "analysis.yaml").read_text()
    assert main(["check", "analysis.yaml"]) == 0, text + capsys.readouterr().err
    assert main(["run", "analysis.yaml", "--quiet"]) == 0, text + capsys.readouterr().err
    assert verdict()["status"] == "BLESSED", text
    assert verdict()["checks"], text


def test_the_thresholds_of_slices_hold_too_where_a_person_takes_the_signs_away(tmp_path, monkeypatch, capsys):
    write(SETS["breast_cancer"][0](), "parquet", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "scored.parquet"]) == 0
    text = (tmp_path / "analysis.yaml").read_text()
    uncommented = text.replace("            # - slicing", "            - slicing").replace(
        "            #   threshold", "              threshold"
    )
    assert uncommented.count("slicing_specs: [{feature_keys: [size]}]") == 1
    (tmp_path / "analysis.yaml").write_text(uncommented)
    assert main(["run", "analysis.yaml", "--quiet"]) == 0, capsys.readouterr().err
    assert verdict()["status"] == "BLESSED"
    assert [check["met"] for check in verdict()["checks"]] == [1, 2]  # all rows; large and small


def test_after_a_blessed_run_the_next_file_asks_for_what_that_run_had(tmp_path, monkeypatch, capsys):
    frame = SETS["breast_cancer"][0]()
    write(frame, "parquet", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "scored.parquet"]) == 0
    assert main(["run", "analysis.yaml", "--quiet"]) == 0
    write(frame.assign(score=frame["score"].to_numpy()[::-1]), "parquet", tmp_path)
    assert main(["init", "scored.parquet", "--force"]) == 0
    assert main(["run", "analysis.yaml", "--quiet"]) == 0, capsys.readouterr().err
    assert verdict()["status"] == "NOT_BLESSED"
