"""The metrics that one entry of a config asks for: itself, or those that its name stands for."""

from __future__ import annotations

import json
from typing import Any

from assay.config.metric_settings import chosen_settings
from assay.config.own_modules import module_of
from assay.errors import EvalConfigError
from assay.metrics.declare import definitions, groups, prefixes
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
            f"{path}: {asked.class_name} stands for {', '.join(group)}; expected a threshold on one of these"
        )

    settings, shared = chosen_settings(asked, f"{path}.config"), _shared_settings(list(group))
    prefix, known = prefixes().get(asked.class_name, ""), settings_of_group(asked.class_name)
    for setting in settings:
        if setting not in known:
            near = one_of(setting, sorted(known))
            raise EvalConfigError(f"{path}.config: {asked.class_name} has no setting {setting!r}{near}")

    of_all = {name: value for name, value in settings.items() if name in shared}
    members = []
    for class_name, setting in group.items():
        name = settings.get(setting, setting.removesuffix("_name"))
        if prefix:
            name = f"{settings.get('name', settings.get(prefix, class_name))}_{setting}"
        own: dict[str, Any] = {**of_all, "name": name}
        members.append(MetricConfig(class_name=class_name, config=json.dumps(own)))
    return members


def settings_of_group(class_name: str) -> set[str]:
    """What a config may set of a name that stands for several metrics."""
    group = groups()[class_name]
    return {*_shared_settings(list(group)), *(["name"] if class_name in prefixes() else group.values())}


def _shared_settings(class_names: list[str]) -> set[str]:
    """The settings that all metrics of a group have."""
    of_each = ({*definitions()[name].settings, *definitions()[name].state_settings} for name in class_names)
    return set.intersection(*of_each)
