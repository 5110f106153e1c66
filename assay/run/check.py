"""What can be known of a plan without running it: files, columns, models, thresholds, output, and the first rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.config.fields import messages_in
from assay.plan import blessed
from assay.plan.default_metrics import may_lack_metrics
from assay.plan.plan import Plan
from assay.proto.config_pb2 import EvalConfig, MetricThreshold
from assay.run.check_rows import can_be_read, check_rows
from assay.run.context import Context, context_of
from assay.run.inputs import check_inputs
from assay.run.output import check_output
from assay.text.counted import counted
from assay.text.multiples import to_multiple


@dataclass(frozen=True)
class Checked:
    """What was looked at.

    Attributes:
        rows: of the data; 0 if none could be.
        has_predictions: whether these have predictions, which models that are not run have yet to make.
        thresholds: how many there are.
        metrics: how many are asked for.
        slicing_specs: how many there are.
        left_out: what models were compiled with and no metric computes, a line for each.
    """

    rows: int
    has_predictions: bool
    thresholds: int
    metrics: int
    slicing_specs: int
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = ((self.thresholds, "threshold"), (self.metrics, "metric"), (self.slicing_specs, "slicing spec"))
        asked = ", ".join(counted(number, name) for number, name in counts)
        without = "" if self.has_predictions else " without predictions"
        return f"checked {counted(self.rows, 'row')}{without}; {asked}" if self.rows else asked


def check(plan: Plan, *, import_code: bool = False) -> Checked:
    """Checks, without running, that everything a resolved plan needs is there, and that the first rows can be used.

    Args:
        plan: a plan whose parameters are resolved.
        import_code: also import and make the user's own stages and metrics.

    Raises:
        UsageError: a model, file, column or factory is missing or wrong, a threshold is for nothing, results cannot be
            written, or the rows cannot be evaluated.
    """
    check_output(plan.output)
    plan = blessed.with_baseline(plan, blessed.today(plan))
    left_out: tuple[str, ...] = ()
    if may_lack_metrics(plan.eval_config):
        from assay.run.default_metrics import plan_with_metrics  # here, as few plans take metrics from models

        plan, left_out = plan_with_metrics(plan)
    context = context_of(plan, own_metrics=import_code)
    check_inputs(context)
    rows = check_rows(context) if can_be_read(context) else 0
    if import_code:
        _import_custom(context)
    rows = to_multiple(rows, plan.round_counts_to)
    return replace(_checked(context.eval_config, rows, has_predictions=not context.models), left_out=left_out)


def _import_custom(context: Context) -> None:
    from assay.run.build import import_custom  # here, because it brings Beam

    import_custom(context)


def _checked(config: EvalConfig, rows: int, *, has_predictions: bool) -> Checked:
    return Checked(
        rows,
        has_predictions,
        thresholds=sum(1 for _ in messages_in(config, MetricThreshold)),
        metrics=sum(len(spec.metrics) for spec in config.metrics_specs),
        slicing_specs=max(1, len(config.slicing_specs)),
    )
