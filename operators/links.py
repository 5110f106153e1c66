"""Links beside a task in Airflow's web pages. Airflow asks for them on the worker, when the task has ended."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.xcom import XCom

from assay import storage
from assay.engine.remote import job_of

RESULT_KEY = "return_value"
PREFIX = "/assay"
"""Where the pages are on Airflow's API server."""


class ResultsLink(BaseOperatorLink):
    """A link to the page of the results, or to their folder in a bucket."""

    name = "Results"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_results"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(_returned(ti_key, "output"), "results", ti_key)


class CheckpointLink(BaseOperatorLink):
    """A link to the manifest of a stage's checkpoint, or to its folder in a bucket."""

    name = "Checkpoint"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_checkpoint"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(_returned(ti_key, "manifest").rpartition("/")[0], "checkpoint", ti_key)


class DataflowLink(BaseOperatorLink):
    """A link to the job on Dataflow, also while the task is deferred."""

    name = "Dataflow job"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_dataflow"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        result = XCom.get_value(ti_key=ti_key, key=RESULT_KEY)
        job = job_of(result.get("job") or {}) if isinstance(result, dict) else None
        return job.page if job else ""


def page_of(uri: str, what: str, ti_key: Any) -> str:
    """The address at which a browser shows a folder; "" for none.

    Google's console shows a folder of a bucket, and Airflow's API server a local one, as a browser would not follow a
    `file://` link, and Airflow does not show it.

    Args:
        uri: folder or URI.
        what: "results" or "checkpoint"; see `assay.operators.served_pages`.
        ti_key: the task instance that returned it.
    """
    if storage.is_remote(uri):
        return storage.page(uri)
    index = -1 if ti_key.map_index is None else ti_key.map_index
    parts = (what, ti_key.dag_id, ti_key.run_id, ti_key.task_id, str(index))
    base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{base}{PREFIX}/{'/'.join(quote(part, safe='') for part in parts)}" if uri else ""


def _returned(ti_key: object, name: str) -> str:
    result = XCom.get_value(ti_key=ti_key, key=RESULT_KEY)
    return str(result.get(name) or "") if isinstance(result, dict) else ""
