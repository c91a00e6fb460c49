"""The last row: keys from the table of actions, each of which can be clicked."""

from collections.abc import Sequence

from rich.style import Style
from textual.content import Content
from textual.widgets import Static

from tui.ui.bindings import Action, short


class KeyBar(Static):
    """Lists actions in one row.

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

    def __init__(self, actions: Sequence[Action]) -> None:
        """`actions` have the keys that are in effect."""
        super().__init__(id="keys")
        self._actions = [action for action in actions if action.keys]

    @property
    def link_style(self) -> Style:
        """None: Textual would give what can be clicked one colour, and the keys stand out from their titles."""
        return Style.null()

    def render(self) -> Content:
        """The keys, spaced as the width allows; from the very first paint on."""
        return _line(self._actions, self.size.width)


def _line(actions: Sequence[Action], width: int) -> Content:
    keys = [(short(action.keys[0]), action) for action in actions]
    cells = sum(len(key) + 1 + len(action.title) for key, action in keys)
    gap = max(1, min(3, (width - cells) // max(1, len(keys))))
    items = (f"[@click={_carried_out(action)}][bold $text-primary]{key}[/] {action.title}[/]" for key, action in keys)
    return Content.from_markup((" " * gap).join(items))


def _carried_out(action: Action) -> str:
    return f"screen.{action.handler}" if action.handler else f"app.act('{action.id}')"
