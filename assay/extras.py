"""Which extra brings a package that is not installed. `pip install .` alone brings what plans are read with."""

from __future__ import annotations

import importlib.util

from assay.errors import MissingPackageError

_CORE, _RUNTIME, _TEXT, _SQL, _KFP, _AIRFLOW = "core", "runtime", "text", "sql", "kfp", "airflow"

EXTRAS = {
    **dict.fromkeys(("apache_beam", "numpy", "pandas", "pyarrow", "rich"), _CORE),
    **dict.fromkeys(("apitools", "google.auth", "google.cloud.storage", "google_auth_httplib2", "httplib2"), _CORE),
    **dict.fromkeys(("tensorflow", "keras"), _RUNTIME),
    **dict.fromkeys(("rouge_score", "sacrebleu"), _TEXT),
    "duckdb": _SQL,
    **dict.fromkeys(("docker", "kfp", "kubernetes"), _KFP),
    "airflow": _AIRFLOW,
}
"""Package, as it is imported -> the extra of assay that brings it."""


def require(package: str) -> None:
    """Looks whether a package is there, without importing it.

    Raises:
        MissingPackageError: it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise _missing(package)


def missing_package(error: ImportError) -> MissingPackageError | None:
    """Returns an error that names the extra which brings the package; None if no extra does, or it is there but broken.

    Args:
        error: what an import raised.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    parts = error.name.split(".")
    packages = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((_missing(package) for package in packages if package in EXTRAS), None)


def _missing(package: str) -> MissingPackageError:
    extra = EXTRAS[package]
    airflow = importlib.util.find_spec("airflow")
    elsewhere = extra != _AIRFLOW and airflow is not None and airflow.origin is not None  # not just a folder
    return MissingPackageError(
        f"{package} is not installed, and this needs it; the extra {extra!r} brings it: pip install 'assay[{extra}]'"
        + (" in another environment, because Airflow needs other versions of the same packages" if elsewhere else "")
    )
