"""Pages that Airflow's API server shows to whoever may see a DAG: the results of a run, and the manifest of a stage.

Links in Airflow's pages lead to http only, and results may lie in a folder. The server must be able to read it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from assay import storage
from assay.checkpoints.layout import MANIFEST_FILE
from assay.errors import AssayError
from assay.operators.links import PREFIX, RESULT_KEY
from assay.results.published import PAGE_FILE

_HEADERS = {
    # A page made of somebody's data runs its own script alone, and nothing of Airflow's session is in its reach.
    "Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _Pages:
    """The application, made when it is first asked: every process of Airflow loads plugins, and few serve pages."""

    def __init__(self) -> None:
        self._made: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._made = self._made or application()
        await self._made(scope, receive, send)


class AssayPlugin(AirflowPlugin):
    """Puts the pages under `/assay` of Airflow's API server."""

    name = "assay"
    fastapi_apps: ClassVar[list[Any]] = [{"app": _Pages(), "url_prefix": PREFIX, "name": "assay"}]


def application() -> Any:
    """The application; it answers whoever Airflow lets see the XComs of the DAG."""
    from airflow.api_fastapi.core_api.security import DagAccessEntity, requires_access_dag
    from fastapi import Depends, FastAPI, Response

    app = FastAPI(title="assay", openapi_url=None)
    may_see = [Depends(requires_access_dag("GET", DagAccessEntity.XCOM))]

    @app.get("/results/{dag_id}/{run_id}/{task_id}/{map_index}", dependencies=may_see)
    def results(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
        output = returned(dag_id, run_id, task_id, map_index, "output")
        return answer(storage.join(output, PAGE_FILE) if output else "", "text/html; charset=utf-8")

    @app.get("/checkpoint/{dag_id}/{run_id}/{task_id}/{map_index}", dependencies=may_see)
    def checkpoint(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
        manifest = returned(dag_id, run_id, task_id, map_index, "manifest")
        is_one = manifest.endswith(f"/{MANIFEST_FILE}")
        return answer(manifest if is_one else "", "application/json")

    def answer(place: str, media_type: str) -> Any:
        try:
            content = storage.read(place) if place else b""
        except AssayError as error:
            told = f"{error}; the API server must be able to read it"
            return Response(told, status_code=404, media_type="text/plain", headers=_HEADERS)
        if not content:
            return Response("the task has left nothing to show", 404, _HEADERS, "text/plain")
        return Response(content, media_type=media_type, headers=_HEADERS)

    return app


def returned(dag_id: str, run_id: str, task_id: str, map_index: int, name: str) -> str:
    """A place that a task returned; "" if it did not."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    query = XComModel.get_many(
        run_id=run_id, key=RESULT_KEY, task_ids=task_id, dag_ids=dag_id, map_indexes=map_index, limit=1
    )
    with create_session() as session:
        found = [XComModel.deserialize_value(row) for row in session.scalars(query)]
    done = found[0] if found else {}
    return str(done.get(name) or "") if isinstance(done, dict) else ""
