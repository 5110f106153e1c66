"""Engines may run a part of a pipeline twice and keep what came of it once: no row counts twice, and none is lost."""

import pytest
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner

from assay.engine import runner
from assay.engine.workers.runner import LocalRunner
from assay.plan.filled import with_params
from assay.run import local, writing
from tests.parity.cases import CASE_OF
from tests.parity.results import differing, parts_of

QUICK = ("bad rows", "late labels", "a reader of one's own")


class Twice(fn_runner.BundleManager):
    """Runs each bundle twice, keeps the data of the second time only, and adds up counters of both, as Spark does."""

    def process_bundle(self, *args, **more):
        dropped, _ = super().process_bundle(*args, **more, dry_run=True)
        result, splits = super().process_bundle(*args, **more)
        infos = [*dropped.process_bundle.monitoring_infos, *result.process_bundle.monitoring_infos]
        both = beam_fn_api_pb2.ProcessBundleResponse(monitoring_infos=fn_runner.monitoring_infos.consolidate(infos))
        return beam_fn_api_pb2.InstructionResponse(process_bundle=both), splits


@pytest.fixture
def bundles(monkeypatch):
    """The bundles that were run twice."""
    seen = []

    class TwiceRunner(LocalRunner):
        def _get_bundle_manager(self, bundle):
            seen.append(bundle)
            return Twice(bundle)

    monkeypatch.setattr(runner, "LocalRunner", TwiceRunner)
    monkeypatch.setattr(writing, "runs_here", lambda options: False)  # so that files of dropped bundles are removed
    return seen


def run(case, data, folder, *, checkpoints):
    plan = with_params(CASE_OF[case].plan(), {"data": str(data), "out": str(folder)})
    local.run(plan, checkpoints=str(folder / "checkpoints") if checkpoints else None, options=["--workers=1"])
    return parts_of(folder)


@pytest.mark.parametrize("checkpoints", [False, True], ids=["one job", "checkpoints"])
@pytest.mark.parametrize("case", [pytest.param(c, marks=[] if c in QUICK else [pytest.mark.slow]) for c in CASE_OF])
def test_bundles_that_are_run_twice_change_no_number(case, checkpoints, data, tmp_path, request):
    expected = run(case, data(case), tmp_path / "once", checkpoints=checkpoints)
    bundles = request.getfixturevalue("bundles")
    found = run(case, data(case), tmp_path / "twice", checkpoints=checkpoints)
    assert bundles
    assert expected["summary"]["rows"] == CASE_OF[case].rows
    assert differing(found, expected) == {}
