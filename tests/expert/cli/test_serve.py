"""`torchmedic serve`: who is answered, what is served, and that a browser shows the interface."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from expert.cli.serve import command, is_welcome, serve
from expert.errors import UsageError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.parametrize(
    ("served", "host", "origin", "welcome"),
    [
        ("127.0.0.1", "127.0.0.1:8000", None, True),
        ("127.0.0.1", "localhost:8000", "http://localhost:8000", True),
        ("127.0.0.1", "evil.example:8000", None, False),  # DNS rebinding
        ("127.0.0.1", "127.0.0.1:8000", "http://evil.example", False),  # another page's socket
        ("127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1:9000", False),
        ("127.0.0.1", "127.0.0.1:8000", "null", False),
        ("127.0.0.1", None, None, False),
        ("0.0.0.0", "lab-7:8000", "http://lab-7:8000", True),
        ("0.0.0.0", "lab-7:8000", "http://evil.example", False),
    ],
)
def test_only_pages_that_were_served_here_are_answered(
    served: str, host: str | None, origin: str | None, welcome: bool
) -> None:
    assert is_welcome(served, host, origin) is welcome


def test_every_window_gets_the_language_and_the_rules(tmp_path: Path) -> None:
    options = argparse.Namespace(lang="zh", rules=[str(tmp_path / "my rules")])
    line = shlex.split(command(options))
    assert line[0] == sys.executable
    assert line[2:] == ["--lang", "zh", "--rules", str(tmp_path / "my rules")]


def test_a_taken_port_is_told_in_one_sentence() -> None:
    pytest.importorskip("textual_serve")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = argparse.Namespace(lang="en", rules=[], host="127.0.0.1", port=port)
        with pytest.raises(UsageError, match=f"Port {port} .* is taken"):
            serve(options)


@pytest.fixture
def address() -> Iterator[str]:
    pytest.importorskip("textual_serve")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "expert", "serve", "--port", str(port), "--lang", "en"]
    with subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(10)
            finally:
                os.killpg(server.pid, signal.SIGKILL) if server.poll() is None else None


def status(address: str, **headers: str) -> int:
    for _ in range(300):
        try:
            with urlopen(Request(address, headers=headers), timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except URLError:  # not up yet
            time.sleep(0.1)
    raise AssertionError("the server did not come up")


@pytest.mark.slow
def test_a_real_server_refuses_strangers(address: str) -> None:
    assert status(address) == 200
    assert status(address, Host="evil.example") == 403
    assert status(address + "ws", Origin="http://evil.example") == 403


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_the_interface_and_takes_keys(address: str, tmp_path: Path) -> None:
    assert status(address) == 200
    before, after = asyncio.run(browse(address, tmp_path, keys="6"))
    (tmp_path / "picture.png").write_bytes(after)
    assert len(before) > 10_000  # an empty page is much smaller
    assert before != after


async def browse(address: str, profile: Path, keys: str) -> tuple[bytes, bytes]:
    """Open `address` in Chromium and press keys; returns pictures of before and after."""
    aiohttp = pytest.importorskip("aiohttp")  # which textual-serve brings
    line = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,700"]
    line += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as browser:
        try:
            port = await until(lambda: _port(profile), "the browser")
            async with aiohttp.ClientSession() as web:
                async with web.put(f"http://127.0.0.1:{port}/json/new?{address}") as answer:
                    page = await answer.json()
                async with web.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket_:
                    return await _seen(socket_, keys)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)


def _port(profile: Path) -> str:
    file = profile / "DevToolsActivePort"
    return file.read_text(encoding="utf-8").split("\n")[0] if file.exists() else ""


async def until(condition: Any, what: str) -> Any:
    for _ in range(600):
        found = condition()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")


async def _seen(socket_: Any, keys: str) -> tuple[bytes, bytes]:
    count = 0

    async def call(method: str, **parameters: Any) -> Any:
        nonlocal count
        count += 1
        await socket_.send_str(json.dumps({"id": count, "method": method, "params": parameters}))
        while True:
            answer = json.loads((await socket_.receive()).data)
            if answer.get("id") == count:
                return answer["result"]

    for _ in range(120):  # textual-serve takes the splash away with the first frame
        ready = "document.body.classList.contains('-first-byte')"
        result = await call("Runtime.evaluate", expression=ready)
        if result["result"].get("value"):
            break
        await asyncio.sleep(0.5)
    else:
        raise AssertionError("the interface was not drawn")
    for kind in ("mousePressed", "mouseReleased"):  # the page gets the focus
        where = {"x": 600, "y": 500, "button": "left", "clickCount": 1}
        await call("Input.dispatchMouseEvent", type=kind, **where)
    await asyncio.sleep(3)
    before = await call("Page.captureScreenshot", format="png")
    for key in keys:
        await call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await call("Input.dispatchKeyEvent", type="keyUp", key=key)
    await asyncio.sleep(3)
    after = await call("Page.captureScreenshot", format="png")
    return base64.b64decode(before["data"]), base64.b64decode(after["data"])
