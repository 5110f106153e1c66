"""Links beside a task in Airflow's web pages. Airflow asks for them on the worker, when the task has ended."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.xcom import XCom

from assay import storage
from assay.engine.remote import job_of
from assay.operators.shown import SHOWN_KEY, Shown, shown_of

RESULT_KEY = "return_value"
PREFIX = "/assay"
"""Where the pages are on Airflow's API server."""

RESULTS, CHECKPOINT, VERDICT = "results", "checkpoint", "verdict"
"""The kinds of pages; see `assay.operators.served_pages`."""


class ResultsLink(BaseOperatorLink):
    """A link to the page of the results on Airflow's API server, wherever they are."""

    name = "Results"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_results"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(RESULTS, ti_key) if _shown(ti_key).output else ""


class VerdictLink(BaseOperatorLink):
    """A link to the page of the verdict on Airflow's API server."""

    name = "Verdict"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_verdict"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        return page_of(VERDICT, ti_key) if _shown(ti_key).verdict else ""


class CheckpointLink(BaseOperatorLink):
    """A link to the manifest of a stage's checkpoint, or to its folder in a bucket."""

    name = "Checkpoint"

    @property
    def xcom_key(self) -> str:
        return "_link_assay_checkpoint"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        folder = _shown(ti_key).manifest.rpartition("/")[0]
        in_bucket = storage.page(folder) if storage.is_remote(folder) else ""
        return in_bucket or (page_of(CHECKPOINT, ti_key) if folder else "")


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


def page_of(what: str, ti_key: Any) -> str:
    """The address of a task instance's page on Airflow's API server.

    It is there for local folders, as browsers do not follow `file://` links, and for buckets, as not everybody who may
    see a DAG has an account that may read them.

    Args:
        what: `RESULTS`, `VERDICT` or `CHECKPOINT`.
        ti_key: the task instance.
    """
    index = -1 if ti_key.map_index is None else ti_key.map_index
    parts = (what, ti_key.dag_id, ti_key.run_id, ti_key.task_id, str(index))
    base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{base}{PREFIX}/{'/'.join(quote(part, safe='') for part in parts)}"


def _shown(ti_key: object) -> Shown:
    return shown_of(XCom.get_value(ti_key=ti_key, key=SHOWN_KEY))
