"""Ends the process of a command."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """Ends the process with an exit code, once what it printed is out and what it registered for its end is done.

    The modules of Beam and TensorFlow are not taken down one by one, which takes as long as a small command. A thread
    that is to be waited for, or a stream that cannot be written to, ends the process in the usual way.
    """
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if any(not thread.daemon for thread in others):
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)

    atexit._run_exitfuncs()
    os._exit(code)
