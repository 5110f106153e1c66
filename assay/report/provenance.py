"""When, with what and from what a run was made, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.report.evidence import Evidence

_SHORT_DIGEST = 12
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)")


def facts_of(evidence: Evidence) -> dict[str, str]:
    """Name -> text of what is known of a run; what is not known is left out."""
    run, facts = evidence.run, evidence.facts
    data = f"{run.data_location} ({run.file_format})" if run.file_format else run.data_location
    rows = {
        "Finished": time_text(facts.get("finished")),
        "Duration": _durations(facts.get("seconds")),
        "Analysis file": str(facts.get("analysis_file") or ""),
        "Data": data,
        "Digest of the data": str(facts.get("data_digest") or "")[:_SHORT_DIGEST],
        **{f"Model {name}".strip(): uri for name, uri in run.model_locations.items()},
        "Digests of the models": _digests(facts.get("model_digests")),
        "Parameters": parameters_text(facts.get("params")),
        "Run": str(facts.get("run") or ""),
        "Digest of the plan": str(facts.get("plan") or "")[:_SHORT_DIGEST],
        "Checkpoints": _digests(facts.get("checkpoints")),
        "Made by": f"assay {facts['assay_version']}" if "assay_version" in facts else run.version,
    }
    return {name: text for name, text in rows.items() if text}


def heading_facts(evidence: Evidence) -> list[str]:
    """The few that stand at the top: when, how long, with which parameters."""
    facts = facts_of(evidence)
    return [facts[name] for name in ("Finished", "Duration", "Parameters") if name in facts]


def time_text(moment: object) -> str:
    """`2026-11-27 00:30 UTC` of an ISO 8601 time in UTC; "" for anything else."""
    match = _MOMENT.match(moment) if isinstance(moment, str) else None
    return f"{match[1]} {match[2]} UTC" if match else ""


def parameters_text(params: object) -> str:
    """`date = 2024-05-01, version = 7`."""
    return ", ".join(f"{name} = {value}" for name, value in params.items()) if isinstance(params, dict) else ""


def _durations(seconds: object) -> str:
    """Of a run in one piece its time; of several tasks the time of each."""
    times: Mapping[str, Any] = seconds if isinstance(seconds, dict) else {}
    texts = {task: _duration(time) for task, time in times.items() if isinstance(time, int | float)}
    return next(iter(texts.values())) if len(texts) == 1 else ", ".join(f"{k} {v}" for k, v in texts.items())


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _digests(digests: object) -> str:
    whole = digests if isinstance(digests, dict) else {}
    return ", ".join(f"{task} {str(digest)[:_SHORT_DIGEST]}" for task, digest in whole.items())
