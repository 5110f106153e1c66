"""Names that lead to the same file on a disk: its rows count once. Standard library only, as Airflow uses it."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping

from assay import storage
from assay.errors import InputError


def once(files: Iterable[str], key: str) -> list[str]:
    """Returns one name of each file, in order: the first of several spellings, and the file before links to it.

    `data/a.csv`, `./data//a.csv` and the absolute path are spellings of one name. In a bucket each name is an object of
    its own.

    Args:
        files: names of files that are there.
        key: the field that has them, for messages.

    Raises:
        InputError: two links lead to a file that is not among the files itself, or two hard links are names of one
            file: they may be meant as one file, or as two that were stored once because they are equal.
    """
    names: dict[Hashable, dict[str, str]] = {}  # file -> its places -> the name that leads there
    for file in files:
        path = storage.local_path(file)
        place = file if path is None else _place(path)
        names.setdefault(file if path is None else _file_at(place), {}).setdefault(place, file)
    return [_name_of(places, key) for places in names.values()]


def absolute(file: str) -> str:
    """The name of a file however it is spelled: its absolute path, without `.` and `..`; of an object, its URI."""
    path = storage.local_path(file)
    return file if path is None else os.path.abspath(path)


def _place(path: str) -> str:
    """The absolute path of a file or a link, whose folders are no links."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _file_at(place: str) -> Hashable:
    """What two places have in common if they lead to one file."""
    try:
        status = os.stat(place)
    except OSError:  # it is gone by now, as whoever reads it will tell
        return place
    return (status.st_dev, status.st_ino) if status.st_nlink > 1 else os.path.realpath(place)


def _name_of(places: Mapping[str, str], key: str) -> str:
    own = [place for place in places if not os.path.islink(place)] or list(places)
    if len(own) == 1:
        return places[own[0]]
    first, second = own[:2]
    raise InputError(
        f"{key}: {places[first]} and {places[second]} are links to one file, whose rows would count twice; expected "
        "each file once: name one of them, or copy the file if it is meant twice"
    )
