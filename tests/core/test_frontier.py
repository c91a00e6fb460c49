"""The frontier: who is on it, what is shown of that, and how often that is wrong."""

from random import Random

import msgspec
import pytest

from tui.core.figures import Figure
from tui.core.frontier import FrontierPoint, frontier
from tui.core.metrics import NS_PER_MS
from tui.core.observation import Observation

pytestmark = pytest.mark.unit


def requests(
    seed: int, ms: float, right: float | None, usd: float | None, runs: int = 60, spread: float = 0.1
) -> list[Observation]:
    chance = Random(seed)
    return [
        Observation(
            run=run,
            total_ns=round(ms * NS_PER_MS * chance.lognormvariate(0, spread)),
            passed=None if right is None else chance.random() < right,
            usd=usd,
        )
        for run in range(1, runs + 1)
    ]


def places(points: list[FrontierPoint]) -> dict[str, str]:
    return {point.name: point.state for point in points}


def test_the_fast_the_cheap_and_the_right_are_on_it_and_what_is_worse_in_all_is_not() -> None:
    points = frontier(
        [
            ("fast", requests(1, 100, 0.4, 0.004)),
            ("cheap", requests(2, 300, 0.4, 0.001)),
            ("right", requests(3, 300, 1.0, 0.004)),
            ("bad", requests(4, 400, 0.4, 0.004)),
        ]
    )
    assert places(points) == {
        "fast": "on the frontier",
        "cheap": "on the frontier",
        "right": "on the frontier",
        "bad": points[3].state,
    }
    assert points[3].state.startswith("behind ")
    assert points[2].passes == "60 of 60, 94 % to 100 %"
    assert points[0].cells[2] == "$0.0040"


def test_what_is_worse_in_time_and_alike_in_cost_is_surely_behind() -> None:
    points = frontier([("a", requests(1, 100, None, 0.001)), ("b", requests(2, 200, None, 0.001))])
    assert places(points) == {"a": "on the frontier", "b": "behind a"}
    assert points[1].beaten_by == "a"


def test_what_is_not_shown_is_so_far() -> None:
    points = frontier(
        [("a", requests(1, 100, 1.0, None, runs=4)), ("b", requests(2, 110, 1.0, None, runs=4, spread=0.01))]
    )
    assert [point.shown for point in points] == [False, False]
    assert all(point.state.endswith(", so far") for point in points)


def test_nothing_but_time_is_no_frontier_and_neither_is_one_target() -> None:
    assert frontier([("a", requests(1, 100, None, None)), ("b", requests(2, 90, None, None))]) == []
    assert frontier([("a", requests(1, 100, 1.0, 0.1))]) == []
    assert frontier([(str(at), requests(at, 100, 1.0, 0.1, runs=1)) for at in range(40)]) == []


def test_a_price_that_is_not_known_does_not_beat_one_that_is() -> None:
    points = frontier([("free", requests(1, 100, None, None)), ("priced", requests(2, 300, None, 0.001))])
    assert points[1].on_frontier


def test_equal_targets_are_seldom_surely_anything() -> None:
    chance, wrong = Random(9), 0
    for _ in range(100):
        pair = [(name, requests(chance.getrandbits(32), 100, 0.8, None, runs=40)) for name in "abc"]
        wrong += any(point.shown for point in frontier(pair))
    assert wrong <= 5


def test_by_ttft_another_one_may_be_on_it() -> None:
    first, whole = requests(1, 100, 1.0, 0.001), requests(2, 300, 1.0, 0.001)
    early = [msgspec.structs.replace(one, ttft_ns=10 * NS_PER_MS) for one in whole]
    late = [msgspec.structs.replace(one, ttft_ns=90 * NS_PER_MS) for one in first]
    named = [("late", late), ("early", early)]
    assert [point.beaten_by for point in frontier(named)] == ["", "late"]
    by_ttft = frontier(named, Figure.TTFT)
    assert [point.beaten_by for point in by_ttft] == ["early", ""]
    assert [round(point.time_ns(Figure.TTFT) or 0) for point in by_ttft] == [90 * NS_PER_MS, 10 * NS_PER_MS]
