"""Waiting for the data of a run. If it does not come in time, the verdict is NOT_EVALUATED."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from assay import storage
from assay.errors import AssayError, ConfigError, TransientError
from assay.operators.connections import Chain, google_access
from assay.operators.gate import FAIL, SKIP, skip_after
from assay.operators.links import RESULT_KEY, VerdictLink
from assay.operators.run_names import run_name
from assay.operators.shown import VERDICT_KEY, show
from assay.operators.stage import airflow_errors, resolved
from assay.operators.template_text import template_text
from assay.plan.params import check_parameters, settled, substitute
from assay.plan.plan import Plan
from assay.plan.stored import plan_text
from assay.readers import row_files
from assay.readers.same_files import once
from assay.results.published import publish_not_evaluated
from assay.storage.file_paths import FilePath
from assay.text.counted import counted
from assay.verdict import Status

MINUTE = timedelta(minutes=1)

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class WaitForDataOperator(BaseOperator, SkipMixin):
    """Waits until all inputs of a plan exist. A triggerer waits, so it takes no worker.

    If the data does not come in time, it publishes the verdict NOT_EVALUATED, with the reason, in place of results. The
    tasks directly after it are then skipped; tasks further on follow their trigger rules.

    Returns (to XCom) the number of files; or the verdict, and the folder with it.

    Args:
        plan: path or URI of the plan.
        wait: how long to wait.
        plan_params: parameter of the plan -> value, as for the stages.
        plan_json: the plan itself; "" reads the one at `plan`.
        ready_file: the file that is written last, such as `_SUCCESS`: a name, which is looked for in the folder of each
            file; or a path or URI. `${name}` stands for a parameter of the plan. "" waits for the files only.
        poke_interval: how often to look.
        on_not_blessed: whether the tasks after it are skipped ("skip") or fail ("fail").
        deferrable: whether a triggerer waits; otherwise a worker does.
        gcp_conn_id: Airflow connection whose account is used for `gs://`; "" for the credentials of the environment.
        impersonation_chain: account to impersonate there, or the list of accounts that leads to it.
        kwargs: arguments of Airflow's BaseOperator.
    """

    template_fields: Sequence[str] = (
        *("plan", "plan_params", "ready_file", "on_not_blessed"),
        *("gcp_conn_id", "impersonation_chain"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"plan_params": "json"}
    operator_extra_links = (VerdictLink(),)
    ui_color = "#f1f3f4"

    def __init__(
        self,
        *,
        plan: FilePath,
        wait: timedelta,
        plan_params: Mapping[str, Any] | None = None,
        plan_json: str = "",
        ready_file: str = "",
        poke_interval: timedelta = MINUTE,
        on_not_blessed: str = SKIP,
        deferrable: bool = True,
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = template_text(plan, "plan")
        self.wait = wait
        self.plan_params = plan_params
        self.plan_json = plan_json
        self.ready_file = ready_file
        self.poke_interval = poke_interval
        self.on_not_blessed = on_not_blessed
        self.deferrable = deferrable
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_errors():
            trigger = self._trigger()
        event = trigger.looked()
        if event is None:
            self.log.info("waiting for %s", ", ".join(trigger.patterns))

        if event is None and self.deferrable:
            self.defer(trigger=trigger, method_name="resume")
        while event is None:
            time.sleep(trigger.pause())
            event = trigger.looked()
        return self.resume(context, event)

    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Continues with the event of the trigger."""
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            if event["error"]:
                raise (TransientError if event["passing"] else ConfigError)(event["error"])
            if not event["missing"]:
                self.log.info("the data is there: %s", counted(event["files"], "file"))
                return {"files": event["files"], "verdict": "", "output": ""}

            why = f"no data at {', '.join(event['missing'])} after {in_words(self.wait)}"
            plan = self._resolved()
            output = publish_not_evaluated(plan, run_name("", context), why)

        result = {"files": event["files"], "verdict": Status.NOT_EVALUATED.value, "output": output}
        show(context, self, result)
        context["ti"].xcom_push(VERDICT_KEY, f"NOT EVALUATED; {why}")
        self.log.warning("%s: %s", Status.NOT_EVALUATED, why)
        if self.on_not_blessed == FAIL:
            raise AirflowFailException(f"{Status.NOT_EVALUATED}: {why}")
        # Skipping raises, and Airflow would not push what is returned.
        context["ti"].xcom_push(RESULT_KEY, result)
        skip_after(self, context["ti"])
        return result

    def _trigger(self) -> DataTrigger:
        if self.on_not_blessed not in (SKIP, FAIL):
            raise ConfigError(f"on_not_blessed: expected {SKIP} or {FAIL}, found {self.on_not_blessed!r}")
        with google_access(self.gcp_conn_id, self.impersonation_chain):
            plan = self._resolved()
        check_parameters(self.ready_file, plan.params, "ready_file")
        return DataTrigger(
            patterns=patterns_of(plan),
            ready_file=substitute(self.ready_file, settled(plan.params)),
            deadline=time.time() + self.wait.total_seconds(),
            seconds=self.poke_interval.total_seconds(),
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=self.impersonation_chain,
        )

    def _resolved(self) -> Plan:
        return resolved(self.plan_json or plan_text(self.plan), self.plan_params or {})


class DataTrigger(BaseTrigger):
    """Looks for data until it exists or the time is up.

    Args:
        patterns: files, globs or folders, each of which must have data.
        ready_file: as for `WaitForDataOperator`.
        deadline: when to give up, in seconds since 1970, so that another triggerer can take over.
        seconds: time between looks.
        gcp_conn_id: as for `WaitForDataOperator`.
        impersonation_chain: as for `WaitForDataOperator`.
    """

    def __init__(
        self,
        *,
        patterns: Sequence[str],
        ready_file: str,
        deadline: float,
        seconds: float,
        gcp_conn_id: str = "",
        impersonation_chain: Chain = None,
    ) -> None:
        super().__init__()
        self.patterns = list(patterns)
        self.ready_file = ready_file
        self.deadline = deadline
        self.seconds = seconds
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ("patterns", "ready_file", "deadline", "seconds", "gcp_conn_id", "impersonation_chain")
        return f"{__name__}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        look = sync_to_async(self.looked, thread_sensitive=False)  # storage would hold up all other triggers
        while (event := await look()) is None:
            await asyncio.sleep(self.pause())
        yield TriggerEvent(event)

    def pause(self) -> float:
        """Seconds until the next look."""
        return max(min(self.seconds, self.deadline - time.time()), 0.1)

    def looked(self) -> dict[str, Any] | None:
        """Looks once. Returns the event: `files`, `missing` or an `error`; None if there is still time to wait."""
        is_over, event = time.time() >= self.deadline, {"files": 0, "missing": [], "error": "", "passing": False}
        try:
            with google_access(self.gcp_conn_id, self.impersonation_chain):
                files, missing = found_of(self.patterns, self.ready_file)
        except TransientError as error:
            return {**event, "error": str(error), "passing": True} if is_over else None
        except AssayError as error:
            return {**event, "error": str(error)}
        return {**event, "files": files, "missing": missing} if is_over or not missing else None


def patterns_of(plan: Plan) -> tuple[str, ...]:
    """The files, globs and folders that a plan reads.

    Raises:
        ConfigError: it has a reader of the user's own, which may read anything.
    """
    if "factory" in plan.inputs:
        raise ConfigError("inputs: assay does not know what a custom reader reads, so it cannot wait for it")
    return (*plan.inputs["files"], *(plan.inputs.get("join") or {}).get("files", ()))


def found_of(patterns: Sequence[str], ready_file: str) -> tuple[int, list[str]]:
    """Number of files that exist, and what is missing."""
    files_of = {pattern: _matches(pattern) for pattern in patterns}
    files = once(dict.fromkeys(file for matches in files_of.values() for file in matches), "inputs.files")
    missing = [pattern for pattern, matches in files_of.items() if not matches]

    if ready_file:
        has_folder = "/" in ready_file
        markers = {ready_file} if has_folder else {f"{file.rpartition('/')[0]}/{ready_file}" for file in files}
        missing += sorted(marker for marker in markers if storage.stat(marker) is None)
    return len(files), missing


def in_words(time_span: timedelta) -> str:
    """A time span for people: `6 h`, `1 h 30 min`."""
    seconds, words = time_span.total_seconds(), []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        words += [f"{int(count)} {unit}"] if count else []
    return " ".join([*words, *([f"{seconds:g} s"] if seconds or not words else [])])


def _matches(pattern: str) -> list[str]:
    """The files that a run would read, but nothing is refused that may be there while data is written.

    See `assay.readers.listing`.
    """
    path = os.path.expanduser(pattern)
    if not path.endswith("/") and storage.stat(path) is not None:
        return [path]
    folder = path.rstrip("/")
    below = [file for file, _ in storage.list(folder)]
    return row_files.of_folder(folder, below) if below else row_files.of_glob(path, storage.match(path))
