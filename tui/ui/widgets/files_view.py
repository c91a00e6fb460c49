"""The files that go with the prompt in use: images and PDF, added by their paths."""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.core.attachment import Attachment
from tui.core.sanitize import clean
from tui.core.wording import file_words
from tui.errors import ConfigError
from tui.session.prompt_book import PromptBook
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field
from tui.ui.widgets.prompt_part import PromptPart

Look = Callable[[str], Awaitable[tuple[str, Mapping[str, Attachment]]]]
"""Tells the place of a path that was typed, and the files there; raises ConfigError."""


class FilesView(PromptPart):
    """Adds files to the prompt in use and removes them; says of each what is known of it."""

    DEFAULT_CSS = """
    FilesView {
        & OptionList { height: auto; min-height: 1; max-height: 60%; }
        & Input { display: none; }
        &.-adding Input { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("files")

    def __init__(self, book: PromptBook, look: Look, keys: KeyNames) -> None:
        self._list = OptionList(compact=True, markup=False)
        super().__init__(book, keys, "files", self._list, self._fill)
        self._look = look
        self._path: Input

    def compose(self) -> ComposeResult:
        """The list, the path, and the keys."""
        yield self._list
        self._path = Field(placeholder="path of a PNG, JPEG, GIF, WebP or PDF; Enter attaches it")
        yield self._path
        yield from self.keys()
        yield self.note

    def on_mount(self) -> None:
        """Fill the list."""
        self.show()

    def _fill(self) -> None:
        """Show what the book says now."""
        at, paths = self._list.highlighted or 0, self.book.prompt.attach
        self._list.set_options([Option(self._line(path)) for path in paths])
        self._list.highlighted = min(at, len(paths) - 1) if paths else None
        whose = f" of {clean(self.book.prompt.name)}" if self.book.variants else ""
        self.say(f"{'They go' if paths else 'No file goes'} with the user's turn{whose}.")

    def _line(self, path: str) -> Content:
        file = self.book.file_at(path)
        directory, _, name = path.rpartition("/")
        facts = file_words(file) if file is not None else "not read: remove it, and attach it anew"
        place = f"  {clean(directory)}" if directory else ""
        return Content.assemble((clean(name), "bold"), f" · {facts}", (place, "$text-muted"))

    def action_add(self) -> None:
        """Ask for a path."""
        self.add_class("-adding")
        self._path.focus()

    @on(Input.Submitted)
    async def _named(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        try:
            path, found = await self._look(event.value.strip())
        except ConfigError as error:
            self.say(clean(str(error)), problem=True)
            return
        if self.attempt(self.book.attach, path, found):
            self._path.value = ""
            self.focus_list()
            self.show()
            self._list.highlighted = len(self.book.prompt.attach) - 1

    def action_delete(self) -> None:
        """Remove the file of the cursor from the prompt."""
        if self._list.highlighted is not None:
            self.book.detach(self._list.highlighted)
            self.show()
            self.focus_list()
            self.say(f"Removed. {self.key_names('files.put_back')} puts it back.")

    def focus_list(self) -> None:
        """Put the focus on the list; a path is no longer asked for."""
        self.remove_class("-adding")
        super().focus_list()
