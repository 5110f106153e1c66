"""What a task has to show: where its results and its checkpoint are, and by whose account they can be read.

A task leaves it in an XCom of its own. The links beside the task depend on it, and Airflow's API server reads it when
somebody follows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from airflow.sdk import Context

    from assay.operators.connections import Chain

SHOWN_KEY = "assay_shown"
"""Key of the XCom."""

VERDICT_KEY = "verdict"
"""Key of the XCom with the verdict as a line for people."""


class Instance(NamedTuple):
    """A task instance of Airflow; `map_index` is -1 if it is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int


@dataclass(frozen=True)
class Shown:
    """What a task has to show.

    Attributes:
        output: folder of the results; "" for none.
        manifest: of the checkpoint; "" for none.
        verdict: its status; "" for none.
        gcp_conn_id: Airflow connection that the task used; "" for the credentials of the environment.
        impersonation_chain: whom the task impersonated.
    """

    output: str = ""
    manifest: str = ""
    verdict: str = ""
    gcp_conn_id: str = ""
    impersonation_chain: Chain = None


def show(context: Context, operator: Any, result: Mapping[str, Any]) -> None:
    """Leaves the XCom.

    Args:
        context: Airflow's.
        operator: whose `gcp_conn_id` and `impersonation_chain` are filled in.
        result: `output`, `manifest` and `verdict`, of which any may be missing.
    """
    where = {name: result.get(name) or "" for name in ("output", "manifest", "verdict")}
    account = {"gcp_conn_id": operator.gcp_conn_id, "impersonation_chain": operator.impersonation_chain}
    shown = Shown(**where, **account)
    if shown.output or shown.manifest:
        context["ti"].xcom_push(SHOWN_KEY, asdict(shown))


def shown_of(value: Any) -> Shown:
    """Reads the content of the XCom; nothing where there is none."""
    return Shown(**value) if isinstance(value, Mapping) and value.keys() <= asdict(Shown()).keys() else Shown()


def shown_by(instance: Instance) -> Shown:
    """What a task instance has to show, out of Airflow's database; nothing if there is no such XCom."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    query = XComModel.get_many(
        run_id=instance.run_id,
        key=SHOWN_KEY,
        task_ids=instance.task_id,
        dag_ids=instance.dag_id,
        map_indexes=instance.map_index,
        limit=1,
    )
    with create_session() as session:
        values = [XComModel.deserialize_value(row) for row in session.scalars(query)]
    return shown_of(values[0]) if values else Shown()
