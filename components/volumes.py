"""Whether a container has what its task reads, and keeps what it writes. Standard library only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from assay.errors import ConfigError
from assay.plan.blessed import blessed_uri
from assay.plan.local_paths import CURE, is_in, unreached, uris_of
from assay.plan.plan import Plan, Task

IMAGE_VARIABLE = "ASSAY_IMAGE"
"""Set in our images, and in images made from them."""

_MOUNTS = "/proc/self/mountinfo"
_MOUNT_POINT = 4
"""The field of a line of `_MOUNTS`, from 0; see proc_pid_mountinfo(5)."""


def check_task(plan: Plan, task: Task, root: str) -> None:
    """Refuses a task in a container without the files that it reads, or that would write where nobody finds it.

    Without a volume, what is written is lost with the container: results that nobody can open, or checkpoints that
    the next task does not find. What is only read may be in the image, too. Outside of our images nothing is refused.

    Args:
        plan: with its parameters.
        task: a task of the plan.
        root: folder or URI of all checkpoints.

    Raises:
        ConfigError: see above; the message names field, path and cure.
    """
    kept = {"root", "output", *(field for field, uri in uris_of(plan, task) if uri == blessed_uri(plan))}
    needed = [("root", root), *uris_of(plan, task)]
    check_paths([(field, uri) for field, uri in needed if field in kept or not _is_in_image(uri)], task.name)


def check_paths(needed: Iterable[tuple[str, str]], task: str) -> None:
    """Refuses paths on no volume that this container mounts.

    Args:
        needed: field and path or URI of what is read or written.
        task: name of the task that runs here, for the message.

    Raises:
        ConfigError: a path is on none; outside of our images nothing is refused.
    """
    if IMAGE_VARIABLE not in os.environ:
        return
    points = mount_points()
    for field, uri in unreached(needed, points):
        if not is_in(os.path.realpath(uri), points):
            raise ConfigError(f"{field}: the container of {task} has no volume at {uri}; {CURE}")


def mount_points(file: str = _MOUNTS) -> set[str]:
    """Where file systems are mounted, but for the container's own at /. Only "/" where that cannot be known.

    Args:
        file: list of mounts in the form of /proc/self/mountinfo.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {"/"}
    points = (line.split(" ")[_MOUNT_POINT] for line in lines)
    return {re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point) for point in points} - {"/"}


def _is_in_image(uri: str) -> bool:
    """Whether the folder is there in which a file, or the files of a glob, are expected."""
    return os.path.isdir(os.path.dirname(re.split(r"[*?\[]", uri)[0]))
