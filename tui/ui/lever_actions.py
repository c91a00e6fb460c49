"""What the application does about caches, prompt lengths and lists of models."""

from typing import TYPE_CHECKING

from textual.widgets import TextArea

from tui.core.plan import Plan
from tui.session.draft import Draft
from tui.session.session import Session

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class LeverActions(_Base):
    """Warms caches, and keeps what is known ahead of a run up to date; a part of the application."""

    session: Session
    draft: Draft
    main: "MainScreen"

    def plan(self) -> Plan | None:
        """The plan that the draft makes, or None after saying what is missing."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def action_warm_cache(self) -> None:
        """Put the prompt into the cache of every target that caches it."""
        if self.session.live.busy:
            self.complain("A run is in flight: cancel it, or let it end, before you warm the cache.")
            return
        plan = self.plan()
        if plan is not None:
            self.main.show_pane("lanes")
            self.session.warm(plan)
            self.main.wake()

    def action_refresh_models(self) -> None:
        """Ask the chosen targets' endpoints for their models."""
        if self.session.live.busy:
            self.complain("A run is in flight: cancel it, or let it end, before you ask for models.")
            return
        self.session.preview.refresh_models(self.draft.plan())

    def models_changed(self) -> None:
        """The list of models is new: the picker offers them."""
        self.main.picker.learn(self.session.preview.models)
        self.notify(f"{len(self.session.preview.models)} models are known.", timeout=3, markup=False)

    def on_text_area_changed(self, _event: TextArea.Changed) -> None:
        """The prompt changed: say how long it is now."""
        if self.screen is not self.main:
            return  # a screen over this one edits what the prompt's pane does not show yet
        self.session.preview.expect(self.draft.plan())
