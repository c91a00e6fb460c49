"""A choice in one row."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import BindingType
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.core.sanitize import clean
from tui.ui.keymap import bound

Part = tuple[str, str, str | None]
"""A text, its component class, and the choice that a click on it makes, if it makes one."""


class ChoiceLine(Widget, can_focus=True):
    """One of a few words, or none of them. The left and right arrows and Space go through them, a click chooses.

    All of them stand in the row where there is room, else only the chosen one. One widget that draws a row, where a
    Select takes five: a form has many of these.
    """

    DEFAULT_CSS = """
    ChoiceLine {
        height: 1;
        width: 1fr;
        color: $foreground;
        & > .choice-line--label { color: $text-muted; }
        & > .choice-line--unset { color: $foreground-muted; }
        & > .choice-line--refused { color: $text-muted; }
        & > .choice-line--chosen { text-style: bold; }
        &:focus > .choice-line--chosen { text-style: bold reverse; }
        &:ansi {
            & > .choice-line--label, & > .choice-line--unset, & > .choice-line--refused {
                color: ansi_default; text-style: dim;
            }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choice-line--label", "choice-line--option", "choice-line--chosen", "choice-line--unset",
        "choice-line--refused",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = bound("choice")
    ALLOW_SELECT = False

    value = reactive("", layout=False)
    """The choice; empty for none."""
    refused: reactive[frozenset[str]] = reactive(frozenset[str]())
    """Choices that would be refused, which a cross says. They can be made all the same."""
    unset = reactive("API default")
    """Text while nothing is chosen."""

    class Changed(Message):
        """Another choice was made."""

        def __init__(self, line: "ChoiceLine") -> None:
            super().__init__()
            self.line = line

        @property
        def control(self) -> "ChoiceLine":
            """The line."""
            return self.line

    def __init__(
        self,
        choices: Sequence[str],
        value: str,
        *,
        unset: str = "API default",
        label: str = "",
        label_cells: int = 0,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """`label` stands in front, in `label_cells` cells. Without an `unset` one of the choices is always made."""
        super().__init__(id=id)
        self._choices = ("", *choices) if unset else tuple(choices)
        self._label = set_cell_size(label, label_cells)
        self.set_reactive(ChoiceLine.value, value)
        self.set_reactive(ChoiceLine.unset, unset)

    def action_step(self, step: int) -> None:
        """Choose the next one, or the one before, around the end."""
        at = self._choices.index(self.value) if self.value in self._choices else 0
        self.choose(self._choices[(at + step) % len(self._choices)])

    def action_unset(self) -> None:
        """Choose none."""
        self.choose("")

    def choose(self, choice: str) -> None:
        """Make a choice, and tell whoever listens."""
        if choice != self.value:
            self.value = choice
            self.post_message(self.Changed(self))

    def on_click(self, event: Click) -> None:
        """A click on a choice makes it; elsewhere, where only one stands in the row, it makes the next one."""
        end = 0
        parts = list(self._parts())
        for text, _, choice in parts:
            end += cell_len(text)
            if choice is not None and event.x < end:
                self.choose(choice)
                return
        if not any(choice is not None for *_, choice in parts):
            self.action_step(1)

    def render_line(self, y: int) -> Strip:
        """The row."""
        segments = [Segment(text, self.get_component_rich_style(f"choice-line--{kind}")) for text, kind, _ in
                    self._parts()]  # fmt: skip
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _parts(self) -> Iterator[Part]:
        width = self.size.width - cell_len(self._label)
        if self._label:
            yield self._label, "label", None
        words = [clean(choice) or clean(self.unset) for choice in self._choices]
        if sum(map(cell_len, words)) + 2 * len(words) <= width:
            for choice, word in zip(self._choices, words, strict=True):
                is_chosen = choice == self.value
                before = "×" if choice in self.refused else " "
                yield f"[{word}]" if is_chosen else f"{before}{word} ", self._kind(choice), choice
        else:
            word = clean(self.value) or clean(self.unset)
            # With the focus it stands out whether or not anything is chosen.
            kind = "chosen" if self.value or self.has_focus else "unset"
            yield "‹ ", "label", None
            yield set_cell_size(word, min(cell_len(word), max(0, width - 4))), kind, None
            yield " ›", "label", None

    def _kind(self, choice: str) -> str:
        if choice == self.value:
            return "chosen"
        if choice in self.refused:
            return "refused"
        return "option" if choice else "unset"
