"""Live state of a session as plain data: its lanes, its engine, its series and its spending, folded from events."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tui.core.engine_events import SAME_CLOCK, ClockOffset, ClockRead, EngineFailed
from tui.core.events import EngineReady, Event, RequestEnded, RunEnded
from tui.core.lanes import successors
from tui.core.model import KnownModel
from tui.core.objectives import Objective
from tui.core.observation import observe
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.series import Repeat, Series
from tui.core.snapshot import Snapshot
from tui.core.target import Target
from tui.session.conversation import Followed, specs_of
from tui.session.lane import Emptied, InputCount, Lane, fingerprint_of
from tui.session.spending import Spending
from tui.session.standings import Standings

if TYPE_CHECKING:
    from tui.session.load import LoadRun

__all__ = ["InputCount", "Lane", "LiveState"]


class LiveState:
    """State that events change and widgets read. `version` grows with every change."""

    def __init__(self, models: Mapping[str, KnownModel] | None = None, objectives: tuple[Objective, ...] = ()) -> None:
        """`models` has the known models by id, for their prices."""
        self.spending = Spending(models if models is not None else {})
        self.objectives = objectives
        """Objectives that every lane should meet."""
        self.lanes: list[Lane] = []
        self.version = 0
        self.engine_ready = False
        self.sdk_version = ""
        """SDK version of the engine that was ready last; empty before any was."""
        self.engine_problem: str | None = None
        """Sentence on the end of the engine, while no other one is ready."""
        self.runs = 0
        """Runs started in this session."""
        self.run_in_flight = False
        self.send_spread_ns: int | None = None
        """Time from the first send of the latest run to its last, ns."""
        self.run_end: RunEnded | None = None
        self.clocks: dict[str, ClockOffset] = {}
        """Clocks of the hosts, by their names: to draw by, and for no figure."""
        self.pinned: Snapshot | None = None
        """Snapshot that the lanes are compared with."""
        self.series: Series | None = None
        """The series under way, or the one that ended last."""
        self.series_paused = False
        self.series_over = True
        self.load: LoadRun | None = None
        """The load under way, or the one that ended last."""
        self._standings = Standings()
        self._requests: dict[int, _LaneRequest] = {}
        self._repeat: Repeat | None = None
        self.next_request = 1
        """Id of the next request."""
        self.turn: int | None = None
        self.call = 0
        """Place of the latest run in a conversation; see `RequestSpec`."""

    def set_targets(self, targets: tuple[Target, ...]) -> None:
        """Show a lane for each target. A lane whose target has a successor (see `core.lanes`) goes on with it."""
        went_on = successors([lane.target for lane in self.lanes], targets)
        before, self.lanes = self.lanes, []
        for target, index in zip(targets, went_on, strict=True):
            lane = Lane(target) if index is None else before[index]
            lane.target, lane.clock = target, self.clocks.get(target.host or "", SAME_CLOCK)
            self.lanes.append(lane)
        self.version += 1

    def start(self, plan: Plan, repeat: Repeat | None = None) -> tuple[RequestSpec, ...]:
        """Begin a run of `plan`, whose targets are shown already; returns its requests in the order of sending.

        `repeat` is its place in a series, if it belongs to one.
        """
        self._repeat = repeat
        if repeat is None:
            self.series = None
        for lane in self.lanes:
            if repeat is not None and repeat.cell is not None:
                # The warm-up before the first swept run is not swept: its answer is the one to restore.
                lane.before_sweep = lane.before_sweep or lane.shown
            lane.first, lane.cannot_warm = (), False
            lane.cost = lane.warming = None
        first_ids = [self.next_request + len(self.lanes) * at for at in range(repeat.concurrency if repeat else 1)]
        copies = [specs_of(plan, repeat, first_id) for first_id in first_ids]
        order = repeat.order if repeat else range(len(self.lanes))
        self.spending.start_run()
        return self._begin(plan, [(self.lanes[at], specs[at], specs is copies[0]) for at in order for specs in copies])

    def go_on(self, plan: Plan, followed: Sequence[Followed]) -> tuple[RequestSpec, ...]:
        """Begin the next run of a conversation: requests of one turn, each with the one that it follows."""
        lanes = {lane.label: lane for lane in self.lanes}
        found = ((lanes[spec.target], before, spec) for before, spec in followed)
        return self._begin(plan, [(lane, spec, lane.record is before) for lane, before, spec in found])

    def _begin(self, plan: Plan, begun: Sequence[tuple[Lane, RequestSpec, bool]]) -> tuple[RequestSpec, ...]:
        self._requests = {}
        for lane, spec, is_shown in begun:
            record, lane.plan = RequestRecord(spec=spec), plan
            lane.fingerprint = fingerprint_of(plan, lane, self._repeat)
            if is_shown:
                lane.record, lane.cost, lane.first = record, None, ()
            self._requests[spec.request_id] = _LaneRequest(lane, record, lane.fingerprint)
            self.turn, self.call = spec.turn, spec.call
            self.next_request = max(self.next_request, spec.request_id + 1)
        for lane in self.lanes if not self.call else ():
            lane.turn = self.turn
        self.runs += 1
        self.run_in_flight = True
        self.send_spread_ns = self.run_end = None
        self.version += 1
        return tuple(record.spec for record in self.records)

    def start_warming(self, plan: Plan) -> tuple[RequestSpec, ...]:
        """Begin to warm the cache for `plan`, whose targets are shown already; returns the requests for the engine.

        The lanes keep their answers, and only the cost is counted. Without a target that caches, nothing begins.
        """
        requests = plan.warming_requests(self.next_request)
        self.next_request += len(self.lanes)
        by_target = {spec.target: spec for spec in requests}
        self._repeat = None
        self._requests = {}
        for lane in self.lanes:
            spec = by_target.get(lane.label)
            lane.cannot_warm = spec is None
            lane.warming = None if spec is None else RequestRecord(spec=spec)
            if lane.warming is not None:
                self._requests[lane.warming.spec.request_id] = _LaneRequest(lane, lane.warming, "")
        self.run_in_flight = bool(requests)
        self.version += 1
        return requests

    def show_again(self, lanes: list[Lane], requests: Sequence[tuple[int, RequestSpec]]) -> None:
        """Show empty lanes for a replay. `requests` pairs each request with the place of its lane."""
        self.lanes = lanes
        self.spending = Spending(self.spending.models)
        self._requests = {}
        for place, spec in requests:
            lane, record = lanes[place], RequestRecord(spec=spec)
            lane.record = lane.record or record
            self._requests[spec.request_id] = _LaneRequest(lane, record, "")
        self.runs, self.run_in_flight, self.send_spread_ns = 1, True, None
        self.version += 1

    def start_load(self, load: "LoadRun") -> None:
        """Begin a load. Its targets are shown already."""
        self.load, self.series, self._repeat, self._requests = load, None, None, {}
        self.spending.start_run()
        self.run_in_flight = True
        self.version += 1

    @property
    def records(self) -> Sequence[RequestRecord]:
        """The requests of the latest run, in the order of sending; of a load those in flight."""
        return [*(each.record for each in self._requests.values()), *(self.load.records if self.load else ())]

    @property
    def busy(self) -> bool:
        """True while a run is in flight or a series under way."""
        return self.run_in_flight or (self.series is not None and not self.series_over)

    def begin_series(self, series: Series) -> None:
        """Take the runs that follow for those of this series."""
        self.series = series
        self.series_over = self.series_paused = False
        self.version += 1

    def series_changed(self, *, paused: bool) -> None:
        """Note that the series went on, or was paused or resumed."""
        self.series_paused = paused
        self.version += 1

    def end_series(self) -> None:
        """Note the end of the series. After a sweep the lanes show again what they showed before it."""
        for lane in self.lanes:
            if lane.before_sweep is not None:
                lane.go_back(lane.before_sweep)
                lane.before_sweep = None
        self.series_over, self.series_paused = True, False
        self.version += 1

    def snapshot(self, name: str) -> Snapshot | None:
        """Snapshot of the present results, called `name`; None if no lane has a counted outcome."""
        lanes = tuple(each for lane in self.lanes for each in lane.snapshots())
        return Snapshot(name=name, taken_unix_ns=time.time_ns(), lanes=lanes) if lanes else None

    def compare_with(self, pinned: Snapshot | None) -> None:
        """Compare the lanes with `pinned` from now on; None ends that."""
        self.pinned = pinned
        self.version += 1

    def judge_by(self, objectives: tuple[Objective, ...]) -> None:
        """Judge every lane by these objectives from now on."""
        self.objectives = objectives
        self.version += 1

    def clear(self) -> list[tuple[Lane, Emptied]]:
        """Empty the lanes and their histories; returns what `Lane.refill` takes. Not while a run is in flight."""
        self.version += 1
        return [(lane, lane.empty()) for lane in self.lanes]

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
        if self.load is not None:
            self.load.fold(events)
        self.version += bool(events)

    def settle(self, events: list[Event]) -> list[RequestRecord]:
        """Take in what the events of a folded batch end, and what they say of the engine. Returns ended requests."""
        ended: list[RequestRecord] = [] if self.load is None else self.load.settle(events)
        for event in events:
            match event:
                case EngineReady(sdk_version=version, host=""):
                    self.engine_ready = True
                    self.sdk_version = version
                    self.engine_problem = None
                case EngineFailed(message=message, host=""):
                    self.engine_ready = False
                    self.engine_problem = message
                case RunEnded():
                    self.send_spread_ns, self.run_end = event.send_spread_ns, event
                    self._finish_run()
                case ClockRead(host=host, clock=clock):
                    self.clocks[host] = clock
                    for lane in (one for one in self.lanes if one.target.host == host):
                        lane.clock = clock
                case RequestEnded(request_id=request_id):
                    request = self._requests.get(request_id)
                    if request is not None:
                        request.record.apply(event)
                        ended.append(self._end(request))
        self.version += bool(events)
        return ended

    def _end(self, request: "_LaneRequest") -> RequestRecord:
        record = request.record
        cost = self.spending.add(record)
        if record.spec.warms_cache:
            return record
        if record is request.lane.record:
            request.lane.cost = cost
        repeat = self._repeat
        is_swept = repeat is not None and repeat.cell is not None
        counted = repeat is None or not (repeat.warm_up or is_swept)
        outcome = observe(record, run=self.runs, fingerprint=request.fingerprint, counted=counted, cost=cost)
        if outcome is not None:
            (request.lane.swept if is_swept else request.lane.outcomes).append(outcome)
        return record

    def _finish_run(self) -> None:
        self.run_in_flight = False
        if self._requests and not any(record.spec.warms_cache for record in self.records):
            took_part = list({id(each.lane): each.lane for each in self._requests.values()}.values())
            self._standings.run_over(self.lanes, took_part, self.runs, self.turn, decides=not self.call)


class _LaneRequest:
    """A request of the latest run, its lane, and the fingerprint of what it asks."""

    __slots__ = ("fingerprint", "lane", "record")

    def __init__(self, lane: Lane, record: RequestRecord, fingerprint: str) -> None:
        self.lane = lane
        self.record = record
        self.fingerprint = fingerprint
