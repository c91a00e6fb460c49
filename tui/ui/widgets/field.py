"""A line to type in that shows whatever stands in it safely: names from a file may hold anything."""

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Input

from tui.core.sanitize import stand_ins


class Field(Input):
    """Textual's Input gives its value to the terminal as it is. Here controls have stand-ins, one cell each; the value
    itself stays what it is.
    """

    def __init__(self, value: str | None = None, placeholder: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(value, placeholder, id=id, compact=True)
        # A blinking cursor writes to the terminal for ever, and over a slow link that is felt.
        self.cursor_blink = False

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
