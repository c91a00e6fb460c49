"""Summaries of a load's levels, and the knee of their curve."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_load import ENDPOINT, INFO, MS, at, curve, request, saturating

from tui.core.events import FailureKind
from tui.core.load import Level
from tui.core.load_results import BATCHES, LevelSummary, LoadTally, cells, knee, levels_in, notes, with_hosts
from tui.core.objectives import parse
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.statistics import describe
from tui.core.target import Target


def level_of(requests: list[RequestRecord], until: int, objectives: tuple[str, ...] = ()) -> LevelSummary:
    tally = LoadTally([parse(text) for text in objectives])
    for record in requests[:-1]:
        tally.add(at(1), record)
    tally.add(at(1, until=until), requests[-1])
    (level,) = tally.levels()
    return level


def test_a_level_is_summed_up() -> None:
    level = level_of([request(due) for due in range(0, 24_000, 400)], 24_000)
    assert (level.requests, level.answers, level.seconds, level.throughput) == (60, 60, 24.0, 2.5)
    assert level.in_flight == pytest.approx(1.0)
    assert level.most_in_flight == 1
    assert (level.ttft.median, level.ttft.p95, level.total.median) == (100 * MS, 100 * MS, 400 * MS)
    assert level.ttft.p99 is None
    # One request each 400 ms: of ten parts of 2.4 s each has six.
    assert level.batches == (6,) * BATCHES
    assert level.goodput == 2.5
    assert level.goodput_interval is not None
    assert level.goodput_interval.low == level.goodput_interval.high == pytest.approx(2.5)


def test_a_p95_takes_59_answers() -> None:
    requests = [request(due) for due in range(0, 58 * 400, 400)]
    assert level_of(requests, 24_000).ttft.p95 is None
    assert level_of([*requests, request(58 * 400)], 24_000).ttft.p95 is not None


def test_time_before_a_late_send_counts_from_the_due_moment_alone() -> None:
    """A server that stalls for 2 s holds back what is due meanwhile: the omission that a coordinated client makes."""
    stalled = [request(due, sent=max(due, 2_000)) for due in range(0, 4_000, 100)]
    level = level_of(stalled, 4_000)
    assert (level.ttft.max, level.ttft.median) == (100 * MS, 100 * MS)
    assert (level.ttft_from_due.max, level.total_from_due.max) == (2_100 * MS, 2_400 * MS)
    assert (level.lag.max, level.lag.min) == (2_000 * MS, 0)
    assert level.ttft_from_due.median == pytest.approx(125 * MS, abs=30 * MS)
    # Nobody was due at a moment of levels: a slot asks when it is free.
    assert notes([level])[:-1] == []
    at_rate = msgspec.structs.replace(level, level=Level(rate=10.0, arrivals="constant"))
    assert "requests left up to 2.00 s after they were due" in notes([at_rate])[0]
    on_time = msgspec.structs.replace(at_rate, lag=describe([3.0 * MS]))
    assert notes([on_time])[:-1] == []


def test_goodput_is_of_requests_within_every_limit() -> None:
    requests = [request(due, ttft=100 + due % 1_000) for due in range(0, 10_000, 250)]
    requests.append(request(10_000, failed=FailureKind.OVERLOADED))
    level = level_of(requests, 10_000, ("ttft.p95 < 300ms",))
    assert (level.requests, level.answers, level.good, level.goodput) == (41, 40, 10, 1.0)
    assert level.errors == {"overloaded": 1}
    assert level.ttft.failures == 1


def test_a_warm_up_is_in_flight_and_not_counted() -> None:
    tally = LoadTally()
    tally.add(at(2, since=None), request(0, total=1_500))
    tally.add(at(2, since=1_000, until=2_000, unsent=3), request(1_000, total=500))
    (level,) = tally.levels()
    assert (level.requests, level.in_flight, level.most_in_flight, level.unsent) == (1, 1.0, 2, 3)


def test_the_end_of_a_level_may_come_before_and_after_its_last_request() -> None:
    tally = LoadTally()
    tally.add(at(1), request(0))
    tally.end_level(at(1, until=5_000), "t", ENDPOINT.base_url)
    assert [level.seconds for level in tally.levels()] == [5.0]
    # Nothing of this level is over yet: its last run brings the end along.
    tally.end_level(at(1, number=2, since=5_000, until=6_000), "t", ENDPOINT.base_url)
    tally.add(at(1, number=2, since=5_000, until=6_000), request(5_500))
    assert [level.seconds for level in tally.levels()] == [5.0, 1.0]


def test_stored_runs_tell_the_same_and_others_nothing() -> None:
    plan = Plan(
        prompt=Prompt(user="u"),
        parameters=Parameters(),
        targets=(Target(model="m", name="t"),),
        endpoints=(ENDPOINT,),
        default_endpoint="e",
    )
    requests = [request(due) for due in range(0, 4_000, 400)]
    infos = [*[at(1)] * 9, at(1, until=4_000)]
    runs = [StoredRun(info=info, plan=plan, requests=[one]) for info, one in zip(infos, requests, strict=True)]
    assert levels_in(runs) == [level_of(requests, 4_000)]
    assert levels_in([StoredRun(info=INFO, plan=plan, requests=requests)]) == []


# Several engines


def shared_level(ahead: int) -> LevelSummary:
    """A level of 2 in flight over 10 s: one in flight at each of two hosts, the second's clock so many ms ahead."""
    tally = LoadTally([parse("ttft.p95 < 150ms")])
    for due in range(0, 10_000, 500):
        until = 10_000 if due == 9_500 else None
        tally.add(at(2, until=until), request(due, ttft=100, total=500, host="desk"))
        info = at(2, since=ahead, until=None if until is None else until + ahead, part=1)
        tally.add(info, request(due + ahead, ttft=100 if due < 5_000 else 200, total=500, host="tokyo"))
    tally.add(at(2, since=ahead, part=1), request(9_900 + ahead, failed=FailureKind.ENGINE, host="tokyo"))
    (level,) = tally.levels()
    return level


@pytest.mark.parametrize("ahead", [0, 86_400_000, -5_000])
def test_engines_are_summed_up_each_by_its_own_clock(ahead: int) -> None:
    level = shared_level(ahead)
    assert (level.requests, level.good, level.seconds, level.interrupted) == (40, 30, 10.0, 1)
    assert level.in_flight == pytest.approx(2.0, abs=0.02)
    assert level.goodput == 3.0
    # Two engines that miss together from the fifth second on.
    assert level.batches == (4,) * 5 + (2,) * 5
    assert level.total.median == 500 * MS
    assert (level.ttft.max, level.ttft_from_due.max) == (200 * MS, 200 * MS)
    hosts = {one.host: one for one in level.hosts}
    assert [(name, one.requests, one.good, one.interrupted) for name, one in hosts.items()] == [
        ("desk", 20, 20, 0),
        ("tokyo", 20, 10, 1),
    ]
    assert hosts["desk"].in_flight == pytest.approx(1.0)
    assert sum(one.goodput for one in hosts.values()) == level.goodput
    assert hosts["tokyo"].ttft.median == pytest.approx(150 * MS)
    assert [cells(one)[0] for one in with_hosts([level])] == ["2 in flight", "from desk", "from tokyo"]
    assert "1 interrupted: their engine was lost" in notes([level])[0]


def test_goodput_is_over_the_time_that_all_engines_share() -> None:
    """One that came to its last counted request early has not sent at a higher rate."""
    tally = LoadTally()
    for due in range(0, 4_000, 500):
        tally.add(at(2, until=4_000 if due == 3_500 else None), request(due))
        tally.add(at(2, until=2_000 if due == 3_500 else None, part=1), request(due // 2))
    (level,) = tally.levels()
    assert (level.seconds, level.goodput) == (4.0, 4.0)


# The knee


def test_the_knee_is_where_the_server_is_full() -> None:
    found = knee(curve(saturating(8.0, 1.0, (1, 2, 4, 8, 16, 32))))
    assert found.at is not None
    assert found.at.concurrency == 8
    assert not found.is_last
    assert found.perhaps == ()
    assert found.sentence == "knee at 8 in flight, no other level may be it (95 %)"


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([2, 4, 8, 16]), st.floats(0.2, 5))
def test_the_knee_of_any_such_server_is_found(full: int, service_s: float) -> None:
    levels = curve(saturating(full / service_s, service_s, (1, 2, 4, 8, 16, 32)), count=60)
    found = knee(levels)
    assert found.at is not None
    assert found.at.concurrency == full
    assert found.at.load == max(levels, key=lambda one: one.power or 0).level.load


def test_a_load_that_the_server_bears_has_its_knee_beyond() -> None:
    found = knee(curve(saturating(100.0, 1.0, (1, 2, 4))))
    assert found.is_last
    assert "or beyond" in found.sentence


def test_levels_that_cannot_be_told_apart_are_named() -> None:
    found = knee(curve([(1, 2.0, 1.0), (4, 6.0, 1.0), (5, 6.05, 1.0)], count=30, noise=0.4))
    assert len(found.perhaps) == 1
    assert "may be it as well" in found.sentence


def test_few_levels_and_few_answers_have_no_knee() -> None:
    assert knee(curve(saturating(8.0, 1.0, (1, 2)))).at is None
    assert knee(curve(saturating(8.0, 1.0, (1, 2, 4)), count=5)).at is None
    assert knee([]).at is None


def test_the_interval_of_goodput_covers_what_it_says() -> None:
    """Arrivals of a known rate: the interval of 95 % holds it in 95 of 100 loads, about."""
    draws, held, loads = Random(5), 0, 100
    for _ in range(loads):
        moments, now = [], 0.0
        while (now := now + draws.expovariate(4.0)) < 20:
            moments.append(request(round(now * 1_000)))
        interval = level_of(moments, 20_000).goodput_interval
        assert interval is not None
        held += interval.low <= 4.0 <= interval.high
    assert 0.90 * loads <= held <= 0.99 * loads
