"""Places on Google Cloud Storage, through its own client: preconditions, checksums, retries.

Whatever is called here may be called twice with the same effect: objects are written under names that nobody else has,
or under a precondition. So all calls are retried, until a deadline.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError
from assay.stat import Stat

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

RETRY_SECONDS = float(os.environ.get("ASSAY_STORAGE_RETRY_SECONDS", "120"))
"""How long a call is retried."""

_CHUNK_BYTES = 16 << 20

_clients: dict[int, Client] = {}
_making = threading.Lock()


def read(place: str) -> bytes:
    """The content; its checksum is checked on the way."""
    with _naming(place):
        content: bytes = _blob(place).download_as_bytes(retry=_retry())
        return content


def open_read(place: str) -> BinaryIO:
    """A seekable stream that reads ranges."""
    with _naming(place):
        blob = _blob(place)
        blob.reload(retry=_retry())
        stream: BinaryIO = blob.open("rb", retry=_retry())
        return stream


def write(place: str, content: bytes) -> Stat:
    """Writes an object, over one that is there."""
    with _naming(place):
        blob = _blob(place)
        blob.upload_from_string(content, content_type="application/octet-stream", retry=_retry())
        return _stat_of(blob)


def open_write(place: str) -> BinaryIO:
    """A stream that uploads while it is written to."""
    with _naming(place):
        stream: BinaryIO = _blob(place).open("wb", ignore_flush=True, chunk_size=_CHUNK_BYTES, retry=_retry())
        return stream


def rename(old: str, new: str) -> None:
    """Copies within the storage, then deletes."""
    with _naming(old):
        source, (_, name) = _blob(old), _parts(new)
        source.bucket.copy_blob(source, _client().bucket(_parts(new)[0]), name, retry=_retry())
    delete(old)


def publish(place: str, content: bytes, replacing: str | None) -> Stat:
    """Creates an object, or replaces one generation of it."""
    from google.api_core.exceptions import PreconditionFailed

    with _naming(place):
        blob = _blob(place)
        try:
            blob.upload_from_string(
                content,
                content_type="application/json",
                if_generation_match=int(replacing or 0),
                retry=_retry(),
            )
        except PreconditionFailed as error:
            raise PublishLostError(f"{place}: somebody else published there first") from error
        return _stat_of(blob)


def stat(place: str) -> Stat | None:
    """What is there."""
    with _naming(place):
        bucket, name = _parts(place)
        blob = _client().bucket(bucket).get_blob(name, retry=_retry()) if name else None
        return None if blob is None else _stat_of(blob)


def list_folder(folder: str) -> Iterator[tuple[str, Stat]]:
    """All objects below."""
    bucket, name = _parts(folder)
    prefix = f"{name.rstrip('/')}/" if name else ""
    yield from _listed(bucket, prefix, folder)


def match(pattern: str) -> Iterator[tuple[str, Stat]]:
    """The objects whose names match a glob."""
    bucket, name = _parts(pattern)
    yield from _listed(bucket, None, pattern, match_glob=name)


def _listed(bucket: str, prefix: str | None, place: str, **settings: Any) -> Iterator[tuple[str, Stat]]:
    with _naming(place):
        for blob in _client().list_blobs(bucket, prefix=prefix, retry=_retry(), **settings):
            if not blob.name.endswith("/"):  # what consoles leave in place of a folder
                yield f"gs://{bucket}/{blob.name}", _stat_of(blob)


def delete(place: str) -> None:
    """Deletes an object that may be gone already."""
    from google.api_core.exceptions import NotFound

    with _naming(place):
        try:
            _blob(place).delete(retry=_retry())
        except NotFound:
            return


def _blob(place: str) -> Blob:
    bucket, name = _parts(place)
    if not name:
        raise ConfigError(f"{place}: expected gs://BUCKET/NAME, found no name of an object")
    return _client().bucket(bucket).blob(name)


def _parts(place: str) -> tuple[str, str]:
    bucket, _, name = place.removeprefix("gs://").partition("/")
    return bucket, name


def _stat_of(blob: Blob) -> Stat:
    updated = blob.updated.timestamp() if blob.updated else 0.0
    return Stat(size=int(blob.size or 0), generation=str(blob.generation), updated=updated)


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(RETRY_SECONDS).with_delay(initial=0.5, maximum=20.0)


def _client() -> Client:
    """One client a process: a fork must not share connections."""
    with _making:
        if os.getpid() not in _clients:
            _clients[os.getpid()] = _made()
        return _clients[os.getpid()]


def _made() -> Client:
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud.storage import Client

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return Client(project="emulated", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    try:
        import google.auth

        credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/devstorage.read_write"])
    except DefaultCredentialsError as error:
        raise ConfigError(
            "gs://: no Google credentials found; run `gcloud auth application-default login`, "
            "or set GOOGLE_APPLICATION_CREDENTIALS"
        ) from error
    return Client(project=project or "none", credentials=credentials)  # objects belong to buckets, not to projects


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Turns what the client raises into our errors, which name the place and never the credentials."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, RetryError, Unauthorized
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import DataCorruption
    from requests.exceptions import RequestException  # type: ignore[import-untyped]

    try:
        yield
    except NotFound as error:
        raise MissingFileError(f"{place}: there is no such object or bucket") from error
    except (Unauthorized, Forbidden) as error:
        raise ConfigError(f"{place}: access denied ({error.code}); grant the account access to the bucket") from error
    except (RetryError, TransportError, RequestException, ConnectionError, TimeoutError) as error:
        raise TransientError(f"{place}: storage does not answer ({type(error).__name__}); try again later") from error
    except GoogleAuthError as error:
        raise ConfigError(f"{place}: the Google credentials are refused ({type(error).__name__})") from error
    except GoogleAPIError as error:
        code = getattr(error, "code", None)
        raise TransientError(f"{place}: storage answered {code or type(error).__name__}; try again later") from error
    except DataCorruption as error:
        raise TransientError(f"{place}: damaged on the way; try again") from error
