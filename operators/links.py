"""Links beside a task in Airflow's web pages. Airflow asks for them on the worker, once the task is done."""

from __future__ import annotations

from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom

from assay.dataflow_job import job_of

RESULT_KEY = "return_value"


class ResultsLink(BaseOperatorLink):
    """To the folder of the results."""

    name = "Results"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_results"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(_returned(ti_key, "output"))


class CheckpointLink(BaseOperatorLink):
    """To the checkpoint that a stage left."""

    name = "Checkpoint"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_checkpoint"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(_returned(ti_key, "manifest").rpartition("/")[0])


class DataflowLink(BaseOperatorLink):
    """To the job on Dataflow; while a task is deferred, too."""

    name = "Dataflow job"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_dataflow"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        done = XCom.get_value(ti_key=ti_key, key=RESULT_KEY)
        job = job_of(done.get("job") or {}) if isinstance(done, dict) else None
        return job.page if job else ""


def page_of(place: str) -> str:
    """Where a browser shows a folder: Google's console for a bucket; "" for no place."""
    if place.startswith("gs://"):
        return f"https://console.cloud.google.com/storage/browser/{quote(place.removeprefix('gs://'))}"
    return f"file://{quote(place)}" if place else ""


def _returned(ti_key: object, name: str) -> str:
    done = XCom.get_value(ti_key=ti_key, key=RESULT_KEY)
    return str(done.get(name) or "") if isinstance(done, dict) else ""
