"""Errors of a plan say which analysis file it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import MissingPackageError, UsageError


@contextmanager
def of_file(analysis: str) -> Iterator[None]:
    """Puts the name of the analysis file before what is wrong with it, with its models or with its data."""
    try:
        yield
    except MissingPackageError:
        raise
    except UsageError as error:
        raise type(error)(f"{analysis}: {error}") from error
