"""What the application does about baselines and other snapshots."""

from typing import TYPE_CHECKING

from tui.sitting.session import Session

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class BaselineActions(_Base):
    """Pins and compares; a part of the application."""

    session: Session
    main: "MainScreen"

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    async def action_pin_baseline(self) -> None:
        """Pin the present results as the baseline."""
        if self.session.board.busy:
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

    async def action_compare(self) -> None:
        """Compare snapshots."""
        from tui.ui.screens.compare import CompareScreen

        session = self.session

        async def keep(name: str) -> None:
            await session.snapshots.take(name, session.run_uids)

        self.push_screen(
            CompareScreen(await session.snapshots.all(), session.board.snapshot("now"), keep, session.snapshots.delete)
        )
