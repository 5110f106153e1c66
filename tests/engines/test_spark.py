"""The same plan on a Spark standalone cluster: the same bits, whatever its parallelism."""

from __future__ import annotations

import pytest

from tests.engines.same_bits import cases, check_same_bits
from tests.engines.spark import Spark


@pytest.mark.parametrize("case", list(cases(("several splits",))))
def test_spark_gives_the_bits_of_the_run_in_process(case, spark_cluster: Spark, tmp_path):
    check_same_bits(case, spark_cluster.with_parallelism(2), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("case", list(cases(())))
def test_parallelism_changes_no_bit(case, parallelism, spark_cluster: Spark, tmp_path):
    check_same_bits(case, spark_cluster.with_parallelism(parallelism), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["several splits"])
def test_with_checkpoints_the_bits_are_the_same(case, spark_cluster: Spark, tmp_path):
    check_same_bits(case, spark_cluster.with_parallelism(4), tmp_path, checkpointed=True)
