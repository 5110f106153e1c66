"""Keeps Arrow from importing pandas, which takes as long as a small command takes for all else."""

from __future__ import annotations

import importlib
import sys

from assay.hidden_modules import HiddenModules

_PANDAS = HiddenModules("pandas")


def keep_pandas_out() -> None:
    """Makes pandas as good as not installed until `let_pandas_in` is called, unless it is loaded already.

    With the first array that goes between Arrow and numpy, Arrow imports pandas to see whether the array is one of its
    columns. Only a process that runs no code but assay's own can forbid that.
    """
    if "pandas" not in sys.modules and _PANDAS not in sys.meta_path:
        sys.meta_path.insert(0, _PANDAS)


def let_pandas_in(module: str = "pandas") -> None:
    """Imports pandas, or a module of it, for columns that nothing else can read or print; Arrow then uses it, too."""
    if _PANDAS in sys.meta_path:
        sys.meta_path.remove(_PANDAS)
    importlib.import_module(module)
