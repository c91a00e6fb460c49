"""Prompts: their variants, variables and turns."""

from pathlib import Path

from tui.config.variables import read_rows
from tui.core.refusals import prefill_refusal
from tui.session.prompt_book import Row
from tui.ui.controllers.context import Context


class PromptsController:
    """Switches the prompt's variants and opens the screen that edits them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def next_variant(self) -> None:
        """Take the next variant into use."""
        self._context.main.show_pane("prompt")
        self._context.main.prompt_pane.next_variant()
        self._context.describe()

    def variants(self) -> None:
        """Edit variants, variables and turns."""
        from tui.ui.screens.prompts import PromptsScreen

        context, pane, book = self._context, self._context.main.prompt_pane, self._context.draft.book
        pane.commit()
        values = book.rows[book.row] if book.rows else {}
        tab = "variables" if any(name not in values for name in book.prompt.variables()) else "variants"

        def closed(_result: None) -> None:
            book.tidy()
            pane.show()
            context.describe()

        context.app.push_screen(PromptsScreen(book, _load, self._refusing_prefill(), context.keys, tab=tab), closed)

    def _refusing_prefill(self) -> list[str]:
        known = {model.id: model for model in self._context.models}
        targets = self._context.draft.plan().targets
        return [target.label for target in targets if prefill_refusal(known.get(target.model))]

    def edited(self) -> None:
        """The prompt was edited: estimate how long it is now."""
        # A screen over the main one edits what the prompt's pane does not show yet.
        if self._context.app.screen is self._context.main:
            self._context.session.preview.expect(self._context.draft.plan())


def _load(text: str) -> tuple[Row, ...]:
    return read_rows(Path(text).expanduser(), text)
