"""Lanes: moved through and emptied, their requests and answers shown, their results pinned, judged and compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.core.checks import next_word
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.wording import counted
from tui.ui.controllers.context import Context
from tui.ui.controllers.reasons import NO_TWO_ANSWERS, why_not_overrule

if TYPE_CHECKING:
    from tui.core.objectives import Objective
    from tui.session.replay import Replay


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

    def copy(self) -> None:
        """Copy the selected text, or the current lane's whole text, to the terminal's clipboard."""
        selected = self._context.front.get_selected_text()
        current = self._context.front.lanes.current
        text = selected or current.text
        self._context.app.copy_to_clipboard(text)
        what = "the selection" if selected else current.lane.label
        self._context.tell(f"Copied {what}, {counted(len(text), 'character')}.", 3)

    def sort(self) -> None:
        """Sort the table of the session by the next figure."""
        front = self._context.front
        self._context.tell(f"Sorted by {front.history.sort()}.", 2)
        # The frontier goes by the same time.
        front.charts.draw()

    def detail(self) -> None:
        """Show the current lane's request in detail."""
        from tui.ui.screens.text import DetailScreen

        front, replay = self._context.front, self._context.replay
        lane, record = front.lanes.current.lane, front.lanes.current.lane.record
        assert record is not None, "there is nothing to show otherwise"

        async def overrule() -> None:
            if reason := why_not_overrule(record, replay, self._context.keys):
                self._context.complain(reason)
            else:
                await self._overrule(record, replay)
                front.wake()

        self._context.app.push_screen(DetailScreen(record, self._context.keys, overrule, lane.cost))

    async def overrule(self) -> None:
        """Overrule what the checks said of the current lane's answer, or take that back."""
        front = self._context.front
        record = front.lanes.current.lane.record
        assert record is not None, "there is nothing to overrule otherwise"
        await self._overrule(record, self._context.replay)
        front.wake()

    async def _overrule(self, record: RequestRecord, replay: "Replay | None") -> None:
        session = self._context.session
        word = next_word(record.checks, record.overruled)
        if replay is None:
            await session.snapshots.overrule(record, word, session.run_uids)
        else:
            replay.overrule(record, word)
            stored = replay.stored_record(record)
            await session.snapshots.overrule(stored, word, session.run_uids, replay.run.info.uid)
        what = "the checks count again" if word is None else f"overruled by hand: {'not ' * (not word)}passed"
        said = clean(f"{record.spec.target}: {what}.")
        again = "takes it back" if next_word(record.checks, word) is None else "again turns it round"
        self._context.tell(said if word is None else f"{said} {self._context.keys('overrule')} {again}.")

    def markdown(self) -> None:
        """Show the current lane's answer with its Markdown laid out."""
        from tui.ui.screens.text import TextScreen, laid_out

        view, keys = self._context.front.lanes.current, self._context.keys
        title = f"{clean(view.lane.label)}, {view.lane.state.value}"
        shown = laid_out(view.text)
        self._context.app.push_screen(TextScreen(title, view.text, keys, shown, view.lane.record))

    def search(self) -> None:
        """Search in the current lane."""
        from tui.ui.screens.dialogs import SearchScreen

        self._context.front.show_pane("lanes")
        self._context.app.push_screen(SearchScreen(self._context.front.lanes.current.stream, self._context.keys))

    def clear(self) -> None:
        """Empty the lanes and the session's table, after a question if something stands there."""
        from tui.ui.screens.dialogs import ConfirmScreen

        context, live = self._context, self._context.live
        results = sum(len(lane.outcomes) or (lane.record is not None) for lane in live.lanes)

        def answered(yes: bool | None) -> None:
            if yes and not live.busy:
                context.cleared = live.clear()
                context.main.wake()
                context.tell(f"Cleared. {context.keys('undo_clear')} brings it back.")

        if not results:
            answered(True)
            return
        what = counted(results, "result")
        question = f"Empty the lanes and the table, {what} in all? Stored runs stay in the history."
        context.app.push_screen(ConfirmScreen(question, "Clear", context.keys), answered)

    def undo_clear(self) -> None:
        """Bring back what was cleared last."""
        context = self._context
        for lane, taken in context.cleared:
            lane.refill(taken)
        context.cleared = []
        context.live.version += 1
        context.main.wake()

    def difference(self) -> None:
        """Show the current lane's answer beside that of the next lane."""
        front = self._context.front
        records = [view.lane.record for view in front.lanes.views]
        show_difference(self._context, records, front.lanes.current.lane.record)


class ResultsController:
    """Works on what stands in the lanes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def pin(self) -> None:
        """Pin the present results."""
        snapshot = await self._context.session.pin()
        assert snapshot is not None, "there is nothing to pin otherwise"
        counts = sorted({len(lane.observations) for lane in snapshot.lanes})
        repeats = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        lanes = counted(len(snapshot.lanes), "lane")
        in_turn = self._context.keys("in_turn")
        said = f"Pinned: {lanes}, n = {repeats}. Change something, then run again, or both in turn: {in_turn}."
        self._context.tell(said)
        self._context.main.wake()

    def objectives(self) -> None:
        """Type in what every lane is to keep."""
        from tui.ui.screens.settings import ObjectivesScreen

        context, live = self._context, self._context.live

        def done(objectives: "tuple[Objective, ...] | None") -> None:
            if objectives is not None:
                live.judge_by(objectives)
                context.main.wake()

        context.app.push_screen(ObjectivesScreen(live.objectives, context.keys), done)

    def statistics(self) -> None:
        """Show all statistics of what stands in the lanes."""
        from tui.ui.screens.text import TextScreen, room
        from tui.ui.viewmodel.statistics_lines import statistics_lines

        context, live = self._context, self._context.live
        lines = statistics_lines(live.lanes, live.objectives, room(context.app.size.width))
        title = "Statistics, SIMULATED" if context.draft.plan().simulated else "Statistics"
        context.app.push_screen(TextScreen(title, "\n".join(lines), context.keys))

    async def compare(self) -> None:
        """Compare snapshots."""
        from tui.ui.screens.compare import CompareScreen

        session = self._context.session

        async def keep(name: str) -> None:
            await session.snapshots.take(name, session.run_uids)

        snapshots, now = await session.snapshots.all(), session.live.snapshot("now")
        delete, take_along = session.snapshots.delete, self._context.take_along
        screen = CompareScreen(snapshots, now, keep, delete, take_along, self._context.keys)
        self._context.app.push_screen(screen)


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
