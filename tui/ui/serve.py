"""The screen in a browser, through textual-serve: each open page is a separate session.

Whoever has the address can use the program, and with it the API key: so it holds a secret, made anew at every start,
and only this machine is listened to unless the person asks for more. A page's program ends with the page.
"""

import asyncio
import contextlib
import ipaddress
import os
import secrets
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMessage, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from tui.child import own_command
from tui.errors import ExitCode, UsageError

_ONLY_OURS = {
    # The page's template asks a third party for a font.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data: blob:; connect-src 'self' ws: wss:",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

_SHUTDOWN_S = 1.0
"""Longest time that connections may take to notice the end."""
_LEAVE_WITHIN_S, _END_WITHIN_S = 5.0, 2.0
"""Longest time that a page's program may take to leave in order, and to end when it is told to by a signal."""
_MOST_PAGES = 32
"""Pages at a time: each is a whole program of about 170 MB."""
_WIDEST, _HIGHEST = 1000, 300
"""Largest screen of a page, in cells."""
_LONGEST_MESSAGE = 4 * 1024 * 1024
"""Most bytes that a page may send at once: a large paste."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Size(msgspec.Struct):
    width: float
    height: float


class _Page(AppService):
    """The program of one page."""

    def __init__(self, command: Sequence[str], websocket: web.WebSocketResponse, server: Server) -> None:
        async def close() -> None:
            await websocket.close()

        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=server.download_manager,
        )
        self._command = command
        self._ending: asyncio.Task[None] | None = None

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        # Without a shell in between, which would get our signals instead.
        environment = self._build_environment(width=width, height=height)
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
        )
        self._stdin = process.stdin
        return process

    async def set_terminal_size(self, width: float, height: float) -> None:
        """Tell the program of a new size, within bounds."""
        await super().set_terminal_size(_within(width, _WIDEST), _within(height, _HIGHEST))

    async def run(self) -> None:
        """Pass on what the program paints, and close the page when it has ended."""
        with contextlib.suppress(ConnectionError):
            await super().run()
        with contextlib.suppress(ConnectionError):
            await self.remote_close()

    async def stop(self) -> None:
        """End the program, whatever it is doing; returns when it has ended, however often it is called."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        # One that was still starting may have missed the word, but not the end of its input.
        process.stdin.close()
        ended = asyncio.create_task(self._ended(process))
        for within_s, end in ((_LEAVE_WITHIN_S, process.terminate), (_END_WITHIN_S, process.kill)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await asyncio.shield(ended)
            if not ended.done():
                with contextlib.suppress(ProcessLookupError):
                    end()
        await ended

    async def _ended(self, process: Process) -> None:
        """Return when the process is over, which asyncio sees only once its output has been read."""
        if self._task is not None:
            await asyncio.wait([self._task])
        for stream in (process.stdout, process.stderr):
            while stream is not None and await stream.read(64 * 1024):
                pass
        await process.wait()


class _ServerWithSecret(Server):
    """Answers only below a path that cannot be guessed."""

    def __init__(self, command: Sequence[str], host: str, port: int, public_url: str | None) -> None:
        shown = f"[{host}]" if ":" in host else host
        own_url = f"http://{shown}:{port}"
        super().__init__("", host=host, port=port, title="latency-tui", public_url=public_url or own_url)
        self._command = command
        self._given_url = public_url
        self._secret = secrets.token_urlsafe(24)
        self._pages: set[_Page] = set()
        names = {host, "localhost", socket.gethostname(), socket.getfqdn(), urlsplit(self.public_url).hostname or ""}
        self._names = {name.lower() for name in names}

    async def _make_app(self) -> web.Application:
        inner = await super()._make_app()
        outer = web.Application(middlewares=[self._refuse_strangers])
        outer.add_subapp(f"/{self._secret}/", inner)
        outer.on_response_prepare.append(_add_headers)
        return outer

    @web.middleware
    async def _refuse_strangers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was sent under another name than this server's, or by a page of another server."""
        origin = request.headers.get("Origin")
        public = urlsplit(self._given_url).netloc if self._given_url else request.host
        if not self._is_ours(request.host) or (
            origin is not None and urlsplit(origin).netloc not in (request.host, public)
        ):
            raise web.HTTPForbidden(text="This address is not that of latency-tui; start it with --public-url.")
        return await handler(request)

    def _is_ours(self, host: str) -> bool:
        """True for an address in digits, which no foreign name can stand for, and for this server's own names."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            ipaddress.ip_address(name)
        except ValueError:
            return bool(host) and name.lower() in self._names
        return True

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, whose addresses are those by which it was asked for."""
        self.public_url = self._given_url or f"http://{request.host}"
        page: web.StreamResponse = await super().handle_index(request)
        return page

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a page's program for as long as the page is open."""
        if len(self._pages) >= _MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_PAGES} pages are open; close one first.")
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LONGEST_MESSAGE)
        page = _Page(self._command, websocket, self)
        self._pages.add(page)
        try:
            await websocket.prepare(request)
            width, height = (_number(request.query.get(name)) for name in ("width", "height"))
            await page.start(_within(width or 80, _WIDEST), _within(height or 24, _HIGHEST))
            async for message in websocket:
                if message.type == WSMsgType.TEXT:
                    await _apply(message, websocket, page)
        finally:
            try:
                await page.stop()
            finally:
                self._pages.discard(page)
        return websocket

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: it does not listen yet."""

    async def run(self) -> None:
        """Answer until SIGINT or SIGTERM; then end the sessions of all pages."""
        over = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        runner = web.AppRunner(await self._make_app(), shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
            self._say_where()
            await over.wait()
            await asyncio.gather(*(page.stop() for page in self._pages))
        except OSError as error:
            raise UsageError(
                f"{self.host}:{self.port} cannot be listened on: {error.strerror}. Choose another --port or --host."
            ) from None
        finally:
            await runner.cleanup()

    def _say_where(self) -> None:
        lines = [
            f"latency-tui is at {self.public_url}/{self._secret}/",
            "Whoever has this address can use it and your API key. Ctrl+C ends it.",
        ]
        if not _is_loopback(self.host):
            lines.append(
                f"Other machines can reach it on {self.host}, and nothing is encrypted: an SSH tunnel is safer."
            )
        print("\n".join(lines), flush=True)  # noqa: T201


async def _apply(message: WSMessage, websocket: web.WebSocketResponse, page: _Page) -> None:
    """Do what a page asks; what is no message of its is ignored."""
    try:
        kind, *rest = message.json()
        match kind, rest:
            case "stdin", [str(text)]:
                await page.send_bytes(text.encode("utf-8", "replace"))
            case "resize", [size, *_]:
                new = msgspec.convert(size, _Size)
                await page.set_terminal_size(new.width, new.height)
            case "ping", [data, *_]:
                await websocket.send_json(["pong", data])
            case "blur", _:
                await page.blur()
            case "focus", _:
                await page.focus()
            case _:
                pass
    except (ValueError, TypeError):
        pass


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def _within(cells: float, most: int) -> int:
    return int(max(1, min(cells, most)))


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_ONLY_OURS)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(host: str, port: int, public_url: str | None, arguments: Sequence[str]) -> int:
    """Serve the screen, started with these `arguments`, until a signal ends it.

    `public_url` is the address under which browsers reach it, if they do so through something else.
    """
    # What the pages' terminal can show, whatever the one can that this is started in.
    for name in ("NO_COLOR", "TMUX", "STY", "LC_ALL", "COLORFGBG"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    asyncio.run(_ServerWithSecret(own_command(*arguments), host, port, public_url).run())
    return ExitCode.OK
