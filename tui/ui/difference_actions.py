"""What the application does to show two answers side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.core.record import RequestRecord
from tui.ui.bindings import KeyNames

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class DifferenceActions(_Base):
    """Shows in which words answers differ; a part of the application."""

    key_names: KeyNames

    @property
    def front(self) -> "MainScreen":
        """The screen with lanes that is shown."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def action_difference(self) -> None:
        """Show the current lane's answer beside that of the next lane."""
        lanes = [view.lane for view in self.front.lanes.views]
        self.show_difference([lane.record for lane in lanes], self.front.current_lane.lane.record)

    def show_difference(
        self,
        records: Sequence[RequestRecord | None],
        first: RequestRecord | None,
        second: RequestRecord | None = None,
    ) -> None:
        """Show the answers of `records` that have begun: `first` beside `second`, or without that beside the next."""
        from tui.ui.screens.difference import DifferenceScreen
        from tui.ui.viewmodel.difference import answer_of

        begun = [record for record in records if record is not None and record.text()]
        if len(begun) < 2:
            self.complain("There are no two answers to compare: ask two lanes first.")
            return
        at = next((place for place, record in enumerate(begun) if record is first), 0)
        other = next((place for place, record in enumerate(begun) if record is second), (at + 1) % len(begun))
        self.push_screen(DifferenceScreen([answer_of(record) for record in begun], self.key_names, at, other))
