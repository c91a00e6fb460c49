"""The live: what events make of the lanes."""

from datetime import date

import msgspec
import pytest

from tui.core.cost import Cost
from tui.core.engine_events import EngineFailed
from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    RunEnded,
    RunStarted,
    Status,
    Usage,
    UsageReported,
)
from tui.core.figures import Figure
from tui.core.host import Host
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import State
from tui.core.series import Repeat, Series, SeriesSettings
from tui.core.sweep import RUNS, Sweep
from tui.core.target import Endpoint, Target
from tui.session.live import LiveState
from tui.session.measured import measured_by

MS = 1_000_000


def plan_of(*names: str) -> Plan:
    return Plan(
        prompt=Prompt(user="why?"),
        parameters=Parameters(max_tokens=64),
        targets=tuple(Target(model=name) for name in names),
        endpoints=(Endpoint(name="local", base_url="http://127.0.0.1:1"),),
        default_endpoint="local",
    )


def started(*names: str) -> LiveState:
    live = LiveState()
    plan = plan_of(*names)
    live.set_targets(plan.targets)
    live.start(plan)
    return live


def sent(request_id: int, ms: int = 0) -> Event:
    return Marked(request_id=request_id, mark=Mark.SENT, t_ns=ms * MS)


def text(request_id: int, *ms: int, kind: Kind = Kind.TEXT) -> Event:
    return Content(request_id=request_id, kind=kind, t_ns=[at * MS for at in ms], texts=["word "] * len(ms))


def ended(request_id: int, ms: int, status: Status = Status.DONE) -> Event:
    failure = Failure(kind=FailureKind.OVERLOADED, message="Overloaded.") if status is Status.FAILED else None
    return RequestEnded(request_id=request_id, t_ns=ms * MS, status=status, failure=failure)


def answer(request_id: int, ttft_ms: int, total_ms: int, status: Status = Status.DONE) -> list[Event]:
    return [sent(request_id), text(request_id, ttft_ms, total_ms), ended(request_id, total_ms + 1, status)]


RUN_ENDED = RunEnded(run_id=1, t_ns=9_000 * MS, send_spread_ns=200_000)


def test_a_lane_is_idle_until_it_is_asked() -> None:
    live = LiveState()
    live.set_targets(plan_of("a").targets)
    assert live.lanes[0].state is State.IDLE
    assert live.lanes[0].label == "a"
    assert live.in_flight() == ()


def test_events_lead_a_lane_through_its_states() -> None:
    live = started("a")
    lane = live.lanes[0]
    states = [lane.state]
    for event in (
        Marked(request_id=1, mark=Mark.QUEUED, t_ns=0),
        sent(1),
        text(1, 100, kind=Kind.THINKING),
        text(1, 200),
        ended(1, 300),
    ):
        live.apply([event])
        states.append(lane.state)
    assert states == [
        State.CONNECTING,
        State.CONNECTING,
        State.WAITING,
        State.THINKING,
        State.STREAMING,
        State.DONE,
    ]


def test_content_shows_at_once_and_the_end_of_a_request_when_it_is_settled() -> None:
    live = started("a")
    lane = live.lanes[0]
    batch = [sent(1), text(1, 100), ended(1, 300)]
    live.fold(batch)
    assert lane.record is not None
    assert (lane.state, len(lane.record.pieces), lane.outcomes) == (State.STREAMING, 1, [])
    assert live.settle(batch) == [lane.record]
    assert (lane.state, len(lane.record.pieces), len(lane.outcomes)) == (State.DONE, 1, 1)


def test_a_thinking_block_without_text_is_thinking() -> None:
    live = started("a")
    live.apply([sent(1), Marked(request_id=1, mark=Mark.THINKING_STARTED, t_ns=50 * MS)])
    assert live.lanes[0].state is State.THINKING


def test_requests_are_counted_up_over_runs() -> None:
    live = LiveState()
    plan = plan_of("a", "b")
    live.set_targets(plan.targets)
    assert [spec.request_id for spec in live.start(plan)] == [1, 2]
    live.apply([ended(1, 1, Status.CANCELLED), ended(2, 1, Status.CANCELLED), RUN_ENDED])
    assert [spec.request_id for spec in live.start(plan)] == [3, 4]
    assert live.runs == 2


def test_late_events_of_an_earlier_run_change_nothing() -> None:
    live = started("a")
    live.apply([*answer(1, 10, 20), RUN_ENDED])
    live.start(plan_of("a"))
    assert live.apply([text(1, 99), ended(1, 100)]) == []
    assert live.lanes[0].state is State.CONNECTING


def test_in_flight_are_those_that_have_not_ended() -> None:
    live = started("a", "b")
    assert live.in_flight() == (1, 2)
    live.apply(answer(1, 10, 20))
    assert live.in_flight() == (2,)
    assert live.run_in_flight, "the run lasts until all its requests are over"


def test_apply_returns_the_requests_that_ended() -> None:
    live = started("a", "b")
    records = live.apply([*answer(2, 10, 20), sent(1)])
    assert [record.spec.target for record in records] == ["b"]


def test_the_shortest_figures_of_a_run_are_marked() -> None:
    live = started("a", "b", "c")
    live.apply([*answer(1, 10, 90), *answer(2, 20, 50), *answer(3, 30, 70), RUN_ENDED])
    assert [Figure.TTFT in lane.first for lane in live.lanes] == [True, False, False]
    assert [Figure.TOTAL in lane.first for lane in live.lanes] == [False, True, False]


def test_nothing_is_marked_before_the_run_is_over() -> None:
    live = started("a", "b", "c")
    live.apply([*answer(1, 10, 90), *answer(2, 20, 50)])
    assert not any(lane.first or lane.fastest for lane in live.lanes)


def test_lanes_that_are_not_told_apart_are_not_marked() -> None:
    live = started("a", "b", "c")
    live.apply([*answer(1, 10, 50), *answer(2, 10, 50), *answer(3, 11, 51), RUN_ENDED])
    assert [Figure.TTFT in lane.first for lane in live.lanes] == [False, False, False]
    assert [Figure.TOTAL in lane.first for lane in live.lanes] == [False, False, False]


def test_one_answer_alone_is_not_first() -> None:
    live = started("a", "b")
    live.apply([*answer(1, 10, 50), ended(2, 5, Status.FAILED), RUN_ENDED])
    assert not any(lane.first or lane.fastest for lane in live.lanes)


def test_a_lane_that_broke_off_is_not_first() -> None:
    live = started("a", "b", "c")
    live.apply([*answer(1, 1, 2, Status.FAILED), *answer(2, 10, 50), *answer(3, 20, 60, Status.TRUNCATED), RUN_ENDED])
    assert [Figure.TTFT in lane.first for lane in live.lanes] == [False, True, False]


def test_answers_without_content_spoil_no_comparison() -> None:
    live = started("a", "b", "c")
    live.apply([sent(1), ended(1, 5), *answer(2, 10, 50), *answer(3, 20, 40), RUN_ENDED])
    assert [Figure.TTFT in lane.first for lane in live.lanes] == [False, True, False]
    assert [Figure.TOTAL in lane.first for lane in live.lanes] == [False, False, True]


def test_a_new_run_takes_the_marks_away() -> None:
    live = started("a", "b")
    live.apply([*answer(1, 10, 50), *answer(2, 20, 60), RUN_ENDED])
    live.start(plan_of("a", "b"))
    assert not any(lane.first or lane.fastest for lane in live.lanes)


def test_outcomes_keep_what_was_answered_and_that_a_request_failed() -> None:
    live = started("a", "b", "c", "d")
    live.apply(
        [
            *answer(1, 10, 50),
            *answer(2, 20, 60, Status.TRUNCATED),
            *answer(3, 30, 70, Status.FAILED),
            *answer(4, 40, 80, Status.CANCELLED),
            RUN_ENDED,
        ]
    )
    kept = [[(outcome.status, outcome.ttft_ns, outcome.total_ns) for outcome in lane.outcomes] for lane in live.lanes]
    assert kept == [
        [(Status.DONE, 10 * MS, 50 * MS)],
        [(Status.TRUNCATED, 20 * MS, 60 * MS)],
        [(Status.FAILED, None, None)],
        [],
    ]


def repeat_of(*order: int, number: int = 1, warm_up: bool = False, concurrency: int = 1) -> Repeat:
    return Repeat(
        series="s", number=number, warm_up=warm_up, order=order, in_turn=False, concurrency=concurrency, seed=1
    )


def test_a_repeat_asks_in_its_own_order_and_every_lane_as_often_as_it_says() -> None:
    live = LiveState()
    plan = plan_of("a", "b")
    live.set_targets(plan.targets)
    specs = live.start(plan, repeat_of(1, 0, concurrency=2))
    assert [spec.target for spec in specs] == ["b", "b", "a", "a"]
    assert len({spec.request_id for spec in specs}) == 4
    live.apply([event for spec in specs for event in answer(spec.request_id, 10, 50)])
    assert [len(lane.outcomes) for lane in live.lanes] == [2, 2]
    assert live.in_flight() == ()


def test_warm_up_is_kept_and_not_counted_and_a_change_of_what_is_asked_begins_anew() -> None:
    live = LiveState()
    plan = plan_of("a")
    live.set_targets(plan.targets)
    for number, repeat in enumerate((repeat_of(0, warm_up=True), repeat_of(0), None), 1):
        live.start(plan, repeat)
        live.apply([*answer(number, number, 50), RUN_ENDED])
    (lane,) = live.lanes
    assert [outcome.counted for outcome in lane.outcomes] == [False, True, True]
    assert [outcome.ttft_ns for outcome in lane.current] == [2 * MS, 3 * MS]
    live.start(msgspec.structs.replace(plan, prompt=Prompt(user="why not?")))
    live.apply([*answer(4, 4, 50), RUN_ENDED])
    assert [outcome.ttft_ns for outcome in lane.current] == [4 * MS]
    assert len(lane.outcomes) == 4


def test_a_busted_cache_changes_the_prompt_of_the_request_and_not_what_is_asked() -> None:
    live = LiveState()
    plan = plan_of("a")
    live.set_targets(plan.targets)
    for number in (1, 2):
        (spec,) = live.start(plan, msgspec.structs.replace(repeat_of(0), cache_buster=f"[{number}]"))
        assert spec.prompt.user == f"[{number}]\nwhy?"
        live.apply([*answer(number, number, 50), RUN_ENDED])
    assert len(live.lanes[0].current) == 2


def test_hosts_do_not_find_each_others_prompts_in_the_cache_unless_they_may() -> None:
    hosts = (Host(name="desk"), Host(name="tokyo", ssh="tokyo"))
    racing = msgspec.structs.replace(plan_of("a", "b"), hosts=hosts).of_run()

    def beginnings(plan: Plan, repeat: Repeat | None = None) -> list[str]:
        live = LiveState()
        live.set_targets(plan.targets)
        live.start(plan.racing(), repeat)
        return [record.spec.prompt.user.removesuffix("why?") for record in live.records]

    found = [beginnings(racing), beginnings(racing), beginnings(racing, repeat_of(0, 1, 2, 3))]
    for each in found:
        assert len(set(each)) == len(hosts)  # the lanes of one host are asked alike
        assert len(set(map(len, each))) == 1
    assert len({text for each in found for text in each}) == len(found) * len(hosts)
    shared = msgspec.structs.replace(racing, hosts_share_cache=True)
    assert set(beginnings(shared)) == {""}
    alone = msgspec.structs.replace(plan_of("a"), hosts=hosts[:1]).of_run()
    assert set(beginnings(alone)) == {""}


def test_a_sweep_is_kept_apart_and_the_lanes_go_back_to_what_they_showed() -> None:
    live = LiveState()
    plan = plan_of("a")
    live.set_targets(plan.targets)
    live.start(plan)
    live.apply([*answer(1, 10, 50), RUN_ENDED])
    (lane,) = live.lanes
    own = lane.record
    assert own is not None
    cost = lane.cost = Cost(usd=0.25, is_lower_bound=False, prices_read=date(2026, 1, 1))
    series = Series(SeriesSettings(repeats=RUNS, warm_ups=0), "s", 1, 1, Sweep(100, 400))
    live.begin_series(series)
    for number in (2, 3):
        repeat = series.next()
        assert repeat is not None
        assert repeat.cell is not None
        (spec,) = live.start(plan, repeat)
        assert len(spec.prompt.user) >= len("why?") + 3 * repeat.cell.padding_tokens
        assert measured_by(lane) is None
        live.apply([*answer(number, 20, 90), RUN_ENDED])
        assert measured_by(lane) is None
        series.add(repeat, 1, 0.0, all_failed=False)
    assert lane.cost != cost
    live.end_series()
    assert lane.record is own
    assert lane.cost == cost
    assert [outcome.ttft_ns for outcome in lane.outcomes] == [10 * MS]
    assert [outcome.total_ns for outcome in lane.swept] == [90 * MS, 90 * MS]
    measured = measured_by(lane)
    assert measured is not None
    assert measured.prompt == plan.prompt
    live.clear()
    assert lane.swept == []


def test_other_values_are_another_question_but_not_within_a_series() -> None:
    live = LiveState()
    template = msgspec.structs.replace(plan_of("a"), prompt=Prompt(user="why {{b}}?"))
    plans = [msgspec.structs.replace(template, rows=({"b": value},)) for value in ("x", "y")]
    live.set_targets(template.targets)
    for number, plan in enumerate(plans, 1):
        live.start(plan)
        live.apply([*answer(number, number, 50), RUN_ENDED])
    (lane,) = live.lanes
    assert len(lane.current) == 1
    for number, plan in enumerate(plans, 3):
        live.start(plan, repeat_of(0, number=number))
        live.apply([*answer(number, number, 50), RUN_ENDED])
    assert len(lane.current) == 2


def test_the_end_of_this_machines_engine_is_a_problem_and_that_of_another_is_not() -> None:
    live = started("a")
    live.apply([EngineReady(pid=1, sdk_version="1")])
    live.apply([EngineFailed(t_ns=1, message="The link to tokyo ended with status 255.", host="tokyo")])
    assert (live.engine_ready, live.engine_problem) == (True, None)
    live.apply([EngineFailed(t_ns=1, message="Gone.")])
    assert (live.engine_ready, live.engine_problem) == (False, "Gone.")


def test_an_engine_that_is_back_is_no_problem() -> None:
    live = started("a")
    live.apply([EngineFailed(t_ns=1, message="Gone.")])
    live.apply([EngineReady(pid=2, sdk_version="1")])
    assert live.engine_ready
    assert live.engine_problem is None


def test_the_engines_end_outside_a_run_touches_no_lane() -> None:
    live = started("a")
    live.apply([*answer(1, 10, 20), RUN_ENDED])
    assert live.apply([EngineFailed(t_ns=1, message="Gone.")]) == []
    assert live.lanes[0].state is State.DONE
    assert len(live.lanes[0].outcomes) == 1


def test_other_targets_keep_the_lanes_that_stay() -> None:
    live = started("a", "b", "c")
    live.apply([*answer(1, 10, 50), *answer(2, 20, 60), *answer(3, 30, 70), RUN_ENDED])
    a, _, c = live.lanes
    live.set_targets(plan_of("c", "d", "a").targets)
    assert [lane.label for lane in live.lanes] == ["c", "d", "a"]
    assert live.lanes[0] is c
    assert live.lanes[2] is a
    assert len(c.outcomes) == 1
    assert live.lanes[1].state is State.IDLE


def test_targets_of_one_model_are_told_apart() -> None:
    live = LiveState()
    targets = (
        Target(model="a", endpoint="one"),
        Target(model="a", endpoint="two"),
        Target(model="a", endpoint="one", name="again"),
    )
    live.set_targets(targets)
    before = list(live.lanes)
    assert len({id(lane) for lane in before}) == 3
    live.set_targets(targets[::-1])
    assert live.lanes == before[::-1]


def test_clearing_leaves_idle_lanes_without_history() -> None:
    live = started("a", "b")
    live.apply([*answer(1, 10, 50), *answer(2, 20, 60), RUN_ENDED])
    live.clear()
    assert [lane.state for lane in live.lanes] == [State.IDLE, State.IDLE]
    assert [lane.outcomes for lane in live.lanes] == [[], []]
    assert not any(lane.first or lane.fastest for lane in live.lanes)


def test_the_version_changes_with_every_batch_and_only_then() -> None:
    live = started("a")
    before = live.version
    live.apply([])
    assert live.version == before
    live.apply([RunStarted(run_id=1, t_ns=0, unix_ns=0, request_ids=(1,))])
    assert live.version > before


def test_the_spread_of_the_sends_is_kept_until_the_next_run() -> None:
    live = started("a")
    live.apply([*answer(1, 10, 20), RUN_ENDED])
    assert live.send_spread_ns == 200_000
    live.start(plan_of("a"))
    assert live.send_spread_ns is None


def test_the_latest_report_of_tokens_counts() -> None:
    live = started("a")
    for tokens in (1, 42):
        live.apply([UsageReported(request_id=1, usage=Usage(output_tokens=tokens))])
    record = live.lanes[0].record
    assert record is not None
    assert record.usage.output_tokens == 42


@pytest.mark.parametrize("by_series", [False, True])
def test_a_sweep_puts_no_question_of_its_own_where_there_are_variables(by_series: bool) -> None:
    live = LiveState()
    plan = msgspec.structs.replace(plan_of("a"), prompt=Prompt(user="{{what}}?"), rows=({"what": "why"},))
    live.set_targets(plan.targets)
    own = Series(SeriesSettings(repeats=1, warm_ups=0), "own", 1, 1).next() if by_series else None
    live.start(plan, own)
    live.apply([*answer(1, 10, 50), RUN_ENDED])
    (lane,) = live.lanes
    series = Series(SeriesSettings(repeats=RUNS, warm_ups=1), "s", 1, 1, Sweep(100, 400))
    live.begin_series(series)
    for number in (2, 3):
        repeat = series.next()
        assert repeat is not None
        live.start(plan, repeat)
        live.apply([*answer(number, 20, 90), RUN_ENDED])
        series.add(repeat, 1, 0.0, all_failed=False)
    live.end_series()
    assert [outcome.total_ns for outcome in lane.swept] == [90 * MS]
    assert [outcome.total_ns for outcome in lane.current] == [50 * MS]
