"""The stages that an analysis file asks for, with the default ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.config.attributions import has_attributions
from assay.config.own_modules import is_keras, modules_in
from assay.errors import ConfigError
from assay.models.known import FRAMEWORKS
from assay.plan import plan as plans
from assay.plan.default_metrics import may_ask
from assay.plan.known import TENSORFLOW_FORMATS, default_chain, default_writer_names
from assay.plan.plan import Stage
from assay.text.near_miss import one_of
from assay.types import (
    ANALYSIS_KEY,
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    ATTRIBUTIONS_KEY,
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    FOUND_SLICES_KEY,
    GATE_STAGE_NAME,
    LAST_EXTRACTOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    METRICS_KEY,
    PLOTS_KEY,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    PREDICTIONS_KEY,
    READ_INPUTS_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
    WRITE_RESULTS_STAGE_NAME,
)


def adds_predictions(read: Mapping[str, Any]) -> bool:
    """Whether an extractor of the user's own gives the predictions."""
    return any(PREDICTIONS_KEY in extra["adds"] for extra in read["extractors"])


def metric_modules(read: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """The modules, beside ours, that metrics of a resolved config come from.

    Raises:
        ConfigError: an image for them, and there are none.
    """
    modules = [module for _, module in modules_in(config)]
    if read["metrics_image"] and not modules:
        raise ConfigError("metrics_image: no metric of the eval config has a module of its own; remove the key")
    return modules


def stages_of(read: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[Stage, ...]:
    """The stages of the sections of an analysis file, in order.

    Args:
        read: the sections.
        config: the resolved eval config as JSON.
    """
    extractors = _extractors(read, config.get("model_specs", ()))
    return (
        _read_inputs(read["inputs"]),
        *extractors,
        *_evaluators(read, config, extractors),
        Stage(name=GATE_STAGE_NAME, kind=plans.GATE, image=_image_of_metrics(read)),
        Stage(
            name=WRITE_RESULTS_STAGE_NAME,
            kind=plans.WRITE_RESULTS,
            image=_image_of_metrics(read),
            settings={"writers": _writers(read)},
        ),
    )


def _image_of_metrics(read: Mapping[str, Any], otherwise: str = plans.CORE_IMAGE) -> str:
    """The image of the stages that know the metrics, of which some may be of the user's own modules."""
    return str(read.get("metrics_image") or otherwise)


def _read_inputs(inputs: Mapping[str, Any]) -> Stage:
    formats = (inputs.get("format"), (inputs.get("join") or {}).get("format"))
    needs_tensorflow = any(form in TENSORFLOW_FORMATS for form in formats)
    image = inputs.get("image") or (plans.TENSORFLOW_IMAGE if needs_tensorflow else plans.CORE_IMAGE)
    return Stage(name=READ_INPUTS_STAGE_NAME, kind=plans.READ_INPUTS, image=image)


def _extractors(read: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """The default extractors with the user's own put where they belong."""
    chain = _default_extractors(read, specs)
    after_of: dict[str, str] = {}  # extra -> `after`
    for i, extra in enumerate(read["extractors"]):
        names = [stage.name for stage in chain]
        after = names[names.index(SLICE_KEY_EXTRACTOR_STAGE_NAME) - 1] if extra["after"] is None else extra["after"]
        if after and after not in names:
            hint = ' ("" is directly after reading)' if after == READ_INPUTS_STAGE_NAME else ""
            raise ConfigError(f"extractors[{i}].after: no extractor {after!r} comes before{one_of(after, names)}{hint}")
        index = names.index(after) + 1 if after else 0
        family = {after}  # extras after one stage keep the order of the file, each with what comes after it
        while index < len(names) and after_of.get(names[index]) in family:
            family.add(names[index])
            index += 1
        chain.insert(index, _own(extra, plans.EXTRACT, adds=extra["adds"]))
        after_of[extra["name"]] = after
    return chain


def _default_extractors(read: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]) -> list[Stage]:
    models = read["models"]
    transforms = bool(models) and any(spec.get("preprocessing_function_names") for spec in specs)
    chain = default_chain(has_models=bool(models), transforms=transforms, adds_predictions=adds_predictions(read))
    image = _image_of_models(models)
    images = {PREDICTIONS_EXTRACTOR_STAGE_NAME: image, TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME: image}
    return [
        Stage(name=name, kind=plans.EXTRACT, adds=(key,), image=images.get(name, plans.CORE_IMAGE))
        for name, key in chain.items()
    ]


def _image_of_models(models: Sequence[Mapping[str, Any]]) -> str:
    """The image in which all models run: what the core image has, every other one has too."""
    images: dict[str, str] = {}  # image -> the first model that needs it
    for model in models:
        if model["type"] in FRAMEWORKS:
            images.setdefault(FRAMEWORKS[model["type"]].image, model["name"])
    images.pop(plans.CORE_IMAGE, None)
    if len(images) > 1:
        needed = " and ".join(f"{name!r} needs {image}" for image, name in images.items())
        raise ConfigError(f"models: no image runs all of them: {needed}; expected models that one image can run")
    return next(iter(images), plans.CORE_IMAGE)


def _evaluators(read: Mapping[str, Any], config: Mapping[str, Any], extractors: Sequence[Stage]) -> list[Stage]:
    has_keras = any(is_keras(module) for module in read.get("metric_modules", ()))
    has_keras |= may_ask(read["models"], config)  # a model may have been compiled with any metric of Keras
    more = (ATTRIBUTIONS_KEY,) if has_attributions(config) else ()
    metrics = Stage(
        name=METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
        kind=plans.EVALUATE,
        run_after=SLICE_KEY_EXTRACTOR_STAGE_NAME,
        outputs=(METRICS_KEY, PLOTS_KEY, *more),
        image=_image_of_metrics(read, plans.TENSORFLOW_IMAGE if has_keras else plans.CORE_IMAGE),
    )
    stages = [metrics]
    if read["analysis_table"]:
        stages.append(
            Stage(
                name=ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
                kind=plans.EVALUATE,
                run_after=LAST_EXTRACTOR_STAGE_NAME,
                outputs=(ANALYSIS_KEY,),
            )
        )
    if read["find_slices"] is not None:
        stages.append(_finder(read["find_slices"], extractors, metrics))
    own = [
        _own(extra, plans.EVALUATE, run_after=extra["run_after"], outputs=extra["outputs"])
        for extra in read["evaluators"]
    ]
    return stages + own


def _finder(settings: Mapping[str, Any], extractors: Sequence[Stage], metrics: Stage) -> Stage:
    """It starts once there are predictions, and whatever a custom stage adds before the slice keys.

    It knows the metrics, so it runs where these are; where it computes them, it has the outputs of the stage that does.
    """
    names = [stage.name for stage in extractors]
    return Stage(
        name=FIND_SLICES_EVALUATOR_STAGE_NAME,
        kind=plans.EVALUATE,
        run_after=names[names.index(SLICE_KEY_EXTRACTOR_STAGE_NAME) - 1],
        outputs=(FOUND_SLICES_KEY, *(metrics.outputs if settings["metrics"] else ())),
        image=metrics.image,
        settings=settings,
    )


def _own(extra: Mapping[str, Any], kind: str, **edges: Any) -> Stage:
    """A stage of the user's own."""
    settings = {key: extra[key] for key in ("factory", "args", "per_row")}
    return Stage(name=extra["name"], kind=kind, image=extra["image"], settings=settings, **edges)


def _writers(read: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = default_writer_names(
        has_analysis_table=read["analysis_table"], finds_slices=read["find_slices"] is not None
    )
    return [*({"name": name} for name in names), *read["writers"]]
