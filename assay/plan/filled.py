"""A plan with its parameters filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from assay.errors import ConfigError
from assay.plan.checks import check, check_uris
from assay.plan.params import override, settled, substitute
from assay.plan.plan import Plan
from assay.plan.secret_params import hold


def with_defaults(plan: Plan, values: Mapping[str, str]) -> Plan:
    """Returns the plan with other defaults for some of its parameters, which stay open.

    Secret ones are held for this process; the plan stays without them.

    Raises:
        ConfigError: an unknown parameter, or a plan that has its parameters already.
    """
    shown = {name: value for name, value in values.items() if name not in plan.secrets}
    if plan.resolved and shown:
        raise ConfigError(f"parameters {sorted(shown)} come too late: the plan has its parameters already")
    params = override(plan.params, shown)
    hold({name: value for name, value in values.items() if name in plan.secrets})
    return replace(plan, params=params)


def open_params(plan: Plan) -> list[str]:
    """The parameters that must be given still; secret ones come from the environment."""
    return [name for name, value in plan.params.items() if value is None and name not in plan.secrets]


def with_params(plan: Plan, params: Mapping[str, str]) -> Plan:
    """Returns the plan with `${name}` replaced in all values, and `$${` by a literal `${`.

    Args:
        plan: as it was compiled. A resolved plan comes back as it is when nothing more is given.
        params: parameter -> text; defaults fill the rest.

    Raises:
        ConfigError: an unknown parameter, one that must be given, or a path that came out relative.
    """
    if not plan.resolved:
        check(plan)
    open_values = with_defaults(plan, params).params
    if plan.resolved:
        return plan

    # A secret stays a reference, so that no plan, digest or message ever holds its value.
    values = settled({**open_values, **{name: f"${{{name}}}" for name in plan.secrets}})
    for name in plan.secrets:
        if any(f"${{{name}}}" in value for other, value in values.items() if other != name):
            raise ConfigError(f"parameters: the value of one refers to {name!r}, which is secret")

    filled = replace(
        plan,
        inputs=substitute(plan.inputs, values),
        models=tuple(substitute(model, values) for model in plan.models),
        eval_config=substitute(plan.eval_config, values),
        output=substitute(plan.output, values),
        gate=substitute(plan.gate, values),
        options=tuple(substitute(list(plan.options), values)),
        stages=tuple(replace(stage, settings=substitute(stage.settings, values)) for stage in plan.stages),
        params=values,
        resolved=True,
    )
    check_uris(filled)
    return filled
