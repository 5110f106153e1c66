"""`python -m assay` is the command `assay`."""

import os
import sys

# `python -m` puts the current folder before all that is installed. It may hold the results of somebody else, and a
# `rich.py` among them: it must be off the path before anything else is imported.
if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
    del sys.path[0]

from assay.cli import command

if __name__ == "__main__":
    command()
