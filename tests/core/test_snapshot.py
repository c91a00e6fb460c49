"""Two snapshots compared: the difference, and what was asked differently."""

from random import Random

import msgspec

from tui.core.comparison import Verdict
from tui.core.events import Status
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.snapshot import LaneChange, LaneSnapshot, Snapshot, causes, changes, of_runs
from tui.core.target import Endpoint, Target
from tui.core.timeline import Timeline

MS = 1_000_000


def mixed(first: int, end: int) -> list[int]:
    """The numbers of a range in an order without a trend."""
    return Random(1).sample(range(first, end), end - first)


def lane(*ttft_ms: float, prompt: str = "why?", tokens: int = 20, **parameters: object) -> LaneSnapshot:
    return LaneSnapshot(
        name="haiku",
        model="claude-haiku-5-5",
        endpoint="simulator",
        prompt=Prompt(system="s", user=prompt),
        parameters=Parameters(max_tokens=256, **parameters),  # type: ignore[arg-type]
        observations=tuple(
            Observation(
                ttft_ns=round(ms * MS),
                total_ns=round(10 * ms * MS),
                input_tokens=tokens,
                cached_tokens=4,
                output_tokens=2 * tokens,
            )
            for ms in ttft_ms
        ),
    )


def change(before: LaneSnapshot, now: LaneSnapshot) -> LaneChange:
    (found,) = changes([(before, now)])
    return found


def test_a_clear_change_is_shown_with_its_cause_and_the_tokens() -> None:
    before = lane(*mixed(200, 220))
    now = lane(*mixed(100, 120), prompt="why?\nBe brief.", tokens=15, effort="low")
    found = change(before, now)
    assert [comparison.verdict for comparison in found.comparisons] == [Verdict.FASTER, Verdict.FASTER]
    assert found.comparisons[0].difference == -100 * MS
    assert found.causes == ('effort: not set → "low"',)
    assert found.tokens == (("input tokens", 24, 19), ("output tokens", 40, 30))


def test_no_change_is_said_to_be_none() -> None:
    found = change(lane(*mixed(200, 220)), lane(*mixed(200, 220)))
    assert [comparison.verdict for comparison in found.comparisons] == [Verdict.NONE_SHOWN] * 2
    assert found.causes == ()
    assert found.tokens == (("input tokens", 24, 24), ("output tokens", 40, 40))


def test_runs_that_are_pinned_are_not_compared_with_themselves() -> None:
    def measured(*ttft_ms: int) -> LaneSnapshot:
        observations = tuple(
            Observation(run=run, status=Status.DONE, ttft_ns=ms * MS, total_ns=10 * ms * MS)
            for run, ms in enumerate(ttft_ms, 1)
        )
        runs = tuple(range(1, len(ttft_ms) + 1))
        return msgspec.structs.replace(lane(), observations=observations, runs=runs)

    before = measured(*mixed(200, 220))
    now = measured(*mixed(200, 220), *mixed(100, 120))
    (comparison, _) = change(before, now).comparisons
    assert (comparison.verdict, comparison.difference) == (Verdict.FASTER, -100 * MS)
    (comparison, _) = change(before, before).comparisons
    assert (comparison.verdict, comparison.difference) == (Verdict.NONE_SHOWN, 0)


def test_lanes_without_answers_have_no_change() -> None:
    found = change(lane(), lane(*mixed(200, 220)))
    assert {comparison.verdict for comparison in found.comparisons} == {Verdict.TOO_FEW}
    assert found.tokens == ()


def test_every_field_of_what_is_asked_is_told_apart() -> None:
    before, now = lane(), lane(stop_sequences=("x",), cache=True)
    assert causes(before, now) == ['stop_sequences: not set → ["x"]', "cache: not set → true"]


def test_the_snapshot_of_stored_runs_counts_what_counts_and_knows_what_was_asked() -> None:
    runs = [run_of(ttft_ms, warm_up=ttft_ms == 900, status=Status.DONE) for ttft_ms in (900, 100, 110)]
    runs.append(run_of(50, warm_up=False, status=Status.CANCELLED))
    (found,) = of_runs("before", 1, runs).lanes
    assert [one.ttft_ns for one in found.observations] == [100 * MS, 110 * MS]
    assert (found.name, found.model, found.endpoint) == ("haiku", "claude-haiku-5-5", "simulator")
    assert found.prompt == Prompt(user="why?"), "not what the series put in front"
    assert found.parameters.max_tokens == 256


def run_of(ttft_ms: int, *, warm_up: bool, status: Status) -> StoredRun:
    plan = Plan(
        prompt=Prompt(user="why?"),
        parameters=Parameters(max_tokens=256),
        targets=(Target(model="claude-haiku-5-5", name="haiku"),),
        endpoints=(Endpoint(name="simulator", base_url="http://127.0.0.1:1"),),
        default_endpoint="simulator",
    )
    (spec,) = plan.requests(1)
    spec = msgspec.structs.replace(spec, prompt=Prompt(user="[0123]\nwhy?"))
    timeline = Timeline(sent_ns=0, content_ns=[ttft_ms * MS, 2 * ttft_ms * MS], first_text_ns=ttft_ms * MS)
    record = RequestRecord(spec=spec, timeline=timeline, status=status)
    info = RunInfo(uid=str(ttft_ms), started_unix_ns=1, app_version="1", sdk_version="2", warm_up=warm_up)
    return StoredRun(info=info, plan=plan, requests=[record])


def test_a_snapshot_finds_its_lanes_by_name() -> None:
    snapshot = Snapshot(name="pinned", taken_unix_ns=1, lanes=(lane(),))
    assert snapshot.lane("haiku") is snapshot.lanes[0]
    assert snapshot.lane("opus") is None
