"""What lies where under a root of checkpoints, told by names alone. Standard library only.

    plans/<digest>.json                        a plan
    runs/<run>/<task>-<plan>.json              what a run used; <plan>: eight digits of the digest of the resolved plan
    runs/<run>/<task>-<plan>.lease, alive      what it is about to use, and that it goes on
    <task>/<digest>/manifest.json              a checkpoint
    <task>/<digest>/damaged-<attempt>.json     a mark that somebody found it damaged
    <task>/<digest>/clearing                   a mark that it is being cleared away
    <task>/<digest>/<attempt>/<file>           shards, their list, counts of rows, a heartbeat, their job on an engine

Whatever has another name belongs to somebody else, wherever it lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay import storage
from assay.errors import CheckpointError
from assay.plan.plan import FOLDERS_OF_ROOT
from assay.results.latest import RUN_NAME
from assay.storage import Stat

PLANS, RUNS, SCRATCH = FOLDERS_OF_ROOT

MANIFEST_FILE, HEARTBEAT_FILE, CLEARING_FILE = "manifest.json", "alive", "clearing"
SHARDS_FILE, COUNTS_FILE, JOB_FILE = "shards.json", "counts.json", "job.json"
RECORD_SUFFIX, LEASE_SUFFIX = ".json", ".lease"

_DIGEST, _ATTEMPT = "[0-9a-f]{64}", "attempt-[0-9a-f]{16}"
_TEMPORARY = r"(?P<temporary>\.[0-9a-f]{32}\.tmp)?"
_SHARD = r"[0-9a-f]{32}\.(?:arrow|tfrecord)"
_SMALL = "|".join(map(re.escape, (HEARTBEAT_FILE, SHARDS_FILE, COUNTS_FILE, JOB_FILE)))
_IN_ATTEMPT = f"(?:{_SMALL}|{_SHARD})"
_IN_CHECKPOINT = (
    f"(?:{re.escape(MANIFEST_FILE)}|{CLEARING_FILE}|damaged-{_ATTEMPT}\\.json|(?P<attempt>{_ATTEMPT})/{_IN_ATTEMPT})"
)
_CHECKPOINT = re.compile(rf"(?P<task>[A-Za-z][A-Za-z0-9_.-]*)/(?P<digest>{_DIGEST})/{_IN_CHECKPOINT}{_TEMPORARY}")
_PLAN = re.compile(rf"{PLANS}/(?P<digest>{_DIGEST})\.json{_TEMPORARY}")
_NAMED = re.compile(rf"(?:.*/)?(?P<task>[A-Za-z][A-Za-z0-9_.-]*)/(?P<digest>{_DIGEST})/{re.escape(MANIFEST_FILE)}")
_IN_RUN = re.compile("(?P<task>.+)-[0-9a-f]{8}")
_RUN_FILE = re.compile(
    rf"{RUNS}/(?P<run>{RUN_NAME.pattern})/"
    rf"(?:{HEARTBEAT_FILE}|[A-Za-z][A-Za-z0-9_.-]*(?:\.json|\.lease)){_TEMPORARY}"
)


@dataclass
class Contents:
    """The files of assay's own under a root, by whose they are: URI -> what it is.

    Attributes:
        plans: files of plans.
        runs: run -> its files.
        checkpoints: (task, digest) -> files of the checkpoint and of attempts at it.
        temporaries: of writers, among all of these, which may have been killed.
        foreign: a file that is not assay's; "" for none.
    """

    plans: dict[str, Stat] = field(default_factory=dict)
    runs: dict[str, dict[str, Stat]] = field(default_factory=dict)
    checkpoints: dict[tuple[str, str], dict[str, Stat]] = field(default_factory=dict)
    temporaries: set[str] = field(default_factory=set)
    foreign: str = ""

    def add(self, name: str, uri: str, stat: Stat) -> None:
        """Adds the file of that name below the root."""
        if match := _CHECKPOINT.fullmatch(name):  # first: a task of an older version may be called `runs`
            self.checkpoints.setdefault((match["task"], match["digest"]), {})[uri] = stat
        elif match := _PLAN.fullmatch(name):
            self.plans[uri] = stat
        elif match := _RUN_FILE.fullmatch(name):
            self.runs.setdefault(match["run"], {})[uri] = stat
        else:
            self.foreign = self.foreign or name
            return
        if match["temporary"]:
            self.temporaries.add(uri)

    def files(self) -> Iterator[tuple[str, Stat]]:
        """All files of assay's own."""
        for group in (self.plans, *self.runs.values(), *self.checkpoints.values()):
            yield from group.items()

    @property
    def is_root(self) -> bool:
        """Whether somebody has run something here."""
        return bool(self.plans or self.runs)


def contents_of(root: str, folder: str = "") -> Contents:
    """Lists a root, or one of its folders."""
    contents, start = Contents(), len(root.rstrip("/")) + 1
    for uri, stat in storage.list(storage.join(root, folder) if folder else root):
        contents.add(uri[start:], uri, stat)
    return contents


def check_is_root(root: str, contents: Contents) -> None:
    """Refuses a folder in which something else lies: below it there may be roots, results, models, data.

    Raises:
        CheckpointError: it has neither plans nor runs.
    """
    if not contents.is_root and (contents.foreign or contents.checkpoints):
        raise CheckpointError(
            f"{root}: expected a root of checkpoints, found neither {PLANS}/ nor {RUNS}/ of assay's in it"
            f"{f' (but {contents.foreign})' if contents.foreign else ''}; nothing is deleted; give the root itself"
        )


def name_in_run(task: str, plan_digest: str) -> str:
    """What record and lease of a task are called in the folder of a run, without their suffix.

    Several analyses may run under one name, and have tasks of one name. The digest of the resolved plan keeps apart
    what they leave.
    """
    return f"{task}-{plan_digest[:8]}"


def tasks_of(name: str) -> set[str]:
    """The tasks whose files in the folder of a run may have that name: older versions left out the plan."""
    named = _IN_RUN.fullmatch(name)
    return {name, *((named["task"],) if named else ())}


def manifest_named(root: str, uri: str) -> str:
    """The manifest that a URI names, under this root, by whatever path the root was seen; "" if it names none."""
    named = _NAMED.fullmatch(uri)
    return manifest_uri(root, named["task"], named["digest"]) if named else ""


def manifest_uri(root: str, task: str, digest: str) -> str:
    """Where the manifest of a checkpoint lies."""
    return storage.join(root, task, digest, MANIFEST_FILE)


def clearing_uri(root: str, task: str, digest: str) -> str:
    """Where the mark lies that a checkpoint is being cleared away."""
    return storage.join(root, task, digest, CLEARING_FILE)
