"""The screen in a real browser: headless Chromium, driven over its debugging protocol."""

import asyncio
import base64
import re
import shutil
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from stored import stored_statuses
from terminal_under_test import MARK, all_ended, marked

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def serving(environ: dict[str, str], *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running `latency-tui serve`, and the address that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tui", "serve", "--port", str(free_port()), *arguments),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        # Without a terminal, whose end the kernel would tell all processes of.
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            said = (await process.stdout.readline()).decode()
        address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", said)
        assert address, said
        yield process, address[0]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(WITHIN_S):
            await process.wait()


@asynccontextmanager
async def served(environ: dict[str, str], *arguments: str) -> AsyncIterator[str]:
    """The address of a server, which has ended with 0 afterwards."""
    async with serving(environ, *arguments) as (process, address):
        yield address
    assert process.returncode == 0


async def test_without_the_secret_nothing_is_there(environ: dict[str, str]) -> None:
    async with served(environ, "--demo") as address, aiohttp.ClientSession() as session:
        root = address.rsplit("/", 2)[0]
        for path in ("/", "/ws", "/static/js/textual.js", "/x" * 16 + "/ws"):
            async with session.get(root + path) as response:
                assert response.status == 404
        async with session.get(address) as response:
            assert response.status == 200
            assert "default-src 'self'" in response.headers["Content-Security-Policy"]
            assert response.headers["Referrer-Policy"] == "no-referrer"


class Page:
    """A page of Chromium. What its web sockets receive is kept in `received`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self.received = b""

    async def call(self, method: str, **parameters: object) -> Any:
        """Call the browser and wait for its answer."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": parameters})
        while (message := await self._next()).get("id") != self._last:
            pass
        assert "error" not in message, message
        return message["result"]

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Take in what the page does until it has done what is wanted."""
        while not wanted():
            await self._next()

    async def _next(self) -> Any:
        async with asyncio.timeout(WITHIN_S):
            message = await self._socket.receive_json()
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            data = frame["payloadData"]
            self.received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
        return message

    async def press(self, key: str, code: int) -> None:
        """Press a key that types nothing."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Page]:
    """An empty page of a browser of its own."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,800"),
        *(f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            while not (listening := re.search(rb"ws://(127\.0\.0\.1:\d+)/", await process.stderr.readline())):
                pass
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{listening[1].decode()}/json/list") as response:
                [page] = [target for target in await response.json() if target["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: chromium)")
async def test_a_run_in_a_browser(environ: dict[str, str], tmp_path: Path) -> None:
    async with served(environ, "--model", "sim-fast") as address, browser(tmp_path / "profile") as page:
        await page.call("Network.enable")
        await page.call("Page.enable")
        await page.call("Page.navigate", url=address)
        await page.until(lambda: "○ idle".encode() in page.received)
        before = await page.call("Page.captureScreenshot")
        await page.call("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        await page.press("F5", 116)
        await page.until(lambda: "✔ done".encode() in page.received)
        await page.call("Runtime.evaluate", expression="new Promise(requestAnimationFrame)", awaitPromise=True)
        after = await page.call("Page.captureScreenshot")
        assert before["data"] != after["data"]
        (tmp_path / "page.png").write_bytes(base64.b64decode(after["data"]))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_a_server_that_is_killed_leaves_no_process(environ: dict[str, str], busy: bool) -> None:
    mark = uuid.uuid4().hex
    run = ["--run", "--max-tokens", "100000"] if busy else []
    async with (
        serving(environ | {MARK: mark}, "--model", "sim-steady", *run) as (server, address),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}ws?width=120&height=40") as page,
    ):
        painted = b""
        async with asyncio.timeout(WITHIN_S):
            while (b"streaming" if busy else b"ready") not in painted:
                message = await page.receive()
                painted += message.data if isinstance(message.data, bytes) else b""
        family = marked(mark, but=server.pid)
        assert len(family) >= 3  # the page's program, its engine, its simulator
        server.kill()
        assert all_ended(family)
    assert stored_statuses(environ) == ([["cancelled"]] if busy else [])
