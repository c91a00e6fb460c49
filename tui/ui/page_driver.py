"""Textual's driver for a page of `latency-tui serve`, made to end in order, and with the server."""

import contextlib
import os
import signal
from typing import Any, cast

from textual.app import App
from textual.drivers.web_driver import WebDriver

from tui.ui.driver import GONE, DrivenApp
from tui.ui.steady_cells import steady


class PageDriver(WebDriver):
    """Textual's own waits for ever for a server that was killed, and leaves without ending what is in flight."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._host = cast(DrivenApp, app)
        self._write = self._send  # type: ignore[assignment]

    def start_application_mode(self) -> None:
        """Take the page over, but leave the signals to the app."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = list(map(signal.getsignal, numbers))
        super().start_application_mode()
        for number, handler in zip(numbers, handlers, strict=True):
            self._loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def write(self, data: str) -> None:
        """Send `data`, with all cells in their place."""
        super().write(steady(data))

    def run_input_thread(self) -> None:
        """Turn what comes from the page into events; when nothing can come any more, the server has gone."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._leave(GONE)

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """The page was closed, or anything else."""
        if packet_type == "quit":
            self._leave(0)
        else:
            super().on_meta(packet_type, payload)

    def _leave(self, status: int) -> None:
        # On the event loop: leaving is SystemExit before the application is up, and would end this thread alone.
        self._loop.call_soon_threadsafe(self._host.leave_from_signal, status)

    def _send(self, data: bytes) -> None:
        # Once nobody reads, the reading thread ends the app.
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self.fileno, data) :]
