"""The screen in a real browser: headless Chromium, driven over its debugging protocol."""

import asyncio
import base64
import json
import re
import shutil
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte
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
    log = server_log(environ)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tui", "serve", "--port", str(free_port()), *arguments),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            # Without a terminal, whose end the kernel would tell all processes of.
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            said = (await process.stdout.readline()).decode()
        address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", said)
        assert address, said + log.read_text()
        yield process, address[0]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(WITHIN_S):
            await process.wait()


def server_log(environ: dict[str, str]) -> Path:
    """The file that takes the server's standard error."""
    return Path(environ["TMPDIR"], "serve.log")


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
    """A page of Chromium: what its web sockets receive, and a log of what happens in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, server_log: Path) -> None:
        self._socket = socket
        self._server_log = server_log
        self._last = 0
        self.received = b""
        self.log: list[str] = []

    async def call(self, method: str, **parameters: object) -> Any:
        """Call the browser and wait for its answer."""
        self._last += 1
        number = self._last
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await self._until(lambda message: message.get("id") == number, f"an answer to {method}")
        assert "error" not in answer, answer
        return answer["result"]

    async def until_received(self, text: str) -> None:
        """Follow the page until its web socket has received `text`."""
        if text.encode() not in self.received:
            await self._until(lambda _: text.encode() in self.received, repr(text))

    async def _until(self, wanted: Callable[[Any], bool], what: str) -> Any:
        try:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    message = await self._socket.receive_json()
                    self._note(message)
                    if wanted(message):
                        return message
        except TimeoutError:
            pytest.fail(f"waited {WITHIN_S} s in vain for {what}\n{self.seen}")

    def _note(self, message: Any) -> None:
        method, about = message.get("method", ""), message.get("params", {})
        if method == "Network.webSocketFrameReceived":
            frame = about["response"]
            data = frame["payloadData"]
            self.received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
        elif method in _TOLD:
            self.log.append(f"{method}: {json.dumps(about)[:500]}")

    @property
    def seen(self) -> str:
        """The page's screen as its web socket has received it, its log, and the server's."""
        screen = pyte.Screen(160, 50)
        pyte.ByteStream(screen).feed(self.received)
        parts = {
            f"{len(self.received)} bytes received": "\n".join(row.rstrip() for row in screen.display).strip(),
            "the page's log": "\n".join(self.log),
            "the server's log": self._server_log.read_text(),
        }
        return "\n".join(f"--- {title}:\n{text}" for title, text in parts.items())

    async def press(self, key: str, code: int) -> None:
        """Press a key that types nothing."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


_TOLD = (
    "Inspector.detached",
    "Inspector.targetCrashed",
    "Log.entryAdded",
    "Network.loadingFailed",
    "Network.responseReceived",
    "Network.webSocketClosed",
    "Network.webSocketCreated",
    "Network.webSocketFrameError",
    "Page.loadEventFired",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
)
"""Events of the debugging protocol that say why a page does not do what it should."""


@pytest.fixture
async def page(environ: dict[str, str], tmp_path: Path) -> AsyncIterator[Page]:
    """An empty page of a browser that has its own profile and none of the person's environment."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,800"),
        # The terminal in the page draws with WebGL, which newer releases do in software only when asked.
        "--enable-unsafe-swiftshader",
        # A container's /dev/shm may be too small; the page would crash.
        "--disable-dev-shm-usage",
        *(f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", "about:blank"),
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.wait)
        stack.callback(process.kill)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with http.get(f"http://{await _debugging_address(process)}/json/list") as response:
            [target] = [target for target in await response.json() if target["type"] == "page"]
        socket = await stack.enter_async_context(http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0))
        page = Page(socket, server_log(environ))
        for domain in ("Network", "Page", "Runtime", "Log", "Inspector"):
            await page.call(f"{domain}.enable")
        yield page


async def _debugging_address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not (listening := re.search(rb"ws://(127\.0\.0\.1:\d+)/", said)):
                line = await process.stderr.readline()
                assert line, f"the browser ended: {said.decode(errors='replace')}"
                said += line
    except TimeoutError:
        pytest.fail(f"the browser said no address within {WITHIN_S} s: {said.decode(errors='replace')}")
    return listening[1].decode()


async def test_a_run_in_a_browser(environ: dict[str, str], page: Page, tmp_path: Path) -> None:
    async with served(environ, "--model", "sim-fast") as address:
        await page.call("Page.navigate", url=address)
        await page.until_received("○ idle")
        before = await page.call("Page.captureScreenshot")
        await page.call("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        await page.press("F5", 116)
        await page.until_received("✔ done")
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
