"""Text inputs that show anything safely: one line, and an editor that stays quick with very long lines."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.text import Span, Text
from textual.binding import BindingType
from textual.events import Key, Paste
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.core.sanitize import stand_ins
from tui.ui.keymap import bound

_LONG_LINE = 4_000
"""Characters from which a line is cut up lazily."""
_OPTION = dict(
    zip(
        "å∫ç∂´ƒ©˙ˆ∆˚¬µ˜øπœ®ß†¨√∑≈¥ΩÅıÇÎÏ˝ÓÔÒÂØ∏Œ‰Íˇ◊„˛Á¸",
        "abcdefghijklmnopqrstuvwxyzABCDFGHJLMOPQRSTVWXYZ",
        strict=True,
    )
)
"""Characters that Option types on a Mac (U.S. layout), and the keys that it is held with."""


class OptionTyped(Message):
    """A character was typed that Option may have made of a key."""

    def __init__(self, typed: str, letter: str) -> None:
        super().__init__()
        self.typed = typed
        self.letter = letter


def option_typed(event: Key, before: str) -> OptionTyped | None:
    """The message for a key that Option may have changed, typed after `before`. A letter of an alphabet counts only at
    the start of a word: in the middle of one it is someone's language."""
    character = event.character or ""
    if character not in _OPTION or (character.isalpha() and before[-1:].isalpha()):
        return None
    return OptionTyped(character, _OPTION[character])


class Editor(TextArea):
    """Textual's TextArea, which cuts a whole line into its wrapped sections for every row that it paints: with one
    line of 200 kB, such as pasted JSON, that is seconds per key. Here only the section of the row is cut."""

    def __init__(self, text: str, name: str, placeholder: str) -> None:
        super().__init__(text, id=name, soft_wrap=True, tab_behavior="focus", compact=True, placeholder=placeholder)
        # A blinking cursor writes to the terminal for ever, and over a slow link that is felt.
        self.cursor_blink = False

    BINDINGS: ClassVar[list[BindingType]] = bound("editor")

    example = ""
    """The text that the first paste takes the place of, while it is as it was."""

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Wrap the text before it is first painted: Textual does after that, and paints it again."""
        is_changed = super()._size_updated(size, virtual_size, container_size, layout)
        if is_changed:
            self.wrapped_document.wrap(self.wrap_width, tab_width=self.indent_width)
        return is_changed

    def on_key(self, event: Key) -> None:
        """Tell of a character that Option may have made."""
        row, column = self.cursor_location
        if message := option_typed(event, self.document.get_line(row)[:column]):
            self.post_message(message)

    def on_paste(self, event: Paste) -> None:
        """In place of the example."""
        if self.example and self.text == self.example:
            self.select_all()
        self.example = ""

    def action_go(self, to: Literal["start", "end"], select: bool = False) -> None:
        """Go to an end of the text."""
        self.move_cursor(self.document.end if to == "end" else (0, 0), select=select)

    def get_line(self, line_index: int) -> Text:
        """See `TextArea.get_line`."""
        line = stand_ins(self.document.get_line(line_index))
        kind = Text if len(line) < _LONG_LINE else _LongLine
        return kind(line, end="", no_wrap=True)

    def _recompute_cursor_offset(self) -> None:
        """Not where the cursor stood before an edit shortened the text: undo, for one, removes the scroll bar before it
        moves the cursor, and TextArea ends the program there. See `docs/upstream/textual.md`."""
        self._cursor_offset = self.wrapped_document.location_to_offset(self.clamp_visitable(self.cursor_location))


class _LongLine(Text):
    """A line whose sections are made when they are asked for."""

    def divide(self, offsets: Any) -> Any:
        """See `Text.divide`."""
        return _Sections(self, list(offsets))


_NOTHING = Text()


class _Sections(Sequence[Text]):
    def __init__(self, line: Text, offsets: list[int]) -> None:
        self._line = line
        self._plain = line.plain
        self._cuts = [0, *offsets, len(self._plain)]
        self._has_tabs = "\t" in self._plain
        self._painted: int | None = None

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def __getitem__(self, index: Any) -> Any:
        """The section at `index`. TextArea asks first for the one it paints, then for those before it only to count
        their tabs: where there are none, an empty text answers as well."""
        if self._painted is None:
            self._painted = index
        elif index < self._painted and not self._has_tabs:
            return _NOTHING
        start, end = self._cuts[index], self._cuts[index + 1]
        section = Text(self._plain[start:end], style=self._line.style, end=self._line.end, no_wrap=True)
        section.tab_size = self._line.tab_size
        section.spans = [
            Span(max(span.start, start) - start, min(span.end, end) - start, span.style)
            for span in self._line.spans
            if span.start < end and span.end > start
        ]
        return section


class Field(Input):
    """Input on whose screen controls have stand-ins, one cell each; the value itself stays what it is."""

    def __init__(
        self,
        value: str | None = None,
        placeholder: str = "",
        *,
        label: str = "",
        label_cells: int = 0,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """`label` stands in front, in `label_cells` cells, in the colours of the parent."""
        super().__init__(value, placeholder, id=id, compact=True)
        # A blinking cursor writes to the terminal for ever, and over a slow link that is felt.
        self.cursor_blink = False
        self._label = set_cell_size(label, label_cells)
        if label_cells:
            self.styles.padding = (0, 0, 0, label_cells)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The row, with the label in its padding."""
        strips = super().render_lines(crop)
        if self._label and strips and crop.y == 0 and isinstance(self.parent, Widget):
            label = Strip([Segment(self._label, self.parent.rich_style)]).crop(crop.x)
            for each in self.app.get_line_filters():
                label = label.apply_filter(each, self.parent.background_colors[1])
            strips = [Strip.join([label, strips[0].crop(label.cell_length)]), *strips[1:]]
        return strips

    def validate_placeholder(self, placeholder: str) -> str:
        """It may quote a value that others share."""
        return _on_one_line(placeholder)

    @property
    def _shown(self) -> str:
        return _on_one_line(self.value)

    @property
    def _value(self) -> Text:
        return Text(self._shown, no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(self._shown[:position])


def _on_one_line(text: str) -> str:
    return stand_ins(text).replace("\n", "\u240a").replace("\t", "\u2409")
