"""The same wrong calls through every door: `python -m tests.wrong_calls DOOR FOLDER` prints what each door says.

What a call writes is taken at the file descriptors, so that nothing of Beam, of TensorFlow or of a thread is missed.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.lying_records import lying
from tests.zip_archives import zip_of

CONFIG: dict[str, Any] = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "ExampleCount"}]}],
}
ENDLESS = " " * (3 << 20)
"""More than a row may have here: `main` sets the bound to 1 MB."""

SEQUENTIAL = b'{"class_name": "Sequential", "config": {"layers": []}}'


def _nested(column: str, opened: str, closed: str, levels: int) -> str:
    """JSON lines whose last row goes too deep, in a column that has no value before."""
    rows = [{"label": 1, "score": 0.5, "group": "a"}, {"label": 0, "score": 0.2, "group": "b"}]
    first, last = (json.dumps({**row, column: None}) for row in rows)
    return f"{first}\n{last.replace('null', opened * levels + '1' + closed * levels)}\n"


def _large_config() -> bytes:
    return zip_of({"config.json": b'{"class_name": "' + b"a" * (65 << 20) + b'"}'})


FILES: dict[str, str | bytes | Callable[[], bytes]] = {
    "rows.csv": "label,score,group\n1,0.5,a\n0,0.2,b\n1,0.7,a\n",
    "text.csv": "label,score,group\n1,0.5,a\n0,zzz,b\n",
    "labels.csv": "label,score,group\nyes,0.5,a\nno,0.2,b\n",
    "gap.csv": "label,score,group\n1,0.5,a\n0,,b\n",
    "two.csv": "label,score,group\n1,0.5,a\n2,0.2,b\n",
    "ragged.csv": "label,score,group\n1,0.5,a\n0,0.2\n",
    "twice.csv": "label,score,group,group\n1,0.5,a,b\n",
    "scores.csv": "score,group\n0.5,a\n0.2,b\n",
    "broken.parquet": "PAR1 this is no Parquet file PAR1",
    "broken.jsonl": '{"label": 1, "score": 0.5, "group": "a"}\n{"label": 1, "score":\n',
    "mixed.jsonl": '{"label": 1, "score": 0.5, "group": "a"}\n{"label": 0, "score": 0.2, "group": 7}\n',
    "broken.tfrecord": "no record of TensorFlow at all, but long enough to be read as one",
    "a-file": "",
    # Other bytes than those of UTF-8, or packed
    "header.csv": "label,score,group,größe\n1,0.5,a,2\n".encode("latin-1"),
    "values.csv": "label,score,group\n1,0.5,größer\n".encode("latin-1"),
    "wide.csv": "label,score,group\n1,0.5,a\n".encode("utf-16-le"),
    "wide.jsonl": '{"label": 1, "score": 0.5, "group": "a"}\n'.encode("utf-16-be"),
    "two.zip": zip_of({"a.csv": b"label\n1\n", "b.csv": b"label\n0\n"}),
    "bz2.zip": zip_of({"a.csv": b"label,score,group\n1,0.5,a\n"}, method=zipfile.ZIP_BZIP2),
    "cut.csv.gz": gzip.compress(b"label,score,group\n" + b"1,0.5,a\n" * 99)[:30],
    # What would take all memory, or end the process
    "long.tfrecord": lying(2**40),
    "longest.tfrecord": gzip.compress(lying(2**63)),
    "later.tfrecord": lying(2**27, b"", b"", b""),  # an empty record is a tf.Example without features
    "lists.jsonl": _nested("group", "[", "]", 150),
    "objects.jsonl": _nested("score", '{"k":', "}", 150),
    "abyss.jsonl": _nested("group", "[", "]", 20_000),
    "line.jsonl": '{"label": 1, "score": 0.5, "group": "a"}\n' + ENDLESS,
    "line.jsonl.gz": gzip.compress(b'{"label": 1, "score": 0.5, "group": "' + ENDLESS.encode()),
    "row.csv": f"label,score,group\n1,0.5,a\n0,0.2,{ENDLESS}",
    "names.csv": f"label,score,group,{ENDLESS}\n1,0.5,a,\n",
    "config.keras": _large_config,
    "config-lies.keras": zip_of(
        {"config.json": SEQUENTIAL + ENDLESS.encode()}, claims={"config.json": len(SEQUENTIAL)}
    ),
    "weights.keras": zip_of(
        {"config.json": SEQUENTIAL, "model.weights.h5": b""}, claims={"model.weights.h5": 2 << 30}
    ),
    "weights-lie.keras": zip_of(
        {"config.json": SEQUENTIAL, "model.weights.h5": ENDLESS.encode()}, claims={"model.weights.h5": 1000}
    ),
    # Folders
    "marked/_SUCCESS": "",
    "delta/part-0.csv": "label,score,group\n1,0.5,a\n",
    "delta/_delta_log/0.json": "{}",
}  # fmt: skip


def _metric(**metric: Any) -> dict[str, Any]:
    return {"eval_config": {**CONFIG, "metrics_specs": [{"metrics": [metric]}]}}


def _spec(**spec: Any) -> dict[str, Any]:
    return {"eval_config": {**CONFIG, "model_specs": [{**CONFIG["model_specs"][0], **spec}]}}


def _join(**join: Any) -> dict[str, Any]:
    return {"join": {"files": "labels.csv", "on": ["group"], **join}}


def _joined(files: str, form: str) -> dict[str, Any]:
    """Labels of that file."""
    return {"files": "scores.csv", "join": {"files": files, "format": form, "on": ["group"], "columns": ["label"]}}


def _keras(uri: str) -> dict[str, Any]:
    spec = {"model_specs": [{"label_key": "label"}]}
    model = {"name": "m", "uri": uri, "type": "keras", "features": ["score"]}
    return {"models": [model], "eval_config": {**CONFIG, **spec}}


CALLS: dict[str, dict[str, Any]] = {
    # Settings
    "a word for bad rows": {"on_bad_rows": "ignore"},
    "a misspelt word": {"on_bad_rows": "skp"},
    "a share above 1": {"max_bad_rows": 2},
    "a share in words": {"max_bad_rows": "1 percent"},
    "no share": {"max_bad_rows": True},
    "no rows": {"min_rows": 0},
    "half a row": {"min_rows": 2.5},
    "rows in words": {"min_rows": "ten"},
    "a negative seed": {"seed": -1},
    "a seed in words": {"seed": "lucky"},
    "a stamp in words": {"rubber_stamp": "yes"},
    "parameters in a list": {"params": ["day"]},
    "a parameter of two words": {"params": {"a day": "1"}},
    "an unknown parameter": _spec(label_key="${who}"),
    "a broken parameter": _spec(label_key="${"),
    # Inputs
    "an unknown format": {"format": "cvs"},
    "an unknown option": {"options": {"delimeter": ";"}},
    "no rows in a batch": {"batch_rows": 0},
    "a column twice": {"columns": ["label", "label"]},
    "a join without keys": {"join": {"files": "labels.csv"}},
    "an unknown key of a join": _join(onn=["group"]),
    "an unknown format of a join": _join(format="xls"),
    "a limit that is no share": _join(max_unmatched="many"),
    "a missing file": {"files": "gone.csv"},
    "a missing glob": {"files": "gone-*.csv"},
    "a file that is no Parquet": {"files": "broken.parquet", "format": "parquet"},
    "a file that is no JSON lines": {"files": "broken.jsonl", "format": "jsonl"},
    "a file that is no TFRecord": {"files": "broken.tfrecord", "format": "tfrecord"},
    "a row of another length": {"files": "ragged.csv"},
    # Columns and values
    "a missing label": _spec(label_key="lable"),
    "a missing prediction": _spec(prediction_key="scoer"),
    "a missing weight": _spec(example_weight_key="weight"),
    "a missing slice": {"eval_config": {**CONFIG, "slicing_specs": [{"feature_keys": ["grup"]}]}},
    "a prediction that is text": {"files": "text.csv"},
    "a label that is text": {"files": "labels.csv"},
    "a gap": {"files": "gap.csv"},
    "a label of another class": {"files": "two.csv"},
    # What is stored in the files
    "a header in latin-1": {"files": "header.csv"},
    "values in latin-1": {"files": "values.csv"},
    "an encoding that it is not": {"files": "values.csv", "options": {"encoding": "ascii"}},
    "UTF-16 without a mark": {"files": "wide.csv"},
    "JSON lines in UTF-16 without a mark": {"files": "wide.jsonl", "format": "jsonl"},
    "an archive of two files": {"files": "two.zip"},
    "an archive of another method": {"files": "bz2.zip"},
    "a gzip file cut off": {"files": "cut.csv.gz"},
    "labels in latin-1": _joined("header.csv", "csv"),
    "a needed column twice": {"files": "twice.csv"},
    "a needed key of two types": {"files": "mixed.jsonl", "format": "jsonl"},
    "a folder without data": {"files": "marked"},
    "a Delta table": {"files": "delta"},
    # What would take all memory, or end the process
    "a record of 2**40 bytes": {"files": "long.tfrecord", "format": "tfrecord"},
    "a record of 2**63 bytes in gzip": {"files": "longest.tfrecord", "format": "tfrecord"},
    "a record of 2**27 bytes behind good ones": {"files": "later.tfrecord", "format": "tfrecord"},
    "labels of 2**40 bytes": _joined("long.tfrecord", "tfrecord"),
    "a row of objects within objects": {"files": "objects.jsonl", "format": "jsonl"},
    "a row of 20,000 lists within each other": {"files": "abyss.jsonl", "format": "jsonl"},
    "labels behind lists within lists": _joined("lists.jsonl", "jsonl"),
    "a line without an end": {"files": "line.jsonl", "format": "jsonl"},
    "a line without an end in gzip": {"files": "line.jsonl.gz", "format": "jsonl"},
    "a CSV row without an end": {"files": "row.csv"},
    "a CSV header without an end": {"files": "names.csv"},
    "a config that unpacks to too much": _keras("config.keras"),
    "a config larger than it claims to be": _keras("config-lies.keras"),
    "weights that claim to unpack to too much": _keras("weights.keras"),
    "weights larger than they claim to be": _keras("weights-lie.keras"),
    # The eval config
    "an unknown metric": _metric(class_name="AUK"),
    "an unknown setting": _metric(class_name="AUC", config='"bukets": 3'),
    "a setting that is no JSON": _metric(class_name="AUC", config='"a'),
    "an unknown field": {"eval_config": {**CONFIG, "metrix_specs": []}},
    "a value of another type": {"eval_config": {**CONFIG, "slicing_specs": 3}},
    "no metric": {"eval_config": {**CONFIG, "metrics_specs": []}},
    "metrics of a model that was not compiled": _metric(class_name="AUC") | {
        "eval_config": {**CONFIG, "options": {"include_default_metrics": True}}
    },
    # Places
    "an output below a file": {"output": "a-file/out"},
}  # fmt: skip


def analysis(call: dict[str, Any]) -> dict[str, Any]:
    """A call as the content of an analysis file."""
    given = {"eval_config": CONFIG, "output": "out", "files": "rows.csv", "format": "csv", **call}
    names = ("files", "format", "columns", "options", "batch_rows", "join")
    inputs = {name: given.pop(name) for name in names if name in given}
    return {"inputs": inputs, **given}


def arguments(call: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """The same as arguments of `run_model_analysis`; relative places start from `folder`, or the current one."""
    from assay import ModelRef

    content = analysis(call)
    inputs = content.pop("inputs")
    here = folder or Path.cwd()
    if "join" in inputs and "files" in inputs["join"]:
        inputs["join"] = {**inputs["join"], "files": here / inputs["join"]["files"]}
    if "models" in content:
        content["models"] = [ModelRef(**{**model, "uri": here / model["uri"]}) for model in content["models"]]
    location = os.path.join(here, inputs.pop("files"))  # which keeps the slash behind a folder
    uris = {"data_location": location, "output_path": here / content.pop("output")}
    return {**uris, "file_format": inputs.pop("format"), **inputs, **content}


@contextlib.contextmanager
def taken() -> Iterator[list[str]]:
    """Takes all that is written to the descriptors 1 and 2; the list has it behind the block."""
    said: list[str] = []
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush(), sys.stderr.flush()
        os.dup2(file.fileno(), 1), os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
            file.seek(0)
            said.append(file.read().decode(errors="replace"))


def by_command(name: str) -> str:
    from assay.cli import main

    Path("analysis.json").write_text(json.dumps(analysis(CALLS[name])))
    with taken() as said:
        code = main(["run", "analysis.json", "--quiet"])
    return f"{code} {said[0]}"


def by_python(name: str) -> str:
    import assay
    from assay.errors import AssayError

    told = ""
    with taken() as said:
        try:
            assay.run_model_analysis(**arguments(CALLS[name]))
        except AssayError as error:
            is_noisy = "apache_beam" in "".join(traceback.format_exception(error))
            told = f"{error.exit_code} {error}{' [raised from what Beam raised]' if is_noisy else ''}"
    return told + said[0]


def by_notebook(name: str) -> str:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    cell = f"""
import assay
from tests.wrong_calls import CALLS, arguments
assay.run_model_analysis(**arguments(CALLS[{name!r}]))
"""
    with taken() as said:
        result = shell.run_cell(cell, silent=False)
    return f"{getattr(result.error_in_exec, 'exit_code', None)} {said[0]}"


DOORS = {"command": by_command, "python": by_python, "notebook": by_notebook}


def main(door: str, folder: str) -> None:
    os.environ["ASSAY_MAX_ROW_MB"] = "1"
    os.chdir(folder)
    for name, content in FILES.items():
        write(Path(name), content() if callable(content) else content)
    said = {name: DOORS[door](name) for name in CALLS}
    sys.stdout.write(json.dumps(said))


def write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main(*sys.argv[1:])
