"""Scratch: a folder for the checkpoints of one run, made before the run and deleted after it, however it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context

from assay import storage
from assay.checkpoints.layout import SCRATCH
from assay.errors import ConfigError
from assay.operators.connections import Chain, google_access
from assay.operators.run_names import run_name
from assay.operators.stage import airflow_errors, checked_root, resolved, scratch_of
from assay.operators.template_text import template_text
from assay.plan.stored import plan_text
from assay.results.latest import RUN_NAME
from assay.storage.file_paths import FilePath

OWNER_FILE = "owner.json"
"""Says whose scratch it is, in case it is ever left over."""


class _ScratchOperator(BaseOperator):
    """What both operators share: they find the scratch of a plan, for the run of their task group or a named one.

    Args:
        plan: path or URI of the plan, as for the stages.
        root: folder or `gs://` URI of all checkpoints.
        plan_params: parameter of the plan -> value, as for the stages.
        plan_json: the plan itself; "" reads the one at `plan`.
        run: name of the run, as for the stages; "" makes one of DAG, run, task group and map index.
        gcp_conn_id: Airflow connection whose account is used for `gs://`; "" for the credentials of the environment.
        impersonation_chain: account to impersonate there, or the list of accounts that leads to it.
        kwargs: arguments of Airflow's BaseOperator.
    """

    template_fields: Sequence[str] = ("plan", "root", "plan_params", "run", "gcp_conn_id", "impersonation_chain")
    template_fields_renderers: ClassVar[dict[str, str]] = {"plan_params": "json"}
    ui_color = "#f1f3f4"

    def __init__(
        self,
        *,
        plan: FilePath,
        root: FilePath,
        plan_params: Mapping[str, Any] | None = None,
        plan_json: str = "",
        run: str = "",
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = template_text(plan, "plan")
        self.root = template_text(root, "root")
        self.plan_params = plan_params
        self.plan_json = plan_json
        self.run = run
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> str:
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            plan = resolved(self.plan_json or plan_text(self.plan), self.plan_params or {})
            uri = scratch_of(checked_root(self.root), run_name(self.run, context), plan)
            self.at(uri, context)
        return uri

    def at(self, uri: str, context: Context) -> None:
        """Does the work of the operator on the scratch at `uri`."""
        raise NotImplementedError


class MakeScratchOperator(_ScratchOperator):
    """Makes the scratch, which shows that it can be written to. Returns its path or URI."""

    def at(self, uri: str, context: Context) -> None:
        owner = {"dag": context["dag"].dag_id, "run": context["run_id"], "task": context["ti"].task_id}
        storage.write(storage.join(uri, OWNER_FILE), (json.dumps(owner, indent=2) + "\n").encode())


class DeleteScratchOperator(_ScratchOperator):
    """Deletes the scratch. Returns its path or URI."""

    def at(self, uri: str, context: Context) -> None:
        delete_scratch(checked_root(self.root), uri)
        self.log.info("%s: deleted", uri)


def delete_scratch(root: str, uri: str) -> None:
    """Deletes the scratch of a run. Refuses any other folder, as the checkpoints of all runs are below the root.

    Raises:
        ConfigError: the folder is not directly below that of all scratches.
    """
    folder = storage.join(root, SCRATCH)
    name = uri.removeprefix(f"{folder}/")
    is_elsewhere = name == uri or not RUN_NAME.fullmatch(name)
    path = storage.local_path(uri)
    if is_elsewhere or (path is not None and os.path.islink(path)):
        raise ConfigError(f"{uri}: expected a folder right below {folder}; nothing is deleted")
    storage.delete_folder(uri)
