"""Whether what lies on a disk is a file that can be read to its end. Standard library only."""

from __future__ import annotations

import os
import stat

from assay.errors import AssayError, ConfigError

_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


def check_regular(path: str, what: str = "", kind: type[AssayError] = ConfigError) -> None:
    """Refuses what is there on a disk but no regular file: to read a named pipe may take for ever.

    Args:
        path: where it lies; that there is nothing, or a folder, is for others to say.
        what: what it is meant to be, for the message.
        kind: of error.

    Raises:
        AssayError: a named pipe, a device, a socket; of the given kind.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    found = _KINDS.get(stat.S_IFMT(mode), "a device")
    named = f"{what} {path!r}" if what else path
    raise kind(f"{named}: expected a regular file, found {found}; write its content to a file first")
