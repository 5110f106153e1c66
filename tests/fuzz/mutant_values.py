"""Mutants whose keys and types are right, and whose values are not: each kind of mistake that only meaning shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.fuzz import places
from tests.fuzz.analyses import ANALYSES, Content
from tests.fuzz.mutants import Mutant, misspelt, mutant, place_of
from tests.fuzz.places import Path, changed, path_of, shown
from tests.fuzz.wrong_configs import IN_CONFIG
from tests.fuzz.wrong_plans import IN_PLAN

_NAN, _INF, _HUGE = float("nan"), float("inf"), 10**30

OUT_OF_RANGE: dict[str, tuple[Any, ...]] = {
    "batch_rows": (0, -1, 1.5, _NAN, _HUGE),
    "min_rows": (0, -5, 2.5),
    "seed": (-1, 0.5, _NAN),
    "max_slices": (0, -1),
    "max_bad_rows": (-0.1, 2, "150%", "-1%", _NAN, _INF),
    "max_unmatched": (-0.1, 7, "101%", "lots"),
    "min_slice_size": (-1, _HUGE, 2.5, _NAN),
    "num_thresholds": (0, -3, 1, 10**9, _NAN, _INF),
    "lower_bound": (_NAN, _INF),
    "upper_bound": (_NAN,),
    "absolute": (_NAN,),
    "relative": (_NAN,),
    "class_id": (-1, 1.5, 3, _HUGE),
}
"""Key -> numbers that it does not take."""

IN_LISTS: dict[str, tuple[Any, ...]] = {
    "values": (-1, 99, _HUGE, 1.5),
    "top_k_list": (0, -1, 1.5, _NAN),
    "thresholds": (_NAN,),  # any number may be a threshold, as not all scores are probabilities
}
"""The same of one of a list."""

WORDS = ("format", "output_file_format", "on_bad_rows", "type", "checkpoint", "method", "direction", "class_name")
COLUMNS = ("label_key", "prediction_key", "example_weight_key", "query_key")


def numbers_out_of_range() -> Iterator[Mutant]:
    for base, content in ANALYSES.items():
        for path, value in places.places(content):
            if isinstance(value, str | int | float) and (path[-1] in OUT_OF_RANGE or path[-2:-1] in _LISTS):
                wrong = OUT_OF_RANGE.get(path[-1]) or IN_LISTS[path[-2]]
                for number in wrong if isinstance(value, int | float) or "%" in str(value) else ():
                    yield _changed("a number out of range", base, path, number)


_LISTS = [(key,) for key in IN_LISTS]


def unknown_words(rng: random.Random) -> Iterator[Mutant]:
    """Misspelt names of what assay has: formats, metrics, methods."""
    for base, content in ANALYSES.items():
        for path, value in places.places(content):
            if path[-1] in WORDS:
                wrong = misspelt(value, rng)
                cures = ("did you mean '",)
                yield mutant(
                    f"an unknown {path[-1]}", base, f"{shown(path)}: {wrong}", changed(content, path, wrong),
                    (*place_of(path), repr(wrong)), cures,
                )  # fmt: skip


def unknown_columns(rng: random.Random) -> Iterator[Mutant]:
    for base, content in ANALYSES.items():
        for path, value in places.places(content):
            if (path[-1] in COLUMNS or _is_column(path)) and value != "band":
                wrong = misspelt(value, rng)
                kind = "an unknown column" if path[-1] in COLUMNS else "an unknown column in a list"
                yield mutant(
                    kind, base, f"{shown(path)}: {wrong}", changed(content, path, wrong), (wrong,),
                    (f"did you mean {value!r}?", "It has: ", "add {feature_keys"),
                )  # fmt: skip


def _is_column(path: Path) -> bool:
    """Whether a path is that of a column in a list. An extractor adds the band, to whatever rows it wants."""
    listed = path[-2:-1] in (("feature_keys",), ("columns",), ("on",), ("features",), ("feature_key_path",))
    return listed and "per_slice_thresholds" not in path and path[-2:] != ("feature_key_path", 0)


def by_table() -> Iterator[Mutant]:
    for kind, rows in {**IN_CONFIG, **IN_PLAN}.items():
        yield from (_changed(kind, *row) for row in rows)


def _changed(
    kind: str, base: str, path: str | Path, value: Any, named: tuple[str, ...] = (), cures: tuple[str, ...] = ()
) -> Mutant:
    path = path_of(path) if isinstance(path, str) else path
    content: Content = changed(ANALYSES[base], path, value)
    return mutant(kind, base, f"{shown(path)}: {str(value)[:80]}", content, named or _place_of(path), cures)


def _place_of(path: Path) -> tuple[str, ...]:
    """The place of a value; of one among several values, the list and what has it."""
    return (shown(path[:3]), path[-3]) if path[-2:-1] == ("values",) else place_of(path)


def valued(seed: int) -> list[Mutant]:
    """Mutants of values."""
    rng = random.Random(seed)
    return [*numbers_out_of_range(), *unknown_words(rng), *unknown_columns(rng), *by_table()]
