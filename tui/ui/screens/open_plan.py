"""Choice of what to go on with: a plan file, or a draft of before."""

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from tui.core.sanitize import clean
from tui.session.drafts import StoredDraft
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.widgets.inputs import Field

_NS_PER_S = 1_000_000_000


class OpenScreen(ModalScreen[str | StoredDraft]):
    """Dismisses with the name of a file, or with a draft; Escape without either."""

    DEFAULT_CSS = """
    OpenScreen {
        align: center middle;
        & > Vertical {
            width: 90; max-width: 96%; height: auto; max-height: 90%;
            padding: 0 1; background: $panel; border: heavy $primary; border-title-style: bold;
        }
        & Label { color: $text-muted; width: 1fr; }
        & OptionList { height: auto; max-height: 12; padding: 0; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("dialog.close", "fields")

    def __init__(self, files: Sequence[str], drafts: Sequence[StoredDraft], keys: KeyNames) -> None:
        """`files` are the plans of this directory; `drafts` are the latest first."""
        super().__init__()
        self._keys = keys
        self._choices: list[str | StoredDraft] = [*files, *drafts]
        self._list = OptionList(*(Option(Content(_line(one))) for one in self._choices), compact=True, markup=False)

    def compose(self) -> ComposeResult:
        """The field above the list."""
        with Vertical() as box:
            box.border_title = "Open a plan"
            yield Field(placeholder="a plan file, such as plan.toml", id="plan-name")
            if self._choices:
                yield self._list
            yield Label(
                f"Enter opens; ↓ goes to the files and drafts here. {self._keys('dialog.close')} leaves all as it was. "
                "What is on screen is set aside.",
                markup=False,
            )

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        """Open the file, if one was named."""
        if event.value.strip():
            self.dismiss(event.value.strip())

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])


def _line(choice: str | StoredDraft) -> str:
    if isinstance(choice, str):
        return clean(choice)
    saved = time.strftime("%Y-%m-%d %H:%M", time.localtime(choice.saved_unix_ns // _NS_PER_S))
    return clean(f"draft of {saved}: {choice.draft.excerpt or 'no prompt'}")
