"""The real command in a real pty, with a terminal emulator that says what is on the screen."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

COLUMNS, ROWS = 120, 40
WITHIN_S = 40.0
"""Longest wait for anything: a test that meets it has failed."""

_MARK = "TERMINAL_UNDER_TEST"


class Terminal:
    """One command in a pty of its own, which is its controlling terminal. Everything it writes is kept in `written`."""

    def __init__(self, arguments: list[str], environ: dict[str, str], *, stdin: bytes | None = None) -> None:
        self._mark = uuid.uuid4().hex
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._modes_before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui", *arguments],
            stdin=self._slave if stdin is None else subprocess.PIPE,
            stdout=self._slave,
            stderr=self._slave,
            env={**environ, "TERM": "xterm-256color", _MARK: self._mark},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        self._ended = os.pidfd_open(self.process.pid)
        if stdin is not None and self.process.stdin is not None:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def press(self, keys: bytes) -> None:
        """Type these bytes."""
        os.write(self._master, keys)

    def until(self, wanted: Callable[[str], bool]) -> str:
        """What is on the screen, as soon as it is what is wanted."""
        deadline = time.monotonic() + WITHIN_S
        while not wanted(self.shown):
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self._master, self._ended], [], [], max(0, left))
            if self._master in readable:
                self._read()
                continue
            assert not readable, f"the program ended with {self.process.wait()}; the screen was\n{self.shown}"
            raise AssertionError(f"waited {WITHIN_S} s in vain; the screen was\n{self.shown}")
        return self.shown

    def until_shows(self, text: str, times: int = 1) -> str:
        """What is on the screen, as soon as `text` is there so many times."""
        return self.until(lambda shown: shown.count(text) >= times)

    @property
    def shown(self) -> str:
        """What is on the screen now."""
        return "\n".join(self._screen.display)

    def until_ended(self) -> int:
        """The exit status, once the program has ended; what it wrote until then is read."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            left = max(0, deadline - time.monotonic())
            readable, _, _ = select.select([self._master, self._ended], [], [], left)
            assert readable, f"it did not end within {WITHIN_S} s; the screen is\n{self.shown}"
            if self._master in readable:
                self._read()
            else:
                return self.process.wait()

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        os.close(self._master)
        self._master = -1

    def family(self) -> list[int]:
        """File descriptors that become readable when the program's processes end: itself and all it has started."""
        fds = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._mark.encode() in (process / "environ").read_bytes():
                    fds.append(os.pidfd_open(int(process.name)))
        return fds

    def is_restored(self) -> bool:
        """Whether the line modes are as before, and what was switched on has been switched off at the end."""
        undone = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[?2004l")
        opposite = {b"l": b"h", b"h": b"l"}
        off = all(self.written.rfind(code) > self.written.rfind(code[:-1] + opposite[code[-1:]]) for code in undone)
        return off and _modes(self._slave) == _clean(self._modes_before)

    def _read(self) -> None:
        data = os.read(self._master, 65536)
        self.written += data
        self._stream.feed(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for fd in (self._master, self._slave, self._ended):
            if fd >= 0:
                os.close(fd)


def all_ended(fds: list[int]) -> bool:
    """Whether all these processes have ended, or end soon."""
    left = set(fds)
    deadline = time.monotonic() + WITHIN_S
    while left:
        readable, _, _ = select.select(list(left), [], [], max(0, deadline - time.monotonic()))
        if not readable:
            break
        left -= set(readable)
    for fd in fds:
        os.close(fd)
    return not left


def _take_terminal() -> None:
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


def _modes(fd: int) -> list[Any]:
    return _clean(termios.tcgetattr(fd))


def _clean(modes: list[Any]) -> list[Any]:
    """Without the bit that the kernel sets by itself."""
    return [*modes[:3], modes[3] & ~termios.PENDIN, *modes[4:]]
