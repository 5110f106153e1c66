"""The settings of a metric: what the text in `config` of a MetricConfig says."""

from __future__ import annotations

import json
from typing import Any

from assay.errors import ConfigError, EvalConfigError
from assay.proto.config_pb2 import MetricConfig
from assay.text import json_text
from assay.yaml_text import unique_keys


def settings_of(text: str, where: str) -> dict[str, Any]:
    """Reads the settings of a metric.

    Args:
        text: a JSON object, whose outer braces may be left out as in TFMA; "" for no settings.
        where: the field, for errors.

    Raises:
        EvalConfigError: the text is no JSON object, or has a key twice.
    """
    text = text.strip()
    try:
        settings = json_text.loads(text if text.startswith("{") else f"{{{text}}}", pairs=unique_keys)
    except ConfigError as error:
        raise EvalConfigError(f"{where}: {error}; found {text!r}") from error
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else error
        expected = 'expected settings such as \'"name": "a"\''
        raise EvalConfigError(f"{where}: not JSON: {reason}; {expected}, found {text!r}") from error
    return dict(settings)


def chosen_settings(asked: MetricConfig, where: str) -> dict[str, Any]:
    """The settings that a config has chosen, of a metric; null is the default, as in TFMA. As `settings_of`."""
    return {name: value for name, value in settings_of(asked.config, where).items() if value is not None}
