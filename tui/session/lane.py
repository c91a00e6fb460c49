"""A lane: one target on screen, its latest request, and the outcomes of this session."""

from collections.abc import Sequence

import msgspec

from tui.core.cost import Cost
from tui.core.decomposition import FEWEST, Fit, fit
from tui.core.engine_events import SAME_CLOCK
from tui.core.figures import Figure
from tui.core.grouping import fingerprint
from tui.core.host_difference import HostAnswers
from tui.core.observation import Observation, judged_anew
from tui.core.plan import Plan
from tui.core.prompt import turn_name
from tui.core.record import RequestRecord, State
from tui.core.series import Repeat
from tui.core.snapshot import LaneSnapshot
from tui.core.target import Target
from tui.core.wording import format_count

_MOST_FITTED = 200
"""Answers to the plan, and as many to sweeps, that a fit takes."""


class InputCount(msgspec.Struct, frozen=True, kw_only=True):
    """Length of a prompt in tokens."""

    tokens: int
    is_estimate: bool
    """True where the endpoint has not counted them."""

    @property
    def text(self) -> str:
        """Short: `1,234`; `~1,200` where they are estimated."""
        return f"{'~' if self.is_estimate else ''}{format_count(self.tokens)}"


class OutcomesReader:
    """A place in a list of outcomes that grows and may be cleared: every outcome is read once."""

    def __init__(self) -> None:
        self._count = 0
        self._last: Observation | None = None

    def read(self, outcomes: list[Observation]) -> tuple[list[Observation], bool]:
        """The outcomes that came since the last reading, and whether the list was cleared before them."""
        cleared = self._count > len(outcomes) or (self._count > 0 and outcomes[self._count - 1] is not self._last)
        since = outcomes[0 if cleared else self._count :]
        self._count = len(outcomes)
        self._last = outcomes[-1] if outcomes else None
        return since, cleared


class Shown(msgspec.Struct, frozen=True):
    """Part of a lane that belongs to its latest request."""

    record: RequestRecord
    cost: Cost | None
    first: tuple[Figure, ...]


class Emptied(msgspec.Struct, frozen=True):
    """Results that were taken out of a lane."""

    shown: Shown | None
    outcomes: tuple[Observation, ...]
    swept: tuple[Observation, ...]
    plan: Plan | None

    @property
    def count(self) -> int:
        """Results that are lost with it."""
        return len(self.outcomes) or int(self.shown is not None)


class Lane:
    """One target on screen: its latest request, and the outcomes of this session."""

    def __init__(self, target: Target, turn: int | None = None) -> None:
        self.target = target
        self.record: RequestRecord | None = None
        """Its latest request; of several at once the first."""
        self.cost: Cost | None = None
        """Cost of the latest request; absent while it runs and where it is not known."""
        self.warming: RequestRecord | None = None
        """The request that last warmed the cache for this lane, until the lane asks something."""
        self.cannot_warm = False
        """True if the cache was to be warmed, and this lane's prompt is not cached."""
        self.next_input: InputCount | None = None
        """Input tokens of what the lane would be asked now."""
        self.outcomes: list[Observation] = []
        """All outcomes of this session, warm-up included, without cancelled requests."""
        self.swept: list[Observation] = []
        """Outcomes of this session's sweeps, for fits alone."""
        self.before_sweep: Shown | None = None
        """The answer to show again after the sweep that is under way."""
        self.plan: Plan | None = None
        """Plan of the latest run."""
        self.clock = SAME_CLOCK
        """Clock of its host, to draw by."""
        self.fingerprint = ""
        """Fingerprint of what the latest run asks, from its start on; empty before any."""
        self.first: tuple[Figure, ...] = ()
        """Figures in which this lane was first in the run that ended last: one run tells no more."""
        self.fastest: tuple[Figure, ...] = ()
        """Figures in which it is usually the fastest of all lanes, surely; see `Standings`."""
        self._current: list[Observation] = []
        self._current_fingerprint = ""
        self.turn = turn
        """The turn of the conversation of which figures are shown; other turns are other measurements."""
        self._reader = OutcomesReader()

    def empty(self) -> Emptied:
        """Take everything that was measured out of the lane."""
        taken = Emptied(self.shown, tuple(self.outcomes), tuple(self.swept), self.plan)
        self.record = self.warming = self.cost = None
        self.outcomes.clear()
        self.swept.clear()
        self.first, self.fastest, self.cannot_warm = (), (), False
        return taken

    def refill(self, taken: Emptied) -> None:
        """Put what was taken out in front of what was measured since."""
        self.outcomes[:0] = taken.outcomes
        self.swept[:0] = taken.swept
        if self.record is None and taken.shown is not None:
            self.go_back(taken.shown)
            self.plan = self.plan or taken.plan

    def judge_anew(self, record: RequestRecord) -> int:
        """Take over the verdict that a request has now; returns the number of its run, 0 for another lane's."""
        places = [at for at, one in enumerate(self.outcomes) if one.is_of(record)]
        if not places or self.target.model != record.spec.model:
            return 0
        if self.record is not None and self.record.timeline.sent_ns == record.timeline.sent_ns:
            self.record.overruled = record.overruled
        self.outcomes[:] = judged_anew(self.outcomes, record)
        # Whoever has read them knows the last one: another in its place says that all are to be read again.
        self.outcomes[-1] = msgspec.structs.replace(self.outcomes[-1])
        return self.outcomes[places[0]].run

    @property
    def label(self) -> str:
        """The target's label."""
        return self.target.label

    @property
    def current(self) -> list[Observation]:
        """Counted outcomes with the latest fingerprint, of one turn: repeated measurements of one thing."""
        self._read()
        return list(self._current) if self.turn is None else self.of_turn(self._current)

    @property
    def from_host(self) -> HostAnswers | None:
        """The same as answers to one host; None where the plan names no hosts."""
        if (host := self.target.host) is None:
            return None
        return HostAnswers(target=self.label.removesuffix(f" · {host}"), host=host, observations=tuple(self.current))

    def _read(self) -> None:
        # Each is read once: this is asked for after every run.
        since, cleared = self._reader.read(self.outcomes)
        if cleared:
            self._current = []
        for outcome in since:
            if outcome.fingerprint != self._current_fingerprint:
                self._current, self._current_fingerprint = [], outcome.fingerprint
            if outcome.counted:
                self._current.append(outcome)

    @property
    def all_turns(self) -> list[Observation]:
        """Counted outcomes with the latest fingerprint, of all turns and results of tools."""
        self._read()
        return list(self._current)

    def of_turn(self, outcomes: Sequence[Observation]) -> list[Observation]:
        """Those of the turn whose figures are shown, without the answers to results of tools."""
        return [one for one in outcomes if one.turn == self.turn and not one.call]

    @property
    def measured_name(self) -> str:
        """Name of what its figures are of: the label, in a conversation with the turn."""
        return " · ".join(filter(None, (self.label, turn_name(self.turn))))

    def snapshot(self) -> LaneSnapshot | None:
        """Snapshot of the present repeats and of what was asked; None without a counted one."""
        current = self.current
        if not current or self.plan is None:
            return None
        return LaneSnapshot(
            name=self.measured_name,
            target=self.label,
            model=self.target.model,
            endpoint=self.plan.endpoint_of(self.target).name,
            host=self.target.host,
            prompt=self.plan.prompt_of(self.target),
            parameters=self.plan.parameters_of(self.target),
            observations=tuple(current),
            runs=tuple(dict.fromkeys(outcome.run for outcome in current)),
        )

    def snapshots(self) -> list[LaneSnapshot]:
        """Snapshots of all turns of a conversation; at most one without."""
        shown, found = self.turn, []
        for turn in dict.fromkeys(one.turn for one in self.all_turns):
            self.turn = turn
            found.append(self.snapshot())
        self.turn = shown
        return [one for one in found if one is not None]

    def fit(self, fewest: int = FEWEST) -> Fit:
        """Fit of the time per token to the lane's answers, sweeps included, if they are `fewest` or more."""
        # The latest of both: a long series must not push out the sweep, from which alone the lengths can be told.
        counted = (one for one in self.outcomes[-_MOST_FITTED:] if one.counted)
        in_order = sorted([*counted, *self.swept[-_MOST_FITTED:]], key=lambda one: one.run)
        return fit(in_order, fewest=fewest)

    @property
    def shown(self) -> Shown | None:
        """The part that belongs to the latest request; None without one."""
        if self.record is None:
            return None
        return Shown(self.record, self.cost, self.first)

    def go_back(self, shown: Shown) -> None:
        """Show an earlier answer again."""
        self.record, self.cost, self.first = shown.record, shown.cost, shown.first

    @property
    def state(self) -> State:
        """The state of the latest request, or idle."""
        return State.IDLE if self.record is None else self.record.state


def fingerprint_of(plan: Plan, lane: "Lane", repeat: Repeat | None) -> str:
    """Digest of what a lane's target is asked: requests with the same one are repeats of one measurement.

    The variables' values are part of it, but not in a series, which goes through all rows. A sweep keeps the
    fingerprint of the run or series before it, so that it does not start a new group of repeats.
    """
    in_use, of_all_rows = fingerprint(plan, lane.target, plan.values()), fingerprint(plan, lane.target, {})
    if repeat is None:
        return in_use
    if repeat.sweep and lane.outcomes and lane.outcomes[-1].fingerprint == in_use:
        return in_use
    return of_all_rows
