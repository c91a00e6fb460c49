"""Replay: events reach the live state at their recorded moments, and in the end everything is as it was."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.checks import CheckFinding
from tui.core.engine_events import StampSource
from tui.core.events import (
    AnswerChecked,
    AttemptFailed,
    CacheMiss,
    Content,
    Event,
    Failure,
    FailureKind,
    Instrument,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    RequestEnded,
    Responded,
    Response,
    Status,
    Usage,
    UsageReported,
)
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target
from tui.core.timeline import Timeline
from tui.session.replay import Replay, events_of, events_of_run
from tui.ui.viewmodel.lane_lines import note

MS = 1_000_000
START = 77_000 * MS


def run(copies: int = 1) -> StoredRun:
    """Two lanes, sent at 0 ms; the first has text at 100 and 300 ms, the second at 200 and 400 ms."""
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=9),
        targets=(Target(model="a"), Target(model="b")),
        endpoints=(Endpoint(name="api", base_url="http://h"),),
        default_endpoint="api",
    )
    records = []
    for copy in range(copies):
        for lane, spec in enumerate(plan.requests(40 + 2 * copy)):
            record = RequestRecord(spec=spec)
            number = spec.request_id
            stamps = [START + (100 + 100 * lane) * MS, START + (300 + 100 * lane) * MS]
            record.apply(Marked(request_id=number, mark=Mark.SENT, t_ns=START))
            record.apply(Content(request_id=number, kind=Kind.TEXT, t_ns=stamps, texts=["one ", "two"]))
            record.apply(UsageReported(request_id=number, usage=Usage(output_tokens=2)))
            record.apply(RequestEnded(request_id=number, t_ns=stamps[-1], status=Status.DONE))
            records.append(record)
    info = RunInfo(uid="u", started_unix_ns=0, app_version="", sdk_version="9", send_spread_ns=5)
    return StoredRun(info=info, plan=plan, requests=records)


def texts(replay: Replay) -> list[str]:
    return [lane.record.text() if lane.record else "" for lane in replay.live.lanes]


def states(replay: Replay) -> list[State]:
    return [lane.state for lane in replay.live.lanes]


def test_time_brings_the_events_up_to_then() -> None:
    replay = Replay(run())
    assert states(replay) == [State.CONNECTING] * 2
    replay.advance(99 * MS)
    assert texts(replay) == ["", ""]
    assert states(replay) == [State.WAITING] * 2
    replay.advance(1 * MS)
    assert texts(replay) == ["one ", ""]
    replay.advance(250 * MS)
    assert texts(replay) == ["one two", "one "]
    assert replay.live.run_in_flight
    replay.advance(10**12)
    assert replay.over
    assert states(replay) == [State.DONE] * 2
    assert replay.passed_s == replay.length_s == pytest.approx(0.4)


def test_in_the_end_every_record_is_as_it_was() -> None:
    stored = run(copies=2)
    said = CheckFinding(kind="judge", passed=False, reason="m says no: Is it?", model="m", input_tokens=5)
    stored.requests[0].checks = (said,)
    replay = Replay(stored)
    replay.advance(10**12)
    assert [
        msgspec.structs.replace(shown, spec=record.spec)
        for shown, record in zip(replay.live.records, stored.requests, strict=True)
    ] == stored.requests
    assert len(replay.live.lanes) == 2
    assert replay.live.spending.judges is None, "nothing is asked again"
    assert note(replay.live.lanes[0]) == "not passed: judge: m says no: Is it?."
    assert Figure.TOTAL in replay.live.lanes[0].first
    assert replay.live.send_spread_ns == 5
    assert stored.requests[0].spec.request_id == 40, "the stored run itself is left alone"


@pytest.mark.parametrize(("speed", "needed_ms"), [(0.1, 1_000), (1.0, 100), (100.0, 1)])
def test_speed(speed: float, needed_ms: int) -> None:
    replay = Replay(run(), speed)
    replay.advance((needed_ms - 1) * MS)
    assert texts(replay) == ["", ""]
    replay.advance(1 * MS)
    assert texts(replay) == ["one ", ""]


def test_faster_and_slower_stay_within_bounds() -> None:
    replay = Replay(run(), 3.0)
    replay.change_speed(1)
    assert replay.speed == 5.0
    for _ in range(20):
        replay.change_speed(1)
    assert replay.speed == 100.0
    for _ in range(20):
        replay.change_speed(-1)
    assert replay.speed == 0.1


def test_paused_only_steps_go_on() -> None:
    replay = Replay(run())
    replay.paused = True
    replay.advance(10**12)
    assert texts(replay) == ["", ""]
    for _ in range(3):
        replay.step()
    assert texts(replay) == ["one ", ""]
    assert replay.now_ns == START + 100 * MS
    replay.step()
    assert texts(replay) == ["one ", "one "]
    for _ in range(50):
        replay.step()
    assert replay.over


def test_it_can_begin_again() -> None:
    replay = Replay(run())
    replay.advance(10**12)
    replay.restart()
    assert texts(replay) == ["", ""]
    assert not replay.over
    replay.advance(150 * MS)
    assert texts(replay) == ["one ", ""]


def test_numbers_that_are_alike_and_a_plan_that_does_not_fit_are_no_hindrance() -> None:
    stored = run()
    stored.requests = [*stored.requests, stored.requests[0]]
    replay = Replay(stored)
    replay.advance(10**12)
    assert texts(replay) == ["one two"] * 3


PLAN = Plan(
    prompt=Prompt(user="Why?"),
    parameters=Parameters(max_tokens=9),
    targets=(Target(model="a"), Target(model="b")),
    endpoints=(Endpoint(name="api", base_url="http://h"),),
    default_endpoint="api",
)
SPECS = PLAN.requests(1)
stamps = st.integers(0, 10**6)
any_text = st.sampled_from(["", "a", "é🦜", "\n"])
failures = st.builds(Failure, kind=st.sampled_from(FailureKind), message=any_text)


@st.composite
def attempts(draw: st.DrawFn, request_id: int, *, with_content: bool) -> list[Event]:
    """Everything that may come of one attempt, but its end."""
    marks = draw(st.lists(st.sampled_from(Mark), unique=True))
    events: list[Event] = [Marked(request_id=request_id, mark=mark, t_ns=draw(stamps)) for mark in marks]
    if draw(st.booleans()):
        api_request_id = draw(st.none() | any_text)
        way = draw(st.builds(Response, proxy=st.none() | any_text, headers=st.dictionaries(any_text, any_text)))
        responded = Responded(
            request_id=request_id, t_ns=draw(stamps), http_status=200, api_request_id=api_request_id, response=way
        )
        events.append(responded)
    if with_content:
        if draw(st.booleans()):
            miss = draw(st.none() | st.builds(CacheMiss, reason=any_text))
            events.append(MessageOpened(request_id=request_id, message_id="msg", cache_miss=miss))
        arrivals = sorted(draw(st.lists(stamps, max_size=6)))
        content: list[Event] = [
            Content(request_id=request_id, kind=draw(st.sampled_from(Kind)), t_ns=[t_ns], texts=[draw(any_text)])
            for t_ns in arrivals
        ]
        if draw(st.booleans()):
            timeline = Timeline()
            for event in content:
                timeline.apply(event)
            content = [] if (summary := timeline.summary(request_id)) is None else [summary]
        events += content
        if draw(st.booleans()):
            usage = draw(st.builds(Usage, output_tokens=st.integers(0, 99), service_tier=st.none() | st.just("batch")))
            events.append(UsageReported(request_id=request_id, usage=usage))
        if draw(st.booleans()):
            events.append(Instrument(request_id=request_id, stamp_source=StampSource.KERNEL, reads=3, shared=1))
    return events


@st.composite
def told(draw: st.DrawFn, request_id: int) -> list[Event]:
    """The events of one request, in an order in which they may come."""
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 2))):
        events += draw(attempts(request_id, with_content=False))
        t_ns, failure, wait_s = draw(stamps), draw(failures), draw(st.floats(0, 10))
        events.append(AttemptFailed(request_id=request_id, t_ns=t_ns, failure=failure, wait_s=wait_s))
    events += draw(attempts(request_id, with_content=True))
    if draw(st.booleans()):
        if draw(st.booleans()):
            finding = CheckFinding(kind="not_contains", passed=False, reason="it is there", span=(0, 1))
            word = draw(st.none() | st.booleans())
            events.append(AnswerChecked(request_id=request_id, findings=(finding,), overruled=word))
        events.append(
            RequestEnded(
                request_id=request_id,
                t_ns=draw(stamps),
                status=draw(st.sampled_from(Status)),
                stop_reason=draw(st.none() | any_text),
                failure=draw(st.none() | failures),
            )
        )
    return events


def folded(number: int, events: list[Event]) -> RequestRecord:
    record = RequestRecord(spec=SPECS[number - 1])
    for event in events:
        record.apply(event)
    return record


@given(told(1))
def test_the_events_give_the_record_back(events: list[Event]) -> None:
    record = folded(1, events)
    timed = events_of(record)
    assert folded(1, [event for _, event in timed]) == record
    assert all(before <= after for (before, _), (after, _) in pairwise(timed))


@given(told(1), told(2))
def test_the_requests_of_a_run_are_told_together(first: list[Event], second: list[Event]) -> None:
    records = [folded(1, first), folded(2, second)]
    info = RunInfo(uid="u", started_unix_ns=0, app_version="", sdk_version="")
    timed = events_of_run(StoredRun(info=info, plan=PLAN, requests=records))
    fresh = {spec.request_id: RequestRecord(spec=spec) for spec in SPECS}
    for _, event in timed:
        fresh[event.request_id].apply(event)  # type: ignore[union-attr]
    assert list(fresh.values()) == records
    assert all(before <= after for (before, _), (after, _) in pairwise(timed))


def test_content_is_shown_at_its_own_moment() -> None:
    content = Content(request_id=1, kind=Kind.TEXT, t_ns=[70, 90], texts=["a", "b"])
    record = folded(1, [Marked(request_id=1, mark=Mark.SENT, t_ns=10), content])
    assert [(t_ns, type(event)) for t_ns, event in events_of(record)] == [(10, Marked), (70, Content), (90, Content)]


def test_a_request_whose_program_was_killed_ends_with_its_last_stamp() -> None:
    content = Content(request_id=1, kind=Kind.TEXT, t_ns=[70], texts=["a"])
    record = folded(1, [Marked(request_id=1, mark=Mark.SENT, t_ns=10), content])
    record.status = Status.INTERRUPTED
    again = folded(1, [event for _, event in events_of(record)])
    assert again.timeline.ended_ns == 70
    assert msgspec.structs.replace(again, timeline=record.timeline) == record


def test_without_texts_the_stamps_remain() -> None:
    kinds = (Kind.THINKING, Kind.TEXT)
    record = folded(1, [Content(request_id=1, kind=kind, t_ns=[5], texts=["x"]) for kind in kinds])
    record.pieces = []
    again = folded(1, [event for _, event in events_of(record)])
    assert again.timeline == msgspec.structs.replace(record.timeline, characters=0, first_characters=0)
    assert [text for _, text in again.pieces] == ["", ""]
