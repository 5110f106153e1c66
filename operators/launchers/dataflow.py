"""Stages as jobs on Dataflow: a stage command that submits them, in another launcher, and what to do with a job."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from assay.engine.remote import RemoteJob, in_line
from assay.errors import AssayError
from assay.operators.connections import Chain
from assay.operators.dataflow_api import ENDPOINT, DataflowApi
from assay.operators.launchers.launcher import Launcher, Running, StageCall
from assay.operators.launchers.process import SubprocessLauncher

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from assay.operators.triggers import DataflowJobTrigger


@dataclass(frozen=True, kw_only=True)
class DataflowLauncher:
    """Runs the Beam job of each stage on Dataflow.

    The command of a stage, which submits the job, waits for it and commits what it made, runs in `inner`. If it dies
    the job goes on, and the next try finds it by its name. A deferrable operator leaves the waiting to a triggerer.
    Root, data, models and output are to be on `gs://`.

    Attributes:
        project: whose the jobs are.
        region: where they run.
        temp_location: folder on `gs://` for what Dataflow keeps while a job runs.
        staging_location: folder on `gs://` for what a job is made of; "" is `temp_location`.
        sdk_container_image: image of workers, with assay in it.
        service_account: whom workers are; "" for the project's default.
        machine_type: of workers; "" lets Dataflow choose.
        num_workers: to begin with; 0 lets Dataflow choose.
        max_num_workers: at most; 0 for no limit but Dataflow's.
        subnetwork: of workers, such as regions/REGION/subnetworks/NAME.
        use_public_ips: whether workers have addresses on the internet.
        labels: of jobs.
        options: other options of Beam pipelines.
        inner: where the command runs.
        gcp_conn_id: connection by which this, not the command, asks for jobs and cancels them; "" for the credentials
            of the environment.
        impersonation_chain: account, or list that leads to it, as which to do so.
        cancel_on_kill: whether the job ends when somebody ends the task.
        poll_interval: seconds between a triggerer's looks at a job.
        endpoint: of the jobs API.
    """

    template_fields: ClassVar[tuple[str, ...]] = (
        *("project", "region", "temp_location", "staging_location", "sdk_container_image", "service_account"),
        *("machine_type", "subnetwork", "labels", "options", "inner", "gcp_conn_id", "impersonation_chain"),
    )

    project: str
    region: str
    temp_location: str
    staging_location: str = ""
    sdk_container_image: str = ""
    service_account: str = ""
    machine_type: str = ""
    num_workers: int = 0
    max_num_workers: int = 0
    subnetwork: str = ""
    use_public_ips: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    inner: Launcher = field(default_factory=SubprocessLauncher)
    gcp_conn_id: str = ""
    impersonation_chain: Chain = None
    cancel_on_kill: bool = True
    poll_interval: float = 30.0
    endpoint: str = ENDPOINT

    def start(self, call: StageCall) -> SubmittingCommand:
        """Starts the command in the inner launcher."""
        inner = self.inner.start(replace(call, arguments=(*call.arguments, *self.flags())))
        return SubmittingCommand(inner, self._api if self.cancel_on_kill else None)

    def flags(self) -> tuple[str, ...]:
        """The options of Beam pipelines that say all this."""
        given = {
            "project": self.project,
            "region": self.region,
            "temp_location": self.temp_location,
            "staging_location": self.staging_location,
            "sdk_container_image": self.sdk_container_image,
            "service_account_email": self.service_account,
            "machine_type": self.machine_type,
            "num_workers": self.num_workers,
            "max_num_workers": self.max_num_workers,
            "subnetwork": self.subnetwork,
            "dataflow_endpoint": self.endpoint if self.endpoint != ENDPOINT else "",
        }
        return (
            "--runner=DataflowRunner",
            *(f"--{name}={value}" for name, value in given.items() if value),
            *(() if self.use_public_ips else ("--no_use_public_ips",)),
            *(f"--labels={name}={value}" for name, value in self.labels.items()),
            *self.options,
        )

    def trigger(self, job: RemoteJob) -> DataflowJobTrigger:
        """What waits for a job in a triggerer."""
        from assay.operators.triggers import DataflowJobTrigger

        return DataflowJobTrigger(
            job=asdict(job),
            poll_interval=self.poll_interval,
            cancel_on_kill=self.cancel_on_kill,
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=self.impersonation_chain,
            endpoint=self.endpoint,
        )

    @property
    def _api(self) -> DataflowApi:
        return DataflowApi(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain, endpoint=self.endpoint
        )


class SubmittingCommand:
    """A stage command, and the job that its log tells of.

    Args:
        command: as the inner launcher has started it.
        api: by which to cancel the job when the command is stopped; None leaves it.
    """

    def __init__(self, command: Running, api: DataflowApi | None) -> None:
        self._command = command
        self._api = api
        self._job: RemoteJob | None = None

    def lines(self) -> Iterator[str]:
        """See `Running`."""
        for line in self._command.lines():
            self._job = in_line(line) or self._job
            yield line

    def wait(self) -> int:
        """See `Running`."""
        return self._command.wait()

    def stop(self) -> None:
        """See `Running`."""
        self._command.stop()
        if self._job is not None and self._api is not None:
            try:
                self._api.cancel(self._job)
            except AssayError as error:
                _log.warning("not cancelled: %s", error)
