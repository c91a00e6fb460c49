"""Two snapshots compared: the difference, and what was asked differently."""

from tui.core.comparison import Verdict
from tui.core.observation import Figure, Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot, causes, change

MS = 1_000_000


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


def test_a_clear_change_is_shown_with_its_cause_and_the_tokens() -> None:
    before = lane(*range(200, 220))
    now = lane(*range(100, 120), prompt="why?\nBe brief.", tokens=15, effort="low")
    found = change(before, now)
    assert [comparison.verdict for comparison in found.comparisons] == [Verdict.FASTER, Verdict.FASTER]
    assert found.comparisons[0].difference == -100 * MS
    assert found.causes == ('effort: not set → "low"', "+ user: Be brief.")
    assert (found.input_tokens, found.output_tokens) == (-5, -10)


def test_no_change_is_said_to_be_none() -> None:
    found = change(lane(*range(200, 220)), lane(*range(200, 220)), [Figure.TTFT])
    assert [comparison.verdict for comparison in found.comparisons] == [Verdict.NONE_SHOWN]
    assert found.causes == ()
    assert (found.input_tokens, found.output_tokens) == (0, 0)


def test_lanes_without_answers_have_no_change() -> None:
    found = change(lane(), lane(*range(200, 220)))
    assert {comparison.verdict for comparison in found.comparisons} == {Verdict.TOO_FEW}
    assert found.input_tokens is None


def test_every_field_of_what_is_asked_is_told_apart() -> None:
    before = lane(prompt="one\ntwo\nthree")
    now = lane(prompt="one\n2\nthree", stop_sequences=("x",), cache=True)
    assert causes(before, now) == [
        'stop_sequences: not set → ["x"]',
        "cache: not set → true",
        "- user: two",
        "+ user: 2",
    ]


def test_a_snapshot_finds_its_lanes_by_name() -> None:
    snapshot = Snapshot(name="baseline", taken_unix_ns=1, lanes=(lane(),))
    assert snapshot.lane("haiku") is snapshot.lanes[0]
    assert snapshot.lane("opus") is None
