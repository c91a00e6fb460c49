"""Samples taken in one by one are those of the whole list; sparklines stay readable up to ten thousand runs."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.viewmodel.lane_history import BLOCKS, FAILED, LaneHistory, spark

OUTCOMES = st.lists(
    st.builds(
        Observation,
        status=st.just(Status.DONE),
        counted=st.booleans(),
        fingerprint=st.sampled_from(["a", "a", "a", "b"]),
        ttft_ns=st.none() | st.integers(0, 10**12),
    ),
    max_size=12,
)


@given(st.lists(OUTCOMES | st.just("clear"), max_size=12))
def test_caught_up_it_is_what_a_new_one_is(batches: list[list[Observation] | str]) -> None:
    lane = Lane(Target(model="a"))
    history = LaneHistory(lane)
    for batch in batches:
        if isinstance(batch, str):
            lane.outcomes.clear()
        else:
            lane.outcomes += batch
            history.catch_up()
            assert history.drawn[Figure.TTFT] == [outcome.ttft_ns for outcome in lane.outcomes if outcome.counted]
            expected = [outcome.ttft_ns for outcome in lane.current]
            present = [value for value in expected if value is not None]
            samples = history.samples[Figure.TTFT]
            assert samples.values == expected
            assert samples.count == len(present)
            assert samples.median == (median(present) if present else None)
            assert not history.catch_up()


@given(st.lists(OUTCOMES | st.just("clear"), max_size=12))
def test_current_is_what_came_since_the_last_change(batches: list[list[Observation] | str]) -> None:
    lane = Lane(Target(model="a"))
    for batch in batches:
        if isinstance(batch, str):
            lane.outcomes.clear()
        else:
            lane.outcomes += batch
            expected: list[Observation] = []
            for outcome in reversed(lane.outcomes):
                if outcome.fingerprint != lane.outcomes[-1].fingerprint:
                    break
                expected[:0] = [outcome] * outcome.counted
            assert lane.current == expected


VALUES = st.lists(st.none() | st.floats(-10, 110), max_size=200)


@given(VALUES, st.integers(0, 30))
def test_one_cell_a_value_until_they_are_full(values: list[float | None], width: int) -> None:
    line = spark(values, width, 0, 100)
    assert len(line) == min(len(values), width)
    assert set(line) <= set(BLOCKS + FAILED)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 50, 100], "▁▅█"),
        ([-5, 105], "▁█"),
        ([10, None, 90], "▁×█"),
        (list(range(0, 100, 13)), "▁▂▃▄▅▆▇█"),
        ([], ""),
    ],
)
def test_levels(values: list[float | None], expected: str) -> None:
    assert spark(values, 10, 0, 100) == expected


def test_a_cell_of_several_values_shows_their_median() -> None:
    assert spark([0, 0, 100, 100, 100, 0], 2, 0, 100) == "▁█"
    assert spark([None, None, 100, None], 2, 0, 100) == "×█"


def test_ten_thousand_runs_keep_their_trend() -> None:
    assert spark(list(range(10_000)), 8, 0, 10_000) == BLOCKS


def test_equal_values_stand_in_the_middle() -> None:
    assert spark([5, 5], 4, 5, 5) == "▅▅"
