"""Driver for Linux and macOS: Textual's, but never waiting for the terminal. See `tui.ui.output` and `tui.ui.pace`.

The private parts of Textual that it replaces are listed in `docs/upstream/textual.md`.
"""

import contextlib
import os
import select
import signal
import termios
import threading
from codecs import getincrementaldecoder
from typing import Any, Protocol, cast

from textual import events
from textual._parser import ParseError
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from tui.ui.output import TerminalOutput, encoder, lean
from tui.ui.pace import ANSWER, Pacer
from tui.ui.sparing import Written
from tui.ui.steady_cells import steady
from tui.ui.terminal import LEFT_ON, Terminal
from tui.ui.terminal_input import TerminalInput

GONE = 128 + signal.SIGHUP
"""Exit status when the terminal has gone away."""
_DRAIN_S = 0.25
_ROOM_S = 0.1
_LAST_ANSWER_S = 1.0
"""Longest wait for the last answer when the terminal is given back: a far one's takes a round trip."""
_QUIET_S = 0.1
"""Longest wait for the rest of an escape sequence."""
_ANSWER_BEGINNINGS = tuple(ANSWER[:length] for length in range(len(ANSWER) - 1, 0, -1))
_STORM_S = 0.03
"""Within this time any number of changes of size count as one."""


class DrivenApp(Protocol):
    """The part of the application that a driver needs."""

    pacer: Pacer
    written: Written
    terminal: Terminal

    def leave_from_signal(self, status: int) -> None:
        """End in order."""

    def crash(self, error: Exception) -> None:
        """End because of an error of ours."""


class TerminalDriver(LinuxDriver):
    """Never blocks the event loop, ends when the terminal goes away, and stops and goes on in order."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert self._file is not None, "start requires a terminal there"
        self._tty = self._file.fileno()
        self._host = cast(DrivenApp, app)
        self._encode = encoder(utf8=self._host.terminal.utf8, glyphs=self._host.terminal.glyphs)
        self._output: TerminalOutput | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._is_on = False
        """True while the terminal is ours."""
        self._resizing = False
        self._early = self._host.terminal.typed
        self._open = 0
        """Questions that are not answered; the reading thread counts, while the event loop waits for answers."""
        self._all_answered = threading.Event()

    # Writing

    def write(self, data: str) -> None:
        """Send `data` when the terminal takes it; never waits."""
        if self._output is not None:
            self._output.write(self._encode(lean(steady(data))))

    def flush(self) -> None:
        """Send what was written, at the end of a frame; never waits."""
        if self._output is not None:
            self._output.flush()

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        pacer = self._host.pacer
        pacer.forget()
        self._host.written.forget()
        self._open = 0
        if self._output is None:
            self._output = TerminalOutput(self._tty, self._loop, self._question, self._gone)
            pacer.queued = lambda: self._output.queued if self._output is not None else 0
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # It stays off if this is a background job, which has been stopped once more.
        self._is_on = self._key_thread is not None
        if self._is_on:
            signal.signal(signal.SIGWINCH, self._on_window_change)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was. What it has not shown yet is dropped."""
        if not self._is_on or self._output is None:
            return
        self._is_on = False
        # A frame may just be on its way; only a terminal that takes nothing for so long stands still.
        self._output.drain(_ROOM_S)
        if not self._output.abandon():
            # What the terminal still has to say is for us, not for the shell that comes next.
            self._output.drain(_DRAIN_S)
            pacer = self._host.pacer
            # One that never answers is given up by the pacer, and not waited for.
            if self._open > 0 and (pacer.waits or pacer.has_answers):
                self._all_answered.wait(_LAST_ANSWER_S)
        super().stop_application_mode()
        self.write(LEFT_ON)
        self._output.drain(_DRAIN_S)

    def close(self) -> None:
        """Send what is left, and let go of the terminal."""
        super().close()
        if self._output is not None:
            self._output.drain(_DRAIN_S)
            self._output.close()
            self._output = None

    def _question(self, waiting: int) -> bytes:
        question = self._host.pacer.question(waiting) if self._is_on else b""
        if question:
            self._open += 1
            self._all_answered.clear()
        return question

    def _gone(self) -> None:
        self._host.leave_from_signal(GONE)

    # Size

    def _get_terminal_size(self) -> tuple[int, int]:
        """The terminal's own, whatever COLUMNS and LINES said when the program was started."""
        try:
            width, height = os.get_terminal_size(self._tty)
        except OSError:
            return super()._get_terminal_size()
        return (width, height) if width and height else (80, 24)

    def _on_window_change(self, *_: object) -> None:
        if not self._in_band_window_resize and not self._resizing:
            self._resizing = True
            self._loop.call_soon_threadsafe(self._loop.call_later, _STORM_S, self._resize)

    def _resize(self) -> None:
        self._resizing = False
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))

    # Stopping and going on

    def _sigtstp_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)

    def _sigcont_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._go_on)

    def _stop(self) -> None:
        if self._auto_restart:
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        if not self._auto_restart or not self._app.is_running:
            return
        modes = self.attrs_before if self._is_on else None
        if self._is_on:
            # Stopped without being asked (SIGSTOP): the shell may have changed everything since.
            self.disable_input()
            super().close()
        self.start_application_mode()
        if modes is not None:
            self.attrs_before = modes
        self._app.refresh(layout=True)

    # Reading

    def disable_input(self) -> None:
        """Read no more; returns when the reading thread has ended."""
        if self._key_thread is None:
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self._disable_mouse_support()
        self.exit_event.set()
        os.write(self._wake_write, b"\0")
        self._key_thread.join()
        self._key_thread = None
        os.read(self._wake_read, 16)
        self.exit_event.clear()
        with contextlib.suppress(termios.error):
            termios.tcflush(self.fileno, termios.TCIFLUSH)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:  # to whatever end: the app says so and leaves
            self._loop.call_soon_threadsafe(self._host.crash, error)

    def run_input_thread(self) -> None:
        """Turn what comes from the terminal into events until told to end, or until the terminal has gone away."""
        decoder = TerminalInput(debug=self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        # Until now the terminal made a line feed of Enter.
        waiting = self._read().replace(b"\n", b"\r") if select.select([self.fileno], [], [], 0)[0] else b""
        text, held = self._without_answer(decode(self._early + waiting))
        self._early = b""
        for event in decoder.feed(text):
            self.process_message(event)
        quiet = 0
        while not self.exit_event.is_set():
            # With nothing half read there is nothing to wake up for.
            readable, _, _ = select.select([self.fileno, self._wake_read], [], [], _QUIET_S if quiet < 3 else None)
            quiet = 0 if readable else quiet + 1
            text = held
            if self.fileno in readable:
                data = self._read()
                if not data:
                    self._loop.call_soon_threadsafe(self._gone)
                    break
                text, held = self._without_answer(held + decode(data))
            elif not readable:
                held = ""
            else:
                continue
            for event in [*(decoder.feed(text) if text else ()), *(() if readable else decoder.pause())]:
                self.process_message(event)
        with contextlib.suppress(EOFError, ParseError):
            decoder.close()

    def _read(self) -> bytes:
        """Nothing once the terminal has gone: a read then gives nothing or fails, at once and for ever."""
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _without_answer(self, text: str) -> tuple[str, str]:
        """`text` without an answer to the pacer's question, and what may be the beginning of one."""
        pacer = self._host.pacer
        for _ in range(text.count(ANSWER)):
            self._open -= 1
            if self._open <= 0:
                self._all_answered.set()
            self._loop.call_soon_threadsafe(pacer.answered)
        text = text.replace(ANSWER, "")
        if pacer.waits and text.endswith(_ANSWER_BEGINNINGS):
            beginning = next(part for part in _ANSWER_BEGINNINGS if text.endswith(part))
            return text.removesuffix(beginning), beginning
        return text, ""
