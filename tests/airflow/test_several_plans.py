"""Several analyses in one DAG run, outside of task groups: each task goes by what itself has done."""

from __future__ import annotations

import json
from pathlib import Path

from tests.airflow.conftest import BAD_DAY, GOOD_DAY, analysis
from tests.airflow.runs import returned, run_dag

DAG_FILE = """
from dataclasses import dataclass, replace
from airflow.sdk import DAG
from assay.operators import AnalyseOperator, BlessOperator, ReadInputsOperator, SubprocessLauncher

LENIENT, STRICT, CUT = {plans!r}
ROOT, GOOD, BAD = {root!r}, {good!r}, {bad!r}


class ThenAnother:
    '''A stage after whose end another analysis runs its stage, in the same run, before anybody has read anything.'''

    def __init__(self, first, second):
        self._first, self._second = first, second

    def lines(self):
        return self._first.lines()

    def wait(self):
        code, other = self._first.wait(), self._second()
        assert [*other.lines()] and other.wait() == 0
        return code

    def stop(self):
        self._first.stop()


@dataclass(frozen=True, kw_only=True)
class Overtaken(SubprocessLauncher):
    instead: tuple[tuple[str, str], ...] = ()

    def start(self, call):
        swapped = dict(self.instead)
        other = replace(call, arguments=tuple(swapped.get(word, word) for word in call.arguments))
        assert other != call
        return ThenAnother(super().start(call), lambda: SubprocessLauncher.start(self, other))


with DAG("_several", schedule=None):
    common = {{"root": ROOT, "plan_params": {{"date": GOOD}}}}
    other_plan = Overtaken(instead=((STRICT, LENIENT),))
    other_day = Overtaken(instead=((f"date={{GOOD}}", f"date={{BAD}}"),))
    strict = AnalyseOperator(task_id="strict", stage="Analyse", plan=STRICT, launcher=other_plan, **common)
    lenient = AnalyseOperator(task_id="lenient", stage="Analyse", plan=LENIENT, **common)
    bless = BlessOperator(task_id="bless", plan=STRICT, gate=strict.output, plan_params={{"date": GOOD}})
    read = ReadInputsOperator(task_id="read", stage="ReadInputs", plan=CUT, launcher=other_day, **common)
    strict >> lenient >> [bless, read]
"""


def test_each_task_returns_its_own_verdict_and_manifest_though_another_plan_ran_in_between(dags, data, tmp_path):
    plans = [
        plan_file(tmp_path, "lenient", analysis(data, tmp_path, checkpoint="none")),
        plan_file(tmp_path, "strict", analysis(data, tmp_path, bound=0.999, checkpoint="none")),
        plan_file(tmp_path, "cut", analysis(data, tmp_path)),
    ]
    file, root = dags / "several.py", tmp_path / "checkpoints"
    file.write_text(DAG_FILE.format(plans=plans, root=str(root), good=GOOD_DAY, bad=BAD_DAY))
    run, states = run_dag(file, "_several")
    assert states == {"strict": "success", "lenient": "success", "read": "success", "bless": "skipped"}
    assert returned(run, "strict")["verdict"] == "NOT_BLESSED"
    assert returned(run, "lenient")["verdict"] == "BLESSED"
    assert returned(run, "strict")["output"] != returned(run, "lenient")["output"]
    manifest = json.loads(Path(returned(run, "read")["manifest"]).read_text())
    assert list(manifest["inputs"]) == [f"{data}/{GOOD_DAY}/rows.parquet"]
    assert len(list((root / "runs").glob("several.*/ReadInputs-*.json"))) == 2


def plan_file(folder, name, content):
    """Writes the plan of an analysis; returns its URI."""
    from assay.plan.analysis_file import compile_analysis
    from assay.plan.as_json import to_json

    file = folder / f"{name}.json"
    file.write_text(to_json(compile_analysis(content, folder)))
    return str(file)
