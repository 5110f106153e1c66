"""A browser without a screen, driven by the DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

from tests.airflow.standalone import until

WAIT_SECONDS = 300
SETTLE_SECONDS = 3
"""What moves on a page has come to rest by then."""

SHARPNESS = 1.5
"""Pixels of a picture for each of the page."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """A window of a browser.

    Args:
        tab: connection to it.
    """

    def __init__(self, tab: websocket.WebSocket) -> None:
        self._tab = tab
        self._sent = 0

    def open(self, url: str) -> None:
        """Goes to a page."""
        self.call("Page.navigate", url=url)

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=SHARPNESS, mobile=False
        )

    def run(self, script: str) -> Any:
        """Runs a script in the page; returns its value."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Waits until a script's value is true."""
        until(lambda: self.run(script), WAIT_SECONDS, script)

    def wait_for_text(self, *texts: str) -> None:
        """Waits until the page shows all of these."""
        self.wait_for(f"{json.dumps(texts)}.every(text => document.body?.innerText.includes(text))")

    def settle(self) -> None:
        """Waits for what moves on the page."""
        time.sleep(SETTLE_SECONDS)

    def click(self, selector: str) -> None:
        """Clicks on what a selector finds, once it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"!!{found}")
        self.run(f"{found}.click()")

    def picture(self) -> bytes:
        """What the window shows once it has come to rest, as PNG."""
        self.settle()
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls the protocol; events that come in between are passed over."""
        self._sent += 1
        self._tab.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            answer = json.loads(self._tab.recv())
            if answer.get("id") == self._sent:
                return dict(answer["result"])


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Starts a browser with one window, and ends it behind the block."""
    with tempfile.TemporaryDirectory(prefix="assay-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(_command(profile), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = Path(profile, "DevToolsActivePort")
            until(lambda: port.exists() and port.read_text().strip(), WAIT_SECONDS, "the browser to start")
            with contextlib.closing(_tab(int(port.read_text().split()[0]))) as tab:
                yield Browser(tab)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _command(profile: str) -> list[str]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise FileNotFoundError(f"there is no browser: none of {', '.join(NAMES)}")
    return [
        program,
        *("--headless=new", "--no-sandbox", "--no-proxy-server", "--disable-gpu", "--hide-scrollbars"),
        *("--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}"),
        "about:blank",
    ]


def _tab(port: int) -> websocket.WebSocket:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=WAIT_SECONDS) as answer:
        (url,) = (page["webSocketDebuggerUrl"] for page in json.load(answer) if page["type"] == "page")
    return websocket.create_connection(url, timeout=WAIT_SECONDS, http_no_proxy=["*"], max_size=None)
