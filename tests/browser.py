"""A headless Chromium with one page, driven by its DevTools protocol; a test without a Chromium is skipped."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 60


class Page:
    """One page of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0
        self.errors: list[str] = []
        """What the browser complained about: scripts that failed, what a policy forbade."""

    def call(self, method: str, **params: Any) -> Any:
        """Run a command of the protocol."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(answer["params"]))
            if answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.errors.append(answer["params"]["entry"]["text"])

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, element: str) -> None:
        """Click on an element as soon as it is there."""
        self.wait(element)
        self.call("Runtime.evaluate", expression=f"{element}.click()", userGesture=True)

    def wait(self, script: str) -> Any:
        """Wait until an expression is true in the page, or an element; return its value, True for an element."""
        plain = f"(found => found?.nodeType ? true : found)({script})"
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            found = None
            with contextlib.suppress(AssertionError):  # the page is being replaced
                found = self.value(plain)
            if found:
                return found
            time.sleep(0.1)
        pytest.fail(f"not true after {_PATIENCE_S} s: {script}; the page is {self.value('document.body.innerText')}")

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def browser(url: str, token: str) -> Iterator[Page]:
    """Start a browser that is logged in to the Airflow at `url`."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(_NAMES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",  # of Chromium itself, which does not work as root
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-proxy-server",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with connect(_page_address(process), max_size=None, proxy=None) as socket:
                page = Page(socket)
                for domain in ("Network", "Page", "Runtime", "Log"):
                    page.call(f"{domain}.enable")
                page.call("Network.setCookie", name="_token", value=token, url=url, httpOnly=True, sameSite="Lax")
                yield page
        finally:
            process.kill()
            process.communicate()


def _page_address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"ws://([^/]+)/", line):
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(f"http://{found[1]}/json", timeout=_PATIENCE_S) as answer:
                return next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page")
    pytest.fail("the browser did not start")
