"""The assay error behind what a runner raised, or behind the text that it handed back."""

from __future__ import annotations

import os
import re
import traceback

from assay import errors
from assay.errors import AssayError, TransientError
from assay.extras import missing_package

_TAG = re.compile(r"assay\.errors\.(?P<name>\w+): (?P<message>.*)")
_MEMORY_ERROR = re.compile(r"^(\w+\.)*\w*MemoryError\b", re.MULTILINE)
_BEAM_SUFFIX = re.compile(r" \[while running '(?P<step>[^']*)'\]\s*$")


def recover(error: BaseException) -> AssayError | None:
    """Returns the assay error inside `error`: itself, one of its causes, or one named in a runner's text."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, AssayError):
            return _without_suffix(seen)
        if isinstance(seen, MemoryError):
            return _out_of_memory(seen)
        if isinstance(seen, ImportError) and (missing := missing_package(seen)):
            return missing
        seen = seen.__cause__ or seen.__context__
    return recover_from_text(str(error))


def recover_from_text(text: str) -> AssayError | None:
    """Returns the assay error that a text, such as the log of another process, names last."""
    for match in reversed(list(_TAG.finditer(text))):
        kind = getattr(errors, match["name"], None)
        if isinstance(kind, type) and issubclass(kind, AssayError):
            return _without_suffix(kind(match["message"]))
    return _out_of_memory() if _MEMORY_ERROR.search(text) else None


def _out_of_memory(error: MemoryError | None = None) -> TransientError:
    """The one line for a stage that asked for more memory than there is."""
    lines = _BEAM_SUFFIX.sub("", str(error or "")).splitlines()
    details = f" ({lines[0]})" if lines else ""
    return TransientError(
        f"out of memory{details}: give the stage more of it, or ask for less, by smaller batches (inputs.batch_rows) "
        f"or fewer slices (slicing_specs by columns of many values)"
    )


def of_custom_code(error: BaseException) -> AssayError:
    """The one line for what code that is not ours has raised in a pipeline: step, type, text, file and line."""
    text = str(error)
    step = _BEAM_SUFFIX.search(text)
    first_line = next(iter(_BEAM_SUFFIX.sub("", text).strip().splitlines()), "")
    of_step = f"in the step {step['step']}: " if step else ""
    return AssayError(f"{of_step}{type(error).__name__}: {first_line}{_line_of(error)}")


def _line_of(error: BaseException) -> str:
    """The file and line that raised an error, where this process knows them."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _without_suffix(error: AssayError) -> AssayError:
    """Beam appends the step to the message of what a worker raised; our messages name stages themselves."""
    return type(error)(_BEAM_SUFFIX.sub("", str(error)))
