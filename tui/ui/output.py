"""Writing to the terminal without waiting for one that stands still: what it does not take is kept and tried again.

Textual's own writer blocks when the terminal does, with a thread that nothing can end and, once 30 pieces wait, with
the event loop: a link that stands still then stops keys, signals and the exit. Here the terminal is opened once more,
for this program alone and without blocking, so that the shell's own descriptor stays as it is.
"""

import contextlib
import os
import re
import select
import termios
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable

from rich.cells import cell_len

_RETRY_S = 0.01
"""Pause before a terminal that took nothing is tried again: not every event loop can watch one for room."""
_PATIENCE_S = 0.005
"""Time in which a terminal that reads makes room for more, s. A pty holds 4 KB: the rest of a frame would else lie here
until the event loop comes round, and a key's letter behind it."""
_PIECE_BYTES = 65_536
_ABORT = b"\x18\x1b\\"
"""Ends any sequence that was cut in the middle: CAN for control sequences, ST for strings."""


class TerminalOutput:
    """The bytes on their way to a terminal.

    `after` gets the size of each batch that goes out, and returns bytes to put behind it. `on_gone` is called once, on
    the event loop's thread, when the terminal has gone away.
    """

    def __init__(
        self, fd: int, loop: AbstractEventLoop, after: Callable[[int], bytes], on_gone: Callable[[], None]
    ) -> None:
        self._fd = _opened_again(fd)
        self._loop = loop
        self._after = after
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._queue = bytearray()
        self._scheduled = False
        self._is_batch_due = False
        self._stands_still = False
        """True from when it made no room in `_PATIENCE_S` until it has taken all."""
        self._gone = False

    @property
    def queued(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return len(self._queue)

    def write(self, data: bytes) -> None:
        """Send `data` with what is written before `flush`, or before the loop comes round. Safe from any thread."""
        with self._lock:
            if self._gone:
                return
            self._queue += data
            if self._scheduled:
                return
            self._scheduled = self._is_batch_due = True
        # Here and below, a closed loop: the end of the program, where `drain` sends what is left.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """Send at once what is written: it would else wait until the event loop comes round. On the loop's thread."""
        with self._lock:
            # Closed meanwhile, the descriptor may be another file's.
            if self._gone or not self._is_batch_due:
                return
            self._is_batch_due = False
            self._queue += self._after(len(self._queue))
        self._send()

    def _send(self) -> None:
        self._push()
        self._scheduled = bool(self._queue)
        if self._scheduled:
            with contextlib.suppress(RuntimeError):
                self._loop.call_later(_RETRY_S, self._send)

    def _push(self) -> None:
        """Send as much as the terminal takes."""
        gone = False
        patient_until: float | None = None
        with self._lock:
            while self._queue and not gone and not self._gone:
                try:
                    sent = os.write(self._fd, self._queue[:_PIECE_BYTES])
                except BlockingIOError:
                    now = time.monotonic()
                    patient_until = patient_until or now + _PATIENCE_S
                    left = 0.0 if self._stands_still else max(0.0, patient_until - now)
                    if not select.select([], [self._fd], [], left)[1]:
                        self._stands_still = True
                        return
                except OSError:
                    gone = True
                else:
                    del self._queue[:sent]
            self._stands_still = False
            if gone:
                self._queue.clear()
                self._gone = True
        if gone:
            self._on_gone()

    def abandon(self) -> bool:
        """Drop what waits, here and in the kernel, if the terminal takes no more now. True if that was so."""
        with self._lock:
            if self._gone or not (self._queue or not select.select([], [self._fd], [], 0)[1]):
                return False
            self._queue[:] = _ABORT
            with contextlib.suppress(termios.error):
                termios.tcflush(self._fd, termios.TCOFLUSH)
            return True

    def drain(self, within_s: float) -> None:
        """Wait, `within_s` seconds at most, until everything is sent. For when no event loop is there to do it."""
        deadline = time.monotonic() + within_s
        self._push()
        while self._queue and (left := deadline - time.monotonic()) > 0:
            select.select([], [self._fd], [], left)
            self._push()

    def close(self) -> None:
        """Give the terminal back; nothing can be written any more."""
        with self._lock:
            self._gone = True
            self._queue.clear()
        os.close(self._fd)


def _opened_again(fd: int) -> int:
    """A descriptor of the same terminal that does not block; where it cannot be opened again, one that may."""
    for name in (_name_of(fd), "/dev/tty"):
        with contextlib.suppress(OSError):
            if name is not None:
                return os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(fd)


def _name_of(fd: int) -> str | None:
    try:
        return os.ttyname(fd)
    except OSError:
        return None


# What Textual writes and no terminal needs.

_RESET = "\x1b[0m"
_STYLES = re.compile(r"\x1b\[0m((?:\x1b\[\d+;\d+H)*)\x1b\[([\d;]+)m|(\x1b\[[\d;:]*m)")
"""The end of a style with the next one, and any other style. Between the two the cursor may move."""


def lean(data: str) -> str:
    """The same picture in fewer bytes: without ends of a style that begins again."""
    style: str | None = ""

    def thinner(match: re.Match[str]) -> str:
        nonlocal style
        moves, following, other = match.groups()
        if other is not None:
            # What adds to a style that is not ended is not known.
            style = "" if other == _RESET else other[2:-1] if style == "" else None
            return match[0]
        if following == style:
            return str(moves)
        style = following
        return f"{moves}\x1b[0;{following}m"

    return _STYLES.sub(thinner, data)


# Characters. Done where text becomes bytes, so that borders, scroll bars, charts and states need not know of it.

ASCII_TWINS: dict[str, str] = {
    # States and marks.
    "○": "o", "◌": ".", "◔": ":", "◑": "%", "▶": ">", "✔": "v", "◧": "]", "⊘": "/", "✖": "X", "★": "*",
    "●": "@", "◆": "#", "■": "#", "▲": "^", "▼": "v", "◀": "<", "△": "^", "▽": "v", "◇": "#", "✓": "v", "✗": "X",
    "—": "-", "–": "-", "·": ".", "…": "~", "±": "~", "×": "x", "−": "-", "→": ">", "←": "<", "↑": "^", "↓": "v",
    "“": '"', "”": '"', "‘": "'", "’": "'", "•": "*", "⏸": "=", "┆": ":", "┊": ":", "≈": "~", "≤": "<", "≥": ">",
    "Δ": "d", "µ": "u", "√": "v", "\ufffd": "?", "‹": "<", "›": ">", "□": ".", "✕": "x", "✎": "&", "⚠": "!",
    "╎": "|", "▾": "v", "▸": ">",
    "↯": "!", "↺": "@", "⏎": "/", "↻": "@", "⊗": "X", "»": ">",
    # Sparklines.
    "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "@",
    # Shades and blocks.
    "░": "-", "▒": "~", "▓": "#", "▀": '"', "▌": "|", "▐": "|", "▍": "|", "▎": "|", "▏": "|", "▊": "|", "▋": "|",
    "▉": "#", "▔": "-", "▕": "|", "▖": ".", "▗": ".", "▘": "'", "▝": "'", "▚": "\\", "▞": "/", "▙": "L", "▛": "P",
    "▜": "7", "▟": "J", "🭶": "-", "🭻": "_", "🮇": "|",
    # Lines.
    "─": "-", "━": "=", "│": "|", "┃": "|", "╸": "=", "╺": "=", "╴": "-", "╶": "-", "╷": "|", "╵": "|", "╹": "|",
    "╻": "|", "╌": "-", "┄": "-", "┈": "-", "═": "=", "║": "|", "╱": "/", "╲": "\\", "╳": "x",
}  # fmt: skip
"""One cell for one cell. Corners and crossings of lines follow below: all of them are `+`."""

ASCII_TWINS |= dict.fromkeys(map(chr, range(0x250C, 0x254C)), "+")
ASCII_TWINS |= dict.fromkeys(map(chr, range(0x2552, 0x2571)), "+")
# Pictures of control characters.
ASCII_TWINS |= dict.fromkeys(map(chr, range(0x2400, 0x2422)), "^")
ASCII_TWINS |= {chr(code): "*" if code > 0x2800 else " " for code in range(0x2800, 0x2900)}


def encoder(*, utf8: bool, glyphs: bool) -> Callable[[str], bytes]:
    """Encoder of text for the terminal: to UTF-8, or to ASCII in which every character keeps its width. Without
    `glyphs` the screen's own shapes are their twins in either."""
    if utf8:
        return _as_utf8 if glyphs else _with_twins
    return _as_ascii


def _as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


_TABLE = str.maketrans(ASCII_TWINS)


def _with_twins(text: str) -> bytes:
    return _as_utf8(text if text.isascii() else text.translate(_TABLE))


def _as_ascii(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text.translate(_TABLE)).encode()
