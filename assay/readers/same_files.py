"""Names that lead to the same file on a disk: its rows count once. Standard library only, as Airflow uses it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from assay import storage
from assay.errors import InputError


def once(files: Iterable[str], key: str) -> list[str]:
    """Returns one name of each file, in order: the first of several spellings, and the file before links to it.

    `data/a.csv`, `./data//a.csv` and the absolute path are spellings of one name. Hard links are files of their own, as
    they are to every other program. In a bucket each name is an object of its own.

    Args:
        files: names of files that are there.
        key: the field that has them, for messages.

    Raises:
        InputError: two links lead to a file that is not among the files itself: they may be meant as one file, or as
            two that were stored once because they are equal.
    """
    names: dict[str, dict[str, str]] = {}  # file -> path of the file or of a link to it -> the name that was given
    for file in files:
        path = storage.local_path(file)
        if path is None:
            names[file] = {file: file}
        else:
            names.setdefault(os.path.realpath(path), {}).setdefault(_without_linked_folders(path), file)
    return [_name_of(file, paths, key) for file, paths in names.items()]


def absolute(file: str) -> str:
    """The name of a file however it is spelled: its absolute path, without `.` and `..`; of an object, its URI."""
    path = storage.local_path(file)
    return file if path is None else os.path.abspath(path)


def _without_linked_folders(path: str) -> str:
    """The absolute path of a file or a link, whose folders are no links."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _name_of(file: str, paths: Mapping[str, str], key: str) -> str:
    if file in paths or len(paths) == 1:
        return paths.get(file) or next(iter(paths.values()))
    first, second, *_ = paths.values()
    raise InputError(
        f"{key}: {first} and {second} are links to one file, whose rows would count twice; expected each file once: "
        "name one of them, or copy the file if it is meant twice"
    )
