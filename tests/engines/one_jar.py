"""python -m tests.engines.one_jar FOLDER: puts all jars of a folder into `all.jar` there, in their place.

An engine is sent the jars of its job server with each job, and takes 0.1 s for each, however small it is.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

_SERVICES = "META-INF/services/"
"""Files that several jars have, each with some of the lines."""

_LEFT_OUT = (".SF", ".RSA", ".DSA", "module-info.class", "META-INF/MANIFEST.MF", "/")


def merge(folder: Path) -> None:
    """Of a file that several jars have, the first is kept."""
    services: dict[str, list[bytes]] = {}
    written: set[str] = set()
    jars = sorted(folder.glob("*.jar"))
    with zipfile.ZipFile(folder / "all.tmp", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as merged:
        merged.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nMulti-Release: true\r\n\r\n")
        for name, content in _files_of(jars):
            if name.startswith(_SERVICES):
                services.setdefault(name, []).append(content)
            elif name not in written:
                merged.writestr(name, content)
                written.add(name)
        for name, contents in services.items():
            merged.writestr(name, b"\n".join(contents))

    for jar in jars:
        jar.unlink()
    (folder / "all.tmp").rename(folder / "all.jar")


def _files_of(jars: list[Path]) -> Iterator[tuple[str, bytes]]:
    for jar in jars:
        with zipfile.ZipFile(jar) as opened:
            for name in opened.namelist():
                if not name.endswith(_LEFT_OUT):
                    yield name, opened.read(name)


if __name__ == "__main__":
    merge(Path(sys.argv[1]))
