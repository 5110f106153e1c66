"""Ids of Airflow's tasks, in snake case, made of the names of a plan's tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from assay.errors import ConfigError
from assay.text.words import snake_case


def task_id_of(name: str) -> str:
    """`EvaluateMetricsAndPlots` as `evaluate_metrics_and_plots`."""
    return re.sub("[.-]", "_", snake_case(name))


def check_task_ids(names: Iterable[str], own: Iterable[str]) -> None:
    """Refuses names of tasks that become the same id.

    Args:
        names: of the tasks of a plan.
        own: ids of tasks that a group adds.

    Raises:
        ConfigError: it has both names.
    """
    taken: dict[str, str] = {}
    for name in names:
        task_id = task_id_of(name)
        if task_id in own:
            raise ConfigError(f"task {name!r}: the task group adds a task {task_id!r} itself; choose another name")
        if task_id in taken:
            raise ConfigError(
                f"tasks {taken[task_id]!r} and {name!r} both become {task_id!r} in Airflow; choose other names"
            )
        taken[task_id] = name
