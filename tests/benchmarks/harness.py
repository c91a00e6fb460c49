"""A program on a terminal of ours: what it writes is drained, stamped and kept, what it costs is read from /proc."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import sys
import tempfile
import termios
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

sys.path += [str(Path(__file__).parents[1] / "pty"), str(Path(__file__).parents[1])]
from link import ANSWER, QUESTION, SlowLink

COLUMNS, ROWS = 120, 40
LATENCY_TUI = str(Path(sys.executable).with_name("latency-tui"))

_STEADY_PLAN = """\
[prompt]
user = "Go on."
[parameters]
max_tokens = {max_tokens}
"""
_STEADY_TARGET = """\
[[targets]]
model = "sim-steady"
name = "steady {number}"
"""


class Terminal:
    """Runs one program on a pty, from `with` to its end. Times are seconds of CLOCK_MONOTONIC."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], link: tuple[float, float] | None = None
    ) -> None:
        """`link`: bytes per second, and seconds each way, of what lies between the program and this terminal."""
        self._log = bytearray()
        self._reads: list[tuple[int, float]] = []
        """Length of the log after each read, and when that was."""
        self._grown = threading.Condition()
        self.started = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(command, environment)
        self._far = self._fd
        self._link = SlowLink(self._fd, *link) if link is not None else None
        if self._link is not None:
            self._fd = self._link.near
        fcntl.fcntl(self._fd, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(self._fd, fcntl.F_GETFL))
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask the program to end, and insist after three seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        self._reader.join(3)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        if self._link is not None:
            self._link.close()
        self._reader.join()
        os.close(self._far)

    def _drain(self) -> None:
        while True:
            select.select([self._fd], [], [])
            try:
                chunk = os.read(self._fd, 65536)
            except OSError:  # EIO: the program's side is closed
                return
            if not chunk:
                return
            if self._link is None:
                # As any terminal does: the program asks how far behind it is, and at the start what it is.
                self.send(ANSWER * chunk.count(QUESTION) + b"\x1b[?62;22c" * chunk.count(b"\x1b[c"))
            with self._grown:
                self._log += chunk
                self._reads.append((len(self._log), time.monotonic()))
                self._grown.notify_all()

    @property
    def written(self) -> int:
        """Bytes the program has written."""
        return len(self._log)

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU that this process, without its children, has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mb(self) -> float:
        """Megabytes of memory that this process, without its children, has resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1000

    def send(self, keys: bytes) -> None:
        """Type `keys`, however long the program takes to read them."""
        while keys:
            try:
                keys = keys[os.write(self._fd, keys) :]
            except BlockingIOError:
                time.sleep(0.0005)

    def wait_for(self, text: str, since: int = 0, timeout_s: float = 20) -> float:
        """When the first `text` after `since` bytes had been read whole."""
        wanted = text.encode()
        deadline = time.monotonic() + timeout_s
        searched = since
        with self._grown:
            while (found := self._log.find(wanted, searched)) < 0:
                searched = max(since, len(self._log) - len(wanted))
                if not self._reader.is_alive() or not self._grown.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{text!r} did not show within {timeout_s:g} s:\n{self.screen_text()}")
            return self._reads[bisect_left(self._reads, (found + len(wanted), 0.0))][1]

    def reads(self, since: int) -> Iterator[bytes]:
        """What was written after `since` bytes, in the pieces in which it came."""
        before = 0
        for end, _ in list(self._reads):
            if end > since:
                yield bytes(self._log[max(before, since) : end])
            before = end

    def count(self, text: str) -> int:
        """How often `text` was written."""
        return self._log.count(text.encode())

    def settle(self, quiet_s: float, timeout_s: float = 20) -> None:
        """Wait until nothing has been written for `quiet_s`."""
        deadline = time.monotonic() + timeout_s
        seen = -1
        while seen != self.written:
            seen = self.written
            if time.monotonic() > deadline:
                raise TimeoutError(f"still writing after {timeout_s:g} s")
            time.sleep(quiet_s)

    def frames(self) -> Iterator[tuple[float, str]]:
        """What stood on the screen after each read, as text."""
        screen = pyte.Screen(COLUMNS, ROWS)
        stream = pyte.ByteStream(screen)
        before = 0
        for end, when in self._reads:
            stream.feed(bytes(self._log[before:end]))
            before = end
            yield when, _text(screen)

    def screen_text(self) -> str:
        """What stands on the screen now."""
        return deque(self.frames(), maxlen=1).pop()[1] if self._reads else ""

    def first_frame_with(self, texts: Sequence[str]) -> float:
        """When all of `texts` first stood on the screen together."""
        for when, frame in self.frames():
            if all(text in frame for text in texts):
                return when
        raise TimeoutError(f"{texts} never stood on the screen together:\n{self.screen_text()}")

    def first_full_frame(self, share: float = 0.9) -> float:
        """When so much of all that stands on the screen now first stood there, each character in its place."""
        frames = list(self.frames())
        wanted = [(at, char) for at, char in enumerate(frames[-1][1]) if not char.isspace()]
        return next(
            when
            for when, frame in frames
            if sum(at < len(frame) and frame[at] == char for at, char in wanted) >= share * len(wanted)
        )


def _text(screen: pyte.Screen) -> str:
    """The screen's text; `Screen.display` fails where one half of a wide character is overwritten."""
    return "\n".join("".join(screen.buffer[y][x].data for x in range(COLUMNS)) for y in range(ROWS))


def _become(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """In the forked child: size the terminal, and be the program."""
    try:
        termios.tcsetwinsize(0, (ROWS, COLUMNS))
        os.execve(command[0], list(command), dict(environment))
    finally:
        os._exit(127)


@contextlib.contextmanager
def sealed() -> Iterator[tuple[Path, dict[str, str]]]:
    """A directory of our own and an environment that lives in it: no key, no settings, nothing remembered."""
    with tempfile.TemporaryDirectory(prefix="latency-tui-benchmark-") as name:
        home = Path(name)
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
        }
        places = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        yield home, kept | places | {"HOME": name, "TERM": "xterm-256color", "LANG": "C.UTF-8"}


def steady(home: Path, lanes: int, max_tokens: int = 900_000) -> list[str]:
    """The command that shows lanes of exactly 100 tokens per second each."""
    plan = home / f"steady-{lanes}-{max_tokens}.toml"
    targets = (_STEADY_TARGET.format(number=number) for number in range(1, lanes + 1))
    plan.write_text(_STEADY_PLAN.format(max_tokens=max_tokens) + "".join(targets))
    return [LATENCY_TUI, "--demo", "--config", str(plan)]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
