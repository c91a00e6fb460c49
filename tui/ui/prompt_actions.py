"""What the application does about prompts: what is asked, of which variant, and with which values."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.config.variables import read_rows
from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.refusals import prefill_refusal
from tui.session.draft import Draft
from tui.session.prompt_book import Row
from tui.session.session import Session
from tui.ui.bindings import KeyNames
from tui.ui.key_names import key
from tui.ui.viewmodel.fields import FieldError
from tui.ui.widgets.prompt_pane import PromptHead

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class PromptActions(_Base):
    """Reads what is asked off the screen, switches variants and opens their screen; a part of the application."""

    session: Session
    key_names: KeyNames
    draft: Draft
    main: "MainScreen"
    _models: Sequence[KnownModel]

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def describe_lanes(self) -> None:
        """Say on every lane what it would be refused for."""
        raise NotImplementedError

    def plan(self, *, ask_all: bool | None = None) -> Plan | None:
        """The plan that the draft makes, typed to its last letter; None after saying what is missing.

        `ask_all` says whether all variants are asked; `None` leaves that as it was last.
        """
        try:
            self.main.commit()
        except FieldError:
            self.main.show_pane("prompt")
            return None
        if ask_all is not None:
            self.draft.ask_all = ask_all
        plan = self.draft.plan()
        problem = plan.problem()
        if problem is not None:
            self.complain(f"{problem} {key('variants')} has the variables." if plan.undefined() else problem)
            self.main.show_pane("prompt")
            return None
        return plan

    async def action_run_all(self) -> None:
        """Fire all variants."""
        self.fire(ask_all=True)

    def fire(self, *, ask_all: bool) -> None:
        """Fire the prompt in use or all variants, after asking if a run is in flight."""
        if self.session.live.busy:
            self._ask_to_rerun(ask_all=ask_all)
            return
        plan = self.plan(ask_all=ask_all)
        if plan is not None:
            self.main.show_pane("lanes")
            self.session.run(plan)
            self.main.wake()

    def _ask_to_rerun(self, *, ask_all: bool) -> None:
        from tui.ui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._rerun(ask_all=ask_all), exclusive=True, group="rerun")

        self.push_screen(
            ConfirmScreen("A run is in flight. Cancel it and run again?", "Run again", self.key_names), answered
        )

    async def _rerun(self, *, ask_all: bool) -> None:
        plan = self.plan(ask_all=ask_all)
        if plan is not None:
            await self.session.rerun(plan)
            self.main.show_pane("lanes")
            self.main.wake()

    def action_next_variant(self) -> None:
        """Take the next variant into use."""
        self.main.show_pane("prompt")
        if self.draft.book.variants:
            self.main.prompt_pane.next_variant()
            self.describe_lanes()
        else:
            self.complain(f"There is only one variant of the prompt: {key('variants')} adds others.")

    def action_variants(self) -> None:
        """Edit variants, variables and turns."""
        from tui.ui.screens.prompts import PromptsScreen

        pane, book = self.main.prompt_pane, self.draft.book
        pane.commit()
        values = book.rows[book.row] if book.rows else {}
        tab = "variables" if any(name not in values for name in book.prompt.variables()) else "variants"

        def closed(_result: None) -> None:
            book.tidy()
            pane.show()
            self.describe_lanes()

        screen = PromptsScreen(book, _load, self._refusing_prefill(), self.key_names, tab=tab)
        self.push_screen(screen, closed)

    def on_prompt_head_clicked(self, _event: PromptHead.Clicked) -> None:
        """A click on the line above the prompt opens what it speaks of."""
        self.action_variants()

    def _refusing_prefill(self) -> list[str]:
        known = {model.id: model for model in self._models}
        return [target.label for target in self.draft.plan().targets if prefill_refusal(known.get(target.model))]


def _load(text: str) -> tuple[Row, ...]:
    return read_rows(Path(text).expanduser(), text)
