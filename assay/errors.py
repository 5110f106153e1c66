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
        MetricError                   a metric of the user's own that fails, or gives what it rules out
        ResultsError                  results that cannot be opened
        CheckpointError               a checkpoint's manifest that cannot be followed
        MissingPackageError           a package that an extra of assay brings; an ImportError as well
      TransientError                  try again (exit code 75)
        BusyError                     an engine that runs one job at a time has another one
      PublishLostError                somebody else published first (exit code 75)

A runner may hand back only the text of an error that a worker raised; `engine.recovery` finds the error in it.
"""

from __future__ import annotations

from assay.text.printable import message_line
from assay.text.redaction import redacted


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


class MetricError(UsageError):
    """A metric of the user's own raises, or its value is none; the message names metric, module and slice."""


class ResultsError(UsageError):
    """Results cannot be opened."""


class CheckpointError(UsageError):
    """A manifest that is none, or that leads outside of its root."""


class MissingPackageError(UsageError, ImportError):
    """A package is not installed; the message names the extra that brings it."""


class PublishLostError(AssayError):
    """Somebody else published at the same URI first."""

    exit_code = 75


class TransientError(AssayError):
    """A fault that a retry may heal."""

    exit_code = 75


class BusyError(TransientError):
    """An engine that runs one job at a time has another one now."""
