"""Google connections of Airflow: which account operators, and the stages that they start, use for Google Cloud.

Credentials are never logged or returned to Airflow; errors name the connection, and nothing that it contains.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow.sdk.exceptions import AirflowException

from assay.errors import ConfigError, TransientError
from assay.operators.launchers.launcher import CREDENTIALS

if TYPE_CHECKING:
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

_DEFAULT = "google_cloud_default"
_TOKENS = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"
_SOURCES = ("authorized_user", "service_account", "external_account_authorized_user")
"""Kinds of credentials that a file may let impersonate others."""

_FILELESS = ("key_secret_name", "is_anonymous", "idp_issuer_url")

Chain: TypeAlias = str | Sequence[str] | None
"""Whom to impersonate: an account, or a list of accounts, of which each may act as the next."""


@contextmanager
def google_access(gcp_conn_id: str, impersonation_chain: Chain) -> Iterator[None]:
    """Uses the account of a connection for `gs://` within the block; without one, the credentials of the environment.

    Raises:
        ConfigError: the connection does not exist, or its credentials cannot be used.
    """
    if not gcp_conn_id and not impersonation_chain:
        yield
        return
    from assay.storage import gcs

    with _errors(gcp_conn_id):
        credentials = _hook(gcp_conn_id, impersonation_chain).get_credentials()
    with gcs.using(credentials):
        yield


@contextmanager
def credentials_file(gcp_conn_id: str, impersonation_chain: Chain) -> Iterator[str]:
    """A file with a connection's credentials for a stage, which only its owner can read; it is deleted after the block.

    Yields:
        Its path; "" if the stage is to use the credentials of its own environment.

    Raises:
        ConfigError: the connection does not exist, or its credentials cannot be put in a file.
    """
    content = None
    if gcp_conn_id or impersonation_chain:
        with _errors(gcp_conn_id):
            content = _content(_hook(gcp_conn_id, impersonation_chain))
    if content is None:
        yield ""
        return
    with tempfile.NamedTemporaryFile("w", prefix="assay-", suffix=".json") as file:  # nobody else may read it
        json.dump(content, file)
        file.flush()
        yield file.name


def _hook(gcp_conn_id: str, impersonation_chain: Chain) -> GoogleBaseHook:
    try:
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
    except ModuleNotFoundError as error:
        raise ConfigError(f"gcp_conn_id and impersonation_chain need Airflow's Google provider; {error}") from error
    return GoogleBaseHook(gcp_conn_id=gcp_conn_id or _DEFAULT, impersonation_chain=impersonation_chain)


def _content(hook: GoogleBaseHook) -> Mapping[str, Any] | None:
    """The credentials as Google's libraries read them from a file; None for those of the machine."""
    fileless = [name for name in _FILELESS if hook._get_field(name)]
    if fileless:
        raise ConfigError(
            f"connection {hook.gcp_conn_id!r}: a stage cannot be given credentials by {fileless[0]}; "
            f"expected key_path, keyfile_dict or credential_config_file"
        )
    fields = [hook._get_field(name) for name in ("key_path", "keyfile_dict", "credential_config_file")]
    credentials = next(filter(None, fields), None)
    chain = _chain(hook)
    if not chain:
        return _read(credentials) if credentials else None

    source = _read(credentials or _file_of_environment())
    if source.get("type") not in _SOURCES:
        raise ConfigError(
            f"connection {hook.gcp_conn_id!r}: to impersonate {chain[-1]} a stage needs the key of an account or a "
            f"user's credentials; found {source.get('type', 'the account of the machine')}"
        )
    return {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": _TOKENS.format(chain[-1]),
        "delegates": chain[:-1],
        "source_credentials": source,
    }


def _chain(hook: GoogleBaseHook) -> list[str]:
    """The accounts to impersonate: those that the operator names, or else those of the connection."""
    chain = hook.impersonation_chain or hook._get_field("impersonation_chain") or ()
    return [name.strip() for name in chain.split(",")] if isinstance(chain, str) else list(chain)


def _file_of_environment() -> Mapping[str, Any] | str:
    from google.auth._cloud_sdk import get_application_default_credentials_path

    path = os.environ.get(CREDENTIALS) or get_application_default_credentials_path()  # type: ignore[no-untyped-call]
    return path if os.path.isfile(path) else {}


def _read(credentials: Mapping[str, Any] | str) -> dict[str, Any]:
    """The credentials of a connection, which has them as a mapping, as JSON, or as the path of a file."""
    if not isinstance(credentials, str):
        return dict(credentials)
    is_json = credentials.lstrip().startswith("{")
    text = credentials if is_json else Path(credentials).read_text(encoding="utf-8")
    return dict(json.loads(text))


@contextmanager
def _errors(gcp_conn_id: str) -> Iterator[None]:
    """Turns errors into ours, without their text, which may contain a part of a key."""
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (AirflowException, GoogleAuthError, ValueError, TypeError, OSError) as error:
        name, kind = gcp_conn_id or _DEFAULT, type(error).__name__
        if getattr(error, "retryable", False):
            raise TransientError(f"connection {name!r}: no credentials can be had now ({kind}); try again") from None
        raise ConfigError(f"connection {name!r}: not there, or its credentials cannot be used ({kind})") from None
