"""Fits a worker process of an engine to its work: Beam's workers import this module before they do anything.

Workers that are threads of another process do not import it, so that process stays as it is.
"""

from __future__ import annotations

from assay.engine import memory

memory.tune()
