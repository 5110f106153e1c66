"""A plan as a DAG, run by `dag.test()`: the file is a program of Airflow's environment, PLAN FOLDER DATA.

It prints the states of the tasks as JSON, on its last line.
"""

from __future__ import annotations

import json
import sys

from airflow.sdk import DAG

from assay.operators import model_analysis_task_group

plan, folder, data = sys.argv[1:]
with DAG("parity", schedule=None) as dag:
    model_analysis_task_group(plan, root=f"{folder}/checkpoints")()

if __name__ == "__main__":
    run = dag.test(run_conf={"data": data, "out": folder})
    states = {ti.task_id.rpartition(".")[2]: ti.state for ti in run.get_task_instances()}
    sys.stdout.write(f"\n{json.dumps(states)}\n")
