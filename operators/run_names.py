"""Names of runs: that of an Airflow run as folders, containers and pods can have it."""

from __future__ import annotations

import hashlib
import re

from airflow.sdk import Context

from assay.errors import ConfigError
from assay.results.latest import RUN_NAME

_LONGEST = 200
"""Folders are called after runs, with a few characters more; a disk takes 255."""


def run_name(given: str, context: Context) -> str:
    """Name of a run: the tasks of a group share it, mapped ones do not.

    Args:
        given: the name that the user gives; "" makes one of DAG, run and task group.
        context: Airflow's.

    Raises:
        ConfigError: it has neither letters nor digits, such as `..`, which as a folder is another one.
    """
    group = context["task"].task_group
    index = context["ti"].map_index
    parts = [context["dag"].dag_id, context["run_id"], (group.group_id if group else "") or ""]
    name = given or ".".join(part for part in parts if part)
    if not re.search("[A-Za-z0-9]", name):
        raise ConfigError(f"run: expected a name with letters or digits of ASCII, found {name!r}")
    return _plain(name if index is None or index < 0 else f"{name}.{index}")


def _plain(name: str) -> str:
    """A name in letters, digits, `_`, `.` and `-` that begins with a letter or digit.

    Where more was changed than the colons and signs of a time, it ends in a digest: no two names become one.
    """
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)
    if RUN_NAME.fullmatch(name) and len(name) <= _LONGEST:
        return plain
    return f"{plain.strip('-_.')[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
