"""Trial runner: runs a suggestion beside what it would change, until sure or out of budget."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from tui.advice.evidence import MeasuredTarget
from tui.advice.suggestion import NoSuggestion, Saving, Suggestion, Trial
from tui.advice.trial import TrialResult, conclude, pairs_of, passes_of, trial_plan, trial_settings
from tui.core.observation import Observation
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.series import SeriesSettings
from tui.history.rows import excerpt
from tui.session.live import Lane
from tui.session.measured import measured_by
from tui.session.session import Session


class TrialRunner:
    """One trial on a session. Its two lanes stay in the live state until the next run."""

    def __init__(
        self, session: Session, plan: Plan, target: str, said: Suggestion | NoSuggestion, on_over: Callable[[], None]
    ) -> None:
        """Try what `said` has a trial for, on the target of `plan` that is called `target`.

        Raises KeyError if the plan does not ask it.
        """
        assert said.trial is not None, "what cannot be tried is not"
        self.target = target
        self.trial: Trial = said.trial
        self.id = said.id if isinstance(said, Suggestion) else said.rule
        self.headline = said.headline if isinstance(said, Suggestion) else f"Try {said.trial.change.label}"
        self.predicted: Saving | None = said.saving if isinstance(said, Suggestion) else None
        self.over = False
        self.measured: tuple[MeasuredTarget, ...] = ()
        """The results of both lanes, once the trial is over."""
        self._session = session
        self._on_over = on_over
        self._plan = trial_plan(plan, target, self.trial)
        self._task: asyncio.Task[None] | None = None
        self._said: TrialResult | None = None
        self._endpoint = self._plan.endpoint_of(self._plan.lanes[0])
        self._series = ""
        self._begun_unix_ns = 0
        self._lanes = session.live.lanes
        self._runs_before = session.live.runs

    @property
    def plan(self) -> Plan:
        """The plan of its runs."""
        return self._plan

    @property
    def settings(self) -> SeriesSettings:
        """Options of its series."""
        return trial_settings(self.trial)

    def start(self) -> None:
        """Begin the trial. Nothing may be in flight."""
        self._runs_before = self._session.live.runs
        self._begun_unix_ns = time.time_ns()
        self._session.start_series(self._plan, self.settings)
        self._lanes = self._session.live.lanes
        series = self._session.series
        assert series is not None
        self._series = series.series.uid

        async def wait() -> None:
            try:
                await series.over()
            finally:
                self.measured = tuple(found for lane in self._lanes if (found := measured_by(lane)) is not None)
                self.over = True
            self._on_over()

        self._task = asyncio.create_task(wait(), name="trial")

    def _own(self, lane: Lane) -> list[Observation]:
        """The outcomes of this trial alone: the lane may have asked the same before."""
        return [outcome for outcome in lane.current if outcome.run > self._runs_before]

    @property
    def records(self) -> list[RequestRecord | None]:
        """The latest request of both lanes."""
        if self.measured:
            return [measured.record for measured in self.measured]
        return [lane.record for lane in self._lanes]

    async def wait(self) -> None:
        """Wait for the end of the trial."""
        if self._task is not None:
            await self._task

    @property
    def tried(self) -> TrialResult:
        """The result so far."""
        before, after = self._lanes
        pairs = pairs_of(self._own(before), self._own(after), self.trial.figure)
        if self._said is None or self._said.repeats != len(pairs):
            said = conclude(
                self.id,
                self.target,
                self.headline,
                self.trial,
                self.predicted,
                pairs,
                passes=passes_of(self._own(before), self._own(after)),
                simulated=self._endpoint.simulated,
            )
            self._said = msgspec.structs.replace(
                said,
                model=before.target.model,
                endpoint=self._endpoint.name,
                prompt=clean(excerpt(self._plan.prompt_of(before.target))),
                series=self._series,
                begun_unix_ns=self._begun_unix_ns,
            )
        return self._said
