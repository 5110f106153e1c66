"""The same wrong calls through every door: `python -m tests.wrong_calls DOOR FOLDER` prints what each door says.

What a call writes is taken at the file descriptors, so that nothing of Beam, of TensorFlow or of a thread is missed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}, {"class_name": "ExampleCount"}]}],
}
FILES = {
    "rows.csv": "label,score,group\n1,0.5,a\n0,0.2,b\n1,0.7,a\n",
    "text.csv": "label,score,group\n1,0.5,a\n0,zzz,b\n",
    "labels.csv": "label,score,group\nyes,0.5,a\nno,0.2,b\n",
    "gap.csv": "label,score,group\n1,0.5,a\n0,,b\n",
    "two.csv": "label,score,group\n1,0.5,a\n2,0.2,b\n",
    "ragged.csv": "label,score,group\n1,0.5,a\n0,0.2\n",
    "broken.parquet": "PAR1 this is no Parquet file PAR1",
    "broken.jsonl": '{"label": 1, "score": 0.5, "group": "a"}\n{"label": 1, "score":\n',
    "broken.tfrecord": "no record of TensorFlow at all, but long enough to be read as one",
    "a-file": "",
}


def _metric(**metric: Any) -> dict[str, Any]:
    return {"eval_config": {**CONFIG, "metrics_specs": [{"metrics": [metric]}]}}


def _spec(**spec: Any) -> dict[str, Any]:
    return {"eval_config": {**CONFIG, "model_specs": [{**CONFIG["model_specs"][0], **spec}]}}


def _join(**join: Any) -> dict[str, Any]:
    return {"join": {"files": "labels.csv", "on": ["group"], **join}}


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
    # The eval config
    "an unknown metric": _metric(class_name="AUK"),
    "an unknown setting": _metric(class_name="AUC", config='"bukets": 3'),
    "a setting that is no JSON": _metric(class_name="AUC", config='"a'),
    "an unknown field": {"eval_config": {**CONFIG, "metrix_specs": []}},
    "a value of another type": {"eval_config": {**CONFIG, "slicing_specs": 3}},
    "no metric": {"eval_config": {**CONFIG, "metrics_specs": []}},
    "what is not there yet": _metric(class_name="AUC") | {
        "eval_config": {**CONFIG, "metrics_specs": [{"query_key": "group", "metrics": [{"class_name": "AUC"}]}]}
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


def arguments(call: dict[str, Any]) -> dict[str, Any]:
    """The same as arguments of `run_model_analysis`."""
    content = analysis(call)
    inputs = content.pop("inputs")
    here = Path.cwd()
    if "join" in inputs and "files" in inputs["join"]:
        inputs["join"] = {**inputs["join"], "files": here / inputs["join"]["files"]}
    places = {"data_location": here / inputs.pop("files"), "output_path": here / content.pop("output")}
    return {**places, "file_format": inputs.pop("format"), **inputs, **content}


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
    os.chdir(folder)
    for name, content in FILES.items():
        Path(name).write_text(content)
    said = {name: DOORS[door](name) for name in CALLS}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
