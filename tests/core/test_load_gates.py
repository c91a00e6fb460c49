"""Gates on the levels of a load: what they may say, and when they are met, missed and not yet known."""

import pytest
from made_load import curve, saturating

from tui.core.load_gates import judge, parse, refuse
from tui.core.load_results import LevelSummary
from tui.core.objectives import ObjectiveState


@pytest.fixture(scope="module")
def levels() -> list[LevelSummary]:
    """A server that answers eight per second at most; 400 answers at each of five levels."""
    return curve(saturating(8.0, 1.0, (1, 2, 4, 8, 16)), count=400)


@pytest.mark.parametrize(
    ("gate", "state", "words"),
    [
        ("goodput >= 7/s", ObjectiveState.MET, "at 8 in flight at least "),
        ("goodput >= 9/s", ObjectiveState.MISSED, "at no level; the most is 8.00/s at "),
        ("goodput >= 7/s at total.p95 < 1.5s", ObjectiveState.MET, "at 8 in flight"),
        ("goodput >= 7/s at total.p95 < 900ms", ObjectiveState.MISSED, "at no level"),
        ("goodput > 3/s at total.p95 < 1.5s and errors < 5%", ObjectiveState.MET, "at 4 in flight"),
        ("errors < 5%", ObjectiveState.MET, "at every level"),
        ("total.p50 < 1500ms", ObjectiveState.MISSED, "at 16 in flight 1.9"),
        ("total.p99 < 900ms", ObjectiveState.MISSED, "at 1 in flight"),
    ],
)
def test_a_gate_is_judged_by_what_is_sure(
    levels: list[LevelSummary], gate: str, state: ObjectiveState, words: str
) -> None:
    ruling = judge(parse(gate), levels)
    assert (ruling.state, ruling.target) == (state, "t")
    assert words in ruling.basis
    assert ruling.sentence.startswith(f"t: {gate}, ")


@pytest.mark.parametrize(
    "gate", ["goodput >= 7/s", "goodput >= 7/s at total.p99 < 5s", "total.p99 < 5s", "errors < 1%"]
)
def test_few_requests_decide_nothing(gate: str) -> None:
    assert judge(parse(gate), curve(saturating(8.0, 1.0, (4, 8)), count=8)).state is ObjectiveState.UNKNOWN
    assert judge(parse(gate), []).state is ObjectiveState.UNKNOWN


def test_nothing_good_in_many_requests_misses() -> None:
    levels = curve([(1, 2.0, 1.0)], count=200, objectives=("ttft.p50 < 0.5ms",))
    assert levels[0].good == 0
    assert judge(parse("goodput >= 1/s"), levels).state is ObjectiveState.MISSED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("goodput >= 12", "write it like 'goodput >= 12/s at"),
        ("goodput < 12/s", "write it like"),
        ("goodput >= 12/s when ttft.p95 < 1s", "write it like"),
        ("goodput >= 12/s at ttft < 1s", "say of what"),
        ("latency < 1s", "is not measured"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"Gate|Objective") as refusal:
        parse(text)
    assert words in str(refusal.value)
    assert words in (refuse(["errors < 1%", text]) or "")


def test_gates_that_can_be_read_are_taken() -> None:
    assert refuse(["goodput >= 12/s at ttft.p95 < 800ms and errors < 1%", "ttft.p95 < 1s"]) is None
    gate = parse("  goodput  >=  2.5/s  at  ttft.p95 < 800ms  and errors < 1% ")
    assert (gate.goodput, [one.text for one in gate.objectives]) == (2.5, ["ttft.p95 < 800ms", "errors < 1%"])
