"""The terminal: its abilities, its clipboard, and how to leave it as it was, whatever ends the program."""

import base64
import contextlib
import os
import re
import select
import shlex
import shutil
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Literal

import msgspec

from tui.config.paths import private_directory, state_dir, write_private
from tui.errors import UsageError

ANSWER_S = 0.4
"""Longest time for the event loop to notice a signal before the program is ended without it."""
GRACE_S = 3.0
"""Longest time for an ordered end in all."""

LEFT_ON = "\x1b[?2026l\x1b[?1002l\x1b[?1016l\x1b[?2048l\x1b]22;\x07\x1b[?7h\x1b[0m"
"""Switches off what Textual leaves on or may have been cut off in. Without effect where it is off."""

_RESTORE = (
    b"\x18\x1b\\\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[?1049l\x1b[?25h"
    + LEFT_ON.encode()
)
"""Ends a sequence that was cut; mouse, focus and paste reporting off, the keyboard as it was, main screen, cursor."""

Colours = Literal["truecolor", "256", "16", "none"]

_COLOURLESS = ("vt", "ansi-m", "xterm-mono", "screen-bce-mono")
_DUMB = ("dumb", "unknown", "")


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """Abilities of the terminal, as far as the environment names them."""

    colours: Colours = "truecolor"
    utf8: bool = True
    """True if its character set is UTF-8."""
    glyphs: bool = True
    """True if its font has more shapes than ASCII's."""
    light: bool = False
    """True if its background is known to be light."""
    clipboard: bool = True
    """True if it may have a clipboard that programs can set: a console has none."""
    inside: Literal["", "tmux", "screen"] = ""
    """The multiplexer that the program runs in."""
    typed: bytes = b""
    """Input from before the screen was there; it may end within a key."""

    @property
    def takes_mouse(self) -> bool:
        """False in GNU screen, which holds Escape back until the next key with it (mawww/kakoune#4376)."""
        return self.inside != "screen"


def require_screen(environ: Mapping[str, str]) -> None:
    """Raise UsageError where a screen cannot be shown."""
    term = environ.get("TERM", "")
    if term in _DUMB:
        raise UsageError(
            f"This terminal (TERM={term or 'not set'}) cannot show a screen: use `latency-tui run --plain` here, or "
            "set TERM to what the terminal is."
        )


def describe(environ: Mapping[str, str], glyphs: str) -> Terminal:
    """The terminal as its variables and the locale's describe it; `glyphs` is the setting of that name."""
    utf8 = _is_utf8(environ)
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term.startswith(_COLOURLESS):
        colours: Colours = "none"
    elif environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        colours = "truecolor"
    else:
        colours = "256" if "256color" in term or "kitty" in term else "16"
    # In both: GNU screen writes on the screen what is meant for tmux, while tmux drops what is meant for screen.
    in_tmux = environ.get("TMUX") and (term.startswith("tmux") or not environ.get("STY"))
    inside: Literal["", "tmux", "screen"] = "tmux" if in_tmux else "screen" if environ.get("STY") else ""
    return Terminal(
        colours=colours,
        utf8=utf8,
        # The console's font has 512 characters at most; shapes are hardly among them.
        glyphs=utf8 and term != "linux" if glyphs == "auto" else glyphs == "unicode",
        light=environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15"),
        clipboard=not term.startswith(("linux", "vt")),
        inside=inside,
    )


_BACKGROUND = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)[^\x07\x1b]*(?:\x07|\x1b\\)")
_ATTRIBUTES = re.compile(rb"\x1b\[\?[\d;]*c")
_WAIT_S = 0.2
_UNHANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end the program at once before `EndOnSignals` is there."""


class BackgroundQuestion:
    """The terminal asked for its background (OSC 11), and behind that for what it is (DA1), which every terminal
    answers: so no time is lost on one that does not know the first. To be made before what takes long to import."""

    def __init__(self, environ: Mapping[str, str], theme: str) -> None:
        """Asks only where `theme`, as it is set, depends on the answer."""
        self._until = time.monotonic() + _WAIT_S
        self._heard = b""
        self._tty: int | None = None
        if theme != "auto" or any(environ.get(name) for name in ("COLORFGBG", "NO_COLOR", "TEXTUAL_DRIVER")):
            return
        with contextlib.suppress(OSError, termios.error):
            tty = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
            if os.tcgetpgrp(tty) != os.getpgrp():
                # A job in the background would be stopped.
                os.close(tty)
                return
            self._modes = termios.tcgetattr(tty)
            self._tty = tty
            self._handlers = {number: signal.signal(number, self._killed) for number in _UNHANDLED}
            quiet = termios.tcgetattr(tty)
            quiet[0], quiet[3] = quiet[0] & ~(termios.ICRNL | termios.IXON), quiet[3] & ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(tty, termios.TCSANOW, quiet)
            os.write(tty, b"\x1b]11;?\x1b\\\x1b[c")

    def answered(self, terminal: "Terminal") -> "Terminal":
        """`terminal` with the background that it tells of in time, and with what was typed meanwhile."""
        if self._tty is None:
            return terminal
        try:
            while not _ATTRIBUTES.search(self._heard):
                if not select.select([self._tty], [], [], max(0, self._until - time.monotonic()))[0]:
                    break
                if not (data := os.read(self._tty, 4096)):
                    break
                self._heard += data
        except OSError:
            pass
        finally:
            self.close()
        found = _BACKGROUND.search(self._heard)
        typed = _ATTRIBUTES.sub(b"", _BACKGROUND.sub(b"", self._heard))
        light = is_light(*found.groups()) if found else terminal.light
        return msgspec.structs.replace(terminal, light=light, typed=typed)

    def close(self) -> None:
        """Leave the terminal as it was; nothing is heard any more."""
        if self._tty is None:
            return
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._tty, termios.TCSANOW, self._modes)
        os.close(self._tty)
        self._tty = None
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _killed(self, number: int, _frame: FrameType | None) -> None:
        self.close()
        os.kill(os.getpid(), number)


def is_light(red: bytes, green: bytes, blue: bytes) -> bool:
    """True for a colour, in hexadecimal digits of any number, on which black is read better than white."""
    # Where the contrasts with black and white are equal, WCAG 2.2.
    return luminance(int(part, 16) / (16 ** len(part) - 1) for part in (red, green, blue)) > 0.179


def luminance(parts: Iterable[float]) -> float:
    """Brightness of a colour as WCAG 2.2 defines it, from its red, green and blue, each from 0 to 1."""
    return sum(share * linear(part) for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@lru_cache(512)
def linear(part: float) -> float:
    """Light of a part of a colour in sRGB."""
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _is_utf8(environ: Mapping[str, str]) -> bool:
    """True if the locale's character set is UTF-8. No locale at all counts as UTF-8: containers often have none."""
    names = [environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    # Python itself sets this one where the person's locale is C.
    if sys.flags.utf8_mode and names[1] == "C.UTF-8":
        names[1] = ""
    locale = next((name for name in names if name), "")
    return not locale or "utf8" in locale.lower().replace("-", "")


def can_stop() -> bool:
    """True if a shell could wake the program when stopped: its parent is in this session, but in another group."""
    try:
        parent = os.getppid()
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False


_ENDING = (
    signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
"""Signals that would otherwise end the program with the terminal raw."""


class EndOnSignals:
    """Signals end the program: in order, or, if the event loop does not answer, without it.

    The exit status is 128 plus the signal's number, as shells count it.
    """

    def __init__(self, leave: Callable[[int, Callable[[], None]], None], kill_children: Callable[[], None]) -> None:
        """Of the main thread. `leave` gets the exit status, at any point of it, and what the event loop must call."""
        self._leave = leave
        self._kill_children = kill_children
        self._modes = _line_modes()
        self._unnoticed: threading.Timer | None = None
        for number in _ENDING:
            # Started with nohup, it goes on without its terminal as long as it can: the driver ends it then.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _noticed(self) -> None:
        """The event loop is alive and will end the program."""
        if self._unnoticed is not None:
            self._unnoticed.cancel()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        status = 128 + number
        self._unnoticed = self._watchdog(ANSWER_S, status)
        self._watchdog(GRACE_S, status)
        self._leave(status, self._noticed)

    def _watchdog(self, seconds: float, status: int) -> threading.Timer:
        timer = threading.Timer(seconds, self._end, (status,))
        timer.daemon = True
        timer.start()
        return timer

    def _end(self, status: int) -> None:
        with contextlib.suppress(Exception):
            self._kill_children()
        restore(self._modes)
        os._exit(status)


LineModes = list[object]


def _line_modes() -> LineModes | None:
    """The terminal's line modes, or None where there is no terminal."""
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def restore(modes: LineModes | None) -> None:
    """Give the terminal back from outside the event loop, without ever waiting for it."""
    with contextlib.suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        # What it has not taken would stand in the way; all of it belongs to the screen that is being left.
        termios.tcflush(terminal, termios.TCOFLUSH)
        if modes is not None:
            termios.tcsetattr(terminal, termios.TCSANOW, modes)  # type: ignore[arg-type]
        os.write(terminal, _RESTORE)


def editor_command() -> list[str] | None:
    """The person's editor with its arguments: VISUAL, EDITOR, or vi; None where there is none."""
    for words in (os.environ.get("VISUAL"), os.environ.get("EDITOR"), "vi"):
        with contextlib.suppress(ValueError):
            command = shlex.split(words or "")
            if command and shutil.which(command[0]):
                return command
    return None


# The clipboard

LONGEST = 74_994
"""Bytes of text that terminals commonly take: 100,000 of base64."""
_SCREENS_PIECE = 500
"""Characters that GNU screen passes on in one string; it holds 768."""


def copy(text: str, terminal: Terminal, write: Callable[[str], None]) -> Path | None:
    """Put `text` into the clipboard by what `write` sends, or else into a private file: its path. Raises OSError."""
    sequence = clipboard_sequence(text, terminal)
    if sequence is None:
        path = state_dir() / "copied.txt"
        private_directory(path.parent)
        write_private(path, text.encode("utf-8", "replace"))
        return path
    write(sequence)
    return None


def clipboard_sequence(text: str, terminal: Terminal) -> str | None:
    """The sequence that sets the clipboard to `text`; None where nothing can."""
    data = text.encode("utf-8", "replace")
    if not terminal.clipboard or len(data) > LONGEST:
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    # Taken by tmux itself with `set-clipboard on`, and passed on with `allow-passthrough on`: whichever is set.
    return (sequence if terminal.inside == "tmux" else "") + passed_on(sequence, terminal)


def passed_on(sequence: str, terminal: Terminal) -> str:
    """`sequence` so that it reaches the terminal itself through what the program runs in."""
    if terminal.inside == "tmux":
        return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    if terminal.inside == "screen":
        pieces = (sequence[start : start + _SCREENS_PIECE] for start in range(0, len(sequence), _SCREENS_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence
