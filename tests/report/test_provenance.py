"""What the page tells of a run: when, how long, from what."""

import numpy as np
import pytest

from assay.report.evidence import evidence_of
from assay.report.page.results import html_page
from assay.report.provenance import facts_of, heading_facts, parameters_text, time_text
from tests.report.made_results import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("facts"), [()], np.array([0.8]))


def facts(folder, **more):
    return facts_of(evidence_of(folder, {"plan": "ab12", **more}))


def test_a_run_in_one_piece_has_one_duration_and_one_of_tasks_one_for_each(folder):
    assert facts(folder, seconds={"Analyse": 12.34})["Duration"] == "12.3 s"
    told = facts(folder, seconds={"ReadInputs": 75, "Gate": 0.5, "WriteResults": 7300})
    assert told["Duration"] == "ReadInputs 1 min 15 s, Gate 0.5 s, WriteResults 2 h 1 min"


def test_digests_of_data_models_and_checkpoints_are_told_in_short(folder):
    told = facts(folder, data_digest="d" * 64, model_digests={"new": "e" * 64}, checkpoints={"Gate": "f" * 64})
    assert told["Digest of the data"] == "d" * 12
    assert told["Digests of the models"] == f"new {'e' * 12}"
    assert told["Checkpoints"] == f"Gate {'f' * 12}"


def test_the_heading_has_time_duration_and_parameters(folder):
    known = {"finished": "2026-11-27T00:30:12Z", "seconds": {"Analyse": 2}, "params": {"date": "2026-11-26", "v": "7"}}
    assert heading_facts(evidence_of(folder, known)) == ["2026-11-27 00:30 UTC", "2.0 s", "date = 2026-11-26, v = 7"]


def test_what_is_not_known_or_makes_no_sense_is_left_out(folder):
    told = facts(folder, seconds=["x"], params=3, finished=17, checkpoints=None, data_digest=None, model_digests="")
    assert not {"Duration", "Parameters", "Finished", "Checkpoints", "Digest of the data"} & set(told)
    assert (time_text(""), parameters_text(None)) == ("", "")


def test_the_analysis_is_there_to_unfold_with_its_inputs_and_limits(folder):
    analysis = {"inputs": {"format": "csv", "files": ["<a>.csv"]}, "min_rows": 7}
    text = html_page(folder, {"plan": "ab12", "analysis": analysis})
    assert "<summary>Analysis</summary>" in text
    assert "&lt;a&gt;.csv" in text
    assert "&quot;min_rows&quot;: 7" in text
