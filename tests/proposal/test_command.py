"""The command `assay init`: where it reads, where it writes, what it costs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.cli import main
from assay.plan.analysis_file import load_analysis
from assay.proposal.sample import MOST_ROWS
from assay.readers.told_format import told_format
from tests.cpu import cpu_seconds, start_of_python

ASSAY = str(Path(sys.executable).with_name("assay"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.random(rows)
    return pd.DataFrame(
        {"label": (rng.random(rows) < score).astype(int), "score": score, "sex": rng.choice(["f", "m"], rows)}
    )


def test_it_never_replaces_a_file_unless_told_so(folder, capsys):
    frame().to_parquet("d.parquet")
    (folder / "analysis.yaml").write_text("mine")
    assert main(["init", "d.parquet"]) == 64
    assert "analysis.yaml: exists already; name another file with --output, or replace it with --force" in (
        capsys.readouterr().err
    )
    assert (folder / "analysis.yaml").read_text() == "mine"
    assert main(["init", "d.parquet", "--force"]) == 0
    assert "label_key: label" in (folder / "analysis.yaml").read_text()


def test_paths_start_from_the_folder_of_the_analysis_file(folder, capsys):
    (folder / "data").mkdir()
    (folder / "configs").mkdir()
    frame().to_parquet("data/d.parquet")
    assert main(["init", "data/*.parquet", "-o", "configs/mine.yaml"]) == 0, capsys.readouterr().err
    plan = load_analysis("configs/mine.yaml", {})
    assert plan.inputs["files"] == [str(folder / "data" / "*.parquet")]
    assert plan.output == str(folder / "configs" / "out" / "mine")
    assert main(["check", "configs/mine.yaml"]) == 0


def test_it_prints_the_file_where_asked(folder, capsys):
    frame().to_csv("d.csv", index=False)
    assert main(["init", "d.csv", "-o", "-"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Proposed by `assay init d.csv` from all 300 rows.\n")
    assert not (folder / "analysis.yaml").exists()


def test_it_says_what_it_chose_and_what_comes_next(folder, capsys):
    frame().to_parquet("d.parquet")
    assert main(["init", "d.parquet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "kind of problem: two classes, told from all 300 rows"
    assert lines[1] == "label: label; predictions: score; slices: sex"
    assert lines[2].startswith("threshold: AUC is 0.")
    assert lines[3] == "analysis.yaml: read its comments, then: assay run analysis.yaml"


def test_a_folder_that_is_not_there_is_told(folder, capsys):
    frame().to_parquet("d.parquet")
    assert main(["init", "d.parquet", "-o", "nowhere/a.yaml"]) == 64
    assert "nowhere/a.yaml: No such file or directory; choose another file" in capsys.readouterr().err


def test_csv_with_semicolons_and_compressed_files_are_recognised(folder, capsys):
    frame().to_csv("d.txt.gz", index=False, sep=";")
    assert main(["init", "d.txt.gz"]) == 0, capsys.readouterr().err
    assert load_analysis("analysis.yaml", {}).inputs["options"] == {"delimiter": ";"}
    assert main(["run", "analysis.yaml", "--quiet"]) == 0


def test_a_sample_of_many_files_is_bounded_and_says_so(folder, capsys):
    for i in range(12):
        frame(5_000, seed=i).to_parquet(f"part-{i:02}.parquet")
    assert main(["init", "part-*.parquet"]) == 0
    text = (folder / "analysis.yaml").read_text()
    assert f"from {MOST_ROWS:,} rows, the first of each of 8 of 12 files." in text
    assert main(["run", "analysis.yaml", "--quiet"]) == 0
    assert json.loads((folder / "out" / "analysis" / "verdict.json").read_text())["status"] == "BLESSED"


def test_the_first_rows_of_sorted_ones_are_said_to_be_of_one_class_perhaps(folder, capsys):
    pd.DataFrame({"label": np.repeat([0, 1], 30_000), "score": np.linspace(0, 1, 60_000)}).to_parquet("d.parquet")
    assert main(["init", "d.parquet"]) == 0, capsys.readouterr().err
    said = " ".join((folder / "analysis.yaml").read_text().replace("#", "").split())
    assert (
        "undefined in the sample, the first 20,000 rows (if rows are sorted by label, these may be of one class)"
        in said
    )


def test_files_of_different_columns_have_those_in_common(folder, capsys):
    frame().to_parquet("a.parquet")
    frame().assign(extra="x", sex=1.5).to_parquet("b.parquet")
    assert main(["init", "*.parquet"]) == 0, capsys.readouterr().err
    text = (folder / "analysis.yaml").read_text()
    assert "#   extra: it is not in every file" in text
    assert "#   sex: its values are of several types" in text
    assert main(["run", "analysis.yaml", "--quiet"]) == 0, capsys.readouterr().err


def test_rows_that_cannot_be_read_are_counted(folder, capsys):
    frame().to_csv("d.csv", index=False)
    with open("d.csv", "a") as file:
        file.write("1,0.5,f,too,many\n")
    assert main(["init", "d.csv"]) == 0, capsys.readouterr().err
    assert (
        "1 of 301 rows of the sample cannot be evaluated: rows that cannot be read (1)"
        in (folder / "analysis.yaml").read_text()
    )
    assert main(["run", "analysis.yaml", "--quiet"]) == 0


def test_tfrecords_are_recognised(folder, capsys):
    from assay.models.tensorflow import import_tensorflow
    from assay.storage.framing import framed

    tf = import_tensorflow()
    with open("d.tfrecord", "wb") as file:
        for row in frame().to_dict("records"):
            feature = {
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[row["label"]])),
                "score": tf.train.Feature(float_list=tf.train.FloatList(value=[row["score"]])),
                "sex": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["sex"].encode()])),
            }
            file.write(framed(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()))
    assert main(["init", "d.tfrecord"]) == 0, capsys.readouterr().err
    assert main(["run", "analysis.yaml", "--quiet"]) == 0
    assert load_analysis("analysis.yaml", {}).inputs["format"] == "tfrecord"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"a,b\n1,2\n", "csv"),
        (b'{"a": 1}\n', "jsonl"),
        ('{"a": 1}\n'.encode("utf-16"), "jsonl"),
        (b"[1],[2]\n3,4\n", "csv"),
    ],
)
def test_the_format_is_told_from_the_first_bytes(folder, content, form):
    (folder / "d").write_bytes(content)
    assert told_format("d") == form


def test_a_key_of_json_lines_whose_values_do_not_go_together_is_passed_over(folder, capsys):
    lines = [json.dumps({"label": i % 2, "score": (i % 10) / 10, "mixed": i if i % 2 else "text"}) for i in range(100)]
    (folder / "d.jsonl").write_text("\n".join(lines))
    assert main(["init", "d.jsonl"]) == 0, capsys.readouterr().err
    assert "#   mixed: its values are of several types" in (folder / "analysis.yaml").read_text()
    assert main(["run", "analysis.yaml", "--quiet"]) == 0, capsys.readouterr().err


def write(form: str) -> str:
    rows = frame()
    if form == "parquet":
        rows.to_parquet("d.parquet")
    elif form == "csv":
        rows.to_csv("d.csv", index=False)
    else:
        rows.to_json("d.jsonl", orient="records", lines=True)
    return f"d.{form}"


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_it_loads_neither_beam_nor_tensorflow_nor_pandas(folder, form):
    script = (
        "import atexit, sys; from assay.cli import command; heavy = {'apache_beam', 'tensorflow', 'pandas'}; "
        "atexit.register(lambda: print(heavy & set(sys.modules), file=sys.stderr)); command()"
    )
    command = [sys.executable, "-c", script, "init", write(form)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == "set()\n"


def test_types_of_pandas_are_read_all_the_same(folder):
    rows = frame().assign(month=pd.period_range("2026-01", periods=3, freq="M").repeat(100))
    rows.to_parquet("d.parquet")
    done = subprocess.run([ASSAY, "init", "d.parquet", "-o", "-"], capture_output=True, text=True, check=True)
    assert "- {feature_keys: [month]} # text, 3 values: 2026-01 (33%)" in done.stdout


def test_it_takes_no_more_than_thirty_starts_of_python(folder, monkeypatch):
    """0.5 s, or some twenty starts, where the bound was set; half of it is the import of Arrow."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
    assert cpu_seconds(ASSAY, "init", write("parquet"), "--force") < 30 * start_of_python()


def test_frames_of_other_libraries_are_taken():
    import polars as pl

    import assay

    rows = frame()
    expected = assay.propose_analysis(rows).eval_config
    assert assay.propose_analysis(pa.Table.from_pandas(rows)).eval_config == expected
    assert assay.propose_analysis(pl.from_pandas(rows)).eval_config == expected
    assert assay.propose_analysis(rows.to_dict("records")).eval_config == expected
