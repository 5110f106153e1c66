"""Secret parameters: their values come from the environment when a stage needs them, and are kept nowhere else.

A plan, results, command lines and logs hold the reference, `${db_password}`. The value is looked up in the variable
`ASSAY_PARAM_DB_PASSWORD` of the process that makes a stage of the user's own. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from assay.errors import ConfigError
from assay.text.redaction import PREFIX

_SECRET_WORDS = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|pwd|secrets?|tokens?|credentials?|dsn|apikey|"
    r"(?:api|access|account|private|secret|auth|storage)_keys?|connection_string)(?:_|$)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}")


def looks_secret(name: str) -> bool:
    """Whether a parameter is taken for a secret by its name, where the analysis file does not say."""
    return bool(_SECRET_WORDS.search(name))


def variable_of(name: str) -> str:
    """The environment variable that holds a secret parameter."""
    return f"{PREFIX}{name.upper()}"


def hold(values: Mapping[str, str]) -> None:
    """Puts secrets that were given otherwise where stages, of this process and of those it starts, look for them.

    Raises:
        ConfigError: there is another value already; plans that refer to it would get this one.
    """
    for name, value in values.items():
        if os.environ.setdefault(variable_of(name), value) != value:
            raise ConfigError(
                f"parameter {name!r} is secret and has another value in this process already; "
                f"unset {variable_of(name)} first, or run the two in processes of their own"
            )


def value_of(name: str) -> str:
    """The value of a secret parameter.

    Raises:
        ConfigError: there is none.
    """
    value = os.environ.get(variable_of(name))
    if value is None:
        raise ConfigError(
            f"parameter {name!r} is secret: expected its value in the environment, as {variable_of(name)}"
        )
    return value


def refuse_references(value: Any, secrets: Collection[str], path: str) -> None:
    """Secrets are for the user's own code: anything else would have to keep, show or hand them on.

    Raises:
        ConfigError: a JSON value that is no argument of own code refers to one.
    """
    for name in sorted(names_in(value, secrets)):
        raise ConfigError(
            f"{path}: refers to the parameter {name!r}, which is secret; it is allowed only in args of custom code "
            f"(if it is not a secret: params: {{{name}: {{secret: false, default: ...}}}})"
        )


def refuse_values(params: Mapping[str, Any], secrets: Collection[str], path: str, cure: str) -> None:
    """Refuses the value of a secret where an orchestrator keeps and shows what it is given.

    Args:
        params: parameter -> value; None is no value.
        secrets: those that are secret.
        path: where they stand.
        cure: how a stage gets a variable there.

    Raises:
        ConfigError: one of them is secret.
    """
    for name in sorted(name for name, value in params.items() if value is not None and name in secrets):
        raise ConfigError(f"{path}: {name!r} is secret; set {variable_of(name)} {cure}")


def names_in(value: Any, secrets: Collection[str]) -> set[str]:
    """The secret parameters to which a JSON value refers."""
    if isinstance(value, Mapping):
        return {name for inner in value.values() for name in names_in(inner, secrets)}
    if isinstance(value, list | tuple):
        return {name for inner in value for name in names_in(inner, secrets)}
    return {name for name in _REFERENCE.findall(value) if name in secrets} if isinstance(value, str) else set()


def revealed(value: Any, secrets: Collection[str]) -> Any:
    """A JSON value with secret parameters filled in: for the user's own code alone."""
    if isinstance(value, Mapping):
        return {key: revealed(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(inner, secrets) for inner in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: value_of(match["name"]) if match["name"] in secrets else match[0], value)


def digests_of(value: Any, secrets: Collection[str]) -> dict[str, str]:
    """A digest of each secret to which a JSON value refers: another value makes another checkpoint.

    Digests of checkpoints can be read by many, so that of a secret costs some 50 ms to try a guess (scrypt).
    """
    return {name: _slow_hash(name, value_of(name)) for name in sorted(names_in(value, secrets))}


def _slow_hash(name: str, value: str) -> str:
    return hashlib.scrypt(value.encode(), salt=f"assay {name}".encode(), n=1 << 14, r=8, p=1, dklen=32).hex()
