"""Plans under a root: named by their digest, and believed only while they have it. Standard library only.

A plan names code that its stages import. Whoever can write to the root could put other code into it, so what is read
is compared with the name before anything in it is used.
"""

from __future__ import annotations

import hashlib
import re
import time

from assay import storage
from assay.errors import ConfigError, MissingFileError
from assay.plan.as_json import digest, from_json, to_json
from assay.plan.plan import FOLDERS_OF_ROOT, Plan

_FOLDER = FOLDERS_OF_ROOT[0]
_STORED = re.compile(rf"(?:.*/)?{_FOLDER}/(?P<digest>[0-9a-f]{{64}})\.json")
FRESH_SECONDS = 3600.0
"""A plan that is published again after this long is written again: its age tells when it was last in use."""

MOST_BYTES = 64 << 20


def path_of_plan(plan: Plan) -> str:
    """The path of a plan under a root, which is the same under any: `plans/DIGEST.json`."""
    return f"{_FOLDER}/{digest(plan)}.json"


def uri_of_plan(plan: Plan, root: str) -> str:
    """Where a plan lies under a root."""
    return storage.join(root, path_of_plan(plan))


def stored_digest(uri: str) -> str:
    """The digest by which a plan lies under a root; "" for one that lies elsewhere."""
    stored = _STORED.fullmatch(uri)
    return stored["digest"] if stored else ""


def publish_plan(plan: Plan, root: str) -> str:
    """Puts a plan where every task can read it, in place of what lies there if that is another; returns its URI."""
    uri = uri_of_plan(plan, root)
    store(uri, to_json(plan))
    return uri


def store(uri: str, text: str) -> None:
    """Writes the JSON of a plan, unless it is there already, unchanged and fresh."""
    content, stat = text.encode(), storage.stat(uri)
    is_fresh = stat is not None and time.time() - stat.updated < FRESH_SECONDS
    if not is_fresh or storage.read(uri) != content:
        storage.write(uri, content)


def plan_at(uri: str) -> Plan:
    """The plan at a URI.

    Raises:
        ConfigError: there is none, it is damaged, or it is not the one that its name says.
    """
    return from_json(plan_text(uri))


def plan_text(uri: str) -> str:
    """The JSON of the plan at a URI, compared with its name where that is a digest; see `plan_at`."""
    try:
        content = storage.read(uri, most=MOST_BYTES)
    except MissingFileError as error:
        raise ConfigError(f"--plan: there is no plan at {uri}") from error
    expected = stored_digest(uri)
    if expected and hashlib.sha256(content).hexdigest() != expected:
        raise ConfigError(
            f"--plan: {uri} is not the plan that its name says: somebody has changed it; nothing of it was run. "
            f"Delete it, find out who can write to that root, and publish the plan again"
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"--plan: expected JSON at {uri}, found bytes that are not text") from error
