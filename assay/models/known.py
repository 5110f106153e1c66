"""The frameworks of models that assay runs: one row each, and all that the rest of assay asks of them.

Another framework is one module of this room, with the functions of `assay.models.model.FrameworkModule`, and one row
here. Standard library only, as plans and schedulers ask too.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import ModelError
from assay.text.near_miss import hint


@dataclass(frozen=True)
class Framework:
    """What a type of models needs.

    Attributes:
        module: the module that checks and loads its models.
        package: the package that it runs them with, as it is imported: it must be installed, and another version of it
            makes other predictions. "" for none.
        image: the image in which they run: "core", "tensorflow", or one of the user's own.
        is_code: whether the URI of a model is an import path, and no file or folder.
        may_be_trusted: whether its models may hold ops that touch files or run code, which `trusted` allows.
        model_types: what a model spec of TFMA calls it in `model_type`, beside its own name.
        is_compiled: whether its models may say which metrics they were compiled with.
    """

    module: str
    package: str
    image: str
    is_code: bool = False
    may_be_trusted: bool = False
    model_types: tuple[str, ...] = ()
    is_compiled: bool = False


_OF_TFMA = ("tf_generic", "tf_keras")

FRAMEWORKS: dict[str, Framework] = {
    "saved_model": Framework(
        module="assay.models.tensorflow_saved_model",
        package="tensorflow",
        image="tensorflow",
        may_be_trusted=True,
        model_types=_OF_TFMA,
        is_compiled=True,
    ),
    "keras": Framework(
        module="assay.models.tensorflow_keras",
        package="tensorflow",
        image="tensorflow",
        model_types=_OF_TFMA,
        is_compiled=True,
    ),
    "callable": Framework(module="assay.models.callable", package="", image="core", is_code=True),
}
"""Type of a model, as an analysis file and a `ModelRef` name it -> its framework."""


def framework_of(name: str, kind: str) -> Framework:
    """The framework of a model.

    Args:
        name: of the model, for the error.
        kind: its type.

    Raises:
        ModelError: there is no such type.
    """
    if kind not in FRAMEWORKS:
        known = ", ".join(FRAMEWORKS) + hint(kind, FRAMEWORKS)
        raise ModelError(f"model {name!r}: type {kind!r} is unknown; expected {known}")
    return FRAMEWORKS[kind]


def is_code(kind: str | None) -> bool:
    """Whether models of a type are import paths; what is no type yet, such as a parameter, is none."""
    return kind in FRAMEWORKS and FRAMEWORKS[kind].is_code


def types_to_trust() -> tuple[str, ...]:
    """The types of models that may be trusted."""
    return tuple(kind for kind, framework in FRAMEWORKS.items() if framework.may_be_trusted)


def types_called(model_type: str) -> tuple[str, ...]:
    """The types of models that a `model_type` of a model spec, TFMA's or ours, fits; none for one that is not known."""
    return tuple(kind for kind, known in FRAMEWORKS.items() if model_type in (kind, *known.model_types))


def model_types() -> tuple[str, ...]:
    """Everything that a model spec may say in `model_type`."""
    of_tfma = (name for framework in FRAMEWORKS.values() for name in framework.model_types)
    return tuple(dict.fromkeys([*of_tfma, *FRAMEWORKS]))
