"""Paths and URIs as the constructors of operators keep them."""

from __future__ import annotations

import os
from typing import Any

from assay.storage.file_paths import path_text


def template_text(path: Any, what: str) -> Any:
    """A path as text, since only text can be a template. What Airflow fills in later, such as an XCom, stays as it is.

    Raises:
        UsageError: a path that was made of a URI.
    """
    return path_text(path, what) if isinstance(path, os.PathLike) else path
