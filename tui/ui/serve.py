"""The screen in a browser, through textual-serve: each open page is a separate session.

Whoever has the address can use the program, and with it the API key: so it holds a secret, made anew at every start,
and only this machine is listened to unless the person asks for more.
"""

import asyncio
import ipaddress
import os
import secrets
import shlex
import signal
from collections.abc import Sequence

from aiohttp import web
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
"""Longest time that pages may take to notice the end."""


class _ServerWithSecret(Server):
    """Answers only below a path that cannot be guessed."""

    def __init__(self, command: str, host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host=host, port=port, title="latency-tui", public_url=f"http://{shown}:{port}")
        self._secret = secrets.token_urlsafe(24)

    async def _make_app(self) -> web.Application:
        inner = await super()._make_app()
        outer = web.Application()
        outer.add_subapp(f"/{self._secret}/", inner)
        outer.on_response_prepare.append(_add_headers)
        return outer

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


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_ONLY_OURS)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(host: str, port: int, arguments: Sequence[str]) -> int:
    """Serve the screen, started with these `arguments`, until a signal ends it."""
    # What the pages' terminal can show, whatever the one can that this is started in.
    for name in ("NO_COLOR", "TMUX", "STY", "LC_ALL", "COLORFGBG"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    # -P: a directory named `tui` where the person stands must not be taken for ours.
    asyncio.run(_ServerWithSecret(shlex.join(own_command(*arguments)), host, port).run())
    return ExitCode.OK
