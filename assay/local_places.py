"""Places of a plan that exist on one machine only, and whether a container that sees some folders reaches them.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from assay.errors import ConfigError
from assay.plan import EXTRACT, READ_INPUTS, WRITE_RESULTS, Plan

EVERYTHING = ""
"""In place of the kind of a task: one that does all that the plan does."""

_INPUTS = re.compile(r"inputs\b")
_CALLABLE = "callable"


def local_places(plan: Plan) -> Iterator[tuple[str, str]]:
    """Field and path of each place that is no URI; what begins with a parameter may become one, and is left out."""
    inputs = plan.inputs
    places = [(f"inputs.files[{i}]", file) for i, file in enumerate(inputs.get("files", ()))]
    joined = (inputs.get("join") or {}).get("files", ())
    places += [(f"inputs.join.files[{i}]", file) for i, file in enumerate(joined)]
    places += [(f"models[{i}].uri", m["uri"]) for i, m in enumerate(plan.models) if m.get("type") != _CALLABLE]
    places.append(("output", plan.output))
    return ((field, place) for field, place in places if place.startswith("/"))


def check_reached(plan: Plan, mounted: Collection[str], where: str, kind: str = EVERYTHING, root: str = "") -> None:
    """Refuses a plan whose containers would look for files that they do not have.

    Args:
        plan: a plan.
        mounted: folders that the containers see.
        where: what runs the containers, for the message.
        kind: of the task that runs there; by default all kinds.
        root: of the checkpoints, if containers are to see that too.

    Raises:
        ConfigError: a place lies in none of the folders.
    """
    roots = [("root", root)] if root.startswith("/") else []
    for field, place in [*roots, *local_places(plan)]:
        if _is_needed(field, kind) and not any(_is_below(place, folder) for folder in mounted):
            raise ConfigError(
                f"{field}: {place} is a path of this machine, which {where} does not have; "
                "give a gs:// URI or a parameter that brings one, start relative paths from a URI (--base, or "
                "load_analysis(file, base=...)), or mount the folder at the same path"
            )


def _is_below(place: str, folder: str) -> bool:
    return f"{place}/".startswith(f"{folder.rstrip('/')}/")


def _is_needed(field: str, kind: str) -> bool:
    """Whether a task of some kind looks at a place: reading pins the models, and extracting runs them."""
    if field == "root":
        return True
    if field == "output":
        return kind in (EVERYTHING, WRITE_RESULTS)
    if _INPUTS.match(field):
        return kind in (EVERYTHING, READ_INPUTS)
    return kind in (EVERYTHING, READ_INPUTS, EXTRACT)
