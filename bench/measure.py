"""Runs processes and measures them: sides take turns, so that a busy spell of the machine hits all of them."""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from bench.cases import Case
from bench.memory_of_all import watched
from bench.sides import SIDES, TENSORFLOW, results_of

OVERALL_TOLERANCE = 1e-6
MEAN_TOLERANCE = 1e-4
"""A score within one bucket of 10,000 of another is a tie to some sides, which moves the AUC of a small slice."""


class Cost(NamedTuple):
    """What one process took.

    Attributes:
        cpu_s: user and system seconds of it and its children.
        wall_s: how long it ran.
        peak_mb: its peak memory.
        imports_s: CPU seconds of a process right before it that only imported what it imports.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    imports_s: float = 0.0

    @property
    def own_s(self) -> float:
        """CPU seconds without those of the imports. Pairs, as a busy machine takes longer for both."""
        return self.cpu_s - self.imports_s


@dataclass
class Measured:
    """All that was found, by name of the case (or Python code of an import); survives a journey through JSON."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)
    read_back_s: dict[str, float] = field(default_factory=dict)
    agreement: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, name: str) -> Cost:
        """Median of each figure over the repeats."""
        return Cost(*(statistics.median(figures) for figures in zip(*self.costs[name], strict=True)))

    def own_s(self, name: str) -> float:
        """Median over the repeats of CPU seconds without imports."""
        return statistics.median(cost.own_s for cost in self.costs[name])


class ProcessError(Exception):
    """A process ended badly."""


def measure_all(cases: Sequence[Case], repeats: int, say: Callable[[str], None]) -> Measured:
    """Measures cases, each right after its imports; AUCs are those of the first round."""
    measured = Measured()
    aucs: dict[Case, dict[str, float]] = {}
    jobs: dict[str, Callable[[], Cost]] = {
        **({TENSORFLOW: partial(_measure_imports, TENSORFLOW, "assay")} if any(map(needs_tensorflow, cases)) else {}),
        **{str(case): partial(_measure_case, case, measured.read_back_s, aucs) for case in cases},
    }
    slow = {str(case) for case in cases if SIDES[case.side].once}
    for turn in range(repeats):
        for name, job in jobs.items():
            if turn and (name in slow or name in measured.failures):
                continue
            try:
                cost = job()
            except ProcessError as error:
                measured.failures[name] = str(error)
            else:
                measured.costs.setdefault(name, []).append(cost)
                say(f"{name}: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.1f} s, {cost.peak_mb:.0f} MB")
    measured.agreement = dict(_agreements(aucs))
    return measured


def needs_tensorflow(case: Case) -> bool:
    """Whether its memory is compared with that of an import of TensorFlow."""
    return case.file_format == "tfrecord"


def _measure_imports(code: str, side: str) -> Cost:
    return measure((sys.executable, "-c", code), SIDES[side].environment)[0]


def _measure_case(case: Case, read_back_s: dict[str, float], aucs: dict[Case, dict[str, float]]) -> Cost:
    side = SIDES[case.side]
    imports = _measure_imports(side.imports[case.file_format], case.side)
    cost, printed = measure(side.command(case), side.environment)
    if "read_back_s" in printed:
        read_back_s[str(case)] = printed["read_back_s"]
    if case not in aucs:
        aucs[case] = aucs_of(case) if side.writes_results else printed["aucs"]
    if side.writes_results:
        shutil.rmtree(results_of(case))
    return cost._replace(imports_s=imports.cpu_s)


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, watch: bool = False
) -> tuple[Cost, dict[str, Any]]:
    """Runs a command; returns its cost and the JSON object that it printed, if any.

    Args:
        command: the program and its arguments.
        environment: variables beside those of this process.
        watch: whether the peak is that of all its processes together, looked at five times a second.

    Raises:
        ProcessError: it failed; has the end of what it said.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with watched(process.pid) if watch else nullcontext([0.0]) as together:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ProcessError(f"ended with {process.returncode}: {' / '.join(output.strip().splitlines()[-2:])}")
    printed = next((line for line in reversed(output.splitlines()) if line.startswith("{")), "{}")
    peak_mb = max(usage.ru_maxrss / 1024, *together)
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, peak_mb), json.loads(printed)


def aucs_of(case: Case) -> dict[str, float]:
    """AUC by slice in the results of a case, read by another process."""
    _, printed = measure((sys.executable, "-m", "bench.slice_aucs", str(results_of(case))))
    aucs: dict[str, float] = printed["aucs"]
    return aucs


def _agreements(aucs: Mapping[Case, dict[str, float]]) -> Iterable[tuple[str, str]]:
    for case, theirs in aucs.items():
        ours = aucs.get(replace(case, side="assay"))
        if case.side != "assay" and ours is not None:
            yield str(case), agreement(ours, theirs)


def agreement(ours: Mapping[str, float], theirs: Mapping[str, float]) -> str:
    """How far AUCs agree, in words that start with "agrees" or "DIFFERS". Slices where ours is NaN do not count."""
    if ours.keys() != theirs.keys():
        return f"DIFFERS: {len(ours)} slices and {len(theirs)}, {len(ours.keys() & theirs.keys())} in both"
    apart = {name: abs(auc - theirs[name]) for name, auc in ours.items() if not math.isnan(auc)}
    mean = statistics.fmean(apart.values())
    same = apart[""] <= OVERALL_TOLERANCE and mean <= MEAN_TOLERANCE  # false for NaN
    return (
        f"{'agrees' if same else 'DIFFERS'}, slices compared: {len(apart):,}; "
        f"overall {apart['']:.1e} apart, on average {mean:.1e}, at most {max(apart.values()):.1e}"
    )
