"""A model as the rest of assay sees it: where it lies, what it needs, and a function from a batch to predictions.

Another framework is one small module with the three functions of `FrameworkModule`, and one row in
`assay.models.known`. A model of XGBoost's own format would be:

    def check(ref):
        if not files.exists(ref.uri):
            raise ModelError(f"model {ref.name!r}: no file {ref.uri}")

    def needs(ref):
        return ModelNeeds(raw=False, columns=ref.features)

    def load(ref, path):
        booster = xgboost.Booster(model_file=path)
        return Runner(lambda extracts: booster.inplace_predict(stack(extracts["features"], ref.features)))
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from assay.errors import AssayError, ModelError, TransientError
from assay.extracts.columns import Column, cut, row_count
from assay.models import files, outputs
from assay.models.counterfactual import columns_read, with_replacements
from assay.models.known import framework_of, is_code, types_to_trust
from assay.models.replacements import Replacement, check_replacements
from assay.storage.file_paths import path_text
from assay.text.counted import counted
from assay.types import FEATURES_KEY, INPUT_KEY, SOURCE_KEY, Extracts

Predictions: TypeAlias = "Column | dict[str, Column]"
"""A column of n predictions, or a dict of such by output name."""


@dataclass(frozen=True)
class ModelRef:
    """A model that is not loaded yet. Plain data: it travels to workers.

    Attributes:
        name: its name in the eval config; may be empty if it is the only one.
        uri: local path or `gs://` URI (an `os.PathLike` becomes text); for a callable its import path,
            "pkg.module:function".
        type: a key of `assay.models.known.FRAMEWORKS`.
        baseline: whether the others are compared with it.
        rubber_stamp: whether it may pass change thresholds for want of a baseline.
        signature: of a SavedModel; empty for `serving_default`.
        features: for a model with a single input: the columns that are put side by side to feed it, in this order.
            For a callable: the columns that it is given; empty for all.
        batch_rows: rows in one call of the model, at most.
        args: for a callable: if not empty, `uri` names a factory, and the model is what it returns for these.
        trusted: whether a SavedModel may run ops that touch files or run code; without, such a model is refused.
        counterfactual: feature -> the column that the model is fed in its place, or `{"value": x}` for one value in all
            rows; empty for the rows as they are.
    """

    name: str
    uri: str
    type: str
    baseline: bool = False
    rubber_stamp: bool = False
    signature: str = ""
    features: tuple[str, ...] = ()
    batch_rows: int = 16384
    args: Mapping[str, Any] = field(default_factory=dict)
    trusted: bool = False
    counterfactual: Mapping[str, Replacement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uri", path_text(self.uri, f"model {self.name!r}: uri"))
        _check_types(self)
        object.__setattr__(self, "features", tuple(self.features))  # JSON has no tuples
        if self.trusted and self.type not in types_to_trust():
            alone = " or ".join(map(repr, types_to_trust()))
            raise ModelError(
                f"model {self.name!r}: trusted applies only to type {alone}, found {self.type!r}; remove it"
            )


def _check_types(ref: ModelRef) -> None:
    """Refuses values that are not what the fields of a model take, as an analysis file does."""
    expected: dict[str, tuple[type, str]] = {
        **dict.fromkeys(("name", "type", "signature"), (str, "text")),
        **dict.fromkeys(("baseline", "rubber_stamp", "trusted"), (bool, "true or false")),
        "args": (Mapping, "a mapping"),
    }
    for name, (kind, what) in expected.items():
        if not isinstance(getattr(ref, name), kind):
            raise ModelError(f"model {ref.name!r}: {name}: expected {what}, found {getattr(ref, name)!r}")

    check_replacements(ref.counterfactual, f"model {ref.name!r}: counterfactual")
    columns = ref.features
    if not isinstance(columns, list | tuple) or not all(isinstance(column, str) for column in columns):
        raise ModelError(f"model {ref.name!r}: features: expected a list of columns, found {columns!r}")
    if len(set(columns)) < len(columns):
        raise ModelError(f"model {ref.name!r}: features: expected columns, each once, found {columns!r}")
    rows = ref.batch_rows
    if not isinstance(rows, int) or isinstance(rows, bool) or not 1 <= rows < 2**63:
        raise ModelError(f"model {ref.name!r}: batch_rows: expected a whole number of at least 1, found {rows!r}")


class ModelNeeds(NamedTuple):
    """What a model reads of the rows: the serialised records, and columns (None: all there are)."""

    raw: bool
    columns: tuple[str, ...] | None


class Runner(NamedTuple):
    """A loaded model as its framework gives it.

    Attributes:
        run: function from the Extracts of n > 0 rows to an array (n, ...), or a dict of them by output name. Several
            threads may call it at once.
        empty: what it would return for no rows.
        unfit: function from the Extracts of n rows to those, bool (n,), whose values `run` refuses with BadRowError.
        raw: whether `run` reads the serialised records, and so replaces features of a counterfactual model itself.
    """

    run: Callable[[Extracts], Any]
    empty: Any = np.zeros(0)
    unfit: Callable[[Extracts], npt.NDArray[np.bool_]] = lambda extracts: np.zeros(row_count(extracts), bool)
    raw: bool = False


class FrameworkModule(Protocol):
    """What the module of a framework offers; its row in `assay.models.known` names it."""

    def check(self, ref: ModelRef) -> None:
        """Raises ModelError unless the model is there and of the right kind; must not import the framework."""

    def needs(self, ref: ModelRef) -> ModelNeeds:
        """Tells what the model reads, without loading its weights."""

    def load(self, ref: ModelRef, path: str) -> Runner:
        """Loads the model from a local path (for a callable: its import path)."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory: call it with Extracts of n rows to get its predictions. Safe to call from several threads."""

    ref: ModelRef
    runner: Runner

    def __call__(self, extracts: Extracts) -> Predictions:
        """Returns the predictions for a batch, computed in pieces of `ref.batch_rows` rows.

        Args:
            extracts: n rows, n >= 0, with what `needs` tells.

        Returns:
            (n,) or (n, k) for a model with one output, a dict by output name for one with several. Numbers are numpy
            arrays of the model's own type, text is an Arrow array.

        Raises:
            ModelError: a column is missing or does not fit, the model fails, or its output does not fit the rows.
            BadRowError: values of some rows do not fit.
            TransientError: the model could not be reached over a network.
        """
        seen = self._seen(extracts)
        rows, step = row_count(extracts), self.ref.batch_rows
        if not rows:
            return outputs.settle(self.runner.empty, 0, self.ref.name)
        pieces = [self._run(cut(seen, start, start + step), min(step, rows - start)) for start in range(0, rows, step)]
        return outputs.join(pieces, self.ref.name)

    def unfit(self, extracts: Extracts) -> npt.NDArray[np.bool_]:
        """Returns the rows, bool (n,), whose values the model cannot take."""
        return self.runner.unfit(self._seen(extracts))

    def _seen(self, extracts: Extracts) -> Extracts:
        """What the model may see of a batch, with the values that a counterfactual model is fed."""
        seen = {key: extracts[key] for key in (FEATURES_KEY, INPUT_KEY, SOURCE_KEY) if key in extracts}
        if not self.ref.counterfactual or self.runner.raw:
            return seen
        return with_replacements(seen, self.ref.counterfactual, self.ref.name)

    def _run(self, extracts: Extracts, rows: int) -> Predictions:
        with blamed(self.ref, f"failed on {counted(rows, 'row')}"):
            output = self.runner.run(extracts)
        return outputs.settle(output, rows, self.ref.name)


def check(ref: ModelRef) -> None:
    """Checks that the model is there and of the kind it is said to be. Imports neither a framework nor user code.

    Raises:
        ModelError: it is not.
    """
    module = _module_of(ref)
    if not is_code(ref.type):
        if ref.args:
            raise ModelError(f"model {ref.name!r}: args: they are for a function, not for type {ref.type}; remove them")
        files.check_regular(ref.uri)
    module.check(ref)


def is_installed(ref: ModelRef) -> bool:
    """Whether the framework is there that the model needs; it is not loaded."""
    package = framework_of(ref.name, ref.type).package
    return not package or importlib.util.find_spec(package) is not None


def needs(ref: ModelRef) -> ModelNeeds:
    """Returns what the model reads of the rows, so that nothing else need be parsed. Loads no weights.

    Raises:
        ModelError: the model is not there, is of another kind, or has no such signature.
    """
    check(ref)
    with blamed(ref, "cannot be read"):
        needed = _module_of(ref).needs(ref)
    if needed.columns is None or needed.raw or not ref.counterfactual:
        return needed
    return ModelNeeds(raw=False, columns=columns_read(needed.columns, ref.counterfactual, ref.name))


_loaded: dict[str, tuple[Any, LoadedModel]] = {}
_loading = threading.RLock()  # a factory may load models of its own


def load(ref: ModelRef) -> LoadedModel:
    """Returns the model, loaded once for each process; again only if its file has changed since.

    Raises:
        ModelError: the model is not there, is of another kind, or cannot be loaded.
        TransientError: the model could not be reached over a network.
    """
    key = json.dumps(asdict(ref), sort_keys=True, default=repr)
    with _loading:
        check(ref)
        stamp = _stamp(ref)
        if key not in _loaded or _loaded[key][0] != stamp:
            _loaded[key] = stamp, _load(ref)
        return _loaded[key][1]


def _load(ref: ModelRef) -> LoadedModel:
    path = ref.uri if is_code(ref.type) else files.local_copy(ref.uri)
    with blamed(ref, "cannot be loaded"):
        return LoadedModel(ref, _module_of(ref).load(ref, path))


def _stamp(ref: ModelRef) -> Any:
    return None if is_code(ref.type) else files.stamp(ref.uri)


def _module_of(ref: ModelRef) -> FrameworkModule:
    return cast("FrameworkModule", importlib.import_module(framework_of(ref.name, ref.type).module))


@contextmanager
def blamed(ref: ModelRef, what: str) -> Iterator[None]:
    """Turns whatever a framework or a user's function raises into an error that names the model."""
    try:
        yield
    except (AssayError, MemoryError):
        raise
    except (ConnectionError, TimeoutError) as error:
        raise TransientError(f"model {ref.name!r} ({ref.uri}) {what}: {type(error).__name__}: {error}") from error
    except Exception as error:
        raise ModelError(f"model {ref.name!r} ({ref.uri}) {what}: {type(error).__name__}: {_short(error)}") from error


def _short(error: Exception, limit: int = 500) -> str:
    """Frameworks write pages; their first lines say what is wrong."""
    text = " ".join(str(error).split())
    return text if len(text) <= limit else f"{text[:limit]} ..."
