"""What the application does about baselines, other snapshots and objectives."""

from typing import TYPE_CHECKING

from tui.session.draft import Draft
from tui.session.session import Session
from tui.ui.bindings import KeyNames

if TYPE_CHECKING:
    from textual.app import App

    from tui.core.objectives import Objective
    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class BaselineActions(_Base):
    """Pins, compares and judges; a part of the application."""

    session: Session
    key_names: KeyNames
    draft: Draft
    main: "MainScreen"

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    async def action_pin_baseline(self) -> None:
        """Pin the present results as the baseline."""
        if self.session.live.busy:
            self.complain("A run is in flight: pin the baseline when it is over.")
            return
        snapshot = await self.session.pin()
        if snapshot is None:
            self.complain("There is nothing to pin yet: run the prompt first.")
            return
        counts = sorted({len(lane.observations) for lane in snapshot.lanes})
        repeats = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        lanes = "1 lane" if len(snapshot.lanes) == 1 else f"{len(snapshot.lanes)} lanes"
        self.notify(f"Baseline: {lanes}, n = {repeats}. Change something and run again.", timeout=4, markup=False)
        self.main.wake()

    def action_objectives(self) -> None:
        """Type in what every lane is to keep."""
        from tui.ui.screens.objectives import ObjectivesScreen

        live = self.session.live

        def done(objectives: "tuple[Objective, ...] | None") -> None:
            if objectives is not None:
                live.judge_by(objectives)
                self.main.wake()

        self.push_screen(ObjectivesScreen(live.objectives, self.key_names), done)

    def action_statistics(self) -> None:
        """Show all statistics of what stands in the lanes."""
        from tui.ui.screens.text import TextScreen, room
        from tui.ui.viewmodel.statistics_lines import statistics_lines

        live = self.session.live
        lines = statistics_lines(live.lanes, live.objectives, room(self.size.width))
        title = "Statistics, SIMULATED" if self.draft.plan().simulated else "Statistics"
        self.push_screen(TextScreen(title, lines, self.key_names))

    async def action_compare(self) -> None:
        """Compare snapshots."""
        from tui.ui.screens.compare import CompareScreen

        session = self.session

        async def keep(name: str) -> None:
            await session.snapshots.take(name, session.run_uids)

        self.push_screen(
            CompareScreen(
                await session.snapshots.all(),
                session.live.snapshot("now"),
                keep,
                session.snapshots.delete,
                self.key_names,
            )
        )
