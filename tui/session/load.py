"""Load of a session: makes the records of its requests as the engine takes them up, and gathers what becomes of them.

The engine decides what is sent when. A request that is over is in the history; here only its figures are kept.

`latency-tui engine --keep-stamps` does the same beside an engine of a cluster: its `StampKeeper` stands between the
engine and whoever sends the load, who hears of each answer what its figures follow from and of no piece of it.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

import tui
from tui import child
from tui.config import paths
from tui.config.load import Flags
from tui.config.load import load as load_settings
from tui.core.engine_events import SAME_CLOCK
from tui.core.events import Content, Event, RequestEnded, RunStarted
from tui.core.host import HostFacts
from tui.core.load import (
    LevelEnded,
    LoadEnded,
    LoadEnding,
    LoadPlace,
    LoadSettings,
    RequestBegun,
    buster_of,
    plan_of,
    problem,
    request_of,
    steps_of,
)
from tui.core.load_results import LevelSummary, LoadTally
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord
from tui.core.run import StoredRun, new_run, new_uid
from tui.core.wording import counted
from tui.engine.client import PipeReader
from tui.engine.protocol import FrameSplitter, StartLoad, decode_command, decode_events, encode_events, greeting_in
from tui.history.recorder import Recorder
from tui.history.writer import OpenRun
from tui.session.live import LiveState
from tui.session.preview import Preview
from tui.session.session import Session

_LAST_WRITES_S = 5.0
"""Time for the history to take what was measured last, s."""
_Going = tuple[RequestRecord, OpenRun]
"""A request in flight, and the run that it is stored as."""


class LoadRun:
    """One load, under way or over."""

    def __init__(
        self, live: LiveState, recorder: Recorder | None, plan: Plan, settings: LoadSettings, seed: int
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.is_capped = False  # true where the budget pays for fewer requests than the settings allow
        self.seed = seed
        self.first_request = live.next_request
        self.uid = new_uid(time.time_ns())
        """Uid of the series that its requests are stored as."""
        self.steps = steps_of(settings, len(plan.lanes))
        self.at = 0
        """Index of the level under way."""
        self.is_counting = False
        """True where that is past its ramp and warm-up."""
        self.begun = self.ended = 0
        self.ending: LoadEnding | None = None
        self.on_over: Callable[[StoredRun], None] = lambda _run: None
        """Called with every request that is over, as the run that it is stored as."""
        self.on_spent: Callable[[], None] = lambda: None
        """Called when `max_usd` is reached."""
        self.facts_of: Callable[[Sequence[str]], tuple[HostFacts, ...]] = lambda _hosts: ()
        """Gives what is known of hosts, by their names; asked once for each."""
        self._facts: dict[str | None, tuple[HostFacts, ...]] = {None: ()}
        self.version = 0
        """Grows with every request that is over."""
        self._live = live
        self._recorder = recorder
        self._tally = LoadTally(live.objectives)
        self._going: dict[int, _Going] = {}
        """Requests whose ends are not stored yet, by their ids."""
        self._flying: set[int] = set()
        """Those of them that have not ended."""
        self._next = self.first_request
        self._last: dict[tuple[int, int], OpenRun] = {}
        """The latest counted run of each level at each engine."""
        self._anchor = (time.monotonic_ns(), time.time_ns())
        """One moment on this machine's clock, and on the wall's."""
        self._levels: tuple[int, list[LevelSummary]] = (-1, [])

    @property
    def is_latest(self) -> bool:
        """True while nothing was run since."""
        return self._live.next_request == self._next

    @property
    def records(self) -> list[RequestRecord]:
        """The requests in flight."""
        return [record for record, _ in self._going.values()]

    @property
    def in_flight(self) -> int:
        """Number of requests in flight."""
        return len(self._flying)

    @property
    def levels(self) -> list[LevelSummary]:
        """Every level that has counted requests which are over."""
        if self._levels[0] != self.version:
            self._levels = (self.version, self._tally.levels())
        return self._levels[1]

    @property
    def progress(self) -> str:
        """The level under way, and the requests, in words."""
        if self.ending is not None:
            return f"load over: {self.ending}, {counted(self.ended, 'request')}"
        step = self.steps[self.at]
        lanes = self.plan.lanes
        who = f"{lanes[step.lane].label}, " if len(lanes) > 1 else ""
        where = f"{who}level {step.number} of {len(self.steps) // len(lanes)}: {step.level.label}"
        phase = "counted" if self.is_counting else "ramp and warm-up"
        return f"load: {where}, {phase}, {self.in_flight} in flight, {self.ended} over"

    def record(self, number: int) -> RequestRecord | None:
        """A request whose end is not taken in; None for any other."""
        return self._going[number][0] if number in self._going else None

    def fold(self, events: Sequence[Event]) -> None:
        """Add what has arrived to the requests it belongs to; how they ended waits for `settle`."""
        for event in events:
            match event:
                case RunStarted(t_ns=t_ns, unix_ns=unix_ns):
                    self._anchor = (t_ns, unix_ns)
                case RequestBegun():
                    self._begin(event)
                case LevelEnded():
                    self._end_level(event)
                case RequestEnded(request_id=number):
                    self._flying.discard(number)
                case _:
                    if (going := self._going.get(getattr(event, "request_id", -1))) is not None:
                        going[0].apply(event)

    def settle(self, events: Sequence[Event]) -> list[RequestRecord]:
        """Take in which requests of a folded batch are over; returns them."""
        ended: list[RequestRecord] = []
        for event in events:
            match event:
                case RequestEnded(request_id=number) if number in self._going:
                    ended.append(self._end(number, event))
                case LoadEnded(ending=ending):
                    self.ending = LoadEnding.COST if self.is_capped and ending is LoadEnding.REQUESTS else ending
                    self.version += 1
                case _:
                    pass
        return ended

    def _begin(self, event: RequestBegun) -> None:
        step = self.steps[event.step]
        self.at, self.is_counting = event.step, event.since_ns is not None
        plan = plan_of(self.plan, step.lane, event.row)
        number = event.request_id - self.first_request
        spec = request_of(plan, event.request_id, buster_of(self.settings, self.seed, number))
        record = RequestRecord(spec=msgspec.structs.replace(spec, host=event.host))
        record.apply(event)
        place = LoadPlace(number=step.number, level=step.level, since_ns=event.since_ns, part=event.part)
        clock = self._live.clocks.get(event.host or "", SAME_CLOCK)
        if event.host is not None and event.host not in self._facts:
            self._facts[event.host] = self.facts_of((event.host,))
        info = msgspec.structs.replace(
            new_run(tui.__version__, self._live.sdk_version, None),
            started_unix_ns=self._anchor[1] + clock.here(event.due_ns) - self._anchor[0],
            series=self.uid,
            repeat=number + 1,
            warm_up=event.since_ns is None,
            seed=self.seed,
            load=place,
            hosts=self._facts[event.host],
        )
        if self._recorder is not None:
            run = self._recorder.begin(0, info, plan, [record])
        else:
            run = OpenRun(info=info, plan=plan, specs=(record.spec,))
        self._flying.add(event.request_id)
        self._going[event.request_id] = (record, run)
        if event.since_ns is not None:
            self._last[event.step, event.part] = run
        self.begun += 1
        self._next = max(self._next, event.request_id + 1)
        self._live.next_request = max(self._live.next_request, self._next)
        lane = self._live.lanes[step.lane]
        if lane.record is None or lane.record.status is not None:
            lane.record, lane.plan, lane.cost, lane.first = record, plan, None, ()

    def _end_level(self, event: LevelEnded) -> None:
        run = self._last.pop((event.step, event.part), None)
        if run is None or run.info.load is None:
            return
        place = msgspec.structs.replace(run.info.load, until_ns=event.until_ns, unsent=event.unsent)
        info = msgspec.structs.replace(run.info, load=place)
        if self._recorder is not None:
            self._recorder.learn(run, info)
        else:
            run.info = info
        spec = run.specs[0]
        self._tally.end_level(info, spec.target, spec.endpoint.base_url)

    def _end(self, number: int, end: RequestEnded) -> RequestRecord:
        record, run = self._going.pop(number)
        self._flying.discard(number)
        record.apply(end)
        self._live.spending.add(record)
        self._tally.add(run.info, record)
        self.ended += 1
        self.version += 1
        usd = self._live.spending.run
        if self.settings.max_usd is not None and usd is not None and usd.usd >= self.settings.max_usd:
            self.on_spent()
        self.on_over(StoredRun(info=run.info, plan=run.plan, requests=[record]))
        return record


def start_load(session: Session, plan: Plan, settings: LoadSettings) -> LoadRun | None:
    """Begin a load of `plan`, as far as the budget pays for it, from its hosts together. Nothing may be in flight.

    None if nothing was sent; `on_problem` of the session has said why.
    """
    live, hosts = session.live, plan.hosts
    if not may_start(session, plan, settings):
        return None
    plan, most = from_anywhere(plan), affordable(session.preview, live, plan, settings)
    is_capped, settings = most < settings.max_requests, msgspec.structs.replace(settings, max_requests=most)
    seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
    live.set_targets(plan.lanes)
    load = LoadRun(live, session.recorder, plan, settings, seed)
    load.is_capped = is_capped
    live.start_load(load)
    load.facts_of = session.children.engines.facts_of
    load.on_spent = lambda: session.children.engines.end_load(LoadEnding.COST)
    first, engines = load.first_request, session.children.engines
    engines.expect(hosts, plan.endpoints)
    command = StartLoad(run_id=0, plan=plan, settings=settings, seed=seed, first_request=first, series=load.uid)
    session.fire(lambda number: engines.start_load(msgspec.structs.replace(command, run_id=number), hosts))
    return load


def may_start(session: Session, plan: Plan, settings: LoadSettings) -> bool:
    """True if the load can be sent, and the budget pays for some of it; else `on_problem` has said why not."""
    preview, plan = session.preview, from_anywhere(plan)
    if (complaint := problem(settings, plan)) is not None:
        preview.on_problem(complaint)
        return False
    if not preview.may_send(plan.budget, longest(plan), series_usd=settings.max_usd):
        return False
    most, levels = affordable(preview, session.live, plan, settings), len(steps_of(settings, len(plan.lanes)))
    if most < levels:
        preview.on_problem(
            f"Nothing was sent: the budget pays for {counted(most, 'request')}, and the load has "
            f"{counted(levels, 'level')}; lower max_tokens, ask fewer levels or targets, or raise the cap."
        )
    return most >= levels


def from_anywhere(plan: Plan) -> Plan:
    """The plan of a load: its targets are asked once, by all hosts together."""
    replace = msgspec.structs.replace
    return replace(plan, hosts=(), targets=tuple(replace(target, host=None) for target in plan.targets))


def longest(plan: Plan) -> tuple[RequestSpec, ...]:
    """Requests of a load, one per target, with the row whose values are the longest: what costs the most."""
    plan, rows = from_anywhere(plan), range(len(plan.rows)) or range(1)
    row = max(rows, key=lambda at: sum(map(len, plan.rows[at].values())) if plan.rows else 0)
    return tuple(request_of(plan_of(plan, lane, row), lane) for lane in range(len(plan.lanes)))


def affordable(preview: Preview, live: LiveState, plan: Plan, settings: LoadSettings) -> int:
    """Requests that the budget pays for, each at the highest cost, and no more than the settings allow."""
    caps = [cap for cap in (plan.budget.plan_usd, settings.max_usd) if cap is not None]
    if (session_usd := plan.budget.session_usd) is not None:
        spent = live.spending.session
        caps.append(session_usd - (spent.usd if spent is not None else 0.0))
    costs = [cost.usd for spec in longest(plan) if (cost := preview.cost([spec])) is not None]
    dearest = max(costs, default=0.0)
    if not caps or not dearest:
        return settings.max_requests
    return max(0, min(settings.max_requests, int(min(caps) / dearest)))


class StampKeeper:
    """Keeper of one engine's loads: stores what it hears of them, and says of it what is to be told on."""

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._live = LiveState()
        self._load: LoadRun | None = None

    def told(self, command: StartLoad) -> None:
        """Take in that the engine is told to send a share of a load."""
        self._live.set_targets(command.plan.lanes)
        self._live.next_request = command.first_request
        self._load = LoadRun(self._live, self._recorder, command.plan, command.settings, command.seed)
        self._load.uid = command.series or self._load.uid
        self._live.start_load(self._load)

    def heard(self, events: list[Event]) -> list[Event]:
        """Take in what the engine says; returns that without the content of the load's answers."""
        going = self._load
        if going is None:
            return events
        self._live.fold(events)
        given: list[Event] = []
        for event in events:
            record = going.record(getattr(event, "request_id", -1))
            if record is not None and isinstance(event, RequestEnded):
                summary = record.timeline.summary(event.request_id)
                given += [] if summary is None else [summary]
            if record is None or not isinstance(event, Content):
                given.append(event)
        if self._recorder is not None:
            self._recorder.add(events)
        self._live.settle(events)
        return given


class _Relay:
    """Pipes to the engine and from it, with the keeper between them."""

    def __init__(self, keeper: StampKeeper, engine: "subprocess.Popen[bytes]") -> None:
        self._keeper = keeper
        self._engine = engine
        self._commands = FrameSplitter()
        self._events = FrameSplitter()
        self._beginning: bytes | None = b""
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Carry everything until the engine has ended, which it does with our standard input. Raises ChildError."""
        loop, engine = asyncio.get_running_loop(), self._engine
        descriptor = os.dup(1)
        os.dup2(2, 1)  # whatever else prints is no event
        self._in, _ = await loop.connect_write_pipe(asyncio.Protocol, engine.stdin)
        self._out, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(descriptor, "wb", buffering=0))
        await loop.connect_read_pipe(lambda: PipeReader(self._told, self._in.close), sys.stdin.buffer)
        await loop.connect_read_pipe(lambda: PipeReader(self._heard, self._over.set), engine.stdout)
        await self._over.wait()
        self._out.close()
        await asyncio.sleep(0)

    def _told(self, data: bytes) -> None:
        if self._in.is_closing():
            return
        self._in.write(data)
        for payload in self._commands.feed(data):
            command = decode_command(payload)
            if isinstance(command, StartLoad):
                self._keeper.told(command)

    def _heard(self, data: bytes) -> None:
        if self._beginning is not None:
            self._beginning += data
            if (found := greeting_in(self._beginning)) is None:
                return
            self._out.write(self._beginning[: len(self._beginning) - len(found.after)])
            self._beginning, data = None, found.after
        for payload in self._events.feed(data):
            if given := self._keeper.heard(decode_events(payload)):
                self._out.write(encode_events(given))


def keep(arguments: Sequence[str]) -> int:
    """Run an engine, with these arguments, and a keeper until its standard input ends; returns the exit status."""
    settings = load_settings(Flags(), os.environ, Path("/dev/null")).settings.history
    recorder = Recorder(paths.history_file(), settings) if settings.enabled else None
    if recorder is not None:
        recorder.on_problem = lambda sentence: print(sentence, file=sys.stderr)  # noqa: T201 - said by the parent
        recorder.start()
    # Its errors are ours: what it says last is why it ended.
    command = child.own_command("engine", *arguments)
    engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        asyncio.run(_Relay(StampKeeper(recorder), engine).run())
    finally:
        status = child.wait_or_kill(engine)
        if recorder is not None:
            recorder.close(_LAST_WRITES_S)
    return status
