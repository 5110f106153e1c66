"""Settings of a run that Python takes as arguments, under the names and with the meaning that the analysis file has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.config.resolved import parse_eval_config, to_canonical_json
from assay.errors import ConfigError
from assay.plan.analysis_file import read_settings
from assay.plan.fields import secrets
from assay.plan.params import check_parameters, settled, substitute
from assay.plan.secret_params import refuse_references, value_of
from assay.proto.config_pb2 import EvalConfig
from assay.text.redaction import redact
from assay.types import TFRECORD

if TYPE_CHECKING:
    from assay.types import Evaluator, Writer


@dataclass(frozen=True)
class RunSettings:
    """How a run treats bad rows, when it is judged, and what stands for parameters.

    Attributes:
        params: parameter -> value.
        secrets: the parameters that are secret.
        on_bad_rows: "fail" or "skip".
        max_bad_rows: share of rows, 0 to 1.
        min_rows: least number of good rows.
        rubber_stamp: whether change thresholds are left out for want of a baseline.
        seed: of the resamples behind confidence intervals.
        max_slices: slices that one slicing spec may make.
        output_file_format: of metrics, plots, attributions and validations.
        gate: thresholds that ask for evidence; empty for none.
        find_slices: what is searched for slices; None for no search.
    """

    params: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...]
    on_bad_rows: str
    max_bad_rows: float
    min_rows: int
    rubber_stamp: bool
    seed: int
    max_slices: int
    output_file_format: str
    gate: Mapping[str, Any]
    find_slices: Mapping[str, Any] | None = None

    @property
    def searched(self) -> tuple[str, ...]:
        """The features that are searched for slices; none for all columns."""
        return () if self.find_slices is None else tuple(self.find_slices["features"])

    def filled(self, value: Any, what: str) -> Any:
        """A JSON value with `${name}` replaced; ConfigError for a parameter that has no value, or is secret."""
        refuse_references(value, self.secrets, what)
        return self.filled_args(value, what)

    def filled_args(self, value: Any, what: str) -> Any:
        """The same of arguments of the user's own code, which may have secrets."""
        check_parameters(value, self.params, what)
        return substitute(value, self.params)

    def filled_config(self, config: EvalConfig) -> EvalConfig:
        """The same of an eval config."""
        text = to_canonical_json(config)
        return parse_eval_config(self.filled(json.loads(text), "eval_config")) if "${" in text else config


def run_settings(**values: Any) -> RunSettings:
    """Reads settings by the code that reads the analysis file.

    A secret parameter that is None has its value in the environment; no message has that of any.

    Raises:
        ConfigError: a value that cannot be; the message starts with the setting's name.
    """
    read = read_settings(values)
    secret = secrets(values["params"] or {})
    from_environment = {name: value_of(name) for name in secret if read["params"][name] is None}
    params = settled({**read["params"], **from_environment})
    for name in secret:
        redact(name, params[name])
    return RunSettings(**{**read, "params": params, "secrets": secret})


def refuse_ignored(
    settings: RunSettings, evaluators: Sequence[Evaluator] | None, writers: Sequence[Writer] | None
) -> None:
    """Raises ConfigError for settings beside stages that somebody made, which have settings already."""
    if settings.seed and evaluators is not None:
        raise ConfigError(
            f"seed: evaluators have their own seed, found {settings.seed}; "
            "pass it to MetricsAndPlotsEvaluator(..., seed=...)"
        )
    if settings.find_slices is not None and (evaluators is not None or writers is not None):
        raise ConfigError("find_slices: cannot be combined with custom evaluators or writers; leave one of them out")
    if settings.output_file_format != TFRECORD and writers is not None:
        raise ConfigError(
            f"output_file_format: writers have their own format, found {settings.output_file_format!r}; "
            "pass it to MetricsPlotsAndValidationsWriter(..., output_file_format=...) or default_writers"
        )
