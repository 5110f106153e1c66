"""Pages that Airflow's API server shows to users who may see a DAG: the results of a run, and the manifest of a stage.

Airflow's pages can link to http addresses only, and results may be in a local folder, which the server has to read.
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
    # A page made of somebody's data runs only its own script, which cannot reach the user's session in Airflow.
    "Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

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

    def answer(uri: str, media_type: str) -> Any:
        try:
            content = storage.read(uri) if uri else b""
        except AssayError as error:
            message = f"{error}; the API server must be able to read it"
            return Response(message, status_code=404, media_type="text/plain", headers=_HEADERS)
        if not content:
            return Response("the task has left nothing to show", 404, _HEADERS, "text/plain")
        return Response(content, media_type=media_type, headers=_HEADERS)

    return app


def returned(dag_id: str, run_id: str, task_id: str, map_index: int, name: str) -> str:
    """A path or URI that a task returned under `name`; "" if it returned none."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    query = XComModel.get_many(
        run_id=run_id, key=RESULT_KEY, task_ids=task_id, dag_ids=dag_id, map_indexes=map_index, limit=1
    )
    with create_session() as session:
        results = [XComModel.deserialize_value(row) for row in session.scalars(query)]
    result = results[0] if results else {}
    return str(result.get(name) or "") if isinstance(result, dict) else ""
