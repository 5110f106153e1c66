"""Folders to a bucket and back."""

from __future__ import annotations

from pathlib import Path

from assay import storage


def upload(folder: Path, uri: str) -> None:
    """Writes all files of a folder below a URI."""
    for file in folder.rglob("*"):
        if file.is_file():
            storage.write(storage.join(uri, *file.relative_to(folder).parts), file.read_bytes())


def download(uri: str, folder: Path) -> None:
    """Writes all that lies below a URI into a folder."""
    for found, _ in storage.list(uri):
        file = folder / found.removeprefix(f"{uri}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(storage.read(found))
