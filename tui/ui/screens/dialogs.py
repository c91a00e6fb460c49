"""Dialogs: the box they stand in, questions, the search in a lane, and what to open."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.button import ButtonVariant
from textual.widgets.option_list import Option

from tui.core.metrics import NS_PER_S
from tui.core.sanitize import clean
from tui.session.drafts import StoredDraft
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.stream_view import StreamView

_LOOK_EVERY_S = 0.2


class OnTop(Screen[ScreenResultType]):
    """A screen that is closed only while nothing stands over it: Textual closes what is on top in its place, and at the
    next attempt ends the program. Name it last among the bases: styles come from the first alone."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close it."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()


class BoxScreen(ModalScreen[ScreenResultType], OnTop[ScreenResultType]):
    """A screen in a box over the others."""

    DEFAULT_CSS = """
    BoxScreen {
        align: center middle;
        & > Vertical { padding: 0 1; background: $panel; border: heavy $primary; border-title-style: bold; }
    }
    """

    def update_node_styles(self, animate: bool = True) -> None:
        """Not when it first comes up; see `MainScreen.update_node_styles`."""
        if self.outer_size:
            super().update_node_styles(animate)


class Dialog(BoxScreen[ScreenResultType]):
    """Things to edit above buttons, and a line for what is wrong. Escape leaves all as it was."""

    DEFAULT_CSS = """
    Dialog {
        & .buttons { height: 1; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
        & .problem { display: none; color: $text-error; width: 1fr; }
        & .problem.-said { display: block; }
    }
    """

    def __init__(self, title: str | Content, keys: KeyNames, *parts: Widget, buttons: Sequence[Button] = ()) -> None:
        """`buttons` stand before the one that cancels; without any, that one is not there either."""
        super().__init__()
        self._heading = title
        self._parts = parts
        self._buttons = [*buttons, dialog_button("cancel", keys.on_button("dialog.close", "Cancel"), "dismiss")]

    def compose(self) -> ComposeResult:
        """The parts above the buttons."""
        with Vertical() as box:
            box.border_title = self._heading
            yield from self._parts
            if len(self._buttons) > 1:
                yield Horizontal(*self._buttons, classes="buttons")


def dialog_button(name: str, label: str, action: str, variant: ButtonVariant = "default") -> Button:
    """A button that carries out an action of its dialog."""
    return Button(label, variant, id=name, compact=True, action=f"screen.{action}")


def done_button(keys: KeyNames) -> Button:
    """The button of a dialog that keeps what was edited."""
    return dialog_button("done", keys.on_button("dialog.done"), "done", "primary")


class Problem(Label):
    """A line of a dialog that says what is wrong, and is not there while nothing is."""

    def __init__(self) -> None:
        super().__init__("", classes="problem", markup=False)

    def say(self, sentence: str) -> None:
        """Say what is wrong; nothing is with an empty sentence."""
        self.update(sentence)
        self.set_class(bool(sentence), "-said")


class AskScreen(BoxScreen[str]):
    """Asks; Enter dismisses with the text, Escape without any."""

    DEFAULT_CSS = """
    AskScreen {
        & > Vertical { width: 70; max-width: 96%; height: auto; }
        & Label { color: $text-muted; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close")

    def __init__(self, question: str, text: str, hint: str, keys: KeyNames) -> None:
        """`text` stands in the field at first, `hint` below it."""
        super().__init__()
        self._keys = keys
        self._question = question
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The field above the hint."""
        with Vertical() as box:
            box.border_title = self._question
            field = Field(self._text, id="answer")
            yield field
            yield Label(f"{self._hint} Enter saves, {self._keys('dialog.close')} discards.", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)


class ConfirmScreen(BoxScreen[bool]):
    """Asks; dismisses with True for yes. Escape is no."""

    DEFAULT_CSS = """
    ConfirmScreen {
        & > Vertical { width: 60; max-width: 90%; height: auto; padding: 1 2; }
        & Static { margin: 0 0 1 0; }
        & Horizontal { height: auto; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("confirm")

    def __init__(self, question: str, yes: str, keys: KeyNames, is_open: Callable[[], bool] = lambda: True) -> None:
        """The question goes away, unanswered, once it is no longer open."""
        super().__init__()
        self._keys = keys
        self._question = question
        self._yes = yes
        self._is_open = is_open

    def on_mount(self) -> None:
        """Look from time to time at what is asked about."""
        self.set_interval(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        if self.is_current and not self._is_open():
            self.dismiss(False)

    def compose(self) -> ComposeResult:
        """The question above the buttons."""
        with Vertical():
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button(self._keys.on_button("confirm.yes", self._yes), id="yes", variant="primary", compact=True)
                yield Button(self._keys.on_button("confirm.no"), id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the button's meaning."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer with a key."""
        self.dismiss(answer)


class SearchScreen(ModalScreen[None], OnTop[None]):
    """Searches while the person types; Enter goes on to the next match, Escape leaves.

    It stands over the row of keys, which do nothing meanwhile.
    """

    DEFAULT_CSS = """
    SearchScreen {
        align: center bottom;
        background: transparent;
        & > Horizontal { height: 1; background: $panel; }
        & Input { width: 1fr; }
        & Label { width: auto; padding: 0 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("search")

    def __init__(self, view: StreamView, keys: KeyNames) -> None:
        super().__init__()
        self._view = view
        self._field = Field(placeholder="search in this lane")
        following, before = keys("search.next"), keys("search.previous")
        self._found = Label(
            f"Enter or {following} next, {before} previous, {keys('search.close')} closes", markup=False
        )

    def compose(self) -> ComposeResult:
        """One line."""
        with Horizontal():
            yield self._field
            yield self._found

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for what is typed so far."""
        count = self._view.search(event.value)
        self._found.update(f"{count} found" if event.value else "")

    def on_input_submitted(self) -> None:
        """Go on to the next match."""
        self._view.step_match(1)

    def action_step(self, step: int) -> None:
        """Go to the next match or the one before."""
        if step > 0:
            self._view.step_match(1)
        else:
            self._view.step_match(-1)

    def action_leave(self) -> None:
        """Take the highlights away and close."""
        self._view.search("")
        self.dismiss()


class OpenScreen(BoxScreen[str | StoredDraft]):
    """Dismisses with the name of a file, or with a draft; Escape without either."""

    DEFAULT_CSS = """
    OpenScreen {
        & > Vertical { width: 90; max-width: 96%; height: auto; max-height: 90%; }
        & Label { color: $text-muted; width: 1fr; }
        & OptionList { height: auto; max-height: 12; padding: 0; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close", "fields")

    def __init__(self, files: Sequence[str], drafts: Sequence[StoredDraft], keys: KeyNames, typed: str) -> None:
        """`files` are the plans of this directory; `drafts` are the latest first. `typed` stands in the field."""
        super().__init__()
        self._keys = keys
        self._typed = typed
        self._choices: list[str | StoredDraft] = [*files, *drafts]
        self._list = OptionList(*(Option(Content(_line(one))) for one in self._choices), compact=True, markup=False)

    def compose(self) -> ComposeResult:
        """The field above the list."""
        with Vertical() as box:
            box.border_title = "Open a plan"
            yield Field(self._typed, "a plan file, such as plan.toml", id="plan-name")
            if self._choices:
                yield self._list
            yield Label(
                f"Enter opens; ↓ goes to the files and drafts here. {self._keys('dialog.close')} leaves all as it was. "
                "What is on screen is set aside.",
                markup=False,
            )

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        """Open the file, if one was named."""
        if event.value.strip():
            self.dismiss(event.value.strip())

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])


def _line(choice: str | StoredDraft) -> str:
    if isinstance(choice, str):
        return clean(choice)
    saved = time.strftime("%Y-%m-%d %H:%M", time.localtime(choice.saved_unix_ns // NS_PER_S))
    return clean(f"draft of {saved}: {choice.draft.excerpt or 'no prompt'}")
