"""What somebody made to cost a process its life, its memory or its time ends in one line, and costs little."""

import gzip
import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.lying_records import lying
from tests.wrong_calls import CONFIG, SEQUENTIAL, analysis

RUN = """
import resource, sys
from assay.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) >> 10, used.ru_utime + used.ru_stime)
sys.exit(code)
"""
MOST_MB = 1000
MOST_CPU_SECONDS = 20
"""Several times what a small analysis takes on a slow machine."""

ROWS = b'{"label": 1, "score": 0.5, "group": "a"}\n' * 3
WITHOUT_A_MODEL = {"on_bad_rows": "skip", "max_bad_rows": "100%"}
WITH_A_MODEL = {
    "models": [{"name": "m", "uri": "m.keras", "type": "keras", "features": ["score"]}],
    "eval_config": {**CONFIG, "model_specs": [{"label_key": "label"}]},
}


class Costly(NamedTuple):
    """A command, the analysis that it is given, and its end."""

    command: str
    files: dict[str, Callable[[], bytes]]
    call: dict[str, Any]
    code: int
    said: str


def deep() -> bytes:
    return ROWS + b'{"label": 1, "score": 0.5, "group": "b", "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n"


def lying_config() -> bytes:
    """A model whose config is followed by 512 MB of blanks, of which the archive says nothing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("config.json", "w") as member:
            member.write(SEQUENTIAL)
            for _ in range(32):
                member.write(b" " * (16 << 20))
        archive.getinfo("config.json").file_size = len(SEQUENTIAL)
        archive.getinfo("config.json").CRC = zlib.crc32(SEQUENTIAL)
    return file.getvalue()


def endless() -> bytes:
    return gzip.compress(ROWS + b" " * (256 << 20), 1)


CASES = {
    "a record of 2**40 bytes": Costly(
        "check", {"rows": lambda: lying(2**40)}, {"format": "tfrecord", **WITHOUT_A_MODEL}, 64, "at most 64 MB"
    ),
    "a row 20,000 deep": Costly("check", {"rows": deep}, {"format": "jsonl", **WITHOUT_A_MODEL}, 0, ""),
    "a config that says it is small": Costly(
        "check",
        {"rows": lambda: ROWS, "m.keras": lying_config},
        {"format": "jsonl", **WITH_A_MODEL},
        64,
        "m.keras unpacks to more than the archive says",
    ),
    "a line of 256 MB": Costly(
        "run", {"rows": endless}, {"format": "jsonl", **WITHOUT_A_MODEL}, 64, "row 3: the line is longer than 64 MB"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_ends_by_itself_and_costs_little(case, tmp_path):
    costly = CASES[case]
    for name, content in costly.files.items():
        (tmp_path / name).write_bytes(content())
    (tmp_path / "a.json").write_text(json.dumps(analysis({"files": "rows", **costly.call})))
    without_progress = ["--quiet"] if costly.command == "run" else []  # on a slow machine, even the start has a line
    command = (sys.executable, "-c", RUN, costly.command, "a.json", *without_progress)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == costly.code, done.stderr
    assert costly.said in done.stderr
    assert done.stderr.count("\n") == (costly.code != 0)
    peak_mb, cpu_seconds = map(float, done.stdout.split()[-2:])
    assert peak_mb < MOST_MB
    assert cpu_seconds < MOST_CPU_SECONDS
