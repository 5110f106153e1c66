"""URIs as text: `scheme://bucket/name`. Whether a storage has that scheme is for `assay.storage` to say."""

from __future__ import annotations

import re
from typing import NamedTuple

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Uri(NamedTuple):
    """The parts of a URI; `name` has no slash at its start, and is empty for the bucket itself."""

    scheme: str
    bucket: str
    name: str


def scheme_of(uri: str) -> str:
    """What stands before `://` at the start of a URI; "" for a path."""
    scheme = _SCHEME.match(uri)
    return scheme[1] if scheme else ""


def is_uri(uri: str) -> bool:
    """Whether it is a URI, of whatever scheme, and not a path."""
    return bool(scheme_of(uri))


def parts_of(uri: str) -> Uri:
    """The parts of a URI."""
    scheme, _, path = uri.partition("://")
    bucket, _, name = path.partition("/")
    return Uri(scheme, bucket, name)
