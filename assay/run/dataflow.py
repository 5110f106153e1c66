"""Stages as jobs on Dataflow, each submitted once, whatever becomes of the process that did it.

A job has a name that follows from what it makes. Before one is submitted the jobs API is asked for that name: one that
runs is waited for, one that is done has its shards taken, and only after one that failed comes another. Dataflow itself
refuses a second active job of a name, so that of two callers at once one submits and the other waits. The folder that a
job writes to is in its labels, so that whoever comes later finds it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from assay import storage
from assay.checkpoints.commit import new_attempt
from assay.checkpoints.digests import digest_of
from assay.engine import progress
from assay.engine.chosen_runner import chosen_runner
from assay.engine.recovery import recover_from_text
from assay.engine.remote import DONE, ENDED, Remote, RemoteJob
from assay.engine.runner import Options, submitted
from assay.errors import AssayError, ConfigError, TransientError

POLL_SECONDS = float(os.environ.get("ASSAY_DATAFLOW_POLL_SECONDS", "10"))
"""How often a job is looked at."""

LAST_WORDS_SECONDS = 50.0
"""How long after a failure Dataflow may take to say why."""

RETRY_SECONDS = 120.0
"""How long a call of the jobs API is retried."""

_RUNNERS = {"dataflow", "dataflowrunner"}
_CONTENT, _ATTEMPT = "assay-content", "assay-attempt"  # labels
_ENDING = {"JOB_STATE_CANCELLING"}
_TRIES = 5


class Detached(Exception):
    """A stage is left while its job goes on, or is yet to start; no fault."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a job is to do.

    Attributes:
        task: whose it is.
        digest: of all that decides what it makes, and where.
        pipeline: name of an attempt -> reader, what is done with what it reads, and with what both count. Called to
            submit a job.
        is_whole: name of an attempt -> whether what it has left is still there and can be used.
    """

    task: str
    digest: str
    pipeline: Callable[[str], tuple[beam.PTransform, beam.PTransform, beam.PTransform]]
    is_whole: Callable[[str], bool]


@dataclass(frozen=True)
class Outcome:
    """What a job that is done has left.

    Attributes:
        attempt: name of the attempt.
        started: when it was submitted, in seconds since 1970.
    """

    attempt: str
    started: float


@dataclass(frozen=True)
class _Job:
    """A job as Dataflow describes it."""

    known: RemoteJob
    state: str
    labels: Mapping[str, str]
    created: float

    @property
    def attempt(self) -> str:
        return self.labels.get(_ATTEMPT, "")

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


def is_chosen(options: PipelineOptions | Sequence[str]) -> bool:
    """Whether flags ask for a job on Dataflow; a caller of Python who has made options waits for whatever they ask."""
    return not isinstance(options, PipelineOptions) and chosen_runner(Options(options)).lower() in _RUNNERS


def job_name(task: str, digest: str) -> str:
    """A name that Dataflow takes: lower-case letters, digits and hyphens.

    Args:
        task: whose job it is.
        digest: hexadecimal digits, of what it makes.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", task).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", words)[:36].strip("-")
    return "-".join(filter(None, ("assay", slug, digest[:20])))


def run(work: Work, flags: Sequence[str], remote: Remote) -> Outcome:
    """Has a job do some work, by the one that does it already if there is one.

    Args:
        work: what is to be done.
        flags: of Beam pipeline options, Dataflow among them.
        remote: whether to wait for it, and which job it is if the caller knows.

    Raises:
        Detached: the job is there, and the caller does not want to wait; or it is described.
        AssayError: the job failed, with what a worker raised if that was one of ours; or the jobs API does not answer.
    """
    jobs = _Jobs(Options(flags), work, is_described=remote.describe)
    if remote.describe:
        jobs.describe(flags)
        raise Detached(f"{jobs.name}: described for Dataflow to start")
    for _ in range(_TRIES):
        job = jobs.given(remote.job) if remote.job else jobs.usable()
        if job is None:
            job = jobs.submit(flags)
        if job is None:
            continue  # somebody else was quicker
        remote.used = job.known
        progress.say(job.known.announcement)
        if remote.detach and not job.has_ended:
            raise Detached(job.known.line("goes on"))
        is_ending = job.state in _ENDING
        job = jobs.wait(job)
        if job.state == DONE:
            return jobs.collect(job)
        if not is_ending or remote.job:
            raise jobs.error_of(job)
    raise TransientError(f"{jobs.name}: jobs of this name came and went {_TRIES} times; try again")


class _Jobs:
    """The jobs API, for one piece of work."""

    def __init__(self, options: Options, work: Work, *, is_described: bool) -> None:
        self._work = work
        cloud = options.view_as(GoogleCloudOptions)
        self._scope = _checked(cloud, is_described=is_described)
        self.name = cloud.job_name or job_name(work.task, work.digest)
        with _api_errors():
            self._clients = _Clients.of(options)
        self._seen: set[str] = set()

    @property
    def _content(self) -> str:
        return self._work.digest[:40]

    def usable(self) -> _Job | None:
        """The job that does the work, or has done it and left it whole; None if there has to be another."""
        jobs = [self._get(job) for job in self._named()]
        ours = [job for job in jobs if job.labels.get(_CONTENT) == self._content and job.attempt]
        for job in jobs:
            if not job.has_ended and job not in ours:
                raise TransientError(
                    job.known.line("active under the name that this job is to have; wait for it, or name no job")
                )
        active = [job for job in ours if not job.has_ended]
        finished = [job for job in ours if job.state == DONE and self._work.is_whole(job.attempt)]
        return next(iter([*active, *sorted(finished, key=lambda job: -job.created)]), None)

    def given(self, job_id: str) -> _Job:
        """The job that the caller names."""
        job = self._get(job_id)
        if job.labels.get(_CONTENT) != self._content:
            raise TransientError(
                job.known.line(f"does not make what {self._work.task!r} is now; have data or models changed? Try again")
            )
        return job

    def submit(self, flags: Sequence[str]) -> _Job | None:
        """Submits the work; None if there is an active job of that name by now."""
        try:
            result = self.describe(flags)
        except Exception as error:
            if _is_taken(error) or _is_taken(error.__context__):  # the one line of a runner hides what Beam said
                return None
            raise
        return self._get(result.job_id())

    def describe(self, flags: Sequence[str]) -> Any:
        """Has Beam describe the work, and submit it unless a flag says where to write it; returns what Beam knows."""
        attempt = new_attempt()
        labels = (f"--labels={_CONTENT}={self._content}", f"--labels={_ATTEMPT}={attempt}")
        with _api_errors():
            reader, analysis, count = self._work.pipeline(attempt)
            return submitted(reader, analysis, (*flags, f"--job_name={self.name}", *labels), count)

    def wait(self, job: _Job) -> _Job:
        """Follows a job to its end."""
        while not job.has_ended:
            self._show(job)
            time.sleep(POLL_SECONDS)
            job = self._get(job.known.id)
        self._show(job)
        return job

    def collect(self, job: _Job) -> Outcome:
        """Which attempt a job that is done was; what it has written is where that says."""
        if not self._work.is_whole(job.attempt):
            raise TransientError(job.known.line("is done, and what it made is damaged or gone; try again"))
        return Outcome(job.attempt, job.created)

    def error_of(self, job: _Job) -> AssayError:
        """Why a job has failed: the error of ours that a worker raised, if one did."""
        if job.state != "JOB_STATE_FAILED":
            return AssayError(job.known.line(f"ended as {_plain(job.state)}, {job.known.page}"))
        messages = self._last_words(job)
        known = next(filter(None, (recover_from_text(text) for text in reversed(messages))), None)
        why = next(
            filter(None, reversed([text.strip().rsplit("\n", 1)[-1] for text in messages])), "it did not say why"
        )
        return known or AssayError(job.known.line(f"failed: {why}; {job.known.page}"))

    def _last_words(self, job: _Job) -> list[str]:
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while True:
            messages = [text for text, is_error in self._messages(job) if is_error]
            if messages or time.monotonic() > deadline:
                return messages
            time.sleep(min(POLL_SECONDS, 1.0))

    def _show(self, job: _Job) -> None:
        progress.phase(job.known.line(_plain(job.state)))
        for text, _ in self._messages(job):
            if text not in self._seen:
                self._seen.add(text)
                progress.say(job.known.line(text))

    # Calls ------------------------------------------------------------------------------------------------------------

    def _named(self) -> list[str]:
        from google.cloud import dataflow

        asked = dataflow.ListJobsRequest(name=self.name, filter=dataflow.ListJobsRequest.Filter.ALL, **self._scope)
        with _api_errors():
            listed = self._clients.jobs.list_jobs(request=asked, retry=_retry())
            return [job.id for job in listed if job.name == self.name]

    def _get(self, job_id: str) -> _Job:
        from google.cloud import dataflow

        view = dataflow.JobView.JOB_VIEW_DESCRIPTION  # a summary need not have labels
        asked = dataflow.GetJobRequest(job_id=job_id, view=view, **self._scope)
        with _api_errors():
            job = self._clients.jobs.get_job(request=asked, retry=_retry())
        known = RemoteJob(id=job.id, name=job.name, project=self._scope["project_id"], region=self._scope["location"])
        return _Job(known, _state(job), dict(job.labels), job.create_time.timestamp() if job.create_time else 0.0)

    def _messages(self, job: _Job) -> list[tuple[str, bool]]:
        """Warnings and errors: text, and whether it is an error."""
        from google.cloud import dataflow

        worst = dataflow.JobMessageImportance.JOB_MESSAGE_ERROR
        least = dataflow.JobMessageImportance.JOB_MESSAGE_WARNING
        asked = dataflow.ListJobMessagesRequest(job_id=job.known.id, minimum_importance=least, **self._scope)
        with _api_errors():
            listed = self._clients.messages.list_job_messages(request=asked, retry=_retry())
            return [(message.message_text, message.message_importance == worst) for message in listed]


@dataclass(frozen=True)
class _Clients:
    """Clients of the services behind the jobs API."""

    jobs: Any
    messages: Any

    @classmethod
    def of(cls, options: Options) -> _Clients:
        """Clients with the credentials and the endpoint with which Beam submits."""
        from apache_beam.internal.gcp.auth import get_service_credentials
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import dataflow

        cloud = options.view_as(GoogleCloudOptions)
        endpoint = (cloud.dataflow_endpoint or "").strip().rstrip("/")
        is_local = "localhost" in endpoint
        settings: dict[str, Any] = {
            "credentials": (None if cloud.no_auth else get_service_credentials(options)) or AnonymousCredentials(),  # type: ignore[no-untyped-call]
            "client_options": ClientOptions(
                api_endpoint=endpoint if is_local else re.sub("^https?://", "", endpoint) or None
            ),
            "transport": "rest" if is_local else None,
        }
        return cls(
            dataflow.JobsV1Beta3Client(**settings),
            dataflow.MessagesV1Beta3Client(**settings),
        )


def _checked(cloud: Any, *, is_described: bool) -> dict[str, str]:
    """Project and region, as the jobs API wants them."""
    if bool(cloud.template_location) != is_described:
        found = cloud.template_location or "none"
        raise ConfigError(
            f"--template_location: expected from a Flex Template of Dataflow, and only there, found {found}"
        )
    missing = [name for name in ("project", "region", "temp_location") if not getattr(cloud, name)]
    if missing:
        raise ConfigError(f"options of Beam pipelines: Dataflow needs --{missing[0]}")
    return {"project_id": cloud.project, "location": cloud.region}


def check_remote(what: str, uri: str) -> None:
    """Raises ConfigError for a URI that workers of Dataflow do not see."""
    if not storage.is_remote(uri):
        raise ConfigError(f"{what}: expected a gs:// URI, as workers of Dataflow do not see {uri!r}")


def digest_with_root(root: str, task: str, content: str) -> str:
    """Digest of what a task makes, and where."""
    return digest_of({"root": root, "task": task, "content": content})


def _state(job: Any) -> str:
    return str(getattr(job.current_state, "name", job.current_state))


def _plain(state: str) -> str:
    return state.removeprefix("JOB_STATE_").lower().replace("_", " ")


def _is_taken(error: BaseException | None) -> bool:
    """Whether Dataflow refuses a job for there being an active one of that name."""
    from apache_beam.runners.dataflow.internal.apiclient import DataflowJobAlreadyExistsError
    from google.api_core.exceptions import Conflict

    return isinstance(error, DataflowJobAlreadyExistsError | Conflict)


def _retry() -> Any:
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type
    from requests.exceptions import ConnectionError as RequestsConnectionError  # type: ignore[import-untyped]
    from requests.exceptions import Timeout

    heals = (exceptions.ServerError, exceptions.TooManyRequests, RequestsConnectionError, Timeout)
    return Retry(predicate=if_exception_type(*heals), initial=0.5, maximum=20.0, timeout=RETRY_SECONDS)


@contextmanager
def _api_errors() -> Iterator[None]:
    """Turns what Google's client raises into our errors."""
    from google.api_core.exceptions import ClientError, GoogleAPICallError, RetryError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except TooManyRequests as error:
        raise TransientError(f"Dataflow: {error.message}") from error
    except ClientError as error:
        raise ConfigError(f"Dataflow refuses ({int(error.code or 0)}): {error.message}") from error
    except (GoogleAPICallError, RetryError, RequestException) as error:
        raise TransientError(f"Dataflow does not answer ({type(error).__name__}); try again later") from error
    except GoogleAuthError as error:
        raise ConfigError(f"Dataflow: the Google credentials are refused ({type(error).__name__})") from error
