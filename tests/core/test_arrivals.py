"""Answers that were held back on the way: named, and never where a model, a server or this program made the bursts."""

import random

import pytest
from arrival_streams import (
    Collect,
    Make,
    claimed_of_free,
    collected,
    jittered,
    lossy,
    missed_of_collected,
    steps,
    streamed,
    to_the_end,
    to_the_next_moment,
)

from tui.core.arrivals import FEWEST, Held, arrivals, held_back

US, MS, S = 1_000, 1_000_000, 1_000_000_000
SAMPLES = 300
"""Answers of each kind; `tests/benchmarks/held_back.py` makes more."""


def judged(stamps: list[int], late: float = 0.2, *, lost: bool = False) -> Held | None:
    """Stamps are ns since the request was sent."""
    found = arrivals(stamps)
    assert found is not None
    return held_back(found, stamps[0], round(late * MS), lost=lost)


def even(count: int, gap: float, first: float = 300) -> list[int]:
    """`count` stamps; times in ms."""
    return [round((first + gap * number) * MS) for number in range(count)]


# What real paths did (issue 14): 40 pieces, one each 30 ms, the first after 300.


@pytest.mark.parametrize("every", [80, 100, 212, 400])
def test_bursts(every: float) -> None:
    stamps = collected(even(40, 30), every)
    assert judged(stamps) is Held.IN_BURSTS
    found = arrivals(stamps)
    assert found is not None
    assert found.apart_ns == every * MS
    assert found.pieces == 40
    assert found.bursts == len(set(stamps))


@pytest.mark.parametrize("count", [FEWEST, 40, 500])
def test_all_at_streamed(count: int) -> None:
    assert judged([1_470 * MS] * count) is Held.AT_ONCE
    assert judged([1_470 * MS + 20 * US * number for number in range(count)]) is Held.AT_ONCE


def test_two_bursts_of_a_buffer_that_was_filled_streamed() -> None:
    assert judged([800 * MS] * 25 + [1_600 * MS] * 15) is Held.IN_BURSTS


# What is none.


@pytest.mark.parametrize("gap", [0.15, 0.5, 0.9, 1.1, 2, 5, 30, 200])
def test_an_even_stream_however_fast(gap: float) -> None:
    assert judged(even(200, gap)) is Held.NO


def test_few_pieces_and_one() -> None:
    assert judged([300 * MS]) is Held.NO
    assert judged([300 * MS] * (FEWEST - 1)) is Held.NO


def test_an_answer_at_once_without_a_wait() -> None:
    assert judged([3 * MS] * 40) is Held.NO


def test_a_fast_model_behind_a_network_that_stalled() -> None:
    stamps = even(200, 2)
    held = [max(stamp, 500 * MS) if stamp > 350 * MS else stamp for stamp in stamps]
    assert judged(held) is Held.NO


def test_a_model_that_makes_several_tokens_in_a_step() -> None:
    stamps = [round((300 + 40 * (number // 4)) * MS + 100 * US * (number % 4)) for number in range(120)]
    assert judged(stamps) is Held.NO


def test_when_the_program_itself_was_late_it_says_nothing() -> None:
    assert judged(collected(even(40, 30), 212), late=60) is None
    assert judged([1_470 * MS] * 40, late=30) is None
    found = arrivals([1_470 * MS] * 40)
    assert found is not None
    assert held_back(found, 1_470 * MS, None) is None


def test_lost_segments_are_no_path_that_collects() -> None:
    assert judged([800 * MS] * 25 + [1_600 * MS] * 15, lost=True) is None
    assert judged([1_470 * MS] * 40, lost=True) is None
    assert judged(even(40, 30), lost=True) is Held.NO


def test_lateness_hides_nothing_that_is_no_burst() -> None:
    assert judged(even(40, 30), late=500) is Held.NO


def test_nothing_arrived() -> None:
    assert arrivals([]) is None


# Both rates of error, over answers with random gaps, pauses and jitter.


@pytest.mark.parametrize("make", [streamed, jittered, lossy, steps])
def test_it_is_seldom_claimed_of_a_free_path(make: Make) -> None:
    assert claimed_of_free(make, random.Random(14), SAMPLES) <= SAMPLES * 0.01


@pytest.mark.parametrize("make", [to_the_next_moment, to_the_end])
def test_it_is_seldom_missed_of_one_that_collects(make: Collect) -> None:
    assert missed_of_collected(make, random.Random(15), SAMPLES) <= SAMPLES * 0.05
