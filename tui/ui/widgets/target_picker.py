"""The list of targets: a field that searches and adds, the list, and its keys."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, DescendantBlur, DescendantFocus
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.core.model import KnownModel
from tui.core.sanitize import clean
from tui.session.target_choice import ChoiceError, TargetChoice
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.prompt_pane import Yielding

Wish = Literal["edit", "rename", "duplicate"]


class TargetPicker(Yielding):
    """Edits the list of targets; Enter on one chooses it, or no longer. Enter in the field adds a model by its id."""

    DEFAULT_CSS = """
    TargetPicker {
        height: 11;
        & > Input { width: 1fr; }
        & > OptionList { height: 1fr; padding: 0; }
        & > .hint { height: auto; display: none; color: $text-muted; link-style: none; link-color: $text-muted;
                    link-background-hover: $panel; link-color-hover: $foreground; }
        & > .hint.-open { display: block; }
    }
    """

    class Chosen(Message):
        """The list changed, and with it perhaps the requests to come."""

    class Wished(Message):
        """A target is to be edited, renamed or duplicated."""

        def __init__(self, index: int, wish: Wish) -> None:
            super().__init__()
            self.index = index
            self.wish = wish

    def __init__(self, choice: TargetChoice, keys: KeyNames) -> None:
        super().__init__(id="targets")
        self._keys = keys
        self.choice = choice
        self._search = Field(placeholder="search, or type a model's id", id="target-search")
        self._list = _List()
        self._hint: Static | None = None
        self._shown: list[int] = []

    def compose(self) -> ComposeResult:
        """The field above the list."""
        yield self._search
        yield self._list

    @property
    def summary(self) -> str:
        """Names of those that are asked."""
        return clean(", ".join(target.label for target in self.choice.chosen))

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()

    def learn(self, models: Iterable[KnownModel]) -> None:
        """Offer these models too."""
        self.choice.learn(models)
        self._fill()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say which keys the list has."""
        if event.widget is self._list:
            if self._hint is None:
                self._hint = Static(_hint(self._keys), classes="hint")
                self.mount(self._hint)
            self._hint.set_class(True, "-open")

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """They are its own only."""
        if self._hint is not None and self.screen.focused is not None:
            self._hint.set_class(self.screen.focused is self._list, "-open")

    def changed(self, highlight: int | None = None) -> None:
        """Show the list as it is now, with the candidate at `highlight` under the cursor, and tell of it."""
        self._fill(highlight)
        self.post_message(self.Chosen())

    @on(Input.Changed, "#target-search")
    def _searched(self) -> None:
        self._fill()

    @on(Input.Submitted, "#target-search")
    def _submitted(self, event: Input.Submitted) -> None:
        """One match is toggled; an id that matches nothing is added."""
        typed = event.value.strip()
        if not typed:
            return
        if len(self._shown) > 1:
            self._list.focus()
            return
        try:
            if self._shown:
                self.choice.toggle(self._shown[0])
            else:
                self.choice.add(typed)
        except ChoiceError as error:
            self._refuse(error)
            return
        self._search.value = ""
        self.changed()

    @on(OptionList.OptionSelected, "#target-list")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._toggle(self._shown[event.option_index])

    def pressed(self, position: int, *, on_mark: bool) -> None:
        """A row was clicked: one that is not chosen is, and a click on the mark takes the choice back."""
        index = self._shown[position]
        if on_mark or not self.choice.is_chosen(index):
            self._toggle(index)

    def action_wish(self, wish: Wish) -> None:
        """Ask for the highlighted target to be edited, renamed or duplicated."""
        if self._list.highlighted is not None:
            self.post_message(self.Wished(self._shown[self._list.highlighted], wish))

    def action_move(self, direction: Literal["up", "down"]) -> None:
        """Move the highlighted target up or down among those shown."""
        at, step = self._list.highlighted, -1 if direction == "up" else 1
        if at is not None and 0 <= at + step < len(self._shown):
            to = self._shown[at + step]
            self.choice.move(self._shown[at], to)
            self.changed(to)

    def action_remove(self) -> None:
        """Take the highlighted target off the list."""
        if self._list.highlighted is None:
            return
        try:
            self.choice.remove(self._shown[self._list.highlighted])
        except ChoiceError as error:
            self._refuse(error)
            return
        self.changed()

    def _toggle(self, index: int) -> None:
        try:
            self.choice.toggle(index)
        except ChoiceError as error:
            self._refuse(error)
            return
        self.changed(index)

    def _refuse(self, error: ChoiceError) -> None:
        self.app.notify(str(error), severity="warning", markup=False)

    def _fill(self, highlight: int | None = None) -> None:
        self._shown = self.choice.matching(self._search.value)
        highlighted = self._list.highlighted or 0
        self._list.set_options([Option(self._line(index)) for index in self._shown])
        if self._shown:
            at = self._shown.index(highlight) if highlight in self._shown else min(highlighted, len(self._shown) - 1)
            self._list.highlighted = at
        self._title = f"Models ({len(self.choice.chosen)})"
        self.entitle()

    def _line(self, index: int) -> Content:
        mark = "[x]" if self.choice.is_chosen(index) else "[ ]"
        return Content(f"{mark} {clean(self.choice.describe(index))}")


class _List(OptionList):
    """The list, with the keys that change it."""

    BINDINGS: ClassVar[list[BindingType]] = bound("targets")

    def __init__(self) -> None:
        super().__init__(id="target-list", compact=True, markup=False)

    def action_picker(self, action: str, *arguments: object) -> None:
        """Let the picker do it."""
        getattr(self.parent, f"action_{action}")(*arguments)

    async def _on_click(self, event: Click) -> None:
        """A click highlights; on the mark, or on what is not chosen, it chooses. A second one edits."""
        position = event.style.meta.get("option")
        event.prevent_default()
        if position is None or not isinstance(self.parent, TargetPicker):
            return
        self.highlighted = position
        if event.chain == 2 and event.x > 2:
            self.parent.action_wish("edit")
        else:
            self.parent.pressed(position, on_mark=event.x <= 2)


def _hint(keys: KeyNames) -> Content:
    items = (
        f"[@click=focused.{row.handler}][bold]{keys.short(row.id)}[/] {row.title.lower()}[/]"
        for row in keys.of("targets")
    )
    return Content.from_markup("  ".join(items))
