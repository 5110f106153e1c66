"""Paths of a plan that exist on one machine only, and whether a container that sees some folders reaches them.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from assay.errors import ConfigError
from assay.plan.blessed import blessed_uri
from assay.plan.checks import uris
from assay.plan.plan import READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import is_checkpointed, kind_of, runs_models

CURE = (
    "give a gs:// URI or a parameter that brings one, start relative paths from a URI (--base, or "
    "load_analysis(file, base=...)), or mount the folder at the same path"
)
"""What to do about a path that a container does not have, for messages."""


def uris_of(plan: Plan, task: Task) -> Iterator[tuple[str, str]]:
    """Field and URI of each file or folder of a plan, beside checkpoints, that a task reads or writes."""
    return ((field, uri) for field, uri in uris(plan) if _is_needed(plan, task, field, uri))


def is_local(uri: str) -> bool:
    """Whether a URI is a path; what begins with a parameter may become a URI, and is none."""
    return uri.startswith("/")


def unreached(needed: Iterable[tuple[str, str]], mounted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Those of some fields and URIs that are paths in none of the folders that a container sees."""
    return ((field, uri) for field, uri in needed if is_local(uri) and not is_in(uri, mounted))


def check_reached(needed: Iterable[tuple[str, str]], mounted: Collection[str], where: str) -> None:
    """Refuses a container that would look for files that it does not have.

    Args:
        needed: field and URI of what is read or written there.
        mounted: folders that the container sees.
        where: which container that is, for the message.

    Raises:
        ConfigError: a path lies in none of the folders.
    """
    for field, uri in unreached(needed, mounted):
        raise ConfigError(f"{field}: {uri} is a path of this machine, which {where} does not have; {CURE}")


def is_in(uri: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of some folders, or below one."""
    return any(f"{uri}/".startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _is_needed(plan: Plan, task: Task, field: str, uri: str) -> bool:
    """Reading pins the models and looks up which is blessed; only who runs the models looks at them again."""
    if not is_checkpointed(plan):
        return True
    kind = kind_of(plan, task)
    if field == "output":
        return kind == WRITE_RESULTS
    is_model = field.startswith("models") and uri != blessed_uri(plan)
    return kind == READ_INPUTS or (is_model and runs_models(plan, task))
