"""The live: the lanes and what the events have said of them. State of the screen as plain data."""

import time
from collections.abc import Mapping, Sequence

import msgspec

from tui.core.events import EngineFailed, EngineReady, Event, RequestEnded, RunEnded
from tui.core.lanes import successors
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.outcome import outcome_of
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.series import Repeat, Series
from tui.core.snapshot import Snapshot
from tui.core.sweep import swept
from tui.core.target import Target
from tui.session.lane import InputCount, Lane, fingerprint_of
from tui.session.ledger import Ledger

__all__ = ["InputCount", "Lane", "LiveState"]


class LiveState:
    """All lanes. Events go in through `apply`; widgets read, and compare `version` to see whether anything changed."""

    def __init__(self, models: Mapping[str, KnownModel] | None = None, objectives: tuple[Objective, ...] = ()) -> None:
        """`models` has what is known of models, by id, for what requests cost."""
        self.ledger = Ledger(models if models is not None else {})
        self.objectives = objectives
        """What every lane is to keep."""
        self.lanes: list[Lane] = []
        self.version = 0
        self.engine_ready = False
        self.sdk_version = ""
        """Of the engine that was ready last; empty before any was."""
        self.engine_problem: str | None = None
        """What happened to the engine, while it has not come back."""
        self.runs = 0
        """Runs started in this session."""
        self.run_in_flight = False
        self.send_spread_ns: int | None = None
        """Spread of the latest run's sends."""
        self.baseline: Snapshot | None = None
        """What the lanes are compared with."""
        self.series: Series | None = None
        """The series under way, or the one that ended last."""
        self.series_paused = False
        self.series_over = True
        self._requests: dict[int, _Request] = {}
        self._repeat: Repeat | None = None
        self._next_request = 1

    def set_targets(self, targets: tuple[Target, ...]) -> None:
        """Show these targets; lanes whose target goes on (see `successors`) keep their contents and history."""
        went_on = successors([lane.target for lane in self.lanes], targets)
        before, self.lanes = self.lanes, []
        for target, index in zip(targets, went_on, strict=True):
            lane = Lane(target) if index is None else before[index]
            lane.target = target
            self.lanes.append(lane)
        self.version += 1

    def start(self, plan: Plan, repeat: Repeat | None = None) -> tuple[RequestSpec, ...]:
        """Begin a run of `plan`, whose targets are those shown; returns its requests for the engine, in their order.

        `repeat` says how, when the run is one of a series.
        """
        self._repeat = repeat
        self._requests = {}
        if repeat is None:
            self.series = None
        for lane in self.lanes:
            if repeat is not None and repeat.cell is not None:
                # The warm-up's, at the beginning: that asks what the plan asks.
                lane.before_sweep = lane.before_sweep or lane.shown
            lane.fastest_ttft = lane.fastest_total = lane.cannot_warm = False
            lane.cost = lane.warming = None
        fired: list[RequestSpec] = []
        copies = [self._specs(plan, repeat) for _ in range(repeat.concurrency if repeat else 1)]
        for index in repeat.order if repeat else range(len(self.lanes)):
            lane = self.lanes[index]
            lane.plan = plan
            for copy, specs in enumerate(copies):
                record = RequestRecord(spec=specs[index])
                if copy == 0:
                    lane.record = record
                self._requests[record.spec.request_id] = _Request(lane, record, fingerprint_of(plan, lane, repeat))
                fired.append(record.spec)
        self.runs += 1
        self.ledger.start_run()
        self.run_in_flight = True
        self.send_spread_ns = None
        self.version += 1
        return tuple(fired)

    def _specs(self, plan: Plan, repeat: Repeat | None) -> tuple[RequestSpec, ...]:
        specs = plan.requests(self._next_request)
        self._next_request += len(specs)
        if repeat is not None and (cell := repeat.cell) is not None:
            specs = tuple(swept(spec, cell) for spec in specs)
        if repeat is not None and (buster := repeat.cache_buster) is not None:
            specs = tuple(msgspec.structs.replace(spec, prompt=spec.prompt.begun_with(buster)) for spec in specs)
        return specs

    def start_warming(self, plan: Plan) -> tuple[RequestSpec, ...]:
        """Begin to warm the cache for `plan`, whose targets are those shown; returns the requests for the engine.

        They are kept apart: lanes keep their answers, and nothing is counted but the cost. Without any request nothing
        is begun.
        """
        requests = plan.warming_requests(self._next_request)
        self._next_request += len(self.lanes)
        by_target = {spec.target: spec for spec in requests}
        self._repeat = None
        self._requests = {}
        for lane in self.lanes:
            spec = by_target.get(lane.label)
            lane.cannot_warm = spec is None
            lane.warming = None if spec is None else RequestRecord(spec=spec)
            if lane.warming is not None:
                self._requests[lane.warming.spec.request_id] = _Request(lane, lane.warming, "")
        self.run_in_flight = bool(requests)
        self.version += 1
        return requests

    def show_again(self, lanes: list[Lane], requests: Sequence[tuple[int, RequestSpec]]) -> None:
        """Show these lanes, empty, in which a stored run's requests are told again: each with its lane's number."""
        self.lanes = lanes
        self.ledger = Ledger(self.ledger.models)
        self._requests = {}
        for place, spec in requests:
            lane, record = lanes[place], RequestRecord(spec=spec)
            lane.record = lane.record or record
            self._requests[spec.request_id] = _Request(lane, record, "")
        self.runs = 1
        self.run_in_flight = True
        self.send_spread_ns = None
        self.version += 1

    @property
    def records(self) -> Sequence[RequestRecord]:
        """Every request of the latest run, in the order in which they were asked."""
        return [request.record for request in self._requests.values()]

    @property
    def busy(self) -> bool:
        """True while a run is in flight or a series under way."""
        return self.run_in_flight or (self.series is not None and not self.series_over)

    def begin_series(self, series: Series) -> None:
        """The runs that follow belong to this series."""
        self.series = series
        self.series_over = self.series_paused = False
        self.version += 1

    def series_changed(self, *, paused: bool) -> None:
        """The series went on, or was paused or resumed."""
        self.series_paused = paused
        self.version += 1

    def end_series(self) -> None:
        """The series is over. A sweep's answers are to other questions: the lanes go back to what they showed."""
        for lane in self.lanes:
            if lane.before_sweep is not None:
                lane.go_back(lane.before_sweep)
                lane.before_sweep = None
        self.series_over = True
        self.series_paused = False
        self.version += 1

    def snapshot(self, name: str) -> Snapshot | None:
        """What stands in the lanes now under a name; None if no lane has a counted outcome."""
        lanes = tuple(lane_ for lane in self.lanes if (lane_ := lane.snapshot()) is not None)
        return Snapshot(name=name, taken_unix_ns=time.time_ns(), lanes=lanes) if lanes else None

    def compare_with(self, baseline: Snapshot | None) -> None:
        """From now on the lanes show how they differ from this; None ends that."""
        self.baseline = baseline
        self.version += 1

    def judge_by(self, objectives: tuple[Objective, ...]) -> None:
        """From now on every lane is to keep these."""
        self.objectives = objectives
        self.version += 1

    def clear(self) -> None:
        """Empty the lanes and their histories. Not while a run is in flight."""
        for lane in self.lanes:
            lane.record = lane.warming = lane.cost = None
            lane.outcomes.clear()
            lane.swept.clear()
            lane.fastest_ttft = lane.fastest_total = lane.cannot_warm = False
        self.version += 1

    def in_flight(self) -> tuple[int, ...]:
        """The ids of the requests that have not ended."""
        return tuple(number for number, request in self._requests.items() if request.record.state.in_flight)

    def apply(self, events: list[Event]) -> list[RequestRecord]:
        """Fold a batch and settle it at once, where nothing has to be stored first."""
        self.fold(events)
        return self.settle(events)

    def fold(self, events: list[Event]) -> None:
        """Add what has arrived to the requests it belongs to. How they ended waits for `settle`."""
        for event in events:
            request = self._requests.get(getattr(event, "request_id", -1))
            if request is not None and not isinstance(event, RequestEnded):
                request.record.apply(event)
        if events:
            self.version += 1

    def settle(self, events: list[Event]) -> list[RequestRecord]:
        """Take in what the events of a folded batch end, and what they say of the engine. Returns ended requests."""
        ended: list[RequestRecord] = []
        for event in events:
            match event:
                case EngineReady(sdk_version=version):
                    self.engine_ready = True
                    self.sdk_version = version
                    self.engine_problem = None
                case EngineFailed(message=message):
                    self.engine_ready = False
                    self.engine_problem = message
                    ended += self._abandon(event)
                case RunEnded(send_spread_ns=spread):
                    self.send_spread_ns = spread
                    self._finish_run()
                case RequestEnded(request_id=request_id):
                    request = self._requests.get(request_id)
                    if request is not None:
                        request.record.apply(event)
                        ended.append(self._end(request))
                case _:
                    pass
        if events:
            self.version += 1
        return ended

    def _end(self, request: "_Request") -> RequestRecord:
        record = request.record
        cost = self.ledger.add(record)
        if record.spec.warms_cache:
            return record
        if record is request.lane.record:
            request.lane.cost = cost
        repeat = self._repeat
        is_swept = repeat is not None and repeat.cell is not None
        counted = repeat is None or not (repeat.warm_up or is_swept)
        outcome = outcome_of(record, run=self.runs, asked=request.asked, counted=counted)
        if outcome is not None:
            (request.lane.swept if is_swept else request.lane.outcomes).append(outcome)
        return record

    def _abandon(self, gone: EngineFailed) -> list[RequestRecord]:
        """The engine is gone: its requests are interrupted with it."""
        ended: list[RequestRecord] = []
        for request_id in self.in_flight():
            request = self._requests[request_id]
            request.record.apply(gone.end_of(request_id))
            ended.append(self._end(request))
        self._finish_run()
        return ended

    def _finish_run(self) -> None:
        """Mark the fastest; with one answer alone there is nothing to compare."""
        self.run_in_flight = False
        if any(record.spec.warms_cache for record in self.records):
            return
        answered = [lane for lane in self.lanes if lane.record and lane.record.total_ns is not None]
        if len(answered) < 2:
            return
        for lane in answered:
            lane.fastest_ttft = _ttft(lane) == min(map(_ttft, answered))
            lane.fastest_total = _total(lane) == min(map(_total, answered))


class _Request:
    """A request of the latest run, and the lane it belongs to."""

    __slots__ = ("asked", "lane", "record")

    def __init__(self, lane: Lane, record: RequestRecord, asked: str) -> None:
        self.lane = lane
        self.record = record
        self.asked = asked


def _ttft(lane: Lane) -> int:
    ttft = lane.record.ttft_ns if lane.record else None
    assert ttft is not None, "a complete answer has a first token"
    return ttft


def _total(lane: Lane) -> int:
    total = lane.record.total_ns if lane.record else None
    assert total is not None, "only complete answers are compared"
    return total
