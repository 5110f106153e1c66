"""assay's wheel, built from this checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.installs.pythons import ROOT

UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"


def build(folder: Path) -> Path:
    """Builds the wheel from a copy in a new folder, so that nothing is left in the repository; returns it."""
    source, wheels = folder / "source" / "assay", folder / "wheels"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    uv("build", "--quiet", "--wheel", "--out-dir", str(wheels), str(source))
    (built,) = wheels.glob("*.whl")
    return built


def uv(*words: str) -> str:
    """What a command of uv prints.

    Raises:
        AssertionError: it failed.
    """
    done = subprocess.run([UV, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"uv {' '.join(words)}\n{done.stderr}"
    return done.stdout
