"""Every error that assay raises on purpose.

    AssayError                        something failed (exit code 1)
      UsageError                      the caller must change something; a retry cannot help (exit code 64)
        ConfigError                   analysis file, plan or parameters
          EvalConfigError             the eval config; the message starts with the field
          PipelineError               stages that do not fit together
        InputError                    the data
          MissingFileError            a file or a glob without a match
          CorruptFileError            a file that is not what its format says
          MissingColumnError          a column that somebody needs
          ColumnTypeError             a column of a type that cannot serve
          BadRowError                 a value that no metric can take; names file and row
        ModelError                    a model that cannot be loaded, or whose output does not fit
        ResultsError                  results that cannot be opened
        CheckpointError               a checkpoint's manifest that cannot be followed
        MissingPackageError           a package that an extra of assay brings; an ImportError as well
      TransientError                  try again (exit code 75)
      PublishLostError                somebody else published first (exit code 75)

A runner may hand back only the text of an error that a worker raised. `recover` finds the type and message in it.
"""

from __future__ import annotations

import os
import re
import traceback

from assay.text.printable import message_line
from assay.text.redaction import redacted

_TAG = re.compile(r"assay\.errors\.(?P<name>\w+): (?P<message>.*)")
_MEMORY_ERROR = re.compile(r"^(\w+\.)*\w*MemoryError\b", re.MULTILINE)
_BEAM_SUFFIX = re.compile(r" \[while running '(?P<step>[^']*)'\]\s*$")


class AssayError(Exception):
    """Something failed. Messages are one line: what was expected, what was found, where, what to do.

    What of the data stands in a message is shortened and made harmless here, for every door.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message_line(redacted(message)))  # what is shortened first is not found

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: IPython asks for it."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(AssayError):
    """The caller must change something; a retry cannot help."""

    exit_code = 64


class ConfigError(UsageError):
    """Analysis file, plan or parameters are wrong."""


class EvalConfigError(ConfigError):
    """The eval config is wrong; the message starts with the field's path."""


class PipelineError(ConfigError):
    """Stages do not fit together: names, `run_after`, output keys."""


class InputError(UsageError):
    """The data is wrong."""


class MissingFileError(InputError):
    """A file does not exist, or a glob matches nothing."""


class CorruptFileError(InputError):
    """A file is not what its format says."""


class MissingColumnError(InputError):
    """A column that somebody needs is not in the data."""


class ColumnTypeError(InputError):
    """A column has a type that cannot serve its purpose."""


class BadRowError(InputError):
    """A row holds a value that no metric can take; the message names file and row."""


class ModelError(UsageError):
    """A model cannot be loaded, or its output does not fit."""


class ResultsError(UsageError):
    """Results cannot be opened."""


class CheckpointError(UsageError):
    """A manifest that is none, or that leads outside of its root."""


class MissingPackageError(UsageError, ImportError):
    """A package is not installed; the message names the extra that brings it."""


class PublishLostError(AssayError):
    """Somebody else published at the same place first."""

    exit_code = 75


class TransientError(AssayError):
    """A fault that a retry may heal."""

    exit_code = 75


def recover(error: BaseException) -> AssayError | None:
    """Returns the assay error inside `error`: itself, one of its causes, or one named in a runner's text."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, AssayError):
            return _without_suffix(seen)
        if isinstance(seen, MemoryError):
            return _out_of_memory(seen)
        if isinstance(seen, ImportError) and (missing := _missing_package(seen)):
            return missing
        seen = seen.__cause__ or seen.__context__
    return recover_from_text(str(error))


def recover_from_text(text: str) -> AssayError | None:
    """Returns the assay error that a text, such as the log of another process, names last."""
    for match in reversed(list(_TAG.finditer(text))):
        kind = globals().get(match["name"])
        if isinstance(kind, type) and issubclass(kind, AssayError):
            return _without_suffix(kind(match["message"]))
    return _out_of_memory() if _MEMORY_ERROR.search(text) else None


def _out_of_memory(error: MemoryError | None = None) -> TransientError:
    """The one line for a stage that asked for more memory than there is."""
    lines = _BEAM_SUFFIX.sub("", str(error or "")).splitlines()
    told = f" ({lines[0]})" if lines else ""
    return TransientError(
        f"out of memory{told}: give the stage more of it, or ask for less, by smaller batches (inputs.batch_rows) or "
        f"fewer slices (slicing_specs by columns of many values)"
    )


def of_custom_code(error: BaseException) -> AssayError:
    """The one line for what code that is not ours has raised in a pipeline: step, type, text and place."""
    text = str(error)
    step = _BEAM_SUFFIX.search(text)
    said = next(iter(_BEAM_SUFFIX.sub("", text).strip().splitlines()), "")
    of_step = f"in the step {step['step']}: " if step else ""
    return AssayError(f"{of_step}{type(error).__name__}: {said}{_place_of(error)}")


def _place_of(error: BaseException) -> str:
    """The file and line that raised an error, where this process knows them."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _missing_package(error: ImportError) -> AssayError | None:
    from assay.extras import missing_package

    return missing_package(error)


def _without_suffix(error: AssayError) -> AssayError:
    """Beam appends the step to the message of what a worker raised; our messages name stages themselves."""
    return type(error)(_BEAM_SUFFIX.sub("", str(error)))
