"""The same plan on a Flink session cluster: the same bits, whatever its parallelism."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.plan.filled import with_params
from assay.run import local
from tests.engines.flink import Flink
from tests.parity.cases import CASES
from tests.parity.results import differing, parts_of

CASE_OF = {case.name: case for case in CASES}
QUICK = (("several splits", 2),)


def pairs():
    for name in CASE_OF:
        for parallelism in (1, 2, 4):
            marks = () if (name, parallelism) in QUICK else pytest.mark.slow
            yield pytest.param(name, parallelism, marks=marks, id=f"{name}-{parallelism}")


@pytest.mark.parametrize(("case", "parallelism"), list(pairs()))
def test_flink_gives_the_bits_of_the_run_in_process(case, parallelism, flink_cluster: Flink, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    CASE_OF[case].write(data)
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, options in ((here, ()), (there, flink_cluster.options(parallelism=parallelism))):
        folder.mkdir()
        plan = with_params(CASE_OF[case].plan(), {"data": str(data), "out": str(folder)})
        local.run(plan, options=options)
    assert differing(parts_of(there), parts_of(here)) == {}
