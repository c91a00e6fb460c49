"""The prompt: two editors, user and system, above a line on its variants, variables and turns."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style as VisualStyle
from textual.timer import Timer
from textual.widgets import Static, TextArea

from tui.core.played import user_turns
from tui.core.sanitize import clean
from tui.core.wording import attached_words, counted
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
        & > PartsStrip { height: 1; padding: 0 1; text-wrap: nowrap; color: $text-muted; link-style: none;
                         link-background-hover: $panel; link-color-hover: $foreground; }
        & > TextArea { height: 1fr; padding: 0 1; }
        & > .-other { display: none; }
    }
    """

    def __init__(self, book: PromptBook, keys: KeyNames) -> None:
        super().__init__(id="prompt")
        self._keys = keys
        self.book = book
        self._parts = PartsStrip(keys)
        self._head = PromptHead(keys, *head(book, keys))
        self.user = Editor(book.prompt.user, "user", f"The user prompt. {keys('run')} runs it.")
        self._system: Editor | None = None
        """Made when it is first shown: an editor costs as much as ten other widgets, and the first picture has none."""
        self._look: Timer | None = None
        self._parts.show(book.prompt.system, system_in_view=False)

    def compose(self) -> ComposeResult:
        """The names of both parts, the one in view, and what else there is to it."""
        yield self._parts
        yield self.user
        yield self._head

    @property
    def editor(self) -> Editor:
        """The editor in view."""
        return self.user if self._system is None or self._system.has_class("-other") else self._system

    @property
    def _system_text(self) -> str:
        return self.book.prompt.system if self._system is None else self._system.text

    def next_part(self) -> None:
        """Show the other one of user and system prompt, and put the cursor into it."""
        self.show_part("system" if self.editor is self.user else "user")

    def show_part(self, name: str) -> None:
        """Show the user or the system prompt, and put the cursor into it."""
        if self._system is None:
            self._system = Editor(self.book.prompt.system, "system", "The system prompt; may stay empty.")
            self.mount(self._system, before=self._head)
        self._system.set_class(name != "system", "-other")
        self.user.set_class(name == "system", "-other")
        self._parts.show(self._system_text, system_in_view=name == "system")
        self.editor.focus()

    def commit(self) -> None:
        """Write what stands in the editors into the book."""
        self.book.edit(system=self._system_text, user=self.user.text)

    def show(self) -> None:
        """Show what the book says now."""
        for editor, text in ((self.user, self.book.prompt.user), (self._system, self.book.prompt.system)):
            if editor is not None and editor.text != text:
                editor.load_text(text)
        self._look_again()

    def replace_text(self, text: str) -> None:
        """Put another text into the editor in view; that can be undone."""
        editor = self.editor
        editor.replace(text, (0, 0), editor.document.end)

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
        self._parts.show(self._system_text, system_in_view=self.editor is self._system)

    def focus_editor(self) -> None:
        """Put the cursor into the editor in view."""
        self.editor.focus()


class Yielding(Vertical):
    """Something below the prompt that can be one line, with a title that sums it up."""

    _title = ""

    def give_way(self, *, short: bool) -> None:
        """Be one line, or whole again."""
        if short != self.has_class("-short"):
            self.set_class(short, "-short")
            self.entitle()

    def entitle(self) -> None:
        """Show the title, and what it stands for if that is all there is."""
        summed_up = self.summary if self.has_class("-short") else ""
        self.border_title = " · ".join(filter(None, (self._title, summed_up)))

    @property
    def summary(self) -> str:
        """Contents in a few words, safe to print; empty where the title says all."""
        return ""


class EditBox(Vertical):
    """The prompt above what is asked besides, which, without the focus, gives way to a prompt that needs the rows."""

    _below = 0
    """Rows of what is below when it is whole."""

    def on_click(self, event: Click) -> None:
        """A click on what is one line brings it back."""
        for pane in self.query(Yielding):
            if pane.has_class("-short") and pane.region.contains(int(event.screen_x), int(event.screen_y)):
                self.screen.set_focus(next(node for node in pane.query("*") if node.focusable))

    def _share_out(self) -> None:
        prompt, below = self.query_one(PromptPane), self.query(Yielding)
        if any(pane.has_focus_within for pane in below):
            short = False
        elif prompt.has_focus_within:
            if not any(pane.has_class("-short") for pane in below):
                self._below = sum(pane.outer_size.height for pane in below)
            rows = self.size.height - self._below - (prompt.outer_size.height - prompt.editor.size.height)
            short = self._below > 0 and prompt.editor.wrapped_document.height > rows
        else:
            return
        for pane in below:
            pane.give_way(short=short)

    on_descendant_focus = on_text_area_changed = on_resize = _share_out


class PartsStrip(Static):
    """The names of both parts of the prompt, the one in view underlined: tabs cost more than the rest of the pane."""

    def __init__(self, keys: KeyNames) -> None:
        super().__init__(id="parts")
        self._keys = keys
        self._shown: tuple[bool, str] | None = None

    def action_part(self, name: str) -> None:
        """A name was clicked."""
        assert isinstance(self.parent, PromptPane), "it is a part of it"
        self.parent.show_part(name)

    def show(self, system: str, *, system_in_view: bool) -> None:
        """Show which is in view, and whether there is a system prompt."""
        length = counted(len(system), "character") if system else "none"
        if self._shown == (system_in_view, length):
            return
        self._shown = system_in_view, length
        user, other = "bold underline $foreground", "$text-muted"
        line = Content.assemble(
            _clickable(("User", other if system_in_view else user), "user"),
            "   ",
            _clickable(("System", user if system_in_view else other), "system"),
            (f" · {length}", other),
        )
        self.update(line, layout=False)


def _clickable(text: tuple[str, str], part: str) -> Content:
    return Content.styled(*text).stylize(VisualStyle.from_meta({"@click": f"part('{part}')"}))


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
        or f"+ variants, variables ({keys('variants')})"
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
        parts.append(counted(len(prompt.turns), "turn"))
    if book.conversation.play:
        parts.append(f"plays {len(user_turns(prompt))}")
    if prompt.attach:
        parts.append(attached_words(book.attached()) or "files not read")
    if prompt.prefill:
        parts.append("prefill")
    undefined = [name for name in prompt.variables() if book.value(book.row, name) is None]
    problem = f"{{{{{undefined[0]}}}}} has no value: {keys('variants')}" if undefined else ""
    return problem, " · ".join(parts)
