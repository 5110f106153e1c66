"""Pages that Airflow's API server shows to users who may see a DAG: results and verdict of a run, a stage's manifest.

The server reads them where the task has left them, in a folder or a bucket, with the connection that the task used.
Nothing of a request reaches storage: it only names a task instance, and that says where its results are.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from assay import storage
from assay.checkpoints.layout import MANIFEST_FILE
from assay.errors import AssayError, MissingFileError, TransientError
from assay.operators.connections import google_access
from assay.operators.links import CHECKPOINT, PREFIX, RESULTS, VERDICT, page_of
from assay.operators.shown import Instance, Shown, shown_by
from assay.report.html.document import document
from assay.report.html.markup import Markup, element
from assay.report.page.verdict import verdict_page
from assay.results.published import PAGE_FILE, verdict_at
from assay.storage.patience import patience
from assay.text.printable import shortened

SECONDS = 15.0
"""How long a storage is asked for a page, as somebody waits for it."""

_HEADERS = {
    # A page made of somebody's data runs only its own script, which cannot reach the user's session in Airflow.
    "Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_MOST_BYTES = 64 << 20
"""Of a page or a manifest."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _Pages:
    """Makes the application at the first request: every process of Airflow loads plugins, and few serve pages."""

    def __init__(self) -> None:
        self._application: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._application = self._application or application()
        await self._application(scope, receive, send)


class AssayPlugin(AirflowPlugin):
    """Puts the pages under `/assay` of Airflow's API server."""

    name = "assay"
    fastapi_apps: ClassVar[list[Any]] = [{"app": _Pages(), "url_prefix": PREFIX, "name": "assay"}]


def application() -> Any:
    """The web application; it answers users whom Airflow lets see the XComs of the DAG."""
    from airflow.api_fastapi.core_api.security import DagAccessEntity, requires_access_dag
    from fastapi import Depends, FastAPI

    app = FastAPI(title="assay", openapi_url=None)
    may_see = [Depends(requires_access_dag("GET", DagAccessEntity.XCOM))]
    of_task = "{dag_id}/{run_id}/{task_id}/{map_index}"

    @app.get(f"/{RESULTS}/{of_task}", dependencies=may_see)
    def results(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
        shown = shown_by(Instance(dag_id, run_id, task_id, map_index))
        uri = storage.join(shown.output, PAGE_FILE)
        return _answer(shown, shown.output, _HTML, lambda: storage.read(uri, most=_MOST_BYTES))

    @app.get(f"/{CHECKPOINT}/{of_task}", dependencies=may_see)
    def checkpoint(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
        shown = shown_by(Instance(dag_id, run_id, task_id, map_index))
        folder, _, file = shown.manifest.rpartition("/")
        at = folder if file == MANIFEST_FILE else ""
        return _answer(shown, at, _JSON, lambda: storage.read(shown.manifest, most=_MOST_BYTES))

    @app.get(f"/{VERDICT}/{of_task}", dependencies=may_see)
    def verdict(dag_id: str, run_id: str, task_id: str, map_index: int, format: str = "html") -> Any:
        instance = Instance(dag_id, run_id, task_id, map_index)
        shown = shown_by(instance)
        at = (shown.output or shown.manifest.rpartition("/")[0]) if shown.verdict else ""
        if format == "json":
            return _answer(shown, at, _JSON, lambda: json.dumps(_verdict_of(shown), indent=2))
        return _answer(shown, at, _HTML, lambda: _verdict_page(instance, shown))

    return app


def _verdict_of(shown: Shown) -> dict[str, Any]:
    """That of the results, as a gate's checkpoint may be deleted before them."""
    return verdict_at("" if shown.output else shown.manifest, shown.output)


def _verdict_page(instance: Instance, shown: Shown) -> str:
    links = {"All results": page_of(RESULTS, instance)} if shown.output else {}
    links["As JSON"] = f"{page_of(VERDICT, instance)}?format=json"
    return verdict_page(_verdict_of(shown), f"{instance.dag_id}, {instance.run_id}", links)


def _answer(shown: Shown, folder: str, media_type: str, read: Callable[[], str | bytes]) -> Any:
    """What `read` returns; or else a page that says what is missing, and leads to the folder in its bucket."""
    from fastapi import Response

    if not folder:
        return Response(_nothing(), 404, _HEADERS, _HTML)
    try:
        with patience(SECONDS), google_access(shown.gcp_conn_id, shown.impersonation_chain):
            return Response(read(), 200, _HEADERS, media_type)
    except AssayError as error:
        return Response(_unreadable(error, shown, folder), _status_of(error), _HEADERS, _HTML)


def _status_of(error: AssayError) -> int:
    """Not a status of 401 or 403: it is the server that may not read, and no other user of Airflow would be better."""
    return 404 if isinstance(error, MissingFileError) else 503 if isinstance(error, TransientError) else 502


def _nothing() -> str:
    sentence = "This task has left nothing to show here: it has not ended, it failed, or its XComs were deleted."
    return _page("Nothing to show", element("p", sentence))


def _unreadable(error: AssayError, shown: Shown, folder: str) -> str:
    account = f"the connection {shown.gcp_conn_id!r}" if shown.gcp_conn_id else "the credentials of its environment"
    how = f", with {account}" if storage.is_remote(folder) else ""
    console = storage.page(folder) if storage.is_remote(folder) else ""
    return _page(
        "This page cannot be shown",
        element("p", shortened(str(error), 600)),
        element("p", f"Airflow's API server reads the page from {folder}{how}. It must be able to read that folder."),
        element("p", element("a", "Open the folder in the bucket's console", href=console)) if console else None,
    )


def _page(title: str, *content: Markup | None) -> str:
    return document(title, element("main", element("h1", title), *content))
