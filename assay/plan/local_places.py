"""Places of a plan that exist on one machine only, and whether a container that sees some folders reaches them.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from assay.errors import ConfigError
from assay.plan.blessed import place_of
from assay.plan.checks import places
from assay.plan.plan import READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import is_checkpointed, kind_of, runs_models


def places_of(plan: Plan, task: Task) -> Iterator[tuple[str, str]]:
    """Field and place of each file or folder of a plan, beside checkpoints, that a task reads or writes."""
    return ((field, place) for field, place in places(plan) if _is_needed(plan, task, field, place))


def is_local(place: str) -> bool:
    """Whether a place is a path; what begins with a parameter may become a URI, and is none."""
    return place.startswith("/")


def check_reached(needed: Iterable[tuple[str, str]], mounted: Collection[str], where: str) -> None:
    """Refuses a container that would look for files that it does not have.

    Args:
        needed: field and place of what is read or written there.
        mounted: folders that the container sees.
        where: which container that is, for the message.

    Raises:
        ConfigError: a place lies in none of the folders.
    """
    for field, place in needed:
        if is_local(place) and not is_in(place, mounted):
            raise ConfigError(
                f"{field}: {place} is a path of this machine, which {where} does not have; "
                "give a gs:// URI or a parameter that brings one, start relative paths from a URI (--base, or "
                "load_analysis(file, base=...)), or mount the folder at the same path"
            )


def is_in(place: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of some folders, or below one."""
    return any(f"{place}/".startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _is_needed(plan: Plan, task: Task, field: str, place: str) -> bool:
    """Reading pins the models and looks up which is blessed; only who runs the models looks at them again."""
    if not is_checkpointed(plan):
        return True
    kind = kind_of(plan, task)
    if field == "output":
        return kind == WRITE_RESULTS
    is_model = field.startswith("models") and place != place_of(plan)
    return kind == READ_INPUTS or (is_model and runs_models(plan, task))
