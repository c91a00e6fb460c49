"""What the application does about its terminal: copying, stopping, colours, and crashing without a mess."""

import os
import signal
from typing import TYPE_CHECKING

from rich.text import Text

from tui.errors import ExitCode
from tui.ui.clipboard import copy
from tui.ui.terminal import Terminal, can_stop

if TYPE_CHECKING:
    from textual.app import App

    _Base = App[None]
else:
    _Base = object


class TerminalActions(_Base):
    """A part of the application."""

    terminal: Terminal
    _dressed_as: str
    """Name of the theme that the first frame is styled with."""

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def copy_to_clipboard(self, text: str) -> None:
        """Copy `text`; the editors call this too."""
        self._clipboard = text
        if self._driver is None:
            return
        try:
            path = copy(text, self.terminal, self._driver.write)
        except OSError as error:
            self.complain(f"The terminal has no room for it, and no file could be written: {error.strerror}.")
            return
        if path is not None:
            self.notify(f"The terminal cannot take it: it is in {path}.", timeout=10, markup=False)

    def action_suspend(self) -> None:
        """Stop the program's whole job, as Ctrl+Z does in a shell."""
        if not can_stop():
            self.complain("There is no shell to go back to: stopped here, the program could not be woken again.")
            return
        os.killpg(0, signal.SIGTSTP)

    def crash(self, error: Exception) -> None:
        """End because of an error of ours. Textual's own way prints every local variable: keys and prompts."""
        self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        from tui.ui.crash import say_and_report

        self._return_code = ExitCode.ERROR
        if self._exception is None:
            self._exit_renderables.append(Text(say_and_report(error, self.terminal, self.size)))
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _watch_theme(self, theme_name: str) -> None:
        """Not for the theme that everything was styled with to begin with: that would style and paint it all again."""
        first, self._dressed_as = self._dressed_as, ""
        if theme_name != first:
            super()._watch_theme(theme_name)
