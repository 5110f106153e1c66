"""What a door says of every mutant: `python -m tests.fuzz.mutants_told DOOR FOLDER` prints it as JSON.

What a call writes is taken at the file descriptors, so that nothing of Beam or of a thread is missed.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz.analyses import ANALYSES, AS_JSON, EVAL_PBTXT, Content, write_data
from tests.fuzz.mutant_texts import textual
from tests.fuzz.mutant_values import valued
from tests.fuzz.mutants import Mutant, generic, written
from tests.wrong_calls import taken

SEED = 14
MOST = 5
"""Generic mutants of a kind and an analysis."""

ALL = 1_000_000
ACCEPTED = 0

_OF_CALL = (
    "params", "inputs", "on_bad_rows", "max_bad_rows", "min_rows", "models", "rubber_stamp", "seed", "max_slices",
    "eval_config", "output", "output_file_format", "gate",
)  # fmt: skip
_OF_INPUTS = ("format", "files", "columns", "batch_rows", "options", "join")
_OF_MODEL = (
    "name", "uri", "type", "baseline", "signature", "features", "batch_rows", "args", "trusted", "counterfactual",
)  # fmt: skip

Told = tuple[int | None, str]
"""Exit code, and all that was written."""


@cache
def mutants(seed: int = SEED, most: int = MOST, of_kind: int = ALL) -> dict[str, Mutant]:
    """Mutants by their names.

    Args:
        seed: of what is left to chance.
        most: generic mutants of a kind and an analysis.
        of_kind: how many of a kind there are at most.
    """
    found: dict[str, Mutant] = {}
    kinds = Counter[str]()
    for one in (*generic(seed, most), *valued(seed), *textual()):
        if one.name not in found and kinds[one.kind] < of_kind:
            found[one.name] = one
            kinds[one.kind] += 1
    return found


def rights() -> dict[str, Mutant]:
    """The analyses as they are, in the form of mutants."""
    return {
        base: Mutant("right", base, base, content, written(content, base in AS_JSON), (), is_json=base in AS_JSON)
        for base, content in ANALYSES.items()
    }


def arguments(one: Mutant) -> dict[str, Any] | None:
    """The analysis as arguments of `run_model_analysis`; None if these cannot say what it says."""
    content = one.content
    if content is None or not set(content) <= {*_OF_CALL, "checkpoint", "eval_config_file"}:
        return None
    if "password" in (content.get("params") or ()):  # which only a file cannot have
        return None
    inputs, models = content.get("inputs"), content.get("models", [])
    if not _is_mapping(inputs, _OF_INPUTS) or not {"files", "format"} <= set(inputs) or content.get("output") is None:
        return None
    if not isinstance(models, list) or not all(_is_mapping(model, _OF_MODEL) for model in models):
        return None
    if not all({"name", "uri", "type"} <= set(model) for model in models) or _names_other_place(one):
        return None
    return _call(one, content, dict(inputs), models)


def _call(one: Mutant, content: Content, inputs: Content, models: list[Content]) -> dict[str, Any]:
    given = {key: content[key] for key in _OF_CALL if key in content and key not in ("inputs", "models", "output")}
    given.setdefault("eval_config", one.pbtxt.decode(errors="replace"))
    uris = {"data_location": inputs.pop("files"), "file_format": inputs.pop("format"), "output_path": content["output"]}
    return {**given, **uris, **inputs, "models": models}


def _names_other_place(one: Mutant) -> bool:
    """Whether the mistake is in a key that a call has not: where the config is, or when checkpoints are written."""
    right = ANALYSES[one.base]
    if ("eval_config" in one.content) != ("eval_config" in right):
        return True
    return any(one.content.get(key) != right.get(key) for key in ("checkpoint", "eval_config_file"))


def _is_mapping(value: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(value, dict) and set(value) <= set(keys)


def call(one: Mutant) -> None:
    """Evaluates the analysis from Python; or loads its file, where a call could not say what it says."""
    import assay

    given = arguments(one)
    if given is None:
        assay.load_analysis(one.file, {})
    else:
        models = [assay.ModelRef(**model) for model in given.pop("models")]
        assay.run_model_analysis(**given, models=models)


def by_command(one: Mutant) -> Told:
    """By `assay check`, and where that finds nothing, by `assay run`."""
    from assay.cli import main

    with taken() as said:
        code = main(["check", one.file]) or main(["run", one.file, "--quiet"])
    return code, said[0]


def by_check(one: Mutant) -> Told:
    """By `assay check` alone."""
    from assay.cli import main

    with taken() as said:
        code = main(["check", one.file])
    return code, said[0]


def by_python(one: Mutant) -> Told:
    from assay.errors import AssayError

    code, told = ACCEPTED, ""
    with taken() as said:
        try:
            call(one)
        except AssayError as error:
            code, told = error.exit_code, str(error)
        except Exception:
            code, told = 1, traceback.format_exc()
    return code, told + said[0]


def by_notebook(one: Mutant) -> Told:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.user_ns.update(call=call, one=one)
    with taken() as said:
        result = shell.run_cell("call(one)", silent=False)
    code = ACCEPTED if result.error_in_exec is None else getattr(result.error_in_exec, "exit_code", None)
    return code, said[0]


DOORS = {"command": by_command, "check": by_check, "python": by_python, "notebook": by_notebook}


def main(door: str, folder: str, which: str = "mutants", *numbers: str) -> None:
    import pandas  # noqa: F401 - else the first check would keep it out of all runs behind it

    os.chdir(folder)
    write_data(Path())
    told: dict[str, Told] = {}
    for name, one in (rights() if which == "rights" else mutants(*map(int, numbers))).items():
        Path(one.file).write_bytes(one.text)
        Path("eval.pbtxt").write_bytes(one.pbtxt)
        told[name] = DOORS[door](one)
        Path("eval.pbtxt").write_text(EVAL_PBTXT)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
