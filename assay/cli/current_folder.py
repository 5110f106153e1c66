"""Code of the user's own, which lies in the folder that a command is called in."""

from __future__ import annotations

import os
import sys


def let_import() -> None:
    """Lets modules in the current folder be imported, after all that is installed.

    Only commands that run code of the user's own call this, as the current folder may hold results of others.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
