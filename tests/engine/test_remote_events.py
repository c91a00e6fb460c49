"""Events of an engine that somebody else may have written."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tui.core.arrivals import Arrivals, ContentSummed, GapSketch
from tui.core.engine_events import SAME_CLOCK, Armed, ClockOffset, ClockRead, EngineFailed, Hello, Ponged, StampSource
from tui.core.events import (
    AnswerChecked,
    Answered,
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    ModelsListed,
    RequestEnded,
    RunEnded,
    RunStarted,
    Status,
    TokensCounted,
    Usage,
    UsageReported,
)
from tui.core.load import LevelEnded, LoadEnded, LoadEnding, LoadSettings, RequestBegun
from tui.core.load_shares import Ration, Share
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Retries, Target, Timeouts
from tui.core.timeline import Timeline
from tui.engine import remote_events
from tui.engine.api_keys import COMMAND_WITHIN_S
from tui.engine.limits import Limits
from tui.engine.protocol import CancelRequests, CountTokens, Deal, Fire, ListModels, Ping, StartLoad, StartRun
from tui.engine.remote_events import RemoteEngine
from tui.errors import ChildError

GATEWAY = Endpoint(name="gateway", base_url="https://gateway.test")
HOUR_NS = 3_600_000_000_000


def spec(number: int) -> RequestSpec:
    return RequestSpec(
        request_id=number,
        target="lane",
        model="m",
        endpoint=GATEWAY,
        prompt=Prompt(user="Hello"),
        parameters=Parameters(max_tokens=1),
        timeouts=Timeouts(connect=0.01),
    )


def hello(mono_ns: int | None = None) -> Hello:
    return Hello(
        app_version="1",
        sdk_version="1",
        python="3",
        platform="x",
        hostname="h",
        pid=1,
        stamp_source=StampSource.READ,
        resolution_ns=1,
        unix_ns=1,
        mono_ns=time.monotonic_ns() if mono_ns is None else mono_ns,
    )


def heard(engine: RemoteEngine, *events: Event) -> list[Event]:
    return engine.hear(msgspec.msgpack.encode(list(events)))


def running(*, is_held: bool = False, give_up: Callable[[str], None] = pytest.fail) -> RemoteEngine:
    """One that has begun, and was given the requests 1 and 2 as run 1."""
    engine = RemoteEngine(give_up)
    heard(engine, hello(), EngineReady(pid=1, sdk_version="1"))
    engine.told(StartRun(run_id=1, requests=(spec(1), spec(2)), is_held=is_held))
    return engine


def text(number: int = 1, t_ns: int | None = None) -> Content:
    return Content(
        request_id=number, kind=Kind.TEXT, t_ns=[time.monotonic_ns() if t_ns is None else t_ns], texts=["\x1b[31m"]
    )


def ended(number: int, message: str = "gone") -> RequestEnded:
    failure = Failure(kind=FailureKind.CONNECTION, message=message)
    return RequestEnded(request_id=number, t_ns=time.monotonic_ns(), status=Status.FAILED, failure=failure)


async def test_words_are_cleaned_and_an_answers_text_stays_as_it_came() -> None:
    engine = running()
    content = text()
    end, kept = heard(engine, ended(2, "\x1b[2Jgone\u202e"), content)
    assert isinstance(end, RequestEnded)
    assert end.failure is not None
    assert end.failure.message == "\u241b[2Jgone\ufffd"
    assert kept == content
    engine.stop()


async def test_words_that_are_shown_whole_have_an_end() -> None:
    engine = RemoteEngine(pytest.fail)
    (said,) = heard(engine, msgspec.structs.replace(hello(), hostname="h" * 10_000, platform="\x1b" * 10_000))
    assert isinstance(said, Hello)
    assert (len(said.hostname), said.platform) == (200, "\u241b" * 200)
    engine.told(StartRun(run_id=1, requests=(spec(1),)))
    (end,) = heard(engine, ended(1, "no" * 100_000))
    assert isinstance(end, RequestEnded)
    assert end.failure is not None
    assert len(end.failure.message) == 4_001
    engine.stop()


@pytest.mark.parametrize(
    "event",
    [
        ClockRead(host="other", clock=ClockOffset()),
        EngineFailed(t_ns=1, message="all hosts are down", host="other"),
        AnswerChecked(request_id=1, findings=()),
        LoadEnded(ending=LoadEnding.ENGINE),
        Answered(ask_id=-1, text="yes"),
        EngineReady(pid=1, sdk_version="again"),
        Ponged(number=1, t_ns=1),
        Armed(run_id=1),
        RunStarted(run_id=2, t_ns=1, unix_ns=1, request_ids=(1,)),
        RunEnded(run_id=1, t_ns=1),
        text(3),
        TokensCounted(count_id=1, input_tokens=1),
        ModelsListed(endpoint="gateway"),
        Answered(ask_id=1),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_what_it_was_not_asked_for_is_refused(event: Event) -> None:
    engine = running()
    with pytest.raises(ChildError, match="for which it was not asked"):
        heard(engine, event)
    engine.stop()


async def test_a_load_has_no_other_requests_than_those_that_were_dealt() -> None:
    engine = running()
    plan = Plan(
        prompt=Prompt(user="u"),
        parameters=Parameters(max_tokens=1),
        targets=(Target(model="m"),),
        endpoints=(GATEWAY,),
        default_endpoint="gateway",
    )
    load = StartLoad(
        run_id=2, plan=plan, settings=LoadSettings(max_requests=50), seed=1, first_request=10, share=Share(part=0, of=2)
    )
    now = time.monotonic_ns()

    def begun(number: int, due_ns: int = now) -> RequestBegun:
        return RequestBegun(request_id=number, step=0, row=0, due_ns=due_ns)

    with pytest.raises(ChildError, match="RequestBegun, for which"):
        heard(engine, begun(10))
    for command in (load, Deal(run_id=2, ration=Ration(step=0, numbers=(0, 3, 99))), Fire(run_id=2, at_ns=now)):
        engine.told(command)
    assert len(heard(engine, Armed(run_id=2), begun(10), text(10), ended(10), begun(13))) == 5
    for wrong in (begun(10), begun(11), begun(109), begun(1), Armed(run_id=2), RunEnded(run_id=2, t_ns=now)):
        with pytest.raises(ChildError, match="for which it was not asked"):
            heard(engine, wrong)
    level = LevelEnded(step=0, since_ns=now, until_ns=now + HOUR_NS)
    for early in (level, begun(13, now + HOUR_NS)):
        with pytest.raises(ChildError, match=r"still to come|not asked"):
            heard(engine, early)
    assert len(heard(engine, ended(13), LoadEnded(ending=LoadEnding.COMPLETE), RunEnded(run_id=2, t_ns=now))) == 3
    with pytest.raises(ChildError, match="LoadEnded, for which"):
        heard(engine, LoadEnded(ending=LoadEnding.COMPLETE))
    engine.stop()


def summed(**changed: Any) -> ContentSummed:
    now = time.monotonic_ns()
    timeline = Timeline(content_ns=[now, now + 1_000, now + 9_000])
    found = timeline.summary(1)
    assert found is not None
    return msgspec.structs.replace(found, **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"gaps": GapSketch(buckets={1: 2**60})},
        {"gaps": GapSketch(buckets={10**9: 2})},
        {"gaps": GapSketch(buckets={1: 3}, none=-1)},
        {"gaps": GapSketch(none=5)},
        {"thinking_pieces": 4},
        {"characters": -1},
        {"arrivals": Arrivals(pieces=10**9, bursts=1, apart_ns=None, together=1, burst_ns=1, span_ns=1)},
    ],
)
async def test_a_summary_that_no_answer_has_is_refused(changed: dict[str, Any]) -> None:
    engine = running()
    assert len(heard(engine, summed())) == 1
    with pytest.raises(ChildError, match="summed content up to what no answer has"):
        heard(engine, summed(**changed))
    with pytest.raises(ChildError, match="still to come"):
        heard(engine, summed(last_ns=time.monotonic_ns() + HOUR_NS))
    engine.stop()


async def test_what_it_was_asked_for_is_taken_once() -> None:
    engine = running()
    for command in (CountTokens(requests=(spec(7),)), ListModels(endpoints=(GATEWAY,)), Ping(number=1)):
        engine.told(command)
    now = time.monotonic_ns()
    for event in (TokensCounted(count_id=7), ModelsListed(endpoint="gateway"), Ponged(number=1, t_ns=now)):
        assert heard(engine, event) == [event]
        with pytest.raises(ChildError, match="not asked"):
            heard(engine, event)
    engine.stop()


async def test_nothing_is_taken_of_a_request_that_is_over_and_a_run_ends_with_its_requests() -> None:
    engine = running()
    assert len(heard(engine, ended(1), text(1), ended(1))) == 1
    with pytest.raises(ChildError, match="RunEnded"):
        heard(engine, RunEnded(run_id=1, t_ns=time.monotonic_ns()))
    assert len(heard(engine, ended(2), RunEnded(run_id=1, t_ns=time.monotonic_ns()))) == 2
    engine.stop()


def test_it_says_who_it_is_first_and_once() -> None:
    with pytest.raises(ChildError, match="not at first"):
        heard(RemoteEngine(pytest.fail), EngineReady(pid=1, sdk_version="1"))
    with pytest.raises(ChildError, match="twice"):
        heard(RemoteEngine(pytest.fail), hello(), hello())


@pytest.mark.parametrize(
    "event",
    [
        Marked(request_id=1, mark=Mark.SENT, t_ns=2**63),
        Marked(request_id=1, mark=Mark.SENT, t_ns=-(2**63)),
        Content(request_id=1, kind=Kind.TEXT, t_ns=[1, 2**64 - 1], texts=["a", "b"]),
        UsageReported(request_id=1, usage=Usage(output_tokens=2**63)),
    ],
)
async def test_numbers_that_nothing_could_take_are_refused(event: Event) -> None:
    engine = running()
    with pytest.raises(ChildError, match="no clock and no counter"):
        heard(engine, event)
    engine.stop()


async def test_pieces_need_a_stamp_each() -> None:
    engine = running()
    with pytest.raises(ChildError, match="a stamp each"):
        heard(engine, Content(request_id=1, kind=Kind.TEXT, t_ns=[time.monotonic_ns()], texts=["a", "b"]))
    engine.stop()


@pytest.mark.parametrize("apart_ns", [0, 100_000 * 1_000_000_000, -HOUR_NS])
async def test_stamps_lie_between_its_beginning_and_now_whatever_its_clock(apart_ns: int) -> None:
    def now() -> int:
        return time.monotonic_ns() + apart_ns

    engine = RemoteEngine(pytest.fail)
    heard(engine, hello(now()))
    engine.told(StartRun(run_id=1, requests=(spec(1),)))
    for read in (False, True):
        if read:
            engine.clock_read(ClockOffset(offset_ns=apart_ns))
        assert len(heard(engine, text(t_ns=now()))) == 1
        for stamp in (now() + HOUR_NS, now() + 5_000_000_000):
            with pytest.raises(ChildError, match="still to come"):
                heard(engine, text(t_ns=stamp))
        with pytest.raises(ChildError, match="before it began"):
            heard(engine, text(t_ns=now() - HOUR_NS))
    engine.told(Ping(number=1))
    with pytest.raises(ChildError, match="Ponged of a moment that is still to come"):
        heard(engine, Ponged(number=1, t_ns=now() + HOUR_NS))
    engine.stop()


async def test_a_machine_that_slept_does_not_take_anothers_stamps_for_the_future(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Our CLOCK_MONOTONIC stands still in a sleep of an hour; theirs goes on, and so does our wall clock."""
    engine = running()
    engine.clock_read(SAME_CLOCK)
    wall_ns = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns + HOUR_NS)
    assert len(heard(engine, text(t_ns=time.monotonic_ns() + HOUR_NS))) == 1
    engine.stop()


async def test_it_may_say_no_more_than_its_requests_can_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_events, "LIMITS", Limits(answer=10_000))
    monkeypatch.setattr(remote_events, "_UNASKED_BYTES", 1_000)
    engine = running()
    frame = msgspec.msgpack.encode([text()] * 10)
    for _ in range(20_000 // len(frame)):
        engine.hear(frame)
    with pytest.raises(ChildError, match="more than what it was asked for can take"):
        engine.hear(msgspec.msgpack.encode([text()] * 200))
    engine.stop()


async def _given_up(engine_told: Callable[[RemoteEngine], None], *, is_held: bool = False) -> str:
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    engine = running(is_held=is_held, give_up=said.set_result)
    engine_told(engine)
    async with asyncio.timeout(30):
        words = await said
    engine.stop()
    return words


async def test_one_that_answers_pings_and_does_nothing_else_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_events, "ARMED_WITHIN_S", 0.01)
    monkeypatch.setattr(remote_events, "CANCELLED_WITHIN_S", 0.01)
    assert "has not connected its requests" in await _given_up(lambda _engine: None, is_held=True)
    cancelled = await _given_up(lambda engine: engine.told(CancelRequests(request_ids=(1, 2))))
    assert "although cancelled" in cancelled
    monkeypatch.setattr(remote_events, "_OVER_AFTER_S", -remote_events._longest_s(spec(1)))
    assert "in the time that the plan gives" in await _given_up(lambda _engine: None)


def test_what_a_plan_allows_is_waited_for() -> None:
    patient = msgspec.structs.replace(spec(1), timeouts=Timeouts(connect=10), retries=Retries(max=10))
    assert remote_events._longest_to_connect_s(patient) == 10 + 10 * 18
    assert remote_events._longest_to_connect_s(spec(1)) == 0.01
    assert remote_events.ARMED_WITHIN_S > COMMAND_WITHIN_S
    assert remote_events._longest_s(patient) > 11 * (10 + 600)


async def test_one_that_does_its_work_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_events, "ARMED_WITHIN_S", 0.0)
    engine = running(is_held=True)
    heard(engine, Armed(run_id=1), ended(1), ended(2), RunEnded(run_id=1, t_ns=time.monotonic_ns()))
    await asyncio.sleep(0)
    assert engine._timers == []
