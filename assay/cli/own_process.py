"""The process of the program `assay`, which runs nothing else: what it need not import, and how it ends.

Where Python code calls `assay.cli.main`, the process is somebody else's, and nothing here changes it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from assay.engine.core_of_beam import import_core_of_beam
from assay.extracts import without_pandas

if TYPE_CHECKING:
    from assay.plan.plan import Plan

_OF_THIS_MACHINE = ("--workers=", "--memory=")
"""Options that choose no other runner."""

_is_own = False


def claim() -> None:
    """Says that this process runs nothing but the program."""
    global _is_own
    _is_own = True


def keep_pandas_out() -> None:
    """For commands that run no code of the user's own."""
    if _is_own:
        without_pandas.keep_pandas_out()


def fit_imports(plan: Plan, options: Sequence[str]) -> None:
    """Imports the core of Beam alone, and no pandas, where neither code of the user's own nor another runner runs.

    Args:
        plan: a plan.
        options: of Beam pipelines, after those of the plan.
    """
    others = [option for option in (*plan.options, *options) if not option.startswith(_OF_THIS_MACHINE)]
    if _is_own and not plan.has_own_code and not others:
        without_pandas.keep_pandas_out()
        import_core_of_beam()


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
