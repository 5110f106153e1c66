"""Makes modules as good as not installed: others that import them where they are there go without."""

from __future__ import annotations


class HiddenModules:
    """Put first on `sys.meta_path`, finds none of some modules, and lets others look for everything else."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """As `importlib.abc.MetaPathFinder` has it."""
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is kept out of this process", name=name)
