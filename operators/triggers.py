"""Triggers: what a triggerer waits for, so that no worker has to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from assay.engine.remote import ENDED, RemoteJob
from assay.errors import AssayError, TransientError
from assay.operators.connections import Chain
from assay.operators.dataflow_api import ENDPOINT, DataflowApi


class DataflowJobTrigger(BaseTrigger):
    """Fires when a job on Dataflow has ended, whatever its outcome, with its id and state.

    It also fires if the job's state cannot be had, with the reason, which the stage then reports as its error.

    Args:
        job: `id`, `name`, `project` and `region`, as the result of a stage has them.
        poll_interval: seconds between looks.
        cancel_on_kill: whether the job is cancelled when somebody ends the task.
        gcp_conn_id: as for `DataflowApi`.
        impersonation_chain: as for `DataflowApi`.
        endpoint: as for `DataflowApi`.
    """

    def __init__(
        self,
        *,
        job: dict[str, str],
        poll_interval: float = 30.0,
        cancel_on_kill: bool = True,
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
        endpoint: str = ENDPOINT,
    ) -> None:
        super().__init__()
        self.job = job
        self.poll_interval = poll_interval
        self.cancel_on_kill = cancel_on_kill
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.endpoint = endpoint

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ("job", "poll_interval", "cancel_on_kill", "gcp_conn_id", "impersonation_chain", "endpoint")
        return f"{__name__}.DataflowJobTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        job = RemoteJob(**self.job)
        before = ""
        while True:
            state = await self._state(job)
            if state != before:
                self.log.info("%s", job.line(state))
            if state in ENDED or state.startswith("?"):
                yield TriggerEvent({**asdict(job), "state": state})
                return
            before = state
            await asyncio.sleep(self.poll_interval)

    async def _state(self, job: RemoteJob) -> str:
        """The state; "" if the API does not answer now; "?" and the reason if it refuses."""
        try:
            return await sync_to_async(self._api.state)(job)
        except TransientError as error:
            self.log.warning("%s", error)
            return ""
        except AssayError as error:
            return f"? {error}"

    async def on_kill(self) -> None:
        if self.cancel_on_kill:
            await sync_to_async(self._api.cancel)(RemoteJob(**self.job))

    @property
    def _api(self) -> DataflowApi:
        return DataflowApi(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain, endpoint=self.endpoint
        )
