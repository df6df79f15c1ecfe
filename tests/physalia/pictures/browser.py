"""A headless Chromium, driven by the WebDriver protocol: what a page shows, asks for and complains of.

Debian's packages `chromium` and `chromium-driver`. Continuous integration has them, and there their absence is a
failure; elsewhere a test that needs them is skipped.
"""

import base64
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from attrs import Factory, frozen

_MISSING = "Debian's packages chromium and chromium-driver are not installed, so that no page can be looked at"
_PATIENCE_S = 60.0


def tools(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Where browser and driver are; where there are none the test is skipped, and fails in continuous integration."""
    path = environment.get("PATH")
    found = shutil.which("chromium", path=path), shutil.which("chromedriver", path=path)
    if found[0] and found[1]:
        return found[0], found[1]
    if environment.get("CI"):
        pytest.fail(_MISSING)
    pytest.skip(_MISSING)


@frozen
class Browser:
    """One window."""

    session: str
    heard: list[str] = Factory(list)
    """What the console had when its end was last waited for."""

    def open(self, page: Path) -> None:
        """Look at a file; what was asked for and complained of before is forgotten."""
        self._ask("POST", "/url", {"url": "about:blank"})
        self.complaints()
        self.requests()
        self._ask("POST", "/url", {"url": page.resolve().as_uri()})

    def run(self, script: str) -> Any:
        """What a script of ours returns, run on the page as if by a tool of its developer."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def await_(self, script: str) -> None:
        """Wait until a script of ours returns what is true: what a key does comes a little later. Or fail."""
        until_s = time.monotonic() + _PATIENCE_S
        while not self.run(script):
            assert time.monotonic() < until_s, f"never true: {script}"

    def prefers(self, scheme: str) -> None:
        """Be light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def press(self, key: str) -> None:
        """Press and release a key."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def complaints(self) -> list[str]:
        """What the browser wrote to its console since the last time."""
        self._hear_all()
        said = self.heard.copy()
        self.heard.clear()
        return said

    def _hear_all(self) -> None:
        """Logs come by and by, also after a page is there: write something there, and wait until that has come."""
        mark, until_s = secrets.token_hex(16), time.monotonic() + _PATIENCE_S
        self.run(f"console.info('{mark}')")
        while time.monotonic() < until_s:
            for one in self._ask("POST", "/se/log", {"type": "browser"}):
                if mark in one["message"]:
                    return
                self.heard.append(one["message"])
        raise TimeoutError("the browser does not log what is written to its console")

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last time."""
        self._hear_all()
        entries = [
            json.loads(one["message"])["message"] for one in self._ask("POST", "/se/log", {"type": "performance"})
        ]
        return [one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"]

    def picture(self, file: Path) -> None:
        """What is seen, as a PNG."""
        file.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return ask(method, self.session + path, body)


def ask(method: str, address: str, body: Any = None) -> Any:
    """One request to the driver on this machine."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=_PATIENCE_S) as answer:
        return json.loads(answer.read())["value"]


@contextmanager
def browser(scratch: Path) -> Iterator[Browser]:
    """A browser as long as the context lasts; nothing of it is left afterwards."""
    chromium, driver = tools()
    process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True, cwd=scratch)
    try:
        assert process.stdout is not None
        port = next(line.rsplit(" ", 1)[1].strip(".\n") for line in process.stdout if "successfully on port" in line)
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                     "--window-size=1000,900", f"--user-data-dir={scratch / 'profile'}"]  # fmt: skip
        wanted = {
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        base = f"http://127.0.0.1:{port}"
        made = ask("POST", f"{base}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"{base}/session/{made['sessionId']}"
        try:
            yield Browser(session)
        finally:
            with suppress(OSError):
                ask("DELETE", session)
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()
