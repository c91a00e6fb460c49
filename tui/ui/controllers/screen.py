"""The screen as a whole: panes, help, stopping and leaving."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from rich.text import Text
from textual.css.query import NoMatches

from tui.core.host import Host
from tui.core.sanitize import clean
from tui.engine.logins import run_on_terminal
from tui.ui.bindings import spelled
from tui.ui.controllers.context import Context
from tui.ui.screens.main import PANES, Bordered, MainScreen, focus_part, focused_part
from tui.ui.viewmodel.form_rows import FieldError

_TWICE_S = 2.0
"""Time within which a second Ctrl+C leaves."""


class ScreenController:
    """Moves between panes, and ends or stops the program in order."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.leaving = False
        """True once the program is on its way out: nothing new is begun."""
        self._interrupted_s = -_TWICE_S
        self._said_option = False

    def next_pane(self) -> None:
        """Bring the next pane to the front, and the focus into it."""
        front = self._context.front
        # Where all panes are shown, the present one is where the focus is.
        present = front.shown_pane if front.compact else focused_part(front) or "prompt"
        following = PANES[(PANES.index(present) + 1) % len(PANES)]
        if following == "prompt" and not (front.compact or front.prompt_pane.user.focusable):
            following = "lanes"  # a replay's prompt is only read
        front.show_pane(following)
        focus_part(front, following)

    async def zoom(self) -> None:
        """Show what has the focus alone, the prompt, the chart or the current lane, or all again."""
        front = self._context.front
        if _zoomed(front):
            self._show_alone("")
        elif focused_part(front) == "charts":
            await self._context.app.run_action("act('maximise_chart')")
        else:
            self._show_alone("prompt" if front.prompt_pane.has_focus_within else "lanes")

    def _show_alone(self, pane: str) -> None:
        """Show a pane alone, the prompt or the current lane; with an empty name all again."""
        front = self._context.front
        before = _zoomed(front)
        front.set_class(pane == "prompt", "-prompt-alone")
        if (pane == "lanes") != front.lanes.alone:
            front.lanes.toggle_alone()
            front.set_class(front.lanes.alone, "-alone")
        front.show_pane(pane or before)
        front.query_one(Bordered).fit()
        if before == "prompt":
            front.prompt_pane.focus_editor()

    def back(self) -> None:
        """Go one step back: from what is shown alone to all, then to the prompt, or out of a replay."""
        front = self._context.front
        if _zoomed(front):
            self._show_alone("")
        elif front is self._context.main:
            front.show_pane("prompt")
            front.prompt_pane.focus_editor()
        else:
            front.dismiss()

    async def interrupt(self) -> None:
        """Copy what is selected; else say how to leave, and leave if that is pressed twice."""
        app = self._context.app
        # Ahead of whatever has the focus, so that it is heard over every screen: what is selected it copies.
        if selected := getattr(app.focused, "selected_text", "") or app.screen.get_selected_text():
            app.copy_to_clipboard(selected)
            return
        now = time.monotonic()
        if now - self._interrupted_s < _TWICE_S:
            await self.quit()
            return
        self._interrupted_s = now
        keys = self._context.keys
        self._context.tell(f"{keys('quit')} leaves, and so does {keys('interrupt')} once more.", _TWICE_S)

    def option_typed(self, typed: str, letter: str) -> None:
        """Say once what Option did, if it stands for a key of ours."""
        key = f"alt+{letter}" if letter.islower() else f"alt+shift+{letter.lower()}"
        row = next((row for row in self._context.keys.of() if key in row.keys), None)
        if row is None or self._said_option:
            return
        self._said_option = True
        self._context.tell(
            f"“{typed}” was typed. If you meant {spelled(key)} ({row.title}): "
            f"this terminal sends Option as a character. "
            f"{self._context.keys('menu')}, then {row.letter or 'a letter'} does the same; "
            "or let the terminal use Option as Meta.",
            12,
        )

    def repaint(self) -> None:
        """Paint the whole screen again, over whatever another program wrote there."""
        self._context.written.forget()
        self._context.app.screen.refresh(layout=True)

    def palette(self) -> None:
        """Find any action by its name."""
        from tui.ui.palette import Palette

        if not Palette.is_open(self._context.app):
            self._context.app.push_screen(Palette(id="--command-palette"))

    def theme(self) -> None:
        """Choose other colours."""
        from textual.theme import ThemeProvider

        from tui.ui.palette import Palette

        self._context.app.push_screen(Palette(providers=[ThemeProvider], placeholder="search the colours"))

    def suspend(self) -> None:
        """Stop the program's whole job, as Ctrl+Z does in a shell."""
        os.killpg(0, signal.SIGTSTP)

    async def answer_ssh(self, host: Host, command: Sequence[str]) -> bool:
        """Let the person answer what ssh asks, on the terminal, if they want to now. False if it did not log in."""
        from tui.ui.screens.dialogs import ConfirmScreen

        context = self._context
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        question = f"To reach {clean(host.name)}, ssh has to ask you: for a password, a code, or its key. Answer now?"
        asked = ConfirmScreen(question, "Answer", context.keys)
        context.app.push_screen(asked, lambda yes: answered.set_result(bool(yes)))
        if not await answered:
            return False
        # Ctrl+C there is for ssh, which shares the terminal's foreground with us.
        interrupt = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            with context.app.suspend():
                return await run_on_terminal(host, command)
        finally:
            signal.signal(signal.SIGINT, interrupt)

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


def _zoomed(front: MainScreen) -> str:
    """The pane that is shown alone, or nothing."""
    return "prompt" if front.has_class("-prompt-alone") else "lanes" if front.lanes.alone else ""
