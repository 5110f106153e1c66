"""A page of results in a browser: opened at a width, in the light or the dark, and what a person does there."""

from __future__ import annotations

import html
import time
from pathlib import Path
from typing import Any

from tests.report.axe import axe_file, violations
from tests.report.browser import Tab

KEYS = {"Tab": 9, "Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_PATIENCE = 20.0

NAMES = "[...document.querySelectorAll('#slices tbody tr')].map(row => row.cells[0].textContent)"


def framed(folder: Path, page: str) -> Path:
    """A file with the page as the user interface of Kubeflow Pipelines embeds it: in a sandboxed frame with scripts."""
    file = folder / "host.html"
    frame = f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts"></iframe>'
    style = "<style>body { margin: 0 } iframe { border: 0; width: 100vw; height: 100vh }</style>"
    file.write_text(f"<!doctype html><meta charset=utf-8><title>host</title>{style}{frame}", encoding="utf-8")
    return file


def saved(folder: Path, page: str) -> Path:
    """The page as a file of its own."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    return file


class Opened:
    """A page in a tab; `run` gives the value of an expression."""

    def __init__(self, tab: Tab, file: Path, *, width: int = 1280, dark: bool = False, fragment: str = "") -> None:
        self.tab, self._in_frame = tab, file.name == "host.html"
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.call("Emulation.setEmulatedMedia", features=[scheme])
        tab.blank()  # another fragment alone would not load the page again
        tab.open(file, fragment)

    def run(self, script: str) -> Any:
        return self.tab.run(script, self._in_frame)

    def wait_for(self, condition: str) -> None:
        """Waits until an expression is true."""
        until = time.monotonic() + _PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < until, condition
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({selector!r}).click()")

    def fill(self, selector: str, value: str) -> None:
        """Puts a value into a field, as typing or choosing does."""
        self.run(
            f"(() => {{ const field = document.querySelector({selector!r}); field.value = {value!r};"
            " for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind)); })()"
        )

    def focus(self, selector: str) -> None:
        self.run(f"document.querySelector({selector!r}).focus()")

    def press(self, key: str, times: int = 1) -> None:
        typed = {"text": "\r"} if key == "Enter" else {}
        for _ in range(times):
            for kind, more in (("keyDown", typed), ("keyUp", {})):
                named = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
                self.tab.call("Input.dispatchKeyEvent", type=kind, **named, **more)

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({selector!r}).textContent"))

    def is_seen(self, selector: str) -> bool:
        return bool(self.run(f"document.querySelector({selector!r})?.checkVisibility() ?? false"))

    @property
    def names(self) -> list[str]:
        """The slices whose rows are in the table: those in sight, and a few around them."""
        return list(self.run(NAMES))

    @property
    def troubles(self) -> list[Any]:
        return troubles(self.tab)


def axe(opened: Opened) -> list[list[str]]:
    """What axe-core finds wrong: rule and first element of each violation. It runs in a world of its own."""
    return violations(opened.run, axe_file())


def troubles(tab: Tab) -> list[Any]:
    """Errors of scripts, messages on the console, refusals of the policy, and whatever was asked for from outside."""
    requests = [event["request"]["url"] for event in tab.happened("Network.requestWillBeSent")]
    logged = [event["entry"]["text"] for event in tab.happened("Log.entryAdded")]
    thrown = [*tab.happened("Runtime.exceptionThrown"), *tab.happened("Runtime.consoleAPICalled")]
    return [url for url in requests if not url.startswith(("file:", "about:"))] + logged + thrown


def live(tab: Tab, file: Path, *, width: int = 1280, dark: bool = False, fragment: str = "") -> Opened:
    """The page once its script has brought it to life."""
    opened = Opened(tab, file, width=width, dark=dark, fragment=fragment)
    opened.wait_for("document.documentElement.classList.contains('live')")
    opened.wait_for("!document.getElementById('plots-data') || document.querySelector('.picked > div')")
    return opened
