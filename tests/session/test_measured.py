"""Evidence of lanes: repeats by what they asked, warm-ups apart, and other lanes beside them."""

import msgspec

from tui.core.events import Content, Event, Kind, Mark, Marked, RequestEnded, RunEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.series import Repeat
from tui.core.target import Endpoint, Target
from tui.session.live import LiveState
from tui.session.measured import evidence_for

MS = 1_000_000
PLAN = Plan(
    prompt=Prompt(user="Why?"),
    parameters=Parameters(max_tokens=500),
    targets=(Target(model="known"), Target(model="other")),
    endpoints=(Endpoint(name="place", base_url="http://127.0.0.1:1"),),
    default_endpoint="place",
)


def run(live: LiveState, plan: Plan, *, warm_up: bool = False, status: Status = Status.DONE) -> None:
    """Run a plan whose requests all take 200 ms."""
    live.set_targets(plan.targets)
    order = tuple(range(len(plan.targets)))
    repeat = Repeat(series="s", number=1, warm_up=warm_up, order=order, in_turn=False, concurrency=1, seed=1)
    events: list[Event] = []
    for spec in live.start(plan, repeat if warm_up else None):
        number = spec.request_id
        events += [
            Marked(request_id=number, mark=Mark.SENT, t_ns=0),
            Content(request_id=number, kind=Kind.TEXT, t_ns=[100 * MS, 200 * MS], texts=["It ", "is."]),
            RequestEnded(request_id=number, t_ns=201 * MS, status=status),
        ]
    live.apply([*events, RunEnded(run_id=1, t_ns=202 * MS, send_spread_ns=1)])


def test_repeats_are_gathered_by_target_and_warm_ups_stand_apart() -> None:
    live = LiveState()
    run(live, PLAN, warm_up=True)
    run(live, PLAN)
    run(live, PLAN)
    evidence = evidence_for(live.lanes[0], live.lanes, (), ())
    assert evidence is not None
    assert evidence.subject.target.model == "known"
    assert evidence.subject.record is not None
    assert evidence.subject.record.text() == "It is."
    assert [other.target.model for other in evidence.others] == ["other"]
    assert evidence.alike == evidence.others
    assert len(evidence.subject.outcomes) == 2


def test_answers_to_another_prompt_are_only_earlier_ones() -> None:
    live = LiveState()
    run(live, msgspec.structs.replace(PLAN, prompt=Prompt(user="Why? " * 9)))
    run(live, PLAN)
    evidence = evidence_for(live.lanes[0], live.lanes, (), ())
    assert evidence is not None
    assert evidence.subject.prompt == PLAN.prompt
    assert len(evidence.subject.outcomes) == 1
    assert len(evidence.earlier) == 1


def test_what_a_trial_measured_stands_beside_the_lanes() -> None:
    live = LiveState()
    run(live, msgspec.structs.replace(PLAN, parameters=Parameters(max_tokens=500, effort="low")))
    low = evidence_for(live.lanes[0], live.lanes, (), ())
    assert low is not None
    live = LiveState()
    run(live, PLAN)
    evidence = evidence_for(live.lanes[0], live.lanes, [low.subject], ())
    assert evidence is not None
    assert [one.parameters.effort for one in evidence.alike] == [None, "low"]
    assert len(evidence.earlier) == 1


def test_a_cancelled_request_is_no_evidence() -> None:
    live = LiveState()
    run(live, PLAN, status=Status.CANCELLED)
    assert evidence_for(live.lanes[0], live.lanes, (), ()) is None
