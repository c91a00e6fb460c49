"""Evidence out of runs as they are kept."""

import msgspec

from tui.advice.evidence import from_runs
from tui.core.events import Content, Event, Kind, Mark, Marked, RequestEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.target import Target

from .made import MS, PLACE, known

PLAN = Plan(
    prompt=Prompt(user="Why?"),
    parameters=Parameters(max_tokens=500),
    targets=(Target(model="known"), Target(model="other")),
    endpoints=(PLACE,),
    default_endpoint="place",
)


def run_of(plan: Plan, *, warm_up: bool = False, status: Status = Status.DONE) -> StoredRun:
    """One run whose requests all took 100 and 200 ms."""
    records = []
    for spec in plan.requests(1):
        record = RequestRecord(spec=spec)
        number = spec.request_id
        events: list[Event] = [
            Marked(request_id=number, mark=Mark.SENT, t_ns=0),
            Content(request_id=number, kind=Kind.TEXT, t_ns=[100 * MS, 200 * MS], texts=["It ", "is."]),
            RequestEnded(request_id=number, t_ns=201 * MS, status=status),
        ]
        for event in events:
            record.apply(event)
        records.append(record)
    info = RunInfo(uid="1", started_unix_ns=1, app_version="1", sdk_version="1", warm_up=warm_up)
    return StoredRun(info=info, plan=plan, requests=records)


def test_repeats_are_gathered_by_target_and_warm_up_apart() -> None:
    first, second = from_runs([run_of(PLAN, warm_up=True), run_of(PLAN), run_of(PLAN)], [known()])
    assert [len(first.subject.outcomes), len(first.subject.warm_ups)] == [2, 1]
    assert [other.target.model for other in first.others] == ["other"]
    assert first.alike == first.others
    assert second.subject.target.model == "other"
    assert first.model == known()
    assert second.model is None
    assert first.subject.record is not None
    assert first.subject.record.text() == "It is."


def test_what_was_asked_differently_before_is_one_of_the_others() -> None:
    low = msgspec.structs.replace(PLAN, parameters=Parameters(effort="low"))
    longer = msgspec.structs.replace(PLAN, prompt=Prompt(user="Why? " * 9))
    first, _ = from_runs([run_of(longer), run_of(low), run_of(PLAN)], [])
    assert len(first.subject.outcomes) == 1
    assert len(first.others) == 5
    assert [one.parameters.effort for one in first.alike if one.target.model == "known"] == ["low"]
    assert len(first.earlier) == 2


def test_cancelled_requests_say_nothing() -> None:
    first, _ = from_runs([run_of(PLAN, status=Status.CANCELLED)], [])
    assert first.subject.outcomes == ()
