"""The board: the lanes and what the events have said of them. State of the screen as plain data."""

import msgspec

from tui.core.events import EngineFailed, EngineReady, Event, Failure, FailureKind, RequestEnded, RunEnded, Status
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord, State
from tui.core.target import Target


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request in a lane's history; `None` where the figure is undefined, as in a failed one."""

    ttft_ns: int | None
    total_ns: int | None


class Lane:
    """One target on screen: its latest request, and the outcomes of this sitting."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.record: RequestRecord | None = None
        self.outcomes: list[Outcome] = []
        self.fastest_ttft = False
        """True if this lane had the shortest TTFT of the run that ended last."""
        self.fastest_total = False

    @property
    def label(self) -> str:
        """The target's label."""
        return self.target.label

    @property
    def state(self) -> State:
        """The state of the latest request, or idle."""
        return State.IDLE if self.record is None else self.record.state


class Board:
    """All lanes. Events go in through `apply`; widgets read, and compare `version` to see whether anything changed."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.version = 0
        self.engine_ready = False
        self.engine_problem: str | None = None
        """What happened to the engine, while it has not come back."""
        self.runs = 0
        """Runs started in this sitting."""
        self.run_in_flight = False
        self.send_spread_ns: int | None = None
        """Spread of the latest run's sends."""
        self._by_request: dict[int, Lane] = {}
        self._next_request = 1

    def set_targets(self, targets: tuple[Target, ...]) -> None:
        """Show these targets; lanes whose target stays keep their contents and history."""
        kept = {_identity(lane.target): lane for lane in self.lanes}
        self.lanes = [kept.get(_identity(target)) or Lane(target) for target in targets]
        self.version += 1

    def start(self, plan: Plan) -> tuple[RequestSpec, ...]:
        """Begin a run of `plan`, whose targets are those shown; returns its requests for the engine."""
        requests = plan.requests(self._next_request)
        self._next_request += len(requests)
        self._by_request = {}
        for lane, spec in zip(self.lanes, requests, strict=True):
            lane.record = RequestRecord(spec=spec)
            lane.fastest_ttft = lane.fastest_total = False
            self._by_request[spec.request_id] = lane
        self.runs += 1
        self.run_in_flight = True
        self.send_spread_ns = None
        self.version += 1
        return requests

    def clear(self) -> None:
        """Empty the lanes and their histories. Not while a run is in flight."""
        for lane in self.lanes:
            lane.record = None
            lane.outcomes.clear()
            lane.fastest_ttft = lane.fastest_total = False
        self.version += 1

    def in_flight(self) -> tuple[int, ...]:
        """The ids of the requests that have not ended."""
        return tuple(request_id for request_id, lane in self._by_request.items() if lane.state.in_flight)

    def apply(self, events: list[Event]) -> list[RequestRecord]:
        """Take in a batch of events. Returns the requests that it ended."""
        ended: list[RequestRecord] = []
        for event in events:
            match event:
                case EngineReady():
                    self.engine_ready = True
                    self.engine_problem = None
                case EngineFailed(t_ns=t_ns, message=message):
                    self.engine_ready = False
                    self.engine_problem = message
                    ended += self._abandon(t_ns, message)
                case RunEnded(send_spread_ns=spread):
                    self.send_spread_ns = spread
                    self._finish_run()
                case _:
                    lane = self._by_request.get(getattr(event, "request_id", -1))
                    if lane is not None and lane.record is not None:
                        lane.record.apply(event)
                        if isinstance(event, RequestEnded):
                            ended.append(self._end(lane, lane.record))
        if events:
            self.version += 1
        return ended

    def _end(self, lane: Lane, record: RequestRecord) -> RequestRecord:
        if record.status is not Status.CANCELLED:
            total = record.total_ns
            lane.outcomes.append(Outcome(ttft_ns=record.ttft_ns if total is not None else None, total_ns=total))
        return record

    def _abandon(self, t_ns: int, message: str) -> list[RequestRecord]:
        """The engine is gone: its requests failed with it."""
        failure = Failure(
            kind=FailureKind.ENGINE, message=f"{message} It is being started again; run once it is ready."
        )
        ended: list[RequestRecord] = []
        for request_id in self.in_flight():
            lane = self._by_request[request_id]
            if lane.record is not None:
                lane.record.apply(RequestEnded(request_id=request_id, t_ns=t_ns, status=Status.FAILED, failure=failure))
                ended.append(self._end(lane, lane.record))
        self._finish_run()
        return ended

    def _finish_run(self) -> None:
        """Mark the fastest; with one answer alone there is nothing to compare."""
        self.run_in_flight = False
        answered = [lane for lane in self._by_request.values() if lane.record and lane.record.total_ns is not None]
        if len(answered) < 2:
            return
        for lane in answered:
            lane.fastest_ttft = _ttft(lane) == min(map(_ttft, answered))
            lane.fastest_total = _total(lane) == min(map(_total, answered))


def _ttft(lane: Lane) -> int:
    ttft = lane.record.ttft_ns if lane.record else None
    assert ttft is not None, "a complete answer has a first token"
    return ttft


def _total(lane: Lane) -> int:
    total = lane.record.total_ns if lane.record else None
    assert total is not None, "only complete answers are compared"
    return total


def _identity(target: Target) -> tuple[str | None, str, str | None]:
    return target.endpoint, target.model, target.name
