"""Base of the tabs of the prompt's screen: a list or table, fields beside it, and keys that can also be clicked."""

from collections.abc import Callable
from typing import ParamSpec

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.session.prompt_book import BookError, PromptBook
from tui.ui.bindings import KeyNames

P = ParamSpec("P")


class PromptPart(Vertical):
    """A tab that shows part of a book. Every button carries out the action of its id."""

    DEFAULT_CSS = """
    PromptPart {
        height: 1fr;
        & > .keys { height: 1; & Button { margin: 0 1 0 0; min-width: 0; } }
        & .label { color: $text-muted; height: 1; }
        & > .note { height: auto; max-height: 2; color: $text-muted; }
        & > .note.-problem { color: $text-error; }
        & OptionList { padding: 0; text-wrap: nowrap; text-overflow: ellipsis; }
        & Editor { padding: 0 1; }
    }
    """

    def __init__(self, book: PromptBook, keys: KeyNames, view: str, listing: Widget, fill: Callable[[], None]) -> None:
        """`view` is the name that the table of actions has for the tab; `fill` shows what the book says."""
        super().__init__()
        self.book = book
        self.listing = listing
        """The list or table that the keys act on."""
        self.show = fill
        self.key_names = keys
        self._view = view
        self.note = Static("", classes="note", markup=False)

    def keys(self) -> ComposeResult:
        """The row of buttons."""
        with Horizontal(classes="keys"):
            for row in self.key_names.of(self._view):
                yield Button(self.key_names.on_button(row.id), id=row.handler, compact=True)

    @property
    def in_field(self) -> bool:
        """True if a field of the tab has the focus, and not the list."""
        return self.has_focus_within and not self.listing.has_focus and not isinstance(self.screen.focused, Button)

    def focus_list(self) -> None:
        """Put the focus on the list."""
        self.listing.focus()

    def say(self, sentence: str, *, problem: bool = False) -> None:
        """Say something below the list."""
        self.note.set_class(problem, "-problem")
        self.note.update(sentence)

    def attempt(self, act: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> bool:
        """Do something to the book, or say why it refuses. True when it was done."""
        try:
            act(*arguments, **named)
        except BookError as error:
            self.say(str(error), problem=True)
            return False
        self.say("")
        return True

    def action_put_back(self) -> None:
        """Undo the latest deletion."""
        if self.attempt(self.book.put_back):
            self.show()
            self.focus_list()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        event.stop()
        await self.run_action(str(event.button.id))
