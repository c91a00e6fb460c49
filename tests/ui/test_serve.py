"""The screen in a real browser: headless Chromium, driven over its debugging protocol."""

import asyncio
import base64
import contextlib
import json
import re
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte
import pytest
from canary import SPARE
from stored import stored_statuses
from terminal_under_test import MARK, all_ended, marked
from waiting import WITHIN_S, in_time

from tui.cli import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def serving(
    environ: dict[str, str], *arguments: str, says: str = r"http://127\.0\.0\.1:\d+/[\w-]{32}/"
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
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
        address = re.search(says, said)
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


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "10.1.2.3:18766"}, 200),
        ({"Host": "[fd00::1]:18766"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8099"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "10.1.2.3:18766", "Origin": "http://10.1.2.3:18766"}, 200),
        ({"Host": "10.1.2.3:18766", "Origin": "http://10.1.2.4:18766"}, 403),
    ],
)
async def test_only_its_own_addresses_are_answered(server: str, headers: dict[str, str], status: int) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(server, headers=headers) as response:
            text = await response.text()
            assert response.status == status
        if status == 200:
            host = headers.get("Host", server.split("/")[2])
            assert f"ws://{host}/" in text
            assert f"http://{host}/" in text
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{server}ws", headers=headers)


@pytest.fixture
async def server(environ: dict[str, str]) -> AsyncIterator[str]:
    """The address of a server without a page."""
    async with served(environ, "--demo") as address:
        yield address


async def test_behind_a_proxy_the_public_address_counts(environ: dict[str, str]) -> None:
    public, port = "https://bench.example/latency", free_port()
    options = ("--demo", "--public-url", public, "--port", str(port))
    async with serving(environ, *options, says=rf"{public}/[\w-]{{32}}/") as (_, address):
        secret = address.rsplit("/", 2)[1]
        headers = {"Host": "bench.example", "Origin": "https://bench.example"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/{secret}/", headers=headers) as response,
        ):
            assert f"wss://bench.example/latency/{secret}/ws" in await response.text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs pidfd and /proc")
async def test_a_page_that_is_closed_before_it_is_up_leaves_nothing(environ: dict[str, str]) -> None:
    mark = uuid.uuid4().hex
    async with serving(environ | {MARK: mark}, "--demo") as (server, address), aiohttp.ClientSession() as session:
        family = []
        for _ in range(3):
            async with session.ws_connect(f"{address}ws?width=120&height=40"):
                while not (family := marked(mark, but=server.pid)):  # noqa: ASYNC110 - nothing tells of a new process
                    await asyncio.sleep(0.001)
            assert all_ended(family)
        assert not marked(mark, but=server.pid)


QUIT = b'{"type": "quit"}'


@pytest.mark.parametrize("kind_and_packet", [b"M\0\0\0\x10" + QUIT, b"D\0\0\0\x01\x11"], ids=["closed", "a key"])
async def test_the_program_of_a_page_that_is_to_leave_before_it_is_up_leaves_in_order(
    environ: dict[str, str], kind_and_packet: bytes
) -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tui", "--demo"),
        env=environ | {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert program.stdin is not None
    assert program.stderr is not None
    program.stdin.write(kind_and_packet)
    async with asyncio.timeout(WITHIN_S):
        said = (await program.stderr.read()).decode()
        assert await program.wait() == 0, said


async def test_a_page_that_sends_nonsense_goes_on(server: str) -> None:
    # Neither JSON, nor a message, nor one of the known.
    nonsense = ["", "[", "{}", "[]", "3", '["resize"]', '["resize", 7]', '["resize", {"width": "x", "height": 1}]']
    sizes = ['["resize", {"width": 99999, "height": 99999}]', '["resize", {"width": -1, "height": 0}]']
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server}ws?width=99999999&height=-3") as page,
        asyncio.timeout(WITHIN_S),
    ):
        for message in [*nonsense, *sizes, '["stdin"]', '["ping", "still there"]']:
            await page.send_str(message)
        received = ""
        while "still there" not in received:
            answer = await page.receive()
            received = answer.data if answer.type == aiohttp.WSMsgType.TEXT else ""
            assert answer.type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)


@pytest.mark.parametrize("port", ["99999", "0", "x", "-1"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", f"--port={port}"]) == 2
    assert "must be a whole number from 1 to 65535" in capsys.readouterr().err


class Page:
    """A page of Chromium: what its web sockets receive, and a log of what happens in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, server_log: Path, browser: "Said") -> None:
        self._socket = socket
        self._server_log = server_log
        self._browser = browser
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
        async with in_time(what, lambda: self.seen):
            while True:
                received = await self._socket.receive()
                assert received.type == aiohttp.WSMsgType.TEXT, f"the browser ended before {what}\n{self.seen}"
                message = received.json()
                self._note(message)
                if wanted(message):
                    return message

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
            "the browser's log": self._browser.text[-5_000:],
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
    # Chromium puts a socket there, whose path may not be longer than 107 bytes.
    short = tempfile.TemporaryDirectory(prefix="page-", ignore_cleanup_errors=True)
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,800"),
        # The terminal in the page draws with WebGL, which newer releases do in software only when asked; on a busy
        # machine the watchdog takes that for a hanging graphics card, and ends it.
        *("--enable-unsafe-swiftshader", "--disable-gpu-watchdog", "--disable-hang-monitor", "--disable-breakpad"),
        # A container's /dev/shm may be too small; the page would crash.
        "--disable-dev-shm-usage",
        *(f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", "about:blank"),
        env={name: value for name, value in environ.items() if name not in SPARE} | {"TMPDIR": short.name},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said = Said(process)
    async with AsyncExitStack() as stack:
        stack.enter_context(short)
        stack.push_async_callback(said.over)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with http.get(f"http://{await said.address()}/json/list") as response:
            [target] = [target for target in await response.json() if target["type"] == "page"]
        socket = await stack.enter_async_context(http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0))
        page = Page(socket, server_log(environ), said)
        for domain in ("Network", "Page", "Runtime", "Log", "Inspector"):
            await page.call(f"{domain}.enable")
        yield page


class Said:
    """What a browser writes on standard error, read as it comes: a browser whose pipe is full stands still."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())
        self.text = ""

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.text += line.decode(errors="replace")
            listening = re.search(r"ws://(127\.0\.0\.1:\d+)/", self.text)
            if listening and not self._address.done():
                self._address.set_result(listening[1])
        if not self._address.done():
            self._address.set_exception(AssertionError(f"the browser ended:\n{self.text}"))

    async def address(self) -> str:
        """Where the browser listens for the debugging protocol."""
        async with in_time("the browser's address", lambda: self.text):
            return await self._address

    async def over(self) -> None:
        """End the browser."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading


async def test_a_run_in_a_browser(environ: dict[str, str], page: Page, tmp_path: Path) -> None:
    async with served(environ, "--model", "sim-fast") as address:
        # Large enough for the lanes beside the prompt.
        size = {"width": 1_600, "height": 1_200, "deviceScaleFactor": 1, "mobile": False}
        await page.call("Emulation.setDeviceMetricsOverride", **size)
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
