"""The prompt: two editors in tabs, user and system."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane

from tui.core.prompt import Prompt
from tui.ui.widgets.editor import Editor


class PromptPane(Vertical):
    """Edits a prompt."""

    DEFAULT_CSS = """
    PromptPane {
        height: 1fr;
        min-height: 6;
        & TabbedContent { height: 1fr; }
        & TabPane { padding: 0; height: 1fr; }
        & ContentSwitcher { height: 1fr; }
        & TextArea { height: 1fr; padding: 0 1; }
    }
    """

    def __init__(self, prompt: Prompt) -> None:
        super().__init__(id="prompt")
        self._user = Editor(prompt.user, "user", "The user prompt. F5 runs it.")
        self._system = Editor(prompt.system, "system", "The system prompt; may stay empty.")

    def compose(self) -> ComposeResult:
        """The tabs."""
        with TabbedContent():
            with TabPane("User", id="tab-user"):
                yield self._user
            with TabPane("System", id="tab-system"):
                yield self._system

    @property
    def prompt(self) -> Prompt:
        """What stands in the editors."""
        return Prompt(system=self._system.text, user=self._user.text)

    def focus_editor(self) -> None:
        """Put the cursor into the editor in view."""
        (self._system if self.query_one(TabbedContent).active == "tab-system" else self._user).focus()
