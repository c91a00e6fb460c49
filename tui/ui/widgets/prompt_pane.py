"""The prompt: two editors in tabs, user and system, under a line on its variants, variables and turns."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static, TabbedContent, TabPane, TextArea

from tui.core.sanitize import clean
from tui.session.prompt_book import PromptBook
from tui.ui.bindings import KeyNames
from tui.ui.widgets.inputs import Editor

_LOOK_AFTER_S = 0.3
"""Pause in typing after which the line above is made anew."""


class PromptPane(Vertical):
    """Edits the prompt in use of a book."""

    DEFAULT_CSS = """
    PromptPane {
        height: 1fr;
        min-height: 6;
        & > PromptHead { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; color: $text-muted; }
        & > PromptHead.-problem { color: $text-warning; }
        & TabbedContent { height: 1fr; }
        & TabPane { padding: 0; height: 1fr; }
        & ContentSwitcher { height: 1fr; }
        & TextArea { height: 1fr; padding: 0 1; }
    }
    """

    def __init__(self, book: PromptBook, keys: KeyNames) -> None:
        super().__init__(id="prompt")
        self._keys = keys
        self.book = book
        self._head = PromptHead(keys, *head(book, keys))
        self._user = Editor(book.prompt.user, "user", f"The user prompt. {keys('run')} runs it.")
        self._system = Editor(book.prompt.system, "system", "The system prompt; may stay empty.")
        self._look: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line above the tabs."""
        yield self._head
        with TabbedContent():
            with TabPane("User", id="tab-user"):
                yield self._user
            with TabPane("System", id="tab-system"):
                yield self._system

    def commit(self) -> None:
        """Write what stands in the editors into the book."""
        self.book.edit(system=self._system.text, user=self._user.text)

    def show(self) -> None:
        """Show what the book says now."""
        for editor, text in ((self._user, self.book.prompt.user), (self._system, self.book.prompt.system)):
            if editor.text != text:
                editor.load_text(text)
        self._head.show(*head(self.book, self._keys))

    def next_variant(self) -> None:
        """Take the next variant into use."""
        self.commit()
        self.book.use(self.book.current + 1)
        self.show()

    def on_text_area_changed(self, _event: TextArea.Changed) -> None:
        """Put what was typed into the book, and look for variables once the typing pauses."""
        self.commit()
        if self._look is not None:
            self._look.stop()
        self._look = self.set_timer(_LOOK_AFTER_S, self._look_again)

    def _look_again(self) -> None:
        self._head.show(*head(self.book, self._keys))

    def focus_editor(self) -> None:
        """Put the cursor into the editor in view."""
        (self._system if self.query_one(TabbedContent).active == "tab-system" else self._user).focus()


class PromptHead(Static):
    """One line; a click on it opens what it speaks of."""

    class Clicked(Message):
        """The line was clicked."""

    def __init__(self, keys: KeyNames, problem: str, parts: str) -> None:
        super().__init__(_head_line(keys, problem, parts), id="prompt-head", classes="-problem" if problem else None)
        self._keys = keys
        self._shown = (problem, parts)

    def show(self, problem: str, parts: str) -> None:
        """Show what is wrong, in front, and what the prompt consists of; paints only what differs."""
        if (problem, parts) != self._shown:
            self._shown = (problem, parts)
            self.set_class(bool(problem), "-problem")
            self.update(_head_line(self._keys, problem, parts), layout=False)

    def on_click(self) -> None:
        """Say so."""
        self.post_message(self.Clicked())


def _head_line(keys: KeyNames, problem: str, parts: str) -> Content:
    return Content(
        clean(" · ".join(filter(None, (problem and f"⚠ {problem}", parts))))
        or f"{keys('variants')}: variants, variables, turns"
    )


def head(book: PromptBook, keys: KeyNames) -> tuple[str, str]:
    """The prompt's problem and its parts, a line each. Either may be empty."""
    prompt, parts = book.prompt, []
    if book.variants:
        parts.append(f"{prompt.name} {book.current + 1}/{len(book.prompts)}")
    if len(book.rows) > 1:
        parts.append(f"row {book.row + 1}/{len(book.rows)}")
    elif book.rows and prompt.variables():
        parts.append(f"{len(prompt.variables())} var")
    if prompt.turns:
        parts.append(f"{len(prompt.turns)} turn{'s' if len(prompt.turns) > 1 else ''}")
    if prompt.prefill:
        parts.append("prefill")
    undefined = [name for name in prompt.variables() if book.value(book.row, name) is None]
    problem = f"{{{{{undefined[0]}}}}} has no value: {keys('variants')}" if undefined else ""
    return problem, " · ".join(parts)
