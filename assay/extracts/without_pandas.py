"""Keeps Arrow from importing pandas, which takes as long as a small command takes for all else."""

from __future__ import annotations

import importlib
import sys


def keep_pandas_out() -> None:
    """Makes pandas as good as not installed until `let_pandas_in` is called, unless it is loaded already.

    With the first array that goes between Arrow and numpy, Arrow imports pandas to see whether the array is one of its
    columns. Only a process that runs no code but assay's own can forbid that.
    """
    if "pandas" not in sys.modules and _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def let_pandas_in(module: str = "pandas") -> None:
    """Imports pandas, or a module of it, for columns that nothing else can read or print; Arrow then uses it, too."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    importlib.import_module(module)


class _NoPandas:
    """Finds no pandas, and lets others look for everything else."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """As `importlib.abc.MetaPathFinder` has it."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out", name=name)


_FINDER = _NoPandas()
