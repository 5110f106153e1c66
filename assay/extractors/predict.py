"""The prototypical extractor: raw input -> features, labels, predictions, in one stage."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam

from assay.extractors.by_model_spec import ExampleWeightsExtractor, LabelsExtractor, prediction_keys
from assay.extractors.features import FeaturesExtractor
from assay.extractors.predictions import PredictionsExtractor
from assay.extractors.transformed_features import TransformedFeaturesExtractor
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.models.preprocessing import transforms_features
from assay.proto.config_pb2 import EvalConfig
from assay.types import PREDICT_EXTRACTOR_STAGE_NAME, Extractor, Extracts


def PredictExtractor(eval_config: EvalConfig, models: Sequence[ModelRef]) -> Extractor:
    """Extractor that adds `features`, `labels`, `example_weights` and `predictions` to raw records under `input`.

    It is the default extractors up to the predictions, in one stage.
    """
    return Extractor(PREDICT_EXTRACTOR_STAGE_NAME, _Predict(eval_config, as_configured(models, eval_config)))


class _Predict(beam.PTransform):
    """PCollection[Extracts] -> PCollection[Extracts]."""

    def __init__(self, eval_config: EvalConfig, models: tuple[ModelRef, ...]) -> None:
        super().__init__()
        self._parts = (
            FeaturesExtractor(),
            *_transforms(eval_config, models),
            LabelsExtractor(eval_config),
            ExampleWeightsExtractor(eval_config),
            PredictionsExtractor(models, prediction_keys(eval_config)),
        )

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[Extracts]:
        for stage_name, transform in self._parts:
            extracts = extracts | stage_name >> transform
        return extracts


def _transforms(eval_config: EvalConfig, models: tuple[ModelRef, ...]) -> tuple[Extractor, ...]:
    return (TransformedFeaturesExtractor(eval_config, models),) if transforms_features(eval_config) else ()
