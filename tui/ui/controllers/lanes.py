"""Lanes: moved through, looked at and emptied."""

from collections.abc import Sequence

from tui.core.record import RequestRecord
from tui.ui.controllers.context import Context
from tui.ui.controllers.reasons import NO_TWO_ANSWERS


class LanesController:
    """Shows lanes, their requests and their answers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def next_lane(self) -> None:
        """Go to the next lane."""
        self._go(1)

    def previous_lane(self) -> None:
        """Go to the lane before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        self._context.front.show_pane("lanes")
        self._context.front.lanes.go(step)

    def maximise(self) -> None:
        """Show the current lane alone, or all again."""
        front = self._context.front
        front.show_pane("lanes")
        front.lanes.toggle_alone()
        front.set_class(front.lanes.alone, "-alone")

    def copy(self) -> None:
        """Copy the selected text, or the current lane's whole text, to the terminal's clipboard."""
        selected = self._context.front.get_selected_text()
        current = self._context.front.current_lane
        text = selected or current.text
        self._context.app.copy_to_clipboard(text)
        what = "the selection" if selected else current.lane.label
        self._context.tell(f"Copied {what}, {len(text):,} characters.", 3)

    def detail(self) -> None:
        """Show the current lane's request in detail."""
        from tui.ui.screens.detail import DetailScreen

        lane = self._context.front.current_lane.lane
        assert lane.record is not None, "there is nothing to show otherwise"
        self._context.app.push_screen(DetailScreen(lane.record, self._context.keys, lane.cost))

    def search(self) -> None:
        """Search in the current lane."""
        from tui.ui.screens.search import SearchScreen

        self._context.front.show_pane("lanes")
        self._context.app.push_screen(SearchScreen(self._context.front.current_lane.stream, self._context.keys))

    def clear(self) -> None:
        """Empty the lanes and the session's history."""
        self._context.session.clear()
        self._context.main.wake()

    def difference(self) -> None:
        """Show the current lane's answer beside that of the next lane."""
        front = self._context.front
        records = [view.lane.record for view in front.lanes.views]
        show_difference(self._context, records, front.current_lane.lane.record)


def show_difference(
    context: Context,
    records: Sequence[RequestRecord | None],
    first: RequestRecord | None,
    second: RequestRecord | None = None,
) -> None:
    """Show the answers of `records` that have begun: `first` beside `second`, or without that beside the next."""
    from tui.ui.screens.difference import DifferenceScreen
    from tui.ui.viewmodel.difference import answer_of

    begun = [record for record in records if record is not None and record.text()]
    if len(begun) < 2:
        context.complain(NO_TWO_ANSWERS)
        return
    at = next((place for place, record in enumerate(begun) if record is first), 0)
    other = next((place for place, record in enumerate(begun) if record is second), (at + 1) % len(begun))
    context.app.push_screen(DifferenceScreen([answer_of(record) for record in begun], context.keys, at, other))
