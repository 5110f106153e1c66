"""The command `assay bins`: what it prints is taken by the eval config, and cuts the data as it says."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import assay
from assay.cli import main

ROWS = 400


@pytest.fixture
def frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, ROWS),
            "price": rng.random(ROWS) * 1e19,
            "share": pd.Series(rng.random(ROWS).astype("float32")),
            "gaps": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS)),
            "word: yes": rng.normal(size=ROWS),
            "text": ["a"] * ROWS,
            "same": [3] * ROWS,
        }
    )


COLUMNS = ["age", "price", "share", "gaps", "word: yes"]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_what_is_printed_cuts_the_data_as_it_says(frame, form, capsys):
    if form == "jsonl":
        frame.to_json("d.jsonl", orient="records", lines=True, double_precision=15)
    else:
        getattr(frame, f"to_{form}")(f"d.{form}", index=False)
    assert (
        main(["bins", f"d.{form}", *[word for name in COLUMNS for word in ("--feature", name)], "--quantiles", "5"])
        == 0
    )
    printed = capsys.readouterr().out
    assert f"5 bins by quantiles of all {ROWS} rows of d.{form}" in printed
    config = {
        **yaml.safe_load(printed),
        "slicing_specs": [{"feature_keys": [name]} for name in COLUMNS],
        "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}]}],
    }
    result = assay.analyze_raw_data(frame.assign(label=1, prediction=0.5), config)
    counts: dict[str, list[float]] = {}
    for key, values in result.get_metrics_for_all_slices().items():
        counts.setdefault(str(key[0][0]), []).append(values["example_count"]["doubleValue"])
    for name in COLUMNS:
        said = re.search(rf"{re.escape(name)}\W+edges.* 5 bins of (\d+)(?: to (\d+))? values", printed)
        assert said, printed
        assert (min(counts[name]), max(counts[name])) == (int(said[1]), int(said[2] or said[1]))
        assert len(counts[name]) == 5
    missing = int(frame["gaps"].isna().sum())
    assert f"{missing} rows without a value" in printed


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--feature", "agee"], "has no column 'agee', which --feature needs"),
        (["--feature", "text"], "column 'text' has type string; expected numbers"),
        (["--feature", "same"], "column 'same': no bins: its values are all equal"),
        (["--feature", "age", "--quantiles", "1"], "1 is not in the range"),
        ([], "--feature"),
    ],
)
def test_what_makes_no_bins_is_one_line(frame, args, message, capsys):
    frame.to_parquet("d.parquet")
    assert main(["bins", "d.parquet", *args]) == 64
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_the_document_shows_what_is_printed(capsys, monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    document = (root / "docs" / "slices.md").read_text()
    shown = re.search(r"```bash\nassay (bins [^\n]*)\n```\n\n```text\n(.*?)```", document, re.DOTALL)
    assert shown
    command, printed = shown.groups()
    assert main(command.split()) == 0
    assert capsys.readouterr().out == printed
