"""A series: what is run next, in which order, and when it is over."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.prompt import Prompt, Turn
from tui.core.series import Ending, Repeat, Series, SeriesSettings, order_of

S = 1_000_000_000


def series_of(lanes: int = 3, **settings: object) -> Series:
    return Series(msgspec.convert(settings, SeriesSettings), "u1", lanes, seed=7)


def run_all(series: Series, took_ns: int = S, usd: float = 0.0, *, all_failed: bool = False) -> list[Repeat]:
    found = []
    while (repeat := series.next()) is not None:
        found.append(repeat)
        series.add(repeat, took_ns, usd, all_failed=all_failed)
    return found


@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 20), st.integers(1, 4))
def test_warm_up_comes_first_and_every_run_asks_every_lane_once(
    repeats: int, warm_ups: int, lanes: int, concurrency: int
) -> None:
    series = series_of(lanes, repeats=repeats, warm_ups=warm_ups, concurrency=concurrency)
    runs = run_all(series)
    assert [run.warm_up for run in runs] == [True] * warm_ups + [False] * repeats
    assert [run.number for run in runs] == [*range(1, warm_ups + 1), *range(1, repeats + 1)]
    assert all(sorted(run.order) == list(range(lanes)) for run in runs)
    assert series.requests == (warm_ups + repeats) * lanes * concurrency
    assert series.ending is Ending.COMPLETE


def test_orders_differ_between_runs_and_are_the_same_again_from_the_recorded_seed() -> None:
    runs = run_all(series_of(5, repeats=20))
    assert len({run.order for run in runs}) > 10
    assert [order_of(run.seed, run.number, 5, warm_up=run.warm_up) for run in runs] == [run.order for run in runs]
    other = run_all(series_of(5, repeats=20, seed=8))
    assert [run.order for run in other] != [run.order for run in runs]
    assert {run.seed for run in other} == {8}


def test_every_lane_comes_first_about_equally_often() -> None:
    firsts = [run.order[0] for run in run_all(series_of(4, repeats=2_000, warm_ups=0))]
    assert all(420 < firsts.count(lane) < 580 for lane in range(4))


def test_a_run_that_would_go_beyond_the_request_budget_is_not_begun() -> None:
    series = series_of(3, repeats=10, warm_ups=1, max_requests=11)
    assert len(run_all(series)) == 3
    assert series.requests == 9
    assert series.ending is Ending.REQUESTS


def test_a_spent_cost_budget_begins_no_further_run() -> None:
    series = series_of(repeats=10, warm_ups=0, max_usd=0.25)
    assert len(run_all(series, usd=0.1)) == 3
    assert series.usd == pytest.approx(0.3)
    assert series.ending is Ending.COST


def test_a_series_that_only_fails_goes_no_further() -> None:
    series = series_of(repeats=100)
    assert len(run_all(series, all_failed=True)) == 3
    assert series.ending is Ending.FAILING


def test_the_first_reason_to_end_stays() -> None:
    series = series_of(repeats=5)
    series.end(Ending.CANCELLED)
    series.end(Ending.COMPLETE)
    assert series.next() is None
    assert series.ending is Ending.CANCELLED


def test_time_left_follows_from_the_counted_runs_and_the_gap() -> None:
    series = series_of(repeats=4, warm_ups=1, gap=0.5)
    for took_s, left_ns in ((90, None), (3, 3 * (3 * S + S // 2)), (1, 2 * (2 * S + S // 2))):
        repeat = series.next()
        assert repeat is not None
        series.add(repeat, took_s * S, 0.0, all_failed=False)
        assert series.left_ns() == left_ns


def test_time_left_is_said_in_minutes_where_it_is_minutes() -> None:
    series = series_of(repeats=100, warm_ups=0)
    repeat = series.next()
    assert repeat is not None
    series.add(repeat, 15 * S, 0.0, all_failed=False)
    assert "25 min left" in series.progress()


def test_cache_busters_differ_and_are_equally_long() -> None:
    busters = [run.cache_buster for run in run_all(series_of(repeats=50, warm_ups=3, bust_cache=True))]
    assert len(set(busters)) == 53
    assert len({len(buster or "") for buster in busters}) == 1
    assert all(run.cache_buster is None for run in run_all(series_of()))


def test_a_cache_buster_stands_in_front_of_everything() -> None:
    assert Prompt(system="s", user="u").begun_with("[1]") == Prompt(system="[1]\ns", user="u")
    assert Prompt(user="u").begun_with("[1]") == Prompt(user="[1]\nu")
    first, second = Turn(role="user", text="a"), Turn(role="assistant", text="b")
    changed = Turn(role="user", text="[1]\na")
    assert Prompt(user="u", turns=(first, second)).begun_with("[1]") == Prompt(user="u", turns=(changed, second))
