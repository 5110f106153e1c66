"""Stages as jobs on Dataflow: another launcher runs the stage command, which submits the job."""

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

    The launcher `inner` runs the command of a stage, which submits the job, waits for it and commits its output. If the
    command dies the job continues, and the next try finds it by its name. A deferrable operator leaves the waiting to a
    triggerer. Root, data, models and output must be on `gs://`.

    Attributes:
        project: Google Cloud project of the jobs.
        region: where they run.
        temp_location: folder on `gs://` for temporary files of a job.
        staging_location: folder on `gs://` for the files of which a job is made; "" is `temp_location`.
        sdk_container_image: image of the workers, with assay installed.
        service_account: account of the workers; "" for the project's default.
        machine_type: machines of the workers; "" lets Dataflow choose.
        num_workers: number of workers at the start; 0 lets Dataflow choose.
        max_num_workers: largest number of workers; 0 for Dataflow's limit.
        subnetwork: of the workers, such as regions/REGION/subnetworks/NAME.
        use_public_ips: whether workers have public addresses.
        labels: labels of the jobs.
        options: other options of Beam pipelines.
        inner: where the command runs.
        gcp_conn_id: Airflow connection with which Airflow, not the command, looks up and cancels jobs; "" for the
            credentials of the environment.
        impersonation_chain: account to impersonate for that, or the list of accounts that leads to it.
        cancel_on_kill: whether the job is cancelled when somebody ends the task.
        poll_interval: seconds between a triggerer's looks at a job.
        endpoint: URL of the jobs API.
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
        """These settings as options of Beam pipelines."""
        settings = {
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
            *(f"--{name}={value}" for name, value in settings.items() if value),
            *(() if self.use_public_ips else ("--no_use_public_ips",)),
            *(f"--labels={name}={value}" for name, value in self.labels.items()),
            *self.options,
        )

    def trigger(self, job: RemoteJob) -> DataflowJobTrigger:
        """The trigger that waits for a job."""
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
    """A stage command, and the job that it submitted, as its log says.

    Args:
        command: the command, started by the inner launcher.
        api: the jobs API, to cancel the job when the command is stopped; None does not cancel it.
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
