"""The last row: keys from the table of actions, each of which can be clicked."""

from collections.abc import Callable, Mapping, Sequence

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
        """`actions` have the keys that are in effect, the most needed first; `why_not` says why one is unavailable."""
        super().__init__(id="keys")
        self._why_not = why_not
        self._actions: list[Action] = []
        self._letters = False
        self._reasons: list[str] = []
        self.show(actions)

    def show(self, actions: Sequence[Action], *, letters: bool = False) -> None:
        """Show other actions, with their letters where these act; paints only if that changes anything."""
        shown = [action for action in actions if action.keys or (letters and action.letter)]
        if shown != self._actions or letters != self._letters:
            self._actions, self._letters, self._reasons = shown, letters, []
        if self.is_attached:
            self.look()

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
        """The keys, spaced as the width allows; from the very first paint on. What has no room is left out."""
        width, used, items = self.size.width, 0, list[Content]()
        for action, reason in zip(self._actions, self._reasons or [""] * len(self._actions), strict=True):
            item = _item(self._key(action), action, reason)
            if used + len(item) > width:
                break
            items.append(item)
            used += len(item) + 1
        gap = max(1, min(3, 1 + (width - used + 1) // max(1, len(items))))
        return Content(" " * gap).join(items)

    def _key(self, action: Action) -> str:
        return action.letter if self._letters and action.letter else short(action.keys[0])


def footer_of(footer: Mapping[str, Sequence[Action]], part: str, busy: bool) -> list[Action]:
    """The actions of `footer` while the focus is in a part: those for everywhere, while a run goes on with its own."""
    first, *rest = footer[""]
    return [first, *(footer.get("flight", ()) if busy else ()), *rest, *(footer.get(part, ()) if part else ())]


def _item(key: str, action: Action, reason: str) -> Content:
    click = f"screen.{action.handler}" if action.view else f"app.act('{action.id}')"
    mark = "×" if reason else ""
    item = Content.assemble(mark, (key, "$text-muted" if reason else "bold $text-primary"), f" {action.title}")
    # Not as markup, which takes no negative number as an argument of an action.
    return item.stylize(VisualStyle.from_meta({"@click": click}))
