"""The last row: the keys, from the table of actions; each can be clicked."""

from collections.abc import Sequence

from rich.style import Style
from textual.content import Content
from textual.widgets import Static

from tui.ui.bindings import Action, short


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

    def __init__(self, actions: Sequence[Action], namespace: str = "app") -> None:
        """`actions` have the keys that are in effect; `namespace` says who carries out what is clicked."""
        super().__init__(id="keys")
        self._namespace = namespace
        self._actions = actions

    @property
    def link_style(self) -> Style:
        """None: Textual would give what can be clicked one colour, and the keys stand out from their titles."""
        return Style.null()

    def render(self) -> Content:
        """The keys, spaced as the width allows; from the very first paint on."""
        return _line(self._actions, self._namespace, self.size.width)


def _line(actions: Sequence[Action], namespace: str, width: int) -> Content:
    keys = [
        (short(action.keys[0]), action.title, action.method) for action in actions if action.in_footer and action.keys
    ]
    cells = sum(len(key) + 1 + len(title) for key, title, _ in keys)
    gap = max(1, min(3, (width - cells) // max(1, len(keys))))
    items = (f"[@click={namespace}.{action}][bold $text-primary]{key}[/] {title}[/]" for key, title, action in keys)
    return Content.from_markup((" " * gap).join(items))
