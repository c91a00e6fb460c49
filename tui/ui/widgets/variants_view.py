"""The variants of the prompt: the list of them, and the text of the one in use."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tui.core.prompt import Prompt
from tui.core.sanitize import clean
from tui.session.prompt_book import PromptBook
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.prompt_part import PromptPart

_SHOWN_CHARACTERS = 4_000
"""Length of each text that is shown: enough to tell the variants apart."""


class VariantsView(PromptPart):
    """Adds, renames and deletes variants; the highlighted one is in use."""

    DEFAULT_CSS = """
    VariantsView {
        & OptionList { height: auto; min-height: 1; max-height: 40%; }
        & .name { height: 1; & Label { width: 7; color: $text-muted; } & Input { width: 1fr; } }
        & VerticalScroll { height: 1fr; border-top: solid $panel-lighten-2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("variants")

    def __init__(self, book: PromptBook, keys: KeyNames) -> None:
        self._list = OptionList(compact=True, markup=False)
        super().__init__(book, keys, "variants", self._list, self._fill)
        self._name_field: Input
        self._texts = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """The list, the name, and the texts."""
        yield self._list
        self._name_field = Field(self.book.prompt.name, placeholder="a name")
        with Horizontal(classes="name"):
            yield Label("name")
            yield self._name_field
        yield from self.keys()
        yield self.note
        yield VerticalScroll(self._texts, can_focus=False)

    def on_mount(self) -> None:
        """Fill the list."""
        self.show()

    def _fill(self) -> None:
        """Show what the book says now."""
        with self.prevent(OptionList.OptionHighlighted, Input.Changed):
            self._list.set_options([Option(self._line(index)) for index in range(len(self.book.prompts))])
            self._list.highlighted = self.book.current
            self._name_field.value = self.book.prompt.name
        self._texts.update(_texts(self.book.prompt))

    def _line(self, index: int) -> Content:
        prompt = self.book.prompts[index]
        mark = "▶" if index == self.book.current else " "
        name = clean(prompt.name) or "the only one"
        return Content.assemble(
            f"{mark} ", (name, "bold"), (f"  {clean(' '.join(prompt.user[:200].split()))}", "$text-muted")
        )

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        before, now = self.book.current, event.option_index
        self.book.use(now)
        for index in (before, now):
            self._list.replace_option_prompt_at_index(index, self._line(index))
        with self.prevent(Input.Changed):
            self._name_field.value = self.book.prompt.name
        self._texts.update(_texts(self.book.prompt))
        self.say("")

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        name = clean(self.book.prompt.name)
        self.say(
            f"{name or 'This one'} is in use: {self.key_names('run')} runs it, {self.key_names('run_all')} runs all."
        )

    @on(Input.Changed)
    def _renamed(self, event: Input.Changed) -> None:
        if self.attempt(self.book.rename, event.value):
            self._list.replace_option_prompt_at_index(self.book.current, self._line(self.book.current))

    @on(Input.Submitted)
    def _named(self) -> None:
        self.show()
        self.focus_list()

    def action_add(self) -> None:
        """Add a copy of the variant in use, to be named."""
        if self.attempt(self.book.add):
            self.show()
            self.action_rename()

    def action_rename(self) -> None:
        """Go to the name."""
        self._name_field.focus()
        self._name_field.action_select_all()

    def action_delete(self) -> None:
        """Delete the variant in use."""
        if self.attempt(self.book.delete):
            self.show()
            self.focus_list()
            self.say(f"Deleted. {self.key_names('variants.put_back')} puts it back.")


def _texts(prompt: Prompt) -> Content:
    parts = [
        ("system", prompt.system),
        *((turn.role, turn.text) for turn in prompt.turns),
        ("user", prompt.user),
        ("prefill", prompt.prefill),
    ]
    lines = [((role + "\n", "bold"), f"{clean(text[:_SHOWN_CHARACTERS])}\n") for role, text in parts if text]
    return Content.assemble(*(piece for pair in lines for piece in pair))
