"""Names of runs: made of Airflow's so that folders, containers and pods can have them."""

from __future__ import annotations

import hashlib
import re

from airflow.sdk import Context

from assay.errors import ConfigError
from assay.results.latest import RUN_NAME

_LONGEST = 200
"""Characters. Names of folders are those of runs and a few characters more; a disk takes 255."""


def run_name(name: str, context: Context) -> str:
    """Name of a run. The tasks of a group share it; in a mapped group each index has its own.

    Args:
        name: the name that the user gives; "" makes one of DAG, run and task group.
        context: Airflow's.

    Raises:
        ConfigError: it has neither letters nor digits, such as `..`, which as a folder would be another one.
    """
    group = context["task"].task_group
    index = context["ti"].map_index
    parts = [context["dag"].dag_id, context["run_id"], (group.group_id if group else "") or ""]
    name = name or ".".join(part for part in parts if part)
    if not re.search("[A-Za-z0-9]", name):
        raise ConfigError(f"run: expected a name with letters or digits of ASCII, found {name!r}")
    return _plain(name if index is None or index < 0 else f"{name}.{index}")


def _plain(name: str) -> str:
    """The name in letters, digits, `_`, `.` and `-`, beginning with a letter or digit.

    If more was replaced than the colons and signs of a time, it ends in a digest, so that no two names become one.
    """
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)
    if RUN_NAME.fullmatch(name) and len(name) <= _LONGEST:
        return plain
    return f"{plain.strip('-_.')[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
