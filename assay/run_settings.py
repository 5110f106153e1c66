"""Settings of a run that Python takes as arguments, under the names and with the meaning that the analysis file has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.analysis_file import read_settings
from assay.config import parse_eval_config, to_canonical_json
from assay.params import check_parameters, settled, substitute
from assay.proto.config_pb2 import EvalConfig
from assay.verdict import Limits


@dataclass(frozen=True)
class RunSettings:
    """How a run treats bad rows, when it is judged, and what stands for parameters.

    Attributes:
        params: parameter -> value.
        on_bad_rows: "fail" or "skip".
        max_bad_rows: share of rows, 0 to 1.
        min_rows: least number of good rows.
        rubber_stamp: whether change thresholds are left out for want of a baseline.
        seed: of the resamples behind confidence intervals.
        max_slices: slices that one slicing spec may make.
    """

    params: Mapping[str, str]
    on_bad_rows: str
    max_bad_rows: float
    min_rows: int
    rubber_stamp: bool
    seed: int
    max_slices: int

    @property
    def skips_bad_rows(self) -> bool:
        """Whether bad rows are dropped and counted."""
        return self.on_bad_rows == "skip"

    def limits(self, max_unmatched: float = 1.0) -> Limits:
        """What the run must offer to be judged."""
        return Limits(min_rows=self.min_rows, max_bad_rows=self.max_bad_rows, max_unmatched=max_unmatched)

    def filled(self, value: Any, what: str) -> Any:
        """A JSON value with `${name}` replaced; ConfigError for a parameter that has no value."""
        check_parameters(value, self.params, what)
        return substitute(value, self.params)

    def filled_config(self, config: EvalConfig) -> EvalConfig:
        """The same of an eval config."""
        text = to_canonical_json(config)
        return parse_eval_config(self.filled(json.loads(text), "eval_config")) if "${" in text else config


def run_settings(**given: Any) -> RunSettings:
    """Reads settings by the code that reads the analysis file.

    Raises:
        ConfigError: a value that cannot be; the message starts with the setting's name.
    """
    read = read_settings(given)
    return RunSettings(**{**read, "params": settled(read["params"])})
