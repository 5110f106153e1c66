"""An error of a user's own stage on Flink is told as in process."""

from __future__ import annotations

from pathlib import Path

from tests.engines.flink import Flink
from tests.faults.small_run import Undisturbed, small_run


def test_an_error_of_a_users_own_stage_ends_with_one_line_of_step_error_file_and_line(
    flink_cluster: Flink, undisturbed: Undisturbed, tmp_path: Path
):
    broken = {"name": "Broken", "factory": "tests.faults.bad_code:broken_extractor", "adds": ["features"]}
    run = small_run(tmp_path, data=undisturbed.data, extractors=[broken])
    run.go_on(before="ExtractSliceKeys")
    run.options = flink_cluster.options()
    assert run.run("ExtractSliceKeys") == 1
    assert "at org.apache" not in run.printed("ExtractSliceKeys")
    line = run.last_line("ExtractSliceKeys")
    assert line.startswith("assay.errors.AssayError: in the step ")
    assert "RuntimeError: the user's own words (bad_code.py, line " in line
