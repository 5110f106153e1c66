"""The analysis that assay and TFMA run: the usual metrics, fairness rates at three thresholds, both classic plots."""

from __future__ import annotations

from typing import Any

from bench.cases import SLICINGS, Case

_PLAIN = "ExampleCount AUC AUCPrecisionRecall BinaryAccuracy Precision Recall MeanLabel MeanPrediction Calibration"
_RATES = "FPR FNR TPR TNR FalseDiscoveryRate"
_PLOTS = "CalibrationPlot ConfusionMatrixPlot"


def analysis_of(case: Case, files: str, output: str) -> dict[str, Any]:
    """An analysis file of assay as a dict; TFMA takes its `eval_config` as it is."""
    return {
        "inputs": {"format": case.file_format, "files": [files]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "prediction", "example_weight_key": "weight"}],
            "slicing_specs": [{"feature_keys": list(columns)} for columns in SLICINGS[case.scenario]],
            "metrics_specs": [{"metrics": _metrics()}],
            **({"options": _JACKKNIFE} if "jackknife" in case.scenario else {}),
        },
        "output": output,
    }


_JACKKNIFE = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "JACKKNIFE"}}


def _metrics() -> list[dict[str, str]]:
    return [
        *({"class_name": name} for name in (_PLAIN + " " + _PLOTS).split()),
        *({"class_name": name, "config": '"thresholds": [0.25, 0.5, 0.75]'} for name in _RATES.split()),
    ]
