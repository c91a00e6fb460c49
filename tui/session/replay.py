"""A stored run played again: the events of its requests go to a live state of their own, at their recorded moments."""

from collections.abc import Mapping

import msgspec

from tui.core.events import EngineReady, RunEnded
from tui.core.model import KnownModel
from tui.core.record import RequestRecord
from tui.core.replay import Timed, events_of_run
from tui.core.run import StoredRun
from tui.core.target import Target
from tui.session.live import Lane, LiveState

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""What faster and slower go through."""
SLOWEST, FASTEST = SPEEDS[0], SPEEDS[-1]

_NS_PER_S = 1_000_000_000


class Replay:
    """Plays one run. It knows no clock: `advance` says how much time has passed. Nothing is sent or stored."""

    def __init__(self, run: StoredRun, speed: float = 1.0, models: Mapping[str, KnownModel] | None = None) -> None:
        """`speed` is recorded seconds per second; `models` has what is known of models, for what requests cost."""
        # Numbered anew: in a file from elsewhere two may have the same number.
        self.run = msgspec.structs.replace(
            run, requests=[_numbered(record, number) for number, record in enumerate(run.requests, 1)]
        )
        self.speed = min(max(speed, SLOWEST), FASTEST)
        self.paused = False
        self.live = LiveState(models)
        self._events: list[Timed] = events_of_run(self.run)
        last = max((t_ns for t_ns, _ in self._events), default=0)
        self._events.append((last, RunEnded(run_id=1, t_ns=last, send_spread_ns=run.info.send_spread_ns)))
        self._position = 0
        self.now_ns = 0
        """The recorded moment that is shown, on the clock of the stamps."""
        self.restart()

    @property
    def over(self) -> bool:
        """Whether everything has been shown."""
        return self._position == len(self._events)

    @property
    def passed_s(self) -> float:
        """How far it is, recorded seconds."""
        return (self.now_ns - self._events[0][0]) / _NS_PER_S

    @property
    def length_s(self) -> float:
        """How long it is, recorded seconds."""
        return (self._events[-1][0] - self._events[0][0]) / _NS_PER_S

    def restart(self) -> None:
        """Go back to the start, and play."""
        self._position = 0
        self.now_ns = self._events[0][0]
        self.paused = False
        self.live.show_again(_lanes(self.run), [(place, record.spec) for place, record in _places(self.run)])
        self.live.apply([EngineReady(pid=0, sdk_version=self.run.info.sdk_version)])

    def advance(self, passed_ns: int) -> None:
        """So much time has passed, ns: show what comes up to then. Paused, nothing does."""
        if self.paused or self.over:
            return
        # Whole nanoseconds, and no more of them than there are left: a stamp from a file may be any number.
        left = self._events[-1][0] - self.now_ns
        self.now_ns += min(int(passed_ns * self.speed), left)
        end = self._position
        while end < len(self._events) and self._events[end][0] <= self.now_ns:
            end += 1
        self._show(end)

    def step(self) -> None:
        """Show the next event alone, and pause."""
        self.paused = True
        if not self.over:
            self.now_ns = self._events[self._position][0]
            self._show(self._position + 1)

    def change_speed(self, step: int) -> None:
        """Take the next of `SPEEDS` that is faster, or slower with a negative step."""
        if step > 0:
            self.speed = next((speed for speed in SPEEDS if speed > self.speed), FASTEST)
        else:
            self.speed = next((speed for speed in reversed(SPEEDS) if speed < self.speed), SLOWEST)

    def _show(self, end: int) -> None:
        events = [event for _, event in self._events[self._position : end]]
        self._position = end
        if events:
            self.live.apply(events)


def _numbered(record: RequestRecord, number: int) -> RequestRecord:
    return msgspec.structs.replace(record, spec=msgspec.structs.replace(record.spec, request_id=number))


def _places(run: StoredRun) -> list[tuple[int, RequestRecord]]:
    """Every request and the number of its lane, from 0."""
    lanes = max(1, len(_lane_records(run)))
    return [(index % lanes, record) for index, record in enumerate(run.requests)]


def _lanes(run: StoredRun) -> list[Lane]:
    specs = [record.spec for record in _lane_records(run)]
    return [Lane(Target(model=spec.model, endpoint=spec.endpoint.name, name=spec.target)) for spec in specs]


def _lane_records(run: StoredRun) -> list[RequestRecord]:
    """The first request of every lane; without any sense in the plan's lanes every request is one."""
    count = len(run.plan.asked)
    return run.requests[:count] if count and len(run.requests) % count == 0 else run.requests
