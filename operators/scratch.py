"""Scratch: the checkpoints of one run in a folder of its own, made before it and deleted after it, however it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context

from assay import storage
from assay.file_paths import FilePath
from assay.operators.connections import Chain, google_access
from assay.operators.stage import airflow_errors, checked_root, run_name, scratch_of
from assay.operators.template_text import template_text

OWNER_FILE = "owner.json"
"""Says whose scratch it is, should it ever be left over."""


class _ScratchOperator(BaseOperator):
    """What both have: they find the scratch of their task group, or of the run that they are given.

    Args:
        root: folder or `gs://` URI of all checkpoints.
        run: name of the run, as for the stages; "" makes one of DAG, run, task group and map index.
        gcp_conn_id: connection by which to go to `gs://`; "" for the credentials of the environment.
        impersonation_chain: account, or list that leads to it, as which to go there.
        kwargs: of Airflow's BaseOperator.
    """

    template_fields: Sequence[str] = ("root", "run", "gcp_conn_id", "impersonation_chain")
    ui_color = "#f1f3f4"

    def __init__(
        self, *, root: FilePath, run: str = "", gcp_conn_id: str = "", impersonation_chain: Chain = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.root = template_text(root, "root")
        self.run = run
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> str:
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            place = scratch_of(checked_root(self.root), run_name(self.run, context))
            self.at(place, context)
        return place

    def at(self, place: str, context: Context) -> None:
        """Does what there is to do."""
        raise NotImplementedError


class MakeScratchOperator(_ScratchOperator):
    """Makes the scratch, and so shows that it can be written to. Returns its place."""

    def at(self, place: str, context: Context) -> None:
        owner = {"dag": context["dag"].dag_id, "run": context["run_id"], "task": context["ti"].task_id}
        storage.write(storage.join(place, OWNER_FILE), (json.dumps(owner, indent=2) + "\n").encode())


class DeleteScratchOperator(_ScratchOperator):
    """Deletes the scratch. Returns where it was."""

    def at(self, place: str, context: Context) -> None:
        storage.delete_folder(place)
        self.log.info("%s: deleted", place)
