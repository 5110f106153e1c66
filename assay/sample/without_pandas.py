"""Keeps Arrow from importing pandas, which takes as long as all else that a small command does."""

from __future__ import annotations

import sys


def keep_pandas_out() -> None:
    """Makes pandas as good as not installed, as long as the process lives, unless it is loaded already.

    With the first array that goes between Arrow and numpy, Arrow imports pandas to see whether the array is one of its
    columns. Only a process that ends with what it does can forbid that. A file whose columns have types of pandas loads
    it when these are looked up.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)


class _NoPandas:
    """Finds no pandas, and lets others look for everything else."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """As `importlib.abc.MetaPathFinder` has it."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out", name=name)
