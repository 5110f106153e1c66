"""The metrics that one entry of a config asks for: itself, or those that its name stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.config.metric_settings import chosen_settings
from assay.config.own_modules import module_of
from assay.errors import EvalConfigError
from assay.metrics.declare import Group, definitions, groups
from assay.proto.config_pb2 import MetricConfig
from assay.text.near_miss import one_of


def members_of(asked: MetricConfig, path: str) -> list[MetricConfig]:
    """The metric; of a name that stands for several, each of them, with its name and the settings that all share.

    Args:
        asked: as in a config.
        path: of the metric, for errors.

    Raises:
        EvalConfigError: a name that stands for several metrics has a threshold, or a setting that it does not know.
    """
    group = None if module_of(asked) else groups().get(asked.class_name)
    if group is None:
        return [asked]
    if asked.HasField("threshold") or asked.per_slice_thresholds or asked.cross_slice_thresholds:
        raise EvalConfigError(
            f"{path}: {asked.class_name} stands for {', '.join(group.members)}; expected a threshold on one of these"
        )

    settings = chosen_settings(asked, f"{path}.config")
    _refuse_unknown(asked.class_name, settings, path)
    own_names = _own_names(group)
    of_all = {name: value for name, value in settings.items() if name not in own_names}
    if group.thresholds:
        return list(_at_thresholds(group, of_all, settings.get("name", group.name), path))
    if group.prefix:
        before = settings.get("name", settings.get(group.prefix, ""))
        return [_member(class_name, of_all, f"{before}_{value}") for class_name, value in group.members.items()]
    return [
        _member(class_name, of_all, settings.get(setting, setting.removesuffix("_name")))
        for class_name, setting in group.members.items()
    ]


def _refuse_unknown(class_name: str, settings: Mapping[str, Any], path: str) -> None:
    known = settings_of_group(class_name)
    for setting in settings:
        if setting not in known:
            near = one_of(setting, sorted(known))
            raise EvalConfigError(f"{path}.config: {class_name} has no setting {setting!r}{near}")


def _at_thresholds(group: Group, of_all: Mapping[str, Any], name: str, path: str) -> Iterator[MetricConfig]:
    """Each metric at each threshold, which is written with as many decimals as the longest of them has, as in TFMA."""
    thresholds = of_all.get("thresholds", group.thresholds)
    if not isinstance(thresholds, list | tuple) or not thresholds or not all(map(_is_number, thresholds)):
        raise EvalConfigError(f"{path}.config.thresholds: expected numbers, at least one, found {thresholds!r}")
    decimals = max(1, *(len(str(threshold)) - 2 for threshold in thresholds))
    for threshold in thresholds:
        for class_name, value in group.members.items():
            settings = {**of_all, "thresholds": [threshold]}
            yield _member(class_name, settings, f"{name}/{value}@{threshold:.{decimals}f}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _member(class_name: str, settings: Mapping[str, Any], name: str) -> MetricConfig:
    return MetricConfig(class_name=class_name, config=json.dumps({**settings, "name": name}))


def settings_of_group(class_name: str) -> set[str]:
    """What a config may set of a name that stands for several metrics."""
    group = groups()[class_name]
    return {*_shared_settings(list(group.members)), *_own_names(group)}


def _own_names(group: Group) -> tuple[str, ...]:
    """The settings that name the values of a group."""
    return ("name",) if group.thresholds or group.prefix else tuple(group.members.values())


def _shared_settings(class_names: list[str]) -> set[str]:
    """The settings that all metrics of a group have."""
    of_each = ({*definitions()[name].settings, *definitions()[name].state_settings} for name in class_names)
    return set.intersection(*of_each)
