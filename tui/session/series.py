"""Drives a series: one run after the other, with pauses, until it is complete, spent or cancelled."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from statistics import median
from typing import Protocol

from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.sequential import Outcome as Decided
from tui.core.sequential import UntilSure
from tui.core.series import Ending, Repeat, Series
from tui.session.live import Lane, LiveState


class Runs(Protocol):
    """What a series needs of the session."""

    live: LiveState

    def run(self, prompt: Prompt, parameters: Parameters, repeat: Repeat | None = None) -> bool:
        """Begin one run; false if it may not be begun."""

    async def run_over(self) -> None:
        """Wait until no run is in flight."""


class SeriesRunner:
    """One series under way."""

    def __init__(
        self, runs: Runs, series: Series, prompt: Prompt, parameters: Parameters, on_over: Callable[[], None]
    ) -> None:
        self.series = series
        self._on_over = on_over
        self._runs = runs
        self._prompt = prompt
        self._parameters = parameters
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._cancelled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._until_sure: UntilSure | None = None
        settings, lanes = series.settings, runs.live.lanes
        if settings.until_sure is not None and len(lanes) > 1:
            self._until_sure = UntilSure(
                Figure(settings.until_sure),
                [lane.label for lane in lanes],
                budget=settings.repeats,
                confidence=settings.confidence,
            )

    @property
    def paused(self) -> bool:
        """True while no further run is begun."""
        return not self._may_go_on.is_set()

    def start(self) -> None:
        """Begin the first run."""
        self._runs.live.begin_series(self.series)
        self._task = asyncio.create_task(self._drive(), name=f"series {self.series.uid}")

    def pause(self) -> None:
        """Begin no further run until `resume`; the one in flight goes on to its end."""
        self._may_go_on.clear()
        self._runs.live.series_changed(paused=self.paused)

    def resume(self) -> None:
        """Go on."""
        self._may_go_on.set()
        self._runs.live.series_changed(paused=self.paused)

    def cancel(self) -> None:
        """Begin no further run; what is finished is kept."""
        self.series.end(Ending.CANCELLED)
        self._cancelled.set()
        self._may_go_on.set()

    async def over(self) -> None:
        """Wait until the series is over."""
        if self._task is not None:
            await self._task

    async def _drive(self) -> None:
        live = self._runs.live
        try:
            while (repeat := self.series.next()) is not None:
                started_ns = time.monotonic_ns()
                if not self._runs.run(self._prompt, self._parameters, repeat):
                    self.series.end(Ending.COST)
                    break
                await self._runs.run_over()
                all_failed = not any(record.complete for record in live.records)
                spent = live.ledger.run
                usd = spent.usd if spent is not None else 0.0
                self.series.take(repeat, time.monotonic_ns() - started_ns, usd, all_failed=all_failed)
                self._look(repeat)
                live.series_changed(paused=self.paused)
                if not self.series.is_over():
                    await self._gap()
                    await self._may_go_on.wait()
        finally:
            live.end_series()
            self._on_over()

    def _look(self, repeat: Repeat) -> None:
        """End the series if the best target is known."""
        if self._until_sure is None or repeat.warm_up:
            return
        figure = Figure(self.series.settings.until_sure or Figure.TTFT)
        decision = self._until_sure.look([self._figure_of_run(lane, figure) for lane in self._runs.live.lanes])
        self.series.verdict = decision.sentence
        if decision.outcome in (Decided.BEST, Decided.ALIKE):
            self.series.end(Ending.SURE)

    def _figure_of_run(self, lane: Lane, figure: Figure) -> float | None:
        """A lane's figure in the latest run; of several requests at once the median."""
        run = self._runs.live.runs
        values = [
            outcome.value(figure)
            for outcome in lane.outcomes[-self.series.settings.concurrency :]
            if outcome.run == run
        ]
        present = [value for value in values if value is not None]
        return median(present) if present else None

    async def _gap(self) -> None:
        if gap_s := self.series.settings.gap:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(gap_s):
                    await self._cancelled.wait()
