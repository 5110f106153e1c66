"""Waiting for the data of a run. Where it does not come in time, the verdict is NOT_EVALUATED."""

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
from assay.operators.links import RESULT_KEY, ResultsLink
from assay.operators.run_names import run_name
from assay.operators.stage import airflow_errors, resolved
from assay.operators.template_text import template_text
from assay.plan.params import check_parameters, settled, substitute
from assay.plan.plan import Plan
from assay.plan.stored import plan_text
from assay.readers import row_files
from assay.results.published import publish_not_evaluated
from assay.storage.file_paths import FilePath
from assay.verdict import Status

MINUTE = timedelta(minutes=1)

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class WaitForDataOperator(BaseOperator, SkipMixin):
    """Waits until every input of a plan is there; a triggerer does it, so no worker is kept.

    Where the data has not come in time, that is published in place of results: the verdict NOT_EVALUATED, and why. What
    comes directly after is skipped then, in plain sight, and what is behind follows its trigger rules.

    Returns (to XCom) the number of files, or the verdict and where it is.

    Args:
        plan: place of the plan.
        wait: how long.
        plan_params: parameter of the plan -> value, as for the stages.
        plan_json: the plan itself; "" reads what is at `plan`.
        ready_file: what its writer puts there last, such as `_SUCCESS`: a name, looked for in the folder of every file,
            or a place. `${name}` stands for a parameter of the plan. "" waits for the files only.
        poke_interval: how often to look.
        on_not_blessed: "skip" what comes after, or "fail".
        deferrable: whether a triggerer waits; else a worker does.
        gcp_conn_id: connection by which to go to `gs://`; "" for the credentials of the environment.
        impersonation_chain: account, or list that leads to it, as which to go there.
        kwargs: of Airflow's BaseOperator.
    """

    template_fields: Sequence[str] = (
        *("plan", "plan_params", "ready_file", "on_not_blessed"),
        *("gcp_conn_id", "impersonation_chain"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"plan_params": "json"}
    operator_extra_links = (ResultsLink(),)
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
        told = trigger.looked()
        if told is None:
            self.log.info("waiting for %s", ", ".join(trigger.patterns))
        if told is None and self.deferrable:
            self.defer(trigger=trigger, method_name="resume")
        while told is None:
            time.sleep(trigger.pause())
            told = trigger.looked()
        return self.resume(context, told)

    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Goes on with what the trigger saw."""
        with airflow_errors(), google_access(self.gcp_conn_id, self.impersonation_chain):
            if event["error"]:
                raise (TransientError if event["passing"] else ConfigError)(event["error"])
            if not event["missing"]:
                self.log.info("all is there: %s files", f"{event['files']:,}")
                return {"files": event["files"], "verdict": "", "output": ""}
            why = f"no data at {', '.join(event['missing'])} after {in_words(self.wait)}"
            plan = self._resolved()
            output = publish_not_evaluated(plan, run_name("", context), why)
        self.log.warning("%s: %s", Status.NOT_EVALUATED, why)
        if self.on_not_blessed == FAIL:
            raise AirflowFailException(f"{Status.NOT_EVALUATED}: {why}")
        done = {"files": event["files"], "verdict": Status.NOT_EVALUATED.value, "output": output}
        context["ti"].xcom_push(RESULT_KEY, done)  # skipping ends the task before Airflow does
        skip_after(self, context["ti"])
        return done

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
    """Looks for data until it is there or the time is up.

    Args:
        patterns: files, globs or folders, each of which must be there.
        ready_file: as for `WaitForDataOperator`.
        deadline: when to give up, in seconds since 1970, so that another triggerer goes on where one was lost.
        seconds: from look to look.
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
        while (told := await look()) is None:
            await asyncio.sleep(self.pause())
        yield TriggerEvent(told)

    def pause(self) -> float:
        """Seconds until the next look."""
        return max(min(self.seconds, self.deadline - time.time()), 0.1)

    def looked(self) -> dict[str, Any] | None:
        """What there is to tell: `files`, `missing` or an `error`; None while there is nothing but to wait."""
        is_over, told = time.time() >= self.deadline, {"files": 0, "missing": [], "error": "", "passing": False}
        try:
            with google_access(self.gcp_conn_id, self.impersonation_chain):
                files, missing = found_of(self.patterns, self.ready_file)
        except TransientError as error:
            return {**told, "error": str(error), "passing": True} if is_over else None
        except AssayError as error:
            return {**told, "error": str(error)}
        return {**told, "files": files, "missing": missing} if is_over or not missing else None


def patterns_of(plan: Plan) -> tuple[str, ...]:
    """The files, globs and folders that a plan reads.

    Raises:
        ConfigError: nobody can tell, as it has a reader of its own.
    """
    if "factory" in plan.inputs:
        raise ConfigError("inputs: a reader of your own reads nobody knows what, so nobody can wait for it")
    return (*plan.inputs["files"], *(plan.inputs.get("join") or {}).get("files", ()))


def found_of(patterns: Sequence[str], ready_file: str) -> tuple[int, list[str]]:
    """Number of files that are there, and what is missing."""
    found = {pattern: _matches(pattern) for pattern in patterns}
    files = {file for matches in found.values() for file in matches}
    missing = [pattern for pattern, matches in found.items() if not matches]
    is_place = "/" in ready_file
    markers = {ready_file} if is_place else {f"{file.rpartition('/')[0]}/{ready_file}" for file in files}
    if ready_file:
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
    """The files that a run would read; see `assay.readers.listing`, which is not for Airflow's own processes."""
    place = os.path.expanduser(pattern)
    if not place.endswith("/") and storage.stat(place) is not None:
        return [place]
    folder = place.rstrip("/")
    below = [file for file, _ in storage.list(folder)]
    return row_files.of_folder(folder, below) if below else row_files.of_glob(place, storage.match(place))
