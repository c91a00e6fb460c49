"""Replay of a stored run: its events go to a live state of their own, at their recorded moments."""

from collections.abc import Iterator, Mapping
from itertools import accumulate, chain, pairwise

import msgspec

from tui.core.events import (
    AnswerChecked,
    AttemptFailed,
    Content,
    EngineReady,
    Event,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    RequestEnded,
    Responded,
    RunEnded,
    Usage,
    UsageReported,
)
from tui.core.metrics import NS_PER_S
from tui.core.model import KnownModel
from tui.core.record import Attempt, RequestRecord
from tui.core.run import StoredRun
from tui.core.target import Target
from tui.core.timeline import Timeline
from tui.session.live import Lane, LiveState

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Speeds that the keys for faster and slower go through."""
SLOWEST, FASTEST = SPEEDS[0], SPEEDS[-1]


class Replay:
    """Player of one run. It has no clock: `advance` says how much time has passed. Nothing is sent or stored."""

    def __init__(self, run: StoredRun, speed: float = 1.0, models: Mapping[str, KnownModel] | None = None) -> None:
        """`speed` is recorded seconds per second; `models` has what is known of models, for what requests cost."""
        # Numbered anew: in a file from elsewhere two may have the same number. Hosts play on one clock.
        self.stored = run
        """The run as it is stored."""
        self.run = msgspec.structs.replace(
            run, requests=[_numbered(record, number) for number, record in enumerate(run.on_one_clock(), 1)]
        )
        self.speed = min(max(speed, SLOWEST), FASTEST)
        self.paused = False
        self.live = LiveState(models)
        self._events = _told(self.run)
        self._position = 0
        self.now_ns = 0
        """The recorded moment that is shown, on the clock of the stamps."""
        self.restart()

    @property
    def over(self) -> bool:
        """True when everything has been shown."""
        return self._position == len(self._events)

    @property
    def passed_s(self) -> float:
        """Time shown so far, recorded seconds."""
        return (self.now_ns - self._events[0][0]) / NS_PER_S

    @property
    def length_s(self) -> float:
        """Length, recorded seconds."""
        return (self._events[-1][0] - self._events[0][0]) / NS_PER_S

    def stored_record(self, shown: RequestRecord) -> RequestRecord:
        """The stored request that is shown."""
        return self.stored.requests[shown.spec.request_id - 1]

    def overrule(self, shown: RequestRecord, word: bool | None) -> None:
        """Show a person's word on an answer, now and when it is played again."""
        shown.overruled = self.run.requests[shown.spec.request_id - 1].overruled = word
        self._events = _told(self.run)
        for lane in self.live.lanes:
            lane.judge_anew(shown)
        self.live.version += 1

    def restart(self) -> None:
        """Go back to the start, and play."""
        self._position = 0
        self.now_ns = self._events[0][0]
        self.paused = False
        self.live.show_again(_lanes(self.run), [(place, record.spec) for place, record in _places(self.run)])
        self.live.apply([EngineReady(pid=0, sdk_version=self.run.info.sdk_version)])

    def advance(self, passed_ns: int) -> None:
        """Let `passed_ns` go by, and show the events up to then. A paused replay stays where it is."""
        if self.paused or self.over:
            return
        # A stamp from a file may be any number: never go beyond the last one.
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


def _told(run: StoredRun) -> "list[Timed]":
    """The events of a run to its end."""
    events = events_of_run(run)
    last = max((t_ns for t_ns, _ in events), default=0)
    return [*events, (last, RunEnded(run_id=1, t_ns=last, send_spread_ns=run.info.send_spread_ns))]


def _numbered(record: RequestRecord, number: int) -> RequestRecord:
    return msgspec.structs.replace(record, spec=msgspec.structs.replace(record.spec, request_id=number))


def _places(run: StoredRun) -> list[tuple[int, RequestRecord]]:
    """Every request and the number of its lane, from 0."""
    lanes = max(1, len(_lane_records(run)))
    return [(index % lanes, record) for index, record in enumerate(run.requests)]


def _lanes(run: StoredRun) -> list[Lane]:
    specs = [record.spec for record in _lane_records(run)]
    return [Lane(Target(model=spec.model, endpoint=spec.endpoint.name, name=spec.target), spec.turn) for spec in specs]


def _lane_records(run: StoredRun) -> list[RequestRecord]:
    """The first request of every lane; without any sense in the plan's lanes every request is one."""
    count = len(run.plan.lanes)
    return run.requests[:count] if count and len(run.requests) % count == 0 else run.requests


Timed = tuple[int, Event]
"""A moment on the clock of the stamps, ns, and the event that is shown then."""


def events_of_run(run: StoredRun) -> list[Timed]:
    """The events of all requests in order of time. The order within one request stays."""
    return sorted(chain.from_iterable(map(events_of, run.requests)), key=lambda timed: timed[0])


def events_of(record: RequestRecord) -> list[Timed]:
    """Events that fold into `record` again, from a fresh record of the same specification.

    An event without a stamp comes with the event it arrived with. Two records do not come back the same: one whose
    end was never stamped, because its program was killed, ends with its last stamp; and texts that an export left out
    come back as empty pieces, of whose characters nothing is known.
    """
    events: list[Timed] = []
    timelines = [*(attempt.timeline for attempt in record.earlier), record.timeline]
    for attempt, (timeline, following) in zip(record.earlier, pairwise(timelines), strict=True):
        events += _arrivals(record, timeline, attempt)
        ended = _last(timeline)
        wait_s = max(0, min(_stamps(following), default=0) - ended) / NS_PER_S
        if attempt is record.earlier[-1] and record.waits_s is not None:
            wait_s = record.waits_s  # it was still waiting
        request_id = record.spec.request_id
        failed = AttemptFailed(request_id=request_id, t_ns=ended, failure=attempt.failure, wait_s=wait_s)
        events.append((ended, failed))
    events += _arrivals(record, record.timeline, record)
    events += _ending(record)
    # Stamps can be out of order; clamp them so that events replay in the order in which they were emitted.
    moments = accumulate((t_ns for t_ns, _ in events), max)
    return [(moment, event) for moment, (_, event) in zip(moments, events, strict=True)]


def _arrivals(record: RequestRecord, timeline: Timeline, answered: Attempt | RequestRecord) -> list[Timed]:
    """The stamped events of one attempt, in their order; `answered` says what the server did."""
    request_id = record.spec.request_id
    events: list[Timed] = [
        (t_ns, Marked(request_id=request_id, mark=mark, t_ns=t_ns))
        for mark in Mark
        if (t_ns := getattr(timeline, f"{mark.value}_ns")) is not None
    ]
    if timeline.headers_ns is not None and answered.http_status is not None:
        responded = Responded(
            request_id=request_id,
            t_ns=timeline.headers_ns,
            http_status=answered.http_status,
            api_request_id=answered.api_request_id,
            response=answered.response,
        )
        events.append((timeline.headers_ns, responded))
    if timeline is record.timeline and record.message_id is not None:
        opened = MessageOpened(
            request_id=request_id, message_id=record.message_id, model=record.answered_by, cache_miss=record.cache_miss
        )
        events.append((timeline.message_start_ns or _last(timeline), opened))
    events += _content(record, timeline)
    return sorted(events, key=lambda timed: timed[0])


def _content(record: RequestRecord, timeline: Timeline) -> Iterator[Timed]:
    pieces = record.pieces if timeline is record.timeline else []
    if timeline.summed is not None:
        yield timeline.content_ns[-1], msgspec.structs.replace(timeline.summed, request_id=record.spec.request_id)
        return
    for index, t_ns in enumerate(timeline.content_ns):
        left_out = (_kind_left_out(timeline, index, t_ns), "")
        kind, text = pieces[index] if index < len(pieces) else left_out
        yield t_ns, Content(request_id=record.spec.request_id, kind=kind, t_ns=[t_ns], texts=[text])


def _kind_left_out(timeline: Timeline, index: int, t_ns: int) -> Kind:
    """The kind of a piece whose text an export left out, as far as the stamps tell."""
    if index < timeline.thinking_pieces:
        return Kind.THINKING
    text, other = timeline.first_text_ns, timeline.first_other_ns
    is_other = text is None or t_ns < text or (t_ns == other and other > text)
    return Kind.OTHER if other is not None and is_other else Kind.TEXT


def _ending(record: RequestRecord) -> Iterator[Timed]:
    """The last events: counts, the instrument's and the network's part, verdicts, and the end, where there is one."""
    at, request_id = _last(record.timeline), record.spec.request_id
    if record.usage != Usage():
        yield at, UsageReported(request_id=request_id, usage=record.usage)
    if record.instrument is not None:
        yield at, msgspec.structs.replace(record.instrument, request_id=request_id)
    if record.network is not None:
        yield at, msgspec.structs.replace(record.network, request_id=request_id)
    if record.checks:
        yield at, AnswerChecked(request_id=request_id, findings=record.checks, overruled=record.overruled)
    if record.status is not None:
        ended = RequestEnded(
            request_id=request_id,
            t_ns=at,
            status=record.status,
            stop_reason=record.stop_reason,
            stop_details=record.stop_details,
            failure=record.failure,
        )
        yield at, ended


def _stamps(timeline: Timeline) -> list[int]:
    single = (getattr(timeline, name) for name in timeline.__struct_fields__ if name.endswith("_ns"))
    return [stamp for stamp in chain(single, timeline.content_ns) if isinstance(stamp, int)]


def _last(timeline: Timeline) -> int:
    """The stamp of the end, else the last stamp there is."""
    return timeline.ended_ns if timeline.ended_ns is not None else max(_stamps(timeline), default=0)
