"""Commands on a terminal of their own."""

import os
import pty
import subprocess
import sys


def on_a_terminal(folder, *arguments, environment=None):
    """What a command writes to a terminal.

    Args:
        folder: where it is called.
        arguments: its own.
        environment: what else is set.
    """
    leader, follower = pty.openpty()
    variables = {**os.environ, **(environment or {})}
    command = [sys.executable, "-m", "assay", *arguments]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, cwd=folder, env=variables):
        os.close(follower)
        seen = b""
        while chunk := read(leader):
            seen += chunk
    os.close(leader)
    return seen


def read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""
