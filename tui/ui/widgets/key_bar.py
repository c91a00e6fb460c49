"""The last row: keys from the table of actions, each of which can be clicked."""

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.content import Content
from textual.style import Style as VisualStyle
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

    def __init__(self, actions: Sequence[Action], why_not: Callable[[Action], str] = lambda _action: "") -> None:
        """`actions` have the keys that are in effect; `why_not` says why one is unavailable now."""
        super().__init__(id="keys")
        self._actions = [action for action in actions if action.keys]
        self._why_not = why_not
        self._reasons = [""] * len(self._actions)

    def on_mount(self) -> None:
        """Mark what is unavailable, before anything is painted."""
        self.look()

    def look(self) -> None:
        """Mark what is unavailable now, with the reasons as a tooltip; paints only if that has changed."""
        reasons = list(map(self._why_not, self._actions))
        if reasons != self._reasons:
            self._reasons = reasons
            marked = zip(self._actions, reasons, strict=True)
            self.tooltip = "\n".join(f"{action.title}: {reason}" for action, reason in marked if reason) or None
            self.refresh()

    @property
    def link_style(self) -> Style:
        """None: Textual would give what can be clicked one colour, and the keys stand out from their titles."""
        return Style.null()

    def render(self) -> Content:
        """The keys, spaced as the width allows; from the very first paint on."""
        keys = [short(action.keys[0]) for action in self._actions]
        cells = sum(len(key) + 1 + len(action.title) for key, action in zip(keys, self._actions, strict=True))
        gap = max(1, min(3, (self.size.width - cells) // max(1, len(keys))))
        line = Content()
        for key, action, reason in zip(keys, self._actions, self._reasons, strict=True):
            before = " " * gap if line else ""
            line += Content(f"{before[1:]}×" if reason else before) + _item(key, action, reason)
        return line


def _item(key: str, action: Action, reason: str) -> Content:
    click = f"screen.{action.handler}" if action.view else f"app.act('{action.id}')"
    item = Content.assemble((key, "$text-muted" if reason else "bold $text-primary"), f" {action.title}")
    # Not as markup, which takes no negative number as an argument of an action.
    return item.stylize(VisualStyle.from_meta({"@click": click}))
