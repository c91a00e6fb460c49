"""Variants, variables, turns and files of the prompt, each under a tab."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane

from tui.session.prompt_book import PromptBook, Row
from tui.ui.bindings import KeyNames
from tui.ui.keymap import bound
from tui.ui.screens.dialogs import BoxScreen
from tui.ui.widgets.files_view import FilesView, Look
from tui.ui.widgets.prompt_part import PromptPart
from tui.ui.widgets.turns_view import TurnsView
from tui.ui.widgets.variables_view import VariablesView
from tui.ui.widgets.variants_view import VariantsView

_TABS = ("variants", "variables", "turns", "files")


class _Tabs(TabbedContent):
    """Textual's, which brings to the front the pane that it is told has got the focus: after the next key, so that of
    several in one read some were lost."""

    def on_tab_pane_focused(self, event: TabPane.Focused) -> None:
        """Leave the pane in front that the screen has put there: the focus is never given behind it."""
        event.prevent_default().stop()


class PromptsScreen(BoxScreen[None]):
    """Edits a book of prompts in place. Escape goes back from a field to its list, and from there to the lanes."""

    DEFAULT_CSS = """
    PromptsScreen {
        & > Vertical { width: 96%; height: 94%; max-width: 120; max-height: 40; }
        & TabPane { padding: 0; }
        & ContentSwitcher, & TabbedContent, & TabPane { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound("prompts")

    def __init__(
        self,
        book: PromptBook,
        load: Callable[[str], Sequence[Row]],
        look: Look,
        refusing: Sequence[str],
        keys: KeyNames,
        *,
        tab: str = "variants",
    ) -> None:
        """`load` reads a file of rows, `look` one to attach; `refusing` labels who takes no prefill; `tab` is shown."""
        super().__init__()
        self._first = tab
        self._keys = keys
        self._views = (
            VariantsView(book, keys),
            VariablesView(book, load, keys),
            TurnsView(book, refusing, keys),
            FilesView(book, look, keys),
        )

    def compose(self) -> ComposeResult:
        """Each in a tab."""
        with Vertical() as box:
            box.border_title = (
                f"Prompt · {self._keys('prompts.next_tab')} next tab · {self._keys('prompts.back')} closes"
            )
            with _Tabs(initial=f"tab-{self._first}"):
                for name, view in zip(_TABS, self._views, strict=True):
                    with TabPane(name.capitalize(), id=f"tab-{name}"):
                        yield view

    def on_mount(self) -> None:
        """Begin in the list of the tab in front."""
        self._view.focus_list()

    @property
    def _view(self) -> PromptPart:
        return self._views[_TABS.index(self.query_one(TabbedContent).active.removeprefix("tab-"))]

    def on_tabbed_content_tab_activated(self) -> None:
        """Show what another tab has changed."""
        self._view.show()

    def action_next_tab(self) -> None:
        """Bring the next tab to the front, and the focus into it."""
        tabs = self.query_one(TabbedContent)
        following = _TABS[(_TABS.index(tabs.active.removeprefix("tab-")) + 1) % len(_TABS)]
        tabs.active = f"tab-{following}"
        self._view.show()
        self._view.focus_list()

    def action_back(self) -> None:
        """Go back to the list, or close."""
        if self._view.in_field:
            self._view.focus_list()
        else:
            self.dismiss()
