"""Code of a user's own that needs a password, and the files in which that has come to stand. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECRET = "hunter2-S3CRET"
OWN = """
import os, apache_beam as beam, assay
def make(dsn, **more):
    open("seen.txt", "a").write(f"{dsn}\\n{more}\\n")
    return assay.Extractor("Own", beam.Map(lambda extracts: extracts))
def model(dsn):
    open("seen.txt", "a").write(f"{dsn}\\n")
    return lambda features: features["score"]
def refuse(dsn):
    raise ValueError(f"cannot reach {dsn}")
"""
"""The module `own`, which notes in the current folder what it was given."""

_STAGE = {
    "name": "Own",
    "factory": "own:make",
    "args": {"dsn": "postgres://u:${db_password}@h"},
    "adds": ["features"],
}
SECRETLY: dict[str, Any] = {"params": {"date": None, "db_password": None}, "extractors": [_STAGE]}
"""Of an analysis whose extractor is given the password."""


def telling(folder: Path) -> list[str]:
    """The files that hold the secret, but that which the user's own code writes."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "seen.txt")
    return [str(file.relative_to(folder)) for file in files if SECRET.encode() in file.read_bytes()]
