"""docs/first-run.md shows what `assay init` prints and writes."""

import re
import subprocess
import sys
from pathlib import Path

from assay.cli import main

DOCUMENT = Path(__file__).parents[2] / "docs" / "first-run.md"


def test_the_document_shows_what_is_printed_and_written(tmp_path, monkeypatch, capsys):
    text = DOCUMENT.read_text()
    python, *_ = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    printed, written = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", python], check=True)
    assert main(["init", "breast_cancer.parquet"]) == 0
    assert capsys.readouterr().out == printed
    assert (tmp_path / "analysis.yaml").read_text() == written
