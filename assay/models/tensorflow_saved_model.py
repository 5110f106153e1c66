"""TensorFlow SavedModels: a signature that takes serialised tf.Examples, or one that takes named tensors."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from assay import storage
from assay.errors import ModelError
from assay.models import files, inputs
from assay.models.model import ModelNeeds, ModelRef, Runner
from assay.models.tensorflow import empty_output, import_tensorflow, numpy_outputs, tensor
from assay.models.tensorflow_counterfactual import with_replacements
from assay.models.tensorflow_signature import GRAPH_FILE, read_signature
from assay.types import Extracts


def check(ref: ModelRef) -> None:
    """Checks that `ref.uri` is the folder of a SavedModel.

    Raises:
        ModelError: it is not; the message says what is there.
    """
    if files.exists(storage.join(ref.uri, GRAPH_FILE)):
        return
    names = files.children(ref.uri)
    versions = [name for name in names if name.isdigit() and files.exists(storage.join(ref.uri, name, GRAPH_FILE))]
    if versions:
        newest = storage.join(ref.uri, max(versions, key=int))
        raise ModelError(f"model {ref.name!r}: {ref.uri} holds versions of a model; name one of them, such as {newest}")
    if not files.exists(ref.uri):
        raise ModelError(f"model {ref.name!r}: nothing at {ref.uri}; expected the folder of a SavedModel")
    hint = "; for a Keras file say `type: keras`" if ref.uri.endswith(".keras") else ""
    raise ModelError(f"model {ref.name!r}: no {GRAPH_FILE} in {ref.uri}; expected the folder of a SavedModel{hint}")


def needs(ref: ModelRef) -> ModelNeeds:
    """Reads the signature from the graph's file.

    Raises:
        ModelError: there is no such signature, or a part of it is ragged or sparse.
    """
    signature = read_signature(ref, ref.uri)
    if signature.raw:
        return ModelNeeds(raw=True, columns=())
    return ModelNeeds(raw=False, columns=inputs.wanted_columns(signature.inputs, ref))


def load(ref: ModelRef, path: str) -> Runner:
    """Loads the SavedModel at `path`.

    Raises:
        ModelError: there is no such signature, or a part of it is ragged or sparse.
    """
    tf = import_tensorflow()
    signature = read_signature(ref, path)
    specs = signature.inputs
    inputs.wanted_columns(specs, ref)
    model = _loaded(tf, path, str(files.stamp(path)))
    function = model.signatures[signature.name]

    def run(extracts: Extracts, model: Any = model) -> Any:  # without a reference to the model, its variables go
        raw = signature.raw
        arrays = {specs[0].name: _records(extracts, ref)} if raw else inputs.arrays(extracts, specs, ref)
        return numpy_outputs(function(**{spec.name: tensor(arrays[spec.name], spec) for spec in specs}), ref)

    empty = {name: empty_output(out.dtype.name, out.shape) for name, out in function.structured_outputs.items()}
    fed = () if signature.raw else specs
    return Runner(run, empty, lambda extracts: inputs.unfit_rows(extracts, fed, ref), signature.raw)


_models: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()
"""Path and stamp -> a SavedModel in memory: several signatures of it share its variables."""


def _loaded(tf: Any, path: str, stamp: str) -> Any:
    model = _models.get((path, stamp))
    if model is None:
        model = _models[path, stamp] = tf.saved_model.load(path)
    return model


def _records(extracts: Extracts, ref: ModelRef) -> inputs.Array:
    records = inputs.raw_records(extracts, ref)
    return with_replacements(records, ref.counterfactual, ref.name) if ref.counterfactual else records
