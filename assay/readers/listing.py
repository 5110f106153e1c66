"""The files that the names, globs and folders of an analysis stand for: those that hold rows, and no others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from assay import storage
from assay.errors import InputError, MissingFileError
from assay.readers import row_files
from assay.readers.same_files import absolute, once
from assay.storage import globs
from assay.storage.file_paths import FilePath, path_texts
from assay.text.near_miss import hint

_TABLES = {"_delta_log": "a Delta table", ".hoodie": "a Hudi table", "_temporary": "a folder that is still written to"}
"""Name of a folder -> what the folder above it is, in which not every file belongs to the data."""


def find(patterns: Sequence[FilePath], key: str = "inputs.files") -> dict[str, int]:
    """Returns the files that the names, globs and folders stand for, sorted by name, and their sizes in bytes.

    Each file is there once, also if several names, or links, lead to it; the order is that of their absolute paths.
    Hidden files, and what Spark and others write beside their data (`_SUCCESS`, `*.crc`), are left out unless they are
    named. A folder stands for all files below it.

    Args:
        patterns: names, globs or folders.
        key: the field that has them, for messages.

    Raises:
        MissingFileError: there is no pattern, or one matches no file.
        ConfigError: a path on a storage that is not supported.
        InputError: a named pipe or a device, a table in which not every file belongs to the data, or links of which
            nobody can tell which one is meant.
    """
    if not patterns:
        raise MissingFileError(f"{key} is empty; expected at least one file name or glob")

    files: dict[str, int] = {}
    for pattern in path_texts(list(patterns), key):
        storage.check_uri(pattern, key)
        matches = _match(os.path.expanduser(pattern), key)
        if not matches:
            raise MissingFileError(f"no file matches {pattern!r} of {key}; {_advice(os.path.expanduser(pattern))}")
        files |= matches
    return {file: files[file] for file in sorted(once(files, key), key=absolute)}


def _match(pattern: str, key: str) -> dict[str, int]:
    size = _size_of(pattern, key)
    if size is not None:  # a file's name may have characters that mean something in a glob
        return {pattern: size}

    folder = pattern.rstrip("/")
    if storage.is_folder(folder):
        return _rows_in(folder, key)
    return _globbed(pattern, key)


def _size_of(file: str, key: str) -> int | None:
    """Size in bytes of the file of that name; None if there is none."""
    storage.check_regular(file, key, InputError)
    stat = None if file.endswith("/") else storage.stat(file)
    return None if stat is None else stat.size


def _rows_in(folder: str, key: str) -> dict[str, int]:
    """The files below a folder that hold rows."""
    path = storage.local_path(folder)
    if path is not None:
        entries = [
            os.path.join(parent, name) for parent, folders, files in os.walk(path) for name in (*folders, *files)
        ]
        entries = row_files.of_folder(path, entries)
        _refuse_links_to_folders(entries, key)
        _refuse_links_to_nothing(entries, key)

    below = {file: stat.size for file, stat in storage.list(folder)}
    _refuse_tables(folder, {part for file in below for part in file[len(folder) + 1 :].split("/")[:-1]}, key)
    return _regular({file: below[file] for file in row_files.of_folder(folder, below)}, key)


def _globbed(pattern: str, key: str) -> dict[str, int]:
    matches = {file: stat.size for file, stat in storage.match(pattern).items()}
    path = storage.local_path(pattern)
    if path is not None:
        entries = [os.path.join(folder, name) for folder in globs.walked(path) for name in storage.names(folder or ".")]
        _refuse_links_to_folders(row_files.of_glob(path, entries), key)
        _refuse_links_to_nothing(row_files.of_glob(path, globs.paths(path)), key)

    for folder in {_above_partitions(os.path.dirname(file)) for file in matches}:
        _refuse_tables(folder, [name for name in _TABLES if storage.is_folder(os.path.join(folder, name))], key)
    return _regular({file: matches[file] for file in row_files.of_glob(pattern, matches)}, key)


def _above_partitions(folder: str) -> str:
    """The folder of a table of which this one is a partition, as `day=2026-01-01` is; else the folder itself."""
    while "=" in os.path.basename(folder):
        folder = os.path.dirname(folder)
    return folder


def _regular(files: dict[str, int], key: str) -> dict[str, int]:
    for file in files:
        storage.check_regular(file, key, InputError)
    return files


def _refuse_tables(folder: str, names: Iterable[str], key: str) -> None:
    for name in sorted(set(names) & set(_TABLES)):
        raise InputError(
            f"{key}: {folder} is {_TABLES[name]} (it has {name}), in which not every file counts; expected a folder "
            "of plain files: write the rows to one, or name the files themselves"
        )


def _refuse_links_to_folders(paths: Iterable[str], key: str) -> None:
    """Listing does not follow links to folders below a folder, so their files would be missing."""
    for path in paths:
        if os.path.islink(path) and os.path.isdir(path):
            raise InputError(f"{key}: {path} is a link to a folder; name the folder that it leads to")


def _refuse_links_to_nothing(paths: Iterable[str], key: str) -> None:
    for path in paths:
        if os.path.islink(path) and not os.path.exists(path):
            raise InputError(f"{key}: {path} is a link to {os.readlink(path)}, where there is nothing; remove the link")


def _advice(pattern: str) -> str:
    if storage.is_folder(pattern.rstrip("/")):
        return "it is a folder without files of data; name another one"
    parent, name = os.path.split(pattern)
    if parent and not row_files.GLOB.search(parent) and not storage.is_folder(parent):
        return f"there is no folder {parent}; correct the path"
    others = storage.names(parent or ".") if storage.local_path(pattern) is not None else ()
    return f"correct the path{hint(name, others)}"


def partition_of(file: str, column: str) -> str | None:
    """The part of a file's path that gives the value of a column, as in `day=2026-01-01`; None if none does."""
    return next((part for part in file.split("/")[:-1] if part.startswith(f"{column}=")), None)
