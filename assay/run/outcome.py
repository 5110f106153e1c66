"""What running a task gives: small enough for an orchestrator to hand on. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

ANALYSE = "analyse"
"""Kind of the task that is a whole plan."""


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What a task did.

    Attributes:
        task: its name.
        kind: kind of its stages; `ANALYSE` for a whole plan in one task.
        manifest: URI of the checkpoint's manifest; "" if it leaves none.
        digest: of the checkpoint; "" if it leaves none.
        counts: `rows`, `bad_rows`, `unmatched`, `unsliced`, of this task and all before it; see `assay.verdict.Counts`.
        rows: rows or elements in the checkpoint.
        reused: whether the checkpoint was there already, so that nothing had to be done.
        verdict: of the gate and of who publishes: BLESSED, NOT_BLESSED or NOT_EVALUATED; else "".
        output: folder of the results, of who publishes; else "".
        seconds: wall time.
        job: `id`, `name`, `project` and `region` of the job on Dataflow that did it, or, where there is neither a
            manifest nor an output yet, is doing it; empty for none.
    """

    task: str
    kind: str
    manifest: str = ""
    digest: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    reused: bool = False
    verdict: str = ""
    output: str = ""
    seconds: float = 0.0
    job: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_detached(self) -> bool:
        """Whether a job goes on, and another call is to collect what it makes."""
        return bool(self.job) and not self.manifest and not self.output

    def to_json(self) -> str:
        """The content of the result file."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> StageResult:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))
