"""The real command in a real pty, with a terminal emulator that says what is on the screen."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte
from canary import refuse
from link import ANSWER, QUESTION, SlowLink
from warm import BESIDE, Before

COLUMNS, ROWS = 120, 40
PROGRAM = (sys.executable, "-P", "-m", "tui")
WITHIN_S = 40.0
"""Longest wait for anything: a test that meets it has failed."""

_AT_ONCE = 1024
"""Bytes that are shown before the terminal looks for more."""

MARK = "TERMINAL_UNDER_TEST"
_ON_AT_REST = (b"25", b"7")
"""Modes that are on in a terminal at rest: the cursor, and wrapping."""


class Terminal:
    """One command in a pty of its own, which is its controlling terminal. Everything it writes is kept in `written`."""

    def __init__(
        self,
        arguments: list[str],
        environ: dict[str, str],
        *,
        stdin: bytes | None = None,
        program: Sequence[str] = PROGRAM,
        term: str = "xterm-256color",
        size: tuple[int, int] = (COLUMNS, ROWS),
        ignore: signal.Signals | None = None,
        link: tuple[float, float] | None = None,
    ) -> None:
        """Start `program` with these arguments; `ignore` is a signal that it is started to ignore, `link` the bytes per
        second and the seconds each way of what lies between it and the person."""
        self.mark = uuid.uuid4().hex
        """Value of the variable `MARK` of all its processes, for `marked`."""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._tail = b""
        self._unshown = deque[bytes]()
        self._pty, self._slave = pty.openpty()
        self.link = SlowLink(self._pty, *link) if link is not None else None
        self._master = self.link.near if self.link is not None else self._pty
        set_size(self._slave, *size)
        self._modes_before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [*program, *arguments],
            stdin=self._slave if stdin is None else subprocess.PIPE,
            stdout=self._slave,
            stderr=self._slave,
            env={**environ, "TERM": term, MARK: self.mark},
            start_new_session=True,
            preexec_fn=Before(terminal=True, ignore=ignore),
        )
        self._ended = os.pidfd_open(self.process.pid)
        if stdin is not None and self.process.stdin is not None:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def press(self, keys: bytes) -> None:
        """Type these bytes."""
        os.write(self._master, keys)

    def until(self, wanted: Callable[[str], bool], what: str = "what the test wants") -> str:
        """What is on the screen, as soon as it is what is wanted; `what` says that in words."""
        deadline = time.monotonic() + WITHIN_S
        while not wanted(self.shown):
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self._master, self._ended], [], [], 0 if self._unshown else max(0, left))
            if self._unshown or self._master in readable:
                self._read()
                continue
            assert not readable, f"the program ended with {self.process.wait()} before {what}; {self.seen}"
            raise AssertionError(f"waited {WITHIN_S} s in vain for {what}; {self.seen}")
        return self.shown

    def until_shows(self, text: str, times: int = 1) -> str:
        """What is on the screen, as soon as `text` is there so many times."""
        return self.until(lambda shown: shown.count(text) >= times, f"{text!r}, {times} times")

    @property
    def seen(self) -> str:
        """The screen and the latest bytes, for the message of a wait in vain."""
        return f"the screen was\n{self.shown}\nand the latest of {len(self.written)} bytes\n{self.written[-500:]!r}"

    @property
    def shown(self) -> str:
        """What is on the screen now."""
        # Not pyte's own `display`, which fails on a wide character of which one half has been painted over.
        return "\n".join("".join(cell.data for cell in row) for row in self.cells)

    @property
    def cells(self) -> list[list[pyte.screens.Char]]:
        """What is on the screen now, row by row, with colours and weights."""
        screen = self._screen
        return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]

    def until_ended(self) -> int:
        """The exit status, once the program has ended; what it wrote until then is read."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            left = 0 if self._unshown else max(0, deadline - time.monotonic())
            readable, _, _ = select.select([self._master, self._ended], [], [], left)
            assert readable or self._unshown, f"it did not end within {WITHIN_S} s; {self.seen}"
            if self._unshown or self._master in readable:
                self._read()
            elif self.link is None or not self.link.is_carrying():
                return self.process.wait()

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        os.close(self._master)
        self._master = -1

    def family(self) -> list[int]:
        """File descriptors that become readable when the program's processes end: itself and all it has started."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for path in Path(f"/proc/{pid}/task").glob("*/children"):
                    found += map(int, path.read_text().split())
        return [os.pidfd_open(pid) for pid in found if Path(f"/proc/{pid}/comm").read_text().strip() != BESIDE]

    def is_restored(self) -> bool:
        """Whether the line modes are as before, and what was switched on has been switched off at the end."""
        written = b"".join(self.written.rpartition(b"\x1b[?1049h")[1:])  # since the screen was last taken over
        last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", written))
        on = {number for number, letter in last.items() if letter != (b"h" if number in _ON_AT_REST else b"l")}
        keyboards = len(re.findall(rb"\x1b\[>\d+u", written)) - written.count(b"\x1b[<u")
        return not on and not keyboards and _modes(self._slave) == _clean(self._modes_before)

    def changes(self, keys: int) -> bool:
        """Whether any of these modes of its input is on, by which some keys do not come as they were pressed."""
        return bool(termios.tcgetattr(self._slave)[0] & keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; what is on the screen is forgotten: programs paint it anew."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        set_size(self._slave, columns, rows)

    def wipe(self) -> None:
        """Lose what stands on the screen, as to another program that writes there."""
        self._screen.erase_in_display(2)

    def stall(self) -> None:
        """Fill the terminal up, so that it takes nothing more from the program until it is read."""
        name = os.ttyname(self._slave)
        filler = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(filler, b"\0" * 4096)
        os.close(filler)

    def read_what_is_there(self) -> None:
        """Take in what has been written so far."""
        while self._unshown or select.select([self._master], [], [], 0)[0]:
            self._read()

    def _read(self) -> None:
        """Show the oldest data that are not shown yet. What comes meanwhile is answered at once, and shown later:
        a busy machine takes seconds to show a screen."""
        if not self._unshown:
            self._take()
        data = self._unshown.popleft()
        for at in range(0, len(data), _AT_ONCE):
            self._stream.feed(data[at : at + _AT_ONCE])
            if select.select([self._master], [], [], 0)[0]:
                self._take()

    def _take(self) -> None:
        data = os.read(self._master, 65536)
        self.written += data
        if self.link is None:
            # As any terminal does.
            seen = self._tail + data
            os.write(self._master, ANSWER * seen.count(QUESTION))
            self._tail = seen[-len(QUESTION) + 1 :]
        self._unshown.append(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        if self.link is not None:
            self.link.close()
            self._master = self._pty
        for fd in (self._master, self._slave, self._ended):
            if fd >= 0:
                os.close(fd)
        refuse(self.written, "a terminal")


def marked(mark: str, but: int | None = None) -> list[int]:
    """File descriptors of the processes that have this mark in their environment, without the process `but`."""
    fds = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            has_mark = f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0")
            if has_mark and process.name != str(but):
                fds.append(os.pidfd_open(int(process.name)))
    return fds


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


def set_size(terminal: int, columns: int, rows: int) -> None:
    """Give a terminal a size; its programs are told."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _modes(fd: int) -> list[Any]:
    return _clean(termios.tcgetattr(fd))


def _clean(modes: list[Any]) -> list[Any]:
    """Without the bit that the kernel sets by itself."""
    return [*modes[:3], modes[3] & ~termios.PENDIN, *modes[4:]]
