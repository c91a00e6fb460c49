"""Replay: events reach the live state at their recorded moments, and in the end everything is as it was."""

import msgspec
import pytest

from tui.core.events import Content, Kind, Mark, Marked, RequestEnded, Status, Usage, UsageReported
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Endpoint, Target
from tui.session.replay import Replay

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
    replay = Replay(stored)
    replay.advance(10**12)
    assert [
        msgspec.structs.replace(shown, spec=record.spec)
        for shown, record in zip(replay.live.records, stored.requests, strict=True)
    ] == stored.requests
    assert len(replay.live.lanes) == 2
    assert replay.live.lanes[0].fastest_total
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
