"""Leaving the terminal as it was, whatever ends the program. Textual handles neither SIGTERM nor SIGHUP."""

import contextlib
import os
import signal
import termios
import threading
from collections.abc import Callable
from types import FrameType

GRACE_S = 3.0
"""How long an ordered end may take after a signal before the program is ended anyway: a terminal that does not drain
its output can block the event loop for ever."""

_RESTORE = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u"
    b"\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Mouse, focus and paste reporting off, the keyboard and line wrapping as they were, main screen, cursor shown."""


def end_on_signals(leave: Callable[[int], None], kill_children: Callable[[], None]) -> None:
    """Have SIGTERM and SIGHUP call `leave(exit status)`; after `GRACE_S` the program ends in any case.

    To be called on the main thread. The status is 128 plus the signal's number, as shells count it.
    """

    before = _terminal_modes()

    def handle(number: int, _frame: FrameType | None) -> None:
        status = 128 + number
        watchdog = threading.Timer(GRACE_S, _end, (status, kill_children, before))
        watchdog.daemon = True
        watchdog.start()
        leave(status)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def _terminal_modes() -> list[object] | None:
    """The terminal's line modes, or None where there is no terminal."""
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _end(status: int, kill_children: Callable[[], None], modes: list[object] | None) -> None:
    with contextlib.suppress(Exception):
        kill_children()
    # Without blocking: if the terminal takes nothing, it gets nothing.
    with contextlib.suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        if modes is not None:
            termios.tcsetattr(terminal, termios.TCSANOW, modes)  # type: ignore[arg-type]
        os.write(terminal, _RESTORE)
    os._exit(status)
