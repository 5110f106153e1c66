"""Pages on Airflow's API server in a browser: how one gets there from Airflow's view, and what is wrong with them."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.airflow.conftest import ROOT, RUNTIME
from tests.airflow.standalone import until
from tests.report.axe import violations
from tests.report.browser import Tab

_PATIENCE = 120.0


def link_in(tab: Tab, view: str, text: str) -> str:
    """Where a link leads that a page of Airflow shows."""
    wanted = json.dumps(text)
    script = f"[...document.querySelectorAll('a')].find(link => link.textContent === {wanted})?.href"
    tab.go(view)
    return str(until(lambda: tab.run(script, in_frame=False), _PATIENCE, f"the link {text} in {view}"))


def text_at(tab: Tab, address: str, width: int) -> str:
    """Opens a page at a width; returns its text."""
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    tab.blank()
    tab.go(address)
    return str(tab.run("document.body.innerText", in_frame=False))


def wrongs(tab: Tab, width: int) -> list[Any]:
    """What is wrong with the page that is open: axe's violations, messages, what scrolls sideways, other servers."""

    def run(script: str) -> Any:
        return tab.run(script, in_frame=False)

    found = violations(run, _axe_file())
    found += [event["entry"]["text"] for event in tab.happened("Log.entryAdded")]
    found += [*tab.happened("Runtime.exceptionThrown"), *tab.happened("Runtime.consoleAPICalled")]
    found += [f"{wide} pixels"] if (wide := run("document.documentElement.scrollWidth")) > width else []

    asked = [event["request"]["url"] for event in tab.happened("Network.requestWillBeSent")]
    own = urlsplit(run("document.URL")).netloc
    return found + [url for url in asked if urlsplit(url).netloc not in ("", own)]


@cache
def _axe_file() -> Path:
    """axe's script, which the other environment has."""
    code = "from tests.report.axe import axe_file; print(axe_file())"
    found = subprocess.run([RUNTIME, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())
