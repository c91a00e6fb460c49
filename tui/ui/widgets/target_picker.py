"""The choice of targets: a field that searches and adds, and the list."""

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.core.model import KnownModel
from tui.core.sanitize import clean
from tui.core.target import Target
from tui.ui.viewmodel.target_choice import ChoiceError, TargetChoice


class TargetPicker(Vertical):
    """Chooses targets; Enter or a click on one chooses it, or no longer. Enter in the field adds a model by its id."""

    DEFAULT_CSS = """
    TargetPicker {
        height: 9;
        & > Input { width: 1fr; }
        & > OptionList { height: 1fr; padding: 0; }
    }
    """

    class Chosen(Message):
        """The choice changed."""

        def __init__(self, targets: tuple[Target, ...]) -> None:
            super().__init__()
            self.targets = targets

    def __init__(self, choice: TargetChoice) -> None:
        super().__init__(id="targets")
        self._choice = choice
        self._search = Input(placeholder="search, or type a model's id", id="target-search", compact=True)
        self._search.cursor_blink = False
        self._list = OptionList(id="target-list", compact=True, markup=False)
        self._shown: list[int] = []

    def compose(self) -> ComposeResult:
        """The field above the list."""
        yield self._search
        yield self._list

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()

    def learn(self, models: Iterable[KnownModel]) -> None:
        """Offer these models too."""
        self._choice.learn(models)
        self._fill()

    @on(Input.Changed, "#target-search")
    def _searched(self) -> None:
        self._fill()

    @on(Input.Submitted, "#target-search")
    def _submitted(self, event: Input.Submitted) -> None:
        """One match is toggled; an id that matches nothing is added."""
        typed = event.value.strip()
        if not typed:
            return
        try:
            if len(self._shown) == 1:
                self._choice.toggle(self._shown[0])
            elif self._shown:
                self._list.focus()
                return
            else:
                self._choice.add(typed)
        except ChoiceError as error:
            self.app.notify(str(error), severity="warning", markup=False)
            return
        self._search.value = ""
        self._changed()

    @on(OptionList.OptionSelected, "#target-list")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        index = self._shown[event.option_index]
        try:
            self._choice.toggle(index)
        except ChoiceError as error:
            self.app.notify(str(error), severity="warning", markup=False)
            return
        self._list.replace_option_prompt_at_index(event.option_index, self._line(index))
        self._changed(refill=False)

    def _changed(self, *, refill: bool = True) -> None:
        if refill:
            self._fill()
        self._title()
        self.post_message(self.Chosen(self._choice.chosen))

    def _fill(self) -> None:
        self._shown = self._choice.matching(self._search.value)
        highlighted = self._list.highlighted
        self._list.set_options([Option(self._line(index)) for index in self._shown])
        if self._shown:
            self._list.highlighted = min(highlighted or 0, len(self._shown) - 1)
        self._title()

    def _line(self, index: int) -> Content:
        mark = "■" if self._choice.is_chosen(index) else "□"
        return Content(f"{mark} {clean(self._choice.describe(index))}")

    def _title(self) -> None:
        self.border_title = f"Targets ({len(self._choice.chosen)})"
