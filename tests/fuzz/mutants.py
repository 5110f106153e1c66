"""Analysis files with one mistake each, made of right ones by a fixed seed: mistakes that any key or value can have."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from assay.config.fields import FIELDS
from tests.fuzz import places
from tests.fuzz.analyses import ANALYSES, AS_JSON, EVAL_PBTXT, Content
from tests.fuzz.places import Path, shown


class Mutant(NamedTuple):
    """A wrong analysis file.

    Attributes:
        kind: of mistake.
        name: what is wrong, in which analysis.
        base: name of the analysis in `ANALYSES`.
        content: what the file holds; None where it holds no mapping that could be read.
        text: the file.
        named: texts that a message must have, as it names the place by them.
        cures: texts of which a message must have one, beside what any cure has; empty if any cure will do.
        pbtxt: the eval config beside the file.
        is_json: whether the file is JSON.
    """

    kind: str
    name: str
    base: str
    content: Content | None
    text: bytes
    named: tuple[str, ...]
    cures: tuple[str, ...] = ()
    pbtxt: bytes = EVAL_PBTXT.encode()
    is_json: bool = False

    @property
    def file(self) -> str:
        """Name of the file."""
        return "analysis.json" if self.is_json else "analysis.yaml"


def mutant(
    kind: str, base: str, what: str, content: Any, named: tuple[str, ...], cures: tuple[str, ...] = ()
) -> Mutant:
    """A mutant of this content."""
    is_json = base in AS_JSON
    return Mutant(kind, f"{base}: {what}", base, content, written(content, is_json), named, cures, is_json=is_json)


def written(content: Any, is_json: bool) -> bytes:
    """The content as a person would write it."""
    if is_json:
        return json.dumps(content, indent=2).encode()
    return bytes(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8"))


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # which is ten times as fast
_FIELDS = {name.partition(".")[2] for name in FIELDS}
_PLURALS = {"label", "labels", "name", "names"}


def misspelt(word: str, rng: random.Random) -> str:
    """The word with a letter too few, too many, in another place, or another one; never a word that is known."""
    while True:
        i = rng.randrange(len(word))
        wrong = rng.choice(
            [
                word[:i] + word[i + 1 :],
                word[:i] + word[i] + word[i:],
                word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :] if i else word,
                word[:i] + rng.choice("aeinrst") + word[i + 1 :],
            ]
        )
        if wrong and wrong != word and wrong not in _FIELDS | _PLURALS:
            return wrong


def place_of(path: Path) -> tuple[str, ...]:
    """What a message about a path must have. Settings of a metric are named beside the path of its config."""
    if "config" in path[:-1]:
        end = path.index("config") + 1
        return shown(path[:end]), str(path[end])
    return (shown(path),)


def _keys(content: Content) -> Iterator[Path]:
    """The paths whose last key is one of assay's."""
    for path, _ in places.places(content):
        if isinstance(path[-1], str) and not places.is_own(path):
            yield path


def _some(paths: Iterator[Path] | list[Path], most: int, rng: random.Random) -> list[Path]:
    found = list(paths)
    return found if len(found) <= most else rng.sample(found, most)


def keys_misspelt(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    for path in _some(_keys(content), most, rng):
        key = misspelt(path[-1], rng)
        named = place_of((*path[:-1], key))
        cures = (f"did you mean {path[-1]!r}?",)
        yield mutant("a key misspelt", base, shown((*path[:-1], key)), places.renamed(content, path, key), named, cures)


def keys_in_camel_case(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    """Only outside of the eval config, where protobuf allows it."""
    paths = [path for path in _keys(content) if "_" in path[-1] and path[0] != "eval_config"]
    for path in _some(paths, most, rng):
        key = re.sub("_([a-z])", lambda match: match[1].upper(), path[-1])
        named, cures = (shown((*path[:-1], key)),), (f"did you mean {path[-1]!r}?",)
        yield mutant("a key in camelCase", base, named[0], places.renamed(content, path, key), named, cures)


def keys_in_capitals(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    for path in _some(_keys(content), most, rng):
        key = path[-1].upper()
        named = place_of((*path[:-1], key))
        cures = (f"did you mean {path[-1]!r}?",)
        wrong = places.renamed(content, path, key)
        yield mutant("a key in capitals", base, shown((*path[:-1], key)), wrong, named, cures)


def keys_twice(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    mark = "__again"
    for path in _some((path for path in _keys(content) if path[-1] != "config"), most, rng):
        twice = places.changed(content, (*path[:-1], path[-1] + mark), places.at(content, path))
        text = written(twice, base in AS_JSON).replace(mark.encode(), b"")
        made = mutant("a key twice", base, f"{shown(path)} twice", content, (repr(path[-1]),), ("remove one",))
        yield made._replace(text=text, content=None)


_REQUIRED = re.compile(
    r"inputs|inputs\.format|inputs\.files|inputs\.join\.(files|on)|output|eval_config|eval_config_file"
    r"|models\[\d\]\.(name|uri|type)|(extractors|evaluators|writers)\[\d\]\.(name|factory)|extractors\[\d\]\.adds"
    r"|evaluators\[\d\]\.(run_after|outputs)|model_specs\[\d\]\.label_key|metrics_specs\[\d\]\..*class_name"
    r"|.*per_slice_thresholds\[\d\]\.(slicing_specs|threshold)|.*(value|change)_threshold\.\w+"
)
_ONLY_BOUND = re.compile(r".*(value|change)_threshold\.(lower_bound|upper_bound|absolute|relative)")


def keys_missing(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    for path in _some(_required(content), most, rng):
        named = place_of(path[:-1] if _ONLY_BOUND.fullmatch(shown(path)) else path)
        yield mutant("a key missing", base, f"no {shown(path)}", places.without(content, path), named)


def nulls(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    """Where a value is needed. Elsewhere null stands for the default."""
    for path in _some(_required(content), most, rng):
        yield mutant(
            "nothing for a value", base, f"{shown(path)}: null", places.changed(content, path, None), place_of(path)
        )


def _required(content: Content) -> Iterator[Path]:
    """The paths of what cannot be left out; of two bounds, one can."""
    for path in _keys(content):
        siblings = places.at(content, path[:-1])
        is_one_of_two = _ONLY_BOUND.fullmatch(shown(path)) and len(siblings) - ("direction" in siblings) > 1
        if _REQUIRED.fullmatch(shown(path)) and not is_one_of_two:
            yield path


def wrong_types(base: str, content: Content, most: int, rng: random.Random) -> Iterator[Mutant]:
    found = [(path, wrong) for path, value in places.places(content) for wrong in _of_other_types(path, value)]
    for path, wrong in found if len(found) <= most else rng.sample(found, most):
        yield mutant(
            f"{_type(wrong)} for {_type(places.at(content, path))}", base, f"{shown(path)}: {json.dumps(wrong)}",
            places.changed(content, path, wrong), place_of(path), ("expected", "there are"),
        )  # fmt: skip


_TYPES = {bool: "a flag", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}


def _type(value: Any) -> str:
    return _TYPES[type(value)]


def _of_other_types(path: Path, value: Any) -> Iterator[Any]:
    """Values that are not what a place takes. A parameter may be anything, and so may what custom code is given."""
    if any(key in ("args", "params") for key in path[:-1]):
        return
    nested = {"value_of_it": value}
    may_be_one_or_many = "config" in path or path[-1] == "files"
    if isinstance(value, bool):
        yield from ("perhaps", 7, [value], nested)
    elif isinstance(value, int | float):
        yield from ("ten", True, nested, *([value],) * (not may_be_one_or_many))
    elif isinstance(value, str):
        yield from (7, True, nested, *([value],) * (path[-1] != "files"))
    elif isinstance(value, list):
        yield from (nested, *("some text", 7) * (not may_be_one_or_many))
    else:
        yield from ([value], 7, True)


GENERIC = (
    keys_misspelt, keys_in_camel_case, keys_in_capitals, keys_twice, keys_missing, nulls, wrong_types
)  # fmt: skip


def generic(seed: int, most: int) -> list[Mutant]:
    """Mutants of all analyses, at most so many of a kind and an analysis."""
    rng = random.Random(seed)
    return [one for base, content in ANALYSES.items() for kind in GENERIC for one in kind(base, content, most, rng)]
