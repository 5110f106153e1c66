"""The program of a Flex Template of Dataflow: describes a whole plan as one job, which the service then starts.

Dataflow's launcher runs this file with the parameters of the template and its own options, among them
`--template_location`, where the description is to go. Results are published by whoever collects the job:
`assay stage analyse ... --job ID`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from assay.cli.reporting import fail, tag
from assay.engine.recovery import recover
from assay.engine.remote import Remote
from assay.errors import ConfigError
from assay.plan.filled import with_params
from assay.plan.plan import Plan
from assay.plan.stored import plan_at
from assay.plan.tasks import is_checkpointed
from assay.run.stage import run_stage


def main(words: Sequence[str]) -> int:
    """Describes the job; returns the exit code, after one line that says what is wrong."""
    given, flags = parser().parse_known_args(list(words))
    try:
        plan = _whole(with_params(plan_at(given.plan), _params(given.plan_params)))
        run_stage(plan, plan.tasks[0].name, options=flags, remote=Remote(detach=True, describe=True))
    except Exception as error:
        known = recover(error)
        if known is None:
            raise
        return fail(str(known), known.exit_code, tag(type(known)))
    return 0


def parser() -> argparse.ArgumentParser:
    """The parameters of the template; all other arguments are options of Beam."""
    made = argparse.ArgumentParser(allow_abbrev=False)
    made.add_argument("--plan", required=True)
    made.add_argument("--plan_params", default="{}")
    return made


def _params(text: str) -> Mapping[str, str]:
    try:
        params = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"plan_params: expected a JSON object, found {text!r}") from error
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
        raise ConfigError(f"plan_params: expected a JSON object of text, found {text!r}")
    return params


def _whole(plan: Plan) -> Plan:
    if is_checkpointed(plan):
        raise ConfigError(
            "plan: a Flex Template starts one job; expected a plan without checkpoints (checkpoint: none)"
        )
    return plan


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
