"""Metrics as a config asks for them."""

import json

from assay.metrics.declare import definitions

OF_HARD_DATA = {
    "Bleu": {"smooth_method": "none"},  # what smoothing adds to n-grams without a match depends on how many there are
    **{f"Rouge{name}": {"rouge_type": "rougeL"} for name in ("Precision", "Recall", "FMeasure")},
    "Mean": {"feature_key_path": ["features", "level"], "example_weights_key_path": ["example_weights"]},
    "FixedSizeSample": {"sampled_key": "level"},
    "FalsePositiveFeatureSampler": {"feature_key": "level"},
    "FalseNegativeFeatureSampler": {"feature_key": "level"},
    **{
        f"SemanticSegmentation{name}": {"decode_ground_truth": False}
        for name in ("ConfusionMatrix", "TruePositive", "FalsePositive")
    },
}
"""What names columns of the data has to name those of the hard data."""

TWO_MODELS = {name: d for name, d in definitions().items() if d.needs.reads.baseline}
"""Metrics that compare a model with the baseline."""
BOXES = {name: d for name, d in definitions().items() if d.needs.reads.boxes is not None}
"""Metrics of boxes."""
MASKS = {name: d for name, d in definitions().items() if d.needs.reads.masks is not None}
"""Metrics of masks."""
ONE_MODEL = {name: d for name, d in definitions().items() if name not in {*TWO_MODELS, *BOXES, *MASKS}}
"""All others."""


def asked(class_name: str, **settings) -> str:
    """A metric with its example settings (those that it cannot do without), as text of a metrics spec."""
    example = json.loads(f"{{{definitions()[class_name].example}}}") | OF_HARD_DATA.get(class_name, {})
    return f'metrics {{ class_name: "{class_name}" config: {json.dumps(json.dumps(example | settings))} }}'


def of_different_names(class_names) -> list[str]:
    """Without those that have the output name of one before them: further spellings of one metric."""
    return list({definitions()[name].name: name for name in sorted(class_names, reverse=True)}.values())[::-1]


OWN = "tests.metrics.own_metrics"
"""A module with metrics of a user's own."""
OWN_OF_NUMBERS = ("Lift", "PinballLoss", "MedianError", "LargestScore", "TotalScore")
OWN_OF_VECTORS = ("LabelCosine", "SmallestMargin")


def asked_own(class_name: str, **settings) -> str:
    """The same of a metric of that module."""
    return f'metrics {{ class_name: "{class_name}" module: "{OWN}" config: {json.dumps(json.dumps(settings))} }}'
