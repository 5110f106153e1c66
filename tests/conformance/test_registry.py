"""The class names that TFMA registers and their settings: each of them is one here, or there is a reason."""

import inspect
import json
from pathlib import Path

import pytest

from assay.metrics.binding.members import settings_of_group
from assay.metrics.binding.parts import settings_of_parts
from assay.metrics.declare import definitions, groups

RECORDED = json.loads((Path(__file__).with_name("recorded") / "registered.json").read_text())
"""Class name -> the settings that its constructor takes."""

NO_SETTING = {("Rouge", "tokenizer"): "an object of Python, which no config can hold"}
"""Class name and setting of TFMA that there is not here -> why."""


def settings_of(class_name):
    """What a config may set."""
    if class_name in groups():
        return settings_of_group(class_name)
    definition = definitions()[class_name]
    return {"name", *definition.settings, *definition.state_settings, *settings_of_parts(definition)}


def test_every_class_name_of_tfma_is_registered():
    assert len(RECORDED) == 103
    assert set(RECORDED) - {*definitions(), *groups()} == set()


def test_every_setting_of_tfma_is_one_here_or_has_a_reason():
    lacking = {(name, setting) for name, settings in RECORDED.items() for setting in set(settings) - settings_of(name)}
    assert lacking == set(NO_SETTING)


@pytest.mark.slow  # imports TensorFlow
def test_what_is_recorded_is_what_tfma_registers():
    import tensorflow_model_analysis  # noqa: F401
    from tensorflow_model_analysis.metrics import metric_types

    registered = metric_types.registered_metrics()
    assert set(RECORDED) == set(registered)
    for name, metric in registered.items():
        parameters = inspect.signature(metric.__init__).parameters.values()
        named = [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]
        assert sorted(named) == RECORDED[name], name
