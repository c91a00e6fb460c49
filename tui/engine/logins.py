"""Logins by ssh that need a person: for a password, a second factor, or a host's key to confirm.

The ssh that carries an engine asks nothing: its pipe is the engine's, and the terminal is ours. Where it fails for want
of an answer, ssh logs in once more on the terminal. The connection that it opens there is then shared by engines, as
`ControlMaster` does it, through a socket in a directory of this person alone. Nothing of their configuration is
overridden before, so that a connection which they share themselves comes first.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from tui.core.engine_events import EngineFailed
from tui.core.host import Host
from tui.core.sanitize import clean
from tui.secret_names import without_secrets

Answer = Callable[[Host, Sequence[str]], Awaitable[bool | None]]
"""Has a person answer what a command of ssh asks, on the terminal. False if it did not log in, None where there is no
terminal to ask on."""

_FAILED = 255
"""Exit status of ssh for its own failures."""
_UNANSWERED = ("Permission denied", "Host key verification failed")
"""Words of an ssh that may not ask: they stand for a password, a code or a passphrase, and for a key to confirm."""
_LONGEST_PLACE = 60
"""Longest path of the place for sockets, bytes: systems take 103, of which our names and what ssh adds leave these."""
_SHORT_PLACE = "/tmp"  # noqa: S108 - for its length; what is in it is private
_CLOSE_WITHIN_S = 2.0


def needs_person(host: Host, status: int, words: str) -> bool:
    """True where the ssh to a host ended because it may not ask."""
    return host.ssh is not None and status == _FAILED and any(each in words for each in _UNANSWERED)


class Logins:
    """Connections that a person has opened, by the host of ssh."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        """The way to a person; None while there is none."""
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._sockets: dict[str, str] = {}
        self._asked: set[str] = set()
        """Names of hosts of which a person was asked."""
        self._logged_in: set[str] = set()
        """Names of hosts that were logged in to, until their engine says hello."""
        self._opened = 0
        self._one_by_one = asyncio.Lock()

    def socket(self, host: Host) -> str | None:
        """The socket of the connection to a host that a person has opened; None without one."""
        return self._sockets.get(host.ssh) if host.ssh is not None else None

    def can_help(self, host: Host) -> bool:
        """True if a person can be asked to log in to a host whose ssh may not ask; not twice without a hello between.

        A connection that is known was not there any more: over one it would not have been refused.
        """
        if self.answer is None or host.ssh is None:
            return False
        self._sockets.pop(host.ssh, None)
        was_in_vain = host.name in self._logged_in
        self.said_hello(host)
        return not was_in_vain

    def said_hello(self, host: Host) -> None:
        """Note that a host's engine was reached."""
        self._logged_in.discard(host.name)

    async def open(self, host: Host) -> bool:
        """Have a person log in to a host, unless one has; false if that was in vain. One host at a time."""
        if host.ssh is None or self.answer is None:
            return False
        async with self._one_by_one:
            if host.ssh not in self._sockets:
                self._opened += 1
                socket = str(self._private_directory() / str(self._opened))
                answered = await self.answer(host, host.login(socket))
                if answered is not None:
                    self._asked.add(host.name)
                if not answered:
                    return False
                self._sockets[host.ssh] = socket
            self._logged_in.add(host.name)
            return True

    def explained(self, host: Host, end: EngineFailed) -> EngineFailed:
        """The end of an engine whose ssh may not ask, with what would help: who has been asked knows."""
        if host.name in self._asked:
            return end
        return msgspec.structs.replace(end, message=f"{end.message} Where there is a terminal, ssh asks on it.")

    async def close(self) -> None:
        """End the connections."""
        commands = [("ssh", "-S", socket, "-O", "exit", "--", name) for name, socket in self._sockets.items()]
        self._sockets.clear()
        await asyncio.gather(*(asyncio.to_thread(_run_quietly, command) for command in commands))
        self.drop()

    def drop(self) -> None:
        """Leave the connections to themselves: they end a minute after the last engine."""
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def _private_directory(self) -> Path:
        if self._directory is None:
            places = [
                Path(place)
                for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), _SHORT_PLACE)
                if place
            ]
            fits = (place for place in places if place.is_dir() and len(os.fsencode(place)) < _LONGEST_PLACE)
            # Of mode 0700, as all that `tempfile` makes.
            self._directory = tempfile.TemporaryDirectory(prefix="latency-tui-", dir=next(fits, None))
        return Path(self._directory.name)


async def answer_on_terminal(host: Host, command: Sequence[str]) -> bool | None:
    """Run a command of ssh where the process has a terminal of its own and may use it; None where it has not."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR)
        try:
            # A job in the background would be stopped by its question.
            if os.tcgetpgrp(terminal) == os.getpgrp():
                return await run_on_terminal(host, command)
        finally:
            os.close(terminal)
    return None


async def run_on_terminal(host: Host, command: Sequence[str]) -> bool:
    """Run a command of ssh, which asks on the controlling terminal, and say for what; false if it did not log in."""
    said = f"latency-tui: ssh logs in to {clean(host.name)}."
    print(said, file=sys.stderr, flush=True)  # noqa: T201 - the terminal is the person's now
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nothing, stdout=nothing, env=without_secrets())  # noqa: ASYNC220 - at once
    try:
        return await asyncio.to_thread(process.wait) == 0
    finally:
        if process.poll() is None:
            process.terminate()


def _run_quietly(command: Sequence[str]) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=without_secrets(),
            check=False,
            timeout=_CLOSE_WITHIN_S,
        )
