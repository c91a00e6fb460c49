"""The last row: the keys, from the table of actions; each can be clicked."""

from rich.style import Style
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.ui.bindings import ACTIONS, short

_PALETTE = ("^P", "All", "command_palette")


class KeyBar(Static):
    """Lists the table's footer actions in one row, and the palette that has the rest.

    One widget of fixed text instead of Textual's Footer, which makes a widget per key and lays itself out anew with
    every change of focus.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        background: $panel;
        text-wrap: nowrap;
        link-style: none;
        link-style-hover: underline;
        link-background-hover: $panel;
        link-color-hover: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__("", id="keys")

    @property
    def link_style(self) -> Style:
        """None: Textual would give what can be clicked one colour, and the keys stand out from their titles."""
        return Style.null()

    def on_resize(self, event: Resize) -> None:
        """Space the keys as the width allows."""
        self.update(_line(event.size.width), layout=False)


def _line(width: int) -> Content:
    keys = [(short(action.keys[0]), action.title, action.method) for action in ACTIONS if action.in_footer]
    keys.append(_PALETTE)
    cells = sum(len(key) + 1 + len(title) for key, title, _ in keys)
    gap = max(1, min(3, (width - cells) // len(keys)))
    items = (f"[@click=app.{action}][bold $text-primary]{key}[/] {title}[/]" for key, title, action in keys)
    return Content.from_markup((" " * gap).join(items))
