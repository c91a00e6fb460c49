"""The conversation: earlier turns, the user's last one, and how the answer begins."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from tui.core.sanitize import clean
from tui.session.prompt_book import PromptBook
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Editor
from tui.ui.widgets.prompt_part import PromptPart


class TurnsView(PromptPart):
    """Edits the turns of the prompt in use: a list of them, and the text of the highlighted one."""

    DEFAULT_CSS = """
    TurnsView {
        & OptionList { height: auto; min-height: 2; max-height: 50%; }
        & Editor { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("turns")

    def __init__(self, book: PromptBook, refusing: Sequence[str], keys: KeyNames) -> None:
        """`refusing` are the labels of targets that take no prefill."""
        self._list = OptionList(compact=True, markup=False)
        super().__init__(book, keys, "turns", self._list, self._fill)
        self._refusing = refusing
        self._editor = Editor("", "turn-text", "What was said.")
        self._at = 0

    def compose(self) -> ComposeResult:
        """The list above the text."""
        yield self._list
        yield from self.keys()
        yield self.note
        yield self._editor

    def on_mount(self) -> None:
        """Begin at the user's last turn."""
        self._at = len(self.book.prompt.turns)
        self.show()

    def _fill(self) -> None:
        """Show what the book says now."""
        self._at = min(self._at, len(self.book.prompt.turns) + 1)
        with self.prevent(OptionList.OptionHighlighted):
            self._list.set_options([Option(self._line(index)) for index in range(len(self._texts()))])
            self._list.highlighted = self._at
        self._show_text()

    def _texts(self) -> list[tuple[str, str]]:
        """Role and text of every turn, the prefill included."""
        prompt = self.book.prompt
        turns = [(str(turn.role), turn.text) for turn in prompt.turns]
        return [*turns, ("user", prompt.user), ("prefill", prompt.prefill)]

    def _line(self, index: int) -> Content:
        role, text = self._texts()[index]
        if role == "assistant" and self.book.conversation.play:
            return Content.assemble((f"{role:<10}", "bold"), ("its own answer", "$text-muted"))
        shown = clean(" ".join(text[:200].split())) or ("none" if role == "prefill" else "empty: left out")
        return Content.assemble((f"{role:<10}", "bold"), (shown, "" if text else "$text-muted"))

    def _show_text(self) -> None:
        text = self._texts()[self._at][1]
        with self.prevent(TextArea.Changed):
            if self._editor.text != text:
                self._editor.load_text(text)
        is_prefill = self._at > len(self.book.prompt.turns)
        self.say(self._about_prefill() if is_prefill else self._about_turns())

    def _about_turns(self) -> str:
        """Words on what becomes of the turns."""
        if not self.book.conversation.play:
            return "The turns go as history with one request." if self.book.prompt.turns else ""
        return "The user's turns are played: a request each, behind the model's own answers."

    def _about_prefill(self) -> str:
        begins = "The answer continues where this ends."
        if not self._refusing:
            return begins
        first, more = self._refusing[0], len(self._refusing) - 1
        refuse = f"{clean(first)} and {more} more refuse" if more else f"{clean(first)} refuses"
        return f"{begins} {refuse} a prefill: only older models take one."

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._at = event.option_index
        self._show_text()

    @on(TextArea.Changed)
    def _edited(self) -> None:
        text, turns = self._editor.text, self.book.prompt.turns
        if self._at < len(turns):
            self.book.set_turn(self._at, msgspec.structs.replace(turns[self._at], text=text))
        elif self._at == len(turns):
            self.book.edit(user=text)
        else:
            self.book.edit(prefill=text)
        self._list.replace_option_prompt_at_index(self._at, self._line(self._at))

    @on(OptionList.OptionSelected)
    def action_text(self) -> None:
        """Go to the text."""
        self._editor.focus()
        self._editor.move_cursor(self._editor.document.end)

    def action_add(self) -> None:
        """Add a turn before the last one of the user, or behind the highlighted earlier one."""
        turns = len(self.book.prompt.turns)
        position = self._at + 1 if self._at < turns else turns
        self.book.add_turn(position)
        self._at = position
        self.show()
        self.action_text()

    def action_role(self) -> None:
        """Let the other one have said it."""
        turns = self.book.prompt.turns
        if self._at >= len(turns):
            self.say("The last turn is the user's, and a prefill the model's.", problem=True)
            return
        turn = turns[self._at]
        self.book.set_turn(self._at, msgspec.structs.replace(turn, role="assistant" if turn.role == "user" else "user"))
        self.show()

    def action_play(self) -> None:
        """Play the user's turns, or send them as history."""
        book = self.book
        book.conversation = msgspec.structs.replace(book.conversation, play=not book.conversation.play)
        self.show()

    def action_delete(self) -> None:
        """Delete the highlighted turn, or empty the prefill."""
        turns = self.book.prompt.turns
        if self._at < len(turns):
            self.book.delete_turn(self._at)
        elif self._at > len(turns):
            self.book.edit(prefill="")
        else:
            self.say("The user's last turn stays.", problem=True)
            return
        self.show()
        self.focus_list()
