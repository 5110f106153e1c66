"""Objects on Google Cloud Storage, through its own client: preconditions, checksums, retries.

Whatever is called here may be called twice with the same effect: objects are written under names that nobody else has,
or under a precondition. So all calls are retried, until a deadline.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote

from assay.errors import AssayError, ConfigError, CorruptFileError, MissingFileError, PublishLostError, TransientError
from assay.storage.globs import without_folders
from assay.storage.patience import at_most
from assay.storage.stat import Stat
from assay.storage.streams import Ranges
from assay.storage.uris import parts_of

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage import Blob, Client
    from google.cloud.storage.fileio import BlobWriter

RETRY_SECONDS = float(os.environ.get("ASSAY_STORAGE_RETRY_SECONDS", "120"))
"""How long a call is tried, and how long one try may take that makes no progress."""

_FIRST_DELAY_SECONDS = 0.5
_CHUNK_BYTES = 16 << 20
_FACTS = "items(name,size,generation,updated),nextPageToken"

_clients: dict[int, Client] = {}
_making = threading.Lock()
_chosen: ContextVar[Client | None] = ContextVar("assay_storage_client", default=None)


@contextmanager
def using(credentials: Credentials) -> Iterator[None]:
    """Lets the block, in this thread, go by these credentials and not by those of the environment."""
    from google.cloud.storage import Client

    client = _bounded(Client(project="none", credentials=credentials))
    token = _chosen.set(client)
    try:
        yield
    finally:
        _chosen.reset(token)
        client.close()


def read(uri: str, most: int | None) -> bytes:
    """The content; its checksum is checked on the way."""
    if most is not None:
        known = stat(uri)
        if known is not None and known.size > most:
            raise CorruptFileError(f"{uri}: expected at most {most:,} bytes, found {known.size:,}")
    with _naming(uri):
        blob = _blob(uri)
        content: bytes = blob.download_as_bytes(raw_download=True, retry=_retry())
        _check_origin(uri, blob, len(content))
    return content


def _check_origin(uri: str, blob: Blob, size: int) -> None:
    """The storage sends a checksum along; who sends none, such as a proxy that wants a login, may be somebody else."""
    if not (blob.crc32c or blob.md5_hash):
        blob.reload(retry=_retry())
        if int(blob.size or 0) != size:
            raise _not_storage(uri)


def _not_storage(uri: str) -> TransientError:
    return TransientError(
        f"{uri}: the server that answered is not Google Cloud Storage; is there a proxy? Try again later"
    )


def open_read(uri: str) -> BinaryIO:
    """A seekable stream that reads ranges of the generation that is there now; no checksum covers them."""
    with _naming(uri):
        blob = _blob(uri)
        blob.reload(retry=_retry())
        size = int(blob.size or 0)
    return cast(BinaryIO, Ranges(size, partial(_range, uri, blob)))


def _range(uri: str, blob: Blob, start: int, end: int) -> bytes:
    try:
        with _naming(uri):  # raw: ranges of what is stored, also where it says `Content-Encoding: gzip`
            content: bytes = blob.download_as_bytes(
                start=start, end=end - 1, raw_download=True, checksum=None, retry=_retry()
            )
    except MissingFileError as error:
        raise TransientError(f"{uri}: replaced or deleted while it was read; try again") from error
    if len(content) != end - start:
        raise TransientError(f"{uri}: {len(content)} bytes came of {end - start} at {start}; try again")
    return content


def download(uri: str, target: BinaryIO) -> None:
    """Copies the content; its checksum is checked on the way."""
    with _naming(uri):
        blob = _blob(uri)
        blob.download_to_file(target, raw_download=True, retry=_retry())
        _check_origin(uri, blob, target.tell())


def write(uri: str, content: bytes) -> Stat:
    """Writes an object, over one that is there."""
    with _naming(uri):
        blob = _blob(uri)
        blob.upload_from_string(content, content_type="application/octet-stream", retry=_retry())
        return _stat_of(blob)


def open_write(uri: str) -> BinaryIO:
    """A stream that uploads while it is written to; nothing is there before it is closed."""
    with _naming(uri):
        writer = _blob(uri).open("wb", ignore_flush=True, chunk_size=_CHUNK_BYTES, retry=_retry())
    return cast(BinaryIO, _Upload(uri, writer))


class _Upload(io.BufferedIOBase):
    """A writer whose faults have our names; after the first it hands on nothing more, so that nothing is there."""

    def __init__(self, uri: str, writer: BlobWriter) -> None:
        self._uri, self._writer, self._written = uri, writer, 0

    def write(self, content: Any, /) -> int:
        """Takes bytes, and hands on whole chunks."""
        with self._handing_on():
            self._writer.write(content)
        size = memoryview(content).nbytes
        self._written += size
        return size

    def close(self) -> None:
        """Hands on the rest, with which the object is there."""
        if not self.closed:
            try:
                if not self._writer.closed:
                    with self._handing_on():
                        self._writer.close()
            finally:
                super().close()

    @contextmanager
    def _handing_on(self) -> Iterator[None]:
        try:
            with _naming(self._uri):
                yield
        except AssayError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        with suppress(Exception):
            self._writer._buffer.close()  # `terminate` would ask the storage, which may be what has just failed

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._abandon()
        self.close()

    def tell(self) -> int:
        """Bytes written so far."""
        return self._written

    def writable(self) -> bool:
        """Yes."""
        return True


def rename(old: str, new: str) -> None:
    """Copies within the storage, then deletes."""
    with _naming(old):
        source, target = _blob(old), _blob(new)
        token, _, _ = target.rewrite(source, retry=_retry())
        while token is not None:  # what is large, or goes to another region, takes several calls
            token, _, _ = target.rewrite(source, token=token, retry=_retry())
    delete(old, None)


def publish(uri: str, content: bytes, replacing: str | None) -> Stat:
    """Creates an object, or replaces one generation of it."""
    from google.api_core.exceptions import PreconditionFailed

    with _naming(uri):
        blob = _blob(uri)
        try:
            blob.upload_from_string(
                content,
                content_type="application/json",
                if_generation_match=int(replacing or 0),
                retry=_retry(),
            )
        except PreconditionFailed as error:
            raise PublishLostError(f"{uri}: another process published there first") from error
        return _stat_of(blob)


def stat(uri: str) -> Stat | None:
    """What is there."""
    with _naming(uri):
        bucket, name = _parts(uri)
        blob = _client().bucket(bucket).get_blob(name, retry=_retry()) if name else None
        return None if blob is None else _stat_of(blob)


def list_folder(folder: str) -> Iterator[tuple[str, Stat]]:
    """All objects below."""
    bucket, prefix = _prefix_of(folder)
    yield from _listed(bucket, prefix, folder)


def names(folder: str) -> tuple[str, ...]:
    """The names right in a folder; what lies deeper is not listed, since there may be much."""
    bucket, prefix = _prefix_of(folder)
    with _naming(folder):
        fields = "items(name),prefixes,nextPageToken"
        blobs = _client().list_blobs(bucket, prefix=prefix, delimiter="/", fields=fields, retry=_retry())
        below = {blob.name for blob in blobs} | blobs.prefixes
    return tuple(sorted(name[len(prefix) :].rstrip("/") for name in below - {prefix}))


def _prefix_of(folder: str) -> tuple[str, str]:
    """A folder's bucket, and what the names of all objects in it begin with."""
    bucket, name = _parts(folder)
    return bucket, f"{name.rstrip('/')}/" if name else ""


def match(pattern: str) -> Iterator[tuple[str, Stat]]:
    """The objects whose names match a glob."""
    bucket, name = _parts(pattern)
    for wanted in without_folders(f"/{name}"):
        plain = re.split(r"[*?\[{\\]", wanted, maxsplit=1)[0]
        yield from _listed(bucket, plain[1:], pattern, match_glob=wanted[1:])


def _listed(bucket: str, prefix: str, uri: str, **settings: Any) -> Iterator[tuple[str, Stat]]:
    with _naming(uri):
        for blob in _client().list_blobs(bucket, prefix=prefix, fields=_FACTS, retry=_retry(), **settings):
            if not blob.name.endswith("/"):  # what consoles leave in place of a folder
                yield f"gs://{bucket}/{blob.name}", _stat_of(blob)


def delete(uri: str, generation: str | None) -> None:
    """Deletes an object that may be gone already, or one generation of it."""
    from google.api_core.exceptions import NotFound, PreconditionFailed

    with _naming(uri), suppress(NotFound, PreconditionFailed):
        _blob(uri).delete(if_generation_match=None if generation is None else int(generation), retry=_retry())


def _blob(uri: str) -> Blob:
    bucket, name = _parts(uri)
    if not name:
        raise ConfigError(f"{uri}: expected gs://BUCKET/NAME, found no name of an object")
    return _client().bucket(bucket).blob(name)


def page(folder: str) -> str:
    """The folder in Google's console."""
    return f"https://console.cloud.google.com/storage/browser/{quote(folder.removeprefix('gs://'))}"


def _parts(uri: str) -> tuple[str, str]:
    _, bucket, name = parts_of(uri)
    if not bucket:
        raise ConfigError(f"{uri}: expected gs://BUCKET/NAME, found no name of a bucket")
    return bucket, name


def _stat_of(blob: Blob) -> Stat:
    updated = blob.updated.timestamp() if blob.updated else 0.0
    return Stat(size=int(blob.size or 0), generation=str(blob.generation), updated=updated)


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(at_most(RETRY_SECONDS)).with_delay(initial=_FIRST_DELAY_SECONDS, maximum=20.0)


def _client() -> Client:
    """One client a process, as a fork must not share connections; or that of the block around."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    with _making:
        if os.getpid() not in _clients:
            _clients[os.getpid()] = _bounded(_new_client())
        return _clients[os.getpid()]


def _bounded(client: Client) -> Client:
    """The client, each of whose exchanges comes to an end; those for its credentials too."""
    from assay.storage.deadline import mount

    session, seconds = client._http, at_most(RETRY_SECONDS)
    mount(session, seconds)
    mount(session._auth_request.session, seconds)
    return client


def _new_client() -> Client:
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
def _naming(uri: str) -> Iterator[None]:
    """Turns what the client raises into our errors, which name the URI and never the credentials."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
    from requests.exceptions import RequestException  # type: ignore[import-untyped]
    from urllib3.exceptions import HTTPError

    try:
        yield
    except GoogleAPICallError as error:
        raise _of_status(uri, int(error.code or 0)) from error
    except DataCorruption as error:
        raise TransientError(f"{uri}: damaged on the way; try again") from error
    except InvalidResponse as error:
        raise _of_status(uri, int(error.response.status_code)) from error
    except RetryError as error:
        raise TransientError(f"{uri}: storage does not answer ({_reason(error.cause)}); try again later") from error
    except (TransportError, RequestException, HTTPError, ConnectionError, TimeoutError) as error:
        raise TransientError(f"{uri}: storage does not answer ({_reason(error)}); try again later") from error
    except (AttributeError, KeyError, TypeError) as error:  # the client takes any answer with 200 for JSON
        raise _not_storage(uri) from error
    except GoogleAuthError as error:
        raise _of_credentials(uri, error) from error


def _of_credentials(uri: str, error: GoogleAuthError) -> AssayError:
    if getattr(error, "retryable", False):
        return TransientError(f"{uri}: no credentials can be had now ({_reason(error)}); try again")
    return ConfigError(f"{uri}: the Google credentials are refused ({_reason(error)})")


def _of_status(uri: str, status: int) -> AssayError:
    if status == 404:
        return MissingFileError(f"{uri}: there is no such object or bucket")
    if status in (401, 403):
        return ConfigError(f"{uri}: access denied ({status}); grant the account access to the bucket")
    if status == 400:
        return ConfigError(f"{uri}: storage refuses the request (400); check the names of bucket and object")
    return TransientError(f"{uri}: storage answered {status}; try again later")


def _reason(error: BaseException | None) -> str:
    """A status or the kind of an error, but not its text, which may tell more than anybody should know."""
    status = getattr(error, "code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return str(int(status)) if isinstance(status, int) else type(error).__name__
