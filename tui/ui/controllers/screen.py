"""The screen as a whole: panes, help, stopping and leaving."""

import os
import signal
from contextlib import suppress

from rich.text import Text
from textual.css.query import NoMatches

from tui.ui.controllers.context import Context
from tui.ui.screens.main import PANES
from tui.ui.viewmodel.form_rows import FieldError


class ScreenController:
    """Moves between panes, and ends or stops the program in order."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.leaving = False
        """True once the program is on its way out: nothing new is begun."""

    def next_pane(self) -> None:
        """Bring the next pane to the front, and the focus into it."""
        front = self._context.front
        following = PANES[(PANES.index(front.shown_pane) + 1) % len(PANES)]
        front.show_pane(following)
        if following == "prompt":
            front.prompt_pane.focus_editor()
        elif following == "lanes":
            front.current_lane.stream.focus()
        else:
            front.set_focus(None)

    def palette(self) -> None:
        """Find any action by its name."""
        self._context.app.action_command_palette()

    def theme(self) -> None:
        """Choose other colours."""
        self._context.app.action_change_theme()

    def suspend(self) -> None:
        """Stop the program's whole job, as Ctrl+Z does in a shell."""
        os.killpg(0, signal.SIGTSTP)

    async def quit(self) -> None:
        """Cancel what is in flight, end the children, leave."""
        await self.leave(0)

    async def leave(self, status: int, why: str = "") -> None:
        """End in order with this exit status; `why` is printed when the terminal is restored."""
        if self.leaving:
            return
        self.leaving = True
        session = self._context.session
        # A field that cannot be read is left as it was.
        with suppress(FieldError, NoMatches):
            self._context.main.commit()
        if status and session.recorder is not None:
            session.recorder.cut_off()
        await session.close()
        self._context.app.exit(return_code=status, message=Text(why) if why else None)
