"""`python -m assay` is the command `assay`."""

from __future__ import annotations

import sys

from assay.cli import main

sys.exit(main())
