"""Two plans in turn: what is asked, and verdicts that hold when the whole world drifts."""

import math
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
import scipy

from tui.core.comparison import Verdict, compare
from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.interleaved import (
    SIDES,
    Turns,
    compare_in_turn,
    differences,
    failures_in_turn,
    interleaved,
    joined_rows,
    paired,
    sides_in,
    sides_of,
)
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Endpoint, Target

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1")
THERE = Endpoint(name="there", base_url="http://127.0.0.1:2")


def plan(user: str, *targets: Target, endpoints: Sequence[Endpoint] = (HERE,), **parameters: object) -> Plan:
    return Plan(
        prompt=Prompt(user=user),
        parameters=Parameters(**parameters),  # type: ignore[arg-type]
        targets=targets or (Target(model="m", name="x"),),
        endpoints=tuple(endpoints),
        default_endpoint=endpoints[0].name,
    )


def both(old: Plan, new: Plan) -> Plan:
    return interleaved(paired(sides_of(old), sides_of(new)), new, SIDES)


def test_each_side_is_asked_what_its_own_plan_asks() -> None:
    old = plan(
        "long?", Target(model="m", name="x"), Target(model="n", name="y"), max_tokens=64, effort="low", cache=True
    )
    new = plan(
        "short?",
        Target(model="m", name="x", drop=("cache",)),
        Target(model="n2", name="y", endpoint="there", parameters=Parameters(max_tokens=32)),
        endpoints=(HERE, THERE),
        max_tokens=64,
        cache=True,
    )
    merged = both(old, new)
    asked = merged.requests(1)
    expected = [old.requests(1)[0], new.requests(1)[0], old.requests(1)[1], new.requests(1)[1]]
    for found, alone in zip(asked, expected, strict=True):
        assert found.parameters == alone.parameters
        assert found.model == alone.model
        assert found.endpoint == alone.endpoint
        assert found.prompt.user == alone.prompt.user
    assert [target.label for target in merged.targets] == ["x · A", "x · B", "y · A", "y · B"]
    assert [target.against for target in merged.targets] == [None, "x · A", None, "y · A"]
    assert merged.parameters.max_tokens is None
    assert merged.problem() is None


def test_endpoints_of_one_name_at_two_places_stay_two() -> None:
    moved = msgspec.structs.replace(THERE, name="here")
    merged = both(plan("?"), plan("?", endpoints=(moved,)))
    assert [spec.endpoint.base_url for spec in merged.requests(1)] == [HERE.base_url, moved.base_url]
    assert merged.variants == ()


def test_lanes_go_with_those_of_their_name_and_single_ones_with_each_other() -> None:
    old, new = (
        plan("?", Target(model="m", name="x"), Target(model="n", name="y")),
        plan("?", Target(model="k", name="y")),
    )
    assert [(a.model, b.model) for a, b in paired(sides_of(old), sides_of(new))] == [("n", "k")]
    assert len(paired(sides_of(plan("?")), sides_of(plan("?", Target(model="k", name="z"))))) == 1
    assert paired(sides_of(old), sides_of(plan("?", Target(model="k", name="z")))) == []


def test_rows_of_values_stand_side_by_side_unless_they_contradict() -> None:
    def with_rows(*rows: dict[str, str]) -> Plan:
        return msgspec.structs.replace(plan("?"), rows=rows)

    assert joined_rows(with_rows({"a": "1"}, {"a": "2"}), with_rows({"b": "3"})) == (
        {"a": "1", "b": "3"},
        {"a": "2", "b": "3"},
    )
    assert joined_rows(plan("?"), plan("?")) == ()
    with pytest.raises(KeyError, match="a"):
        joined_rows(with_rows({"a": "1"}), with_rows({"a": "2"}))


def test_a_snapshot_is_asked_as_it_was() -> None:
    lane = LaneSnapshot(
        name="x",
        model="m",
        endpoint="here",
        prompt=Prompt(user="old?"),
        parameters=Parameters(max_tokens=9),
        observations=(),
    )
    (side,) = sides_in(Snapshot(name="pinned", taken_unix_ns=1, lanes=(lane,)), (HERE,))
    assert (side.label, side.endpoint, side.prompt.user, side.parameters.max_tokens) == ("x", HERE, "old?", 9)
    with pytest.raises(KeyError, match="here"):
        sides_in(Snapshot(name="pinned", taken_unix_ns=1, lanes=(lane,)), (THERE,))


def observed(values: Sequence[float | None]) -> list[Observation]:
    return [
        Observation(run=run, status=Status.FAILED)
        if value is None
        else Observation(run=run, ttft_ns=round(1e6 * value), total_ns=round(2e6 * value))
        for run, value in enumerate(values, 1)
    ]


def turns(now: Sequence[float | None], before: Sequence[float | None]) -> Turns:
    return (Figure.TTFT, ("x · B", observed(now)), ("x · A", observed(before)))


def test_a_run_counts_where_both_answered_and_its_requests_once() -> None:
    assert differences(turns([1, None, 3, 4], [2, 2, None, 5])) == [(1e6, 2e6), (4e6, 5e6)]
    several = [Observation(run=1, ttft_ns=ns) for ns in (1, 2, 9)]
    assert differences((Figure.TTFT, ("b", several), ("a", several[:1]))) == [(2, 1)]


def test_p_is_that_of_the_sign_test() -> None:
    lead = [1, -1, 1, 1, -2, 1, 1, 1, -1, 1, 1, 1]
    (found,) = compare_in_turn([turns([500 + each for each in lead], [500] * 12)])
    assert found.correlation is None
    # Neighbours differ, so that nothing is widened.
    assert found.p == pytest.approx(scipy.stats.binomtest(9, 12).pvalue)


def test_what_is_said_of_a_difference_and_of_none() -> None:
    random = Random(1)
    before = [500 * random.lognormvariate(0, 0.3) for _ in range(20)]
    (faster,) = compare_in_turn([turns([value - 100 for value in before], before)])
    assert faster.verdict is Verdict.FASTER
    assert faster.sentence.startswith("x · B is usually faster: TTFT −100 ms (−")
    assert faster.sentence.endswith("in 20 of 20 repeats in turn")
    (slower,) = compare_in_turn([turns([value + 100 for value in before], before)])
    assert slower.verdict is Verdict.SLOWER
    assert slower.sentence.startswith("x · A is usually faster: TTFT −100 ms (−")
    (few,) = compare_in_turn([turns([1] * 5, [2] * 5)])
    assert few.verdict is Verdict.TOO_FEW
    assert few.sentence == "too few repeats of both to compare x · B and x · A: 5, 6 are needed"
    assert compare_in_turn([]) == ()


def test_failures_stand_beside_it() -> None:
    (said,) = failures_in_turn([turns([None] * 8, [1] * 8)] * 2)
    assert said.startswith("x · B 8 of 8 failed")


def drift(random: Random, count: int) -> list[float]:
    """A level that all share: a random walk of 5 % a repeat, up by half over the whole."""
    level, found = 0.0, []
    for at in range(count):
        level += random.gauss(0, 0.05)
        found.append(math.exp(level + 0.4 * at / count))
    return found


def test_equal_plans_are_seldom_told_apart_under_drift_and_unequal_ones_are() -> None:
    random, rounds = Random(2), 150
    wrong = right = apart = 0
    for _ in range(rounds):
        levels = drift(random, 40)
        before = [500 * level * random.lognormvariate(0, 0.1) for level in levels[:20]]
        now = [500 * level * random.lognormvariate(0, 0.1) for level in levels[:20]]
        (found,) = compare_in_turn([turns(now, before)])
        wrong += found.verdict in (Verdict.FASTER, Verdict.SLOWER)
        (found,) = compare_in_turn([turns([0.85 * value for value in now], before)])
        right += found.verdict is Verdict.FASTER
        # The same plan, its 20 repeats before and after: what drifted is taken for a difference.
        later = [500 * level * random.lognormvariate(0, 0.1) for level in levels[20:]]
        sets = [(name, [value * 1e6 for value in values]) for name, values in (("b", later), ("a", before))]
        apart += compare(Figure.TTFT, sets[0], sets[1]).verdict is not Verdict.NONE_SHOWN
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5
    assert right / rounds >= 0.7
    assert apart / rounds >= 0.15


def test_all_pairs_together_and_all_looks_are_one_family() -> None:
    random, rounds, wrong = Random(3), 40, 0
    for _ in range(rounds):
        questions = [
            turns(
                [random.lognormvariate(6, 0.2) for _ in range(12)], [random.lognormvariate(6, 0.2) for _ in range(12)]
            )
            for _ in range(8)
        ]
        wrong += any(one.verdict is not Verdict.NONE_SHOWN for one in compare_in_turn(questions))
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5
    (one,) = compare_in_turn(questions[:1], shares=6, most=10)
    assert (one.family, one.counts) == (6, (10, 10))
