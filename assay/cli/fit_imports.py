"""What the process of a command imports: no more than its plan needs."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine.core_of_beam import import_core_of_beam
from assay.extracts.without_pandas import keep_pandas_out
from assay.plan.plan import Plan


def fit_imports(plan: Plan, options: Sequence[str]) -> None:
    """Imports the core of Beam alone, and no pandas, where neither code of the user's own nor another runner runs.

    Args:
        plan: a plan.
        options: of Beam pipelines.
    """
    if not plan.has_own_code and not options:
        keep_pandas_out()
        import_core_of_beam()
