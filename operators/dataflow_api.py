"""What Airflow needs of Dataflow's jobs API: the state of a job, and cancelling it. By REST, without Beam."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from assay.engine.remote import RemoteJob
from assay.errors import ConfigError, TransientError
from assay.operators.connections import Chain

ENDPOINT = "https://dataflow.googleapis.com"

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class DataflowApi:
    """The jobs API, called with the credentials of one account.

    Attributes:
        gcp_conn_id: Airflow connection of the account; "" for the credentials of the environment.
        impersonation_chain: account to impersonate, or the list of accounts that leads to it.
        endpoint: URL of the API.
    """

    gcp_conn_id: str = ""
    impersonation_chain: Chain = None
    endpoint: str = ENDPOINT

    def state(self, job: RemoteJob) -> str:
        """The state of a job.

        Raises:
            ConfigError: the API refuses to answer.
            TransientError: it does not answer.
        """
        return str(self._answer("GET", job).get("currentState", "JOB_STATE_UNKNOWN"))

    def cancel(self, job: RemoteJob) -> None:
        """Cancels a job that has not ended; raises the errors of `state`."""
        self._answer("PUT", job, {"requestedState": "JOB_STATE_CANCELLED"})

    def _answer(self, method: str, job: RemoteJob, content: Any = None) -> dict[str, Any]:
        from google.auth.transport.requests import AuthorizedSession

        url = f"{self.endpoint}/v1b3/projects/{job.project}/locations/{job.region}/jobs/{job.id}"
        with _errors(job), AuthorizedSession(self._credentials()) as session:  # type: ignore[no-untyped-call]
            answer = session.request(method, url, json=content, timeout=_SECONDS)
            if not answer.ok:
                kind = ConfigError if answer.status_code in (400, 401, 403, 404) else TransientError
                raise kind(job.line(f"the jobs API answers {answer.status_code}"))
            job_json: dict[str, Any] = answer.json()
        return job_json

    def _credentials(self) -> Any:
        if not self.gcp_conn_id and not self.impersonation_chain:
            import google.auth

            return google.auth.default(scopes=[_SCOPE])[0]
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

        name = self.gcp_conn_id or GoogleBaseHook.default_conn_name
        return GoogleBaseHook(gcp_conn_id=name, impersonation_chain=self.impersonation_chain).get_credentials()


@contextmanager
def _errors(job: RemoteJob) -> Iterator[None]:
    from airflow.sdk.exceptions import AirflowException
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests.exceptions import RequestException  # type: ignore[import-untyped]

    try:
        yield
    except (RequestException, TransportError) as error:
        raise TransientError(job.line(f"the jobs API does not answer ({type(error).__name__})")) from error
    except (GoogleAuthError, AirflowException) as error:
        raise ConfigError(job.line(f"no credentials to ask for it ({type(error).__name__})")) from error
