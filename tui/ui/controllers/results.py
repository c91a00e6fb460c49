"""Results: pinned as a baseline, held against objectives, summed up and compared."""

from typing import TYPE_CHECKING

from tui.ui.controllers.context import Context

if TYPE_CHECKING:
    from tui.core.objectives import Objective


class ResultsController:
    """Works on what stands in the lanes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def pin_baseline(self) -> None:
        """Pin the present results as the baseline."""
        snapshot = await self._context.session.pin()
        assert snapshot is not None, "there is nothing to pin otherwise"
        counts = sorted({len(lane.observations) for lane in snapshot.lanes})
        repeats = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        lanes = "1 lane" if len(snapshot.lanes) == 1 else f"{len(snapshot.lanes)} lanes"
        self._context.tell(f"Baseline: {lanes}, n = {repeats}. Change something and run again.")
        self._context.main.wake()

    def objectives(self) -> None:
        """Type in what every lane is to keep."""
        from tui.ui.screens.objectives import ObjectivesScreen

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
        context.app.push_screen(TextScreen(title, lines, context.keys))

    async def compare(self) -> None:
        """Compare snapshots."""
        from tui.ui.screens.compare import CompareScreen

        session = self._context.session

        async def keep(name: str) -> None:
            await session.snapshots.take(name, session.run_uids)

        snapshots, now = await session.snapshots.all(), session.live.snapshot("now")
        screen = CompareScreen(snapshots, now, keep, session.snapshots.delete, self._context.keys)
        self._context.app.push_screen(screen)
