"""The same plan on Prism: the same bits."""

from __future__ import annotations

import pytest

from tests.engines import prism
from tests.engines.prism import Prism
from tests.engines.same_bits import cases, check_same_bits

QUICK = ("several splits", "two models, intervals", "stages of one's own")


@pytest.mark.parametrize("case", list(cases(QUICK)))
def test_prism_gives_the_bits_of_the_run_in_process(case, prism_server: Prism, tmp_path):
    check_same_bits(case, prism_server.options, tmp_path)


@pytest.mark.parametrize("case", list(cases(("several splits",))))
def test_with_checkpoints_the_bits_are_the_same(case, prism_server: Prism, tmp_path):
    check_same_bits(case, prism_server.options, tmp_path, checkpointed=True)


def test_beam_starts_the_prism_that_prism_location_names(tmp_path):
    check_same_bits("bad rows", prism.started_by_beam(), tmp_path)
