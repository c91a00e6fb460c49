"""Answers that were held back on the way: named, and never where a model, a server or this program made the bursts."""

import random
from collections.abc import Callable
from itertools import accumulate

import pytest

from tui.core.held_back import FEWEST, Held, arrivals, held_back

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


def collected(stamps: list[int], every: float) -> list[int]:
    """The same behind something that passes on what it has at moments `every` ms apart."""
    return [-(-stamp // round(every * MS)) * round(every * MS) for stamp in stamps]


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


def streamed(rng: random.Random, gap_ms: float) -> list[int]:
    """A stream with gaps of log-normal length, of which one in twenty is a pause."""
    first = rng.uniform(50, 2_000)
    count = rng.randint(FEWEST, 300)
    gaps = [rng.lognormvariate(0, 0.6) * gap_ms * (8 if rng.random() < 0.05 else 1) for _ in range(count)]
    return [round((first + at) * MS) for at in accumulate(gaps)]


def jittered(rng: random.Random, gap_ms: float) -> list[int]:
    """Over a network that delays each segment by up to 20 ms, in order."""
    return list(accumulate((stamp + round(rng.expovariate(1 / 5) * MS) for stamp in streamed(rng, gap_ms)), max))


def lossy(rng: random.Random, gap_ms: float) -> list[int]:
    """With a few lost segments, each of which holds up what follows for 80 to 300 ms."""
    stamps = streamed(rng, gap_ms)
    for at in rng.sample(range(len(stamps)), k=min(3, len(stamps) // 4)):
        until = stamps[at] + round(rng.uniform(80, 300) * MS)
        stamps = [max(stamp, until) if number >= at else stamp for number, stamp in enumerate(stamps)]
    return stamps


def steps(rng: random.Random, gap_ms: float) -> list[int]:
    """Of a model that makes one to five tokens in a step."""
    stamps = streamed(rng, gap_ms)
    return sorted(stamp + number * 50 * US for stamp in stamps for number in range(rng.choice((1, 1, 2, 3, 5))))


Make = Callable[[random.Random, float], list[int]]


@pytest.mark.parametrize("make", [streamed, jittered, lossy, steps])
def test_it_is_seldom_claimed_of_a_free_path(make: Make) -> None:
    rng = random.Random(14)
    claimed = 0
    for _ in range(SAMPLES):
        stamps = make(rng, rng.choice((0.3, 1, 3, 10, 30)))
        claimed += judged(stamps, lost=make is lossy) in (Held.AT_ONCE, Held.IN_BURSTS)
    assert claimed <= SAMPLES * 0.01


def test_it_is_seldom_missed_of_one_that_collects() -> None:
    rng = random.Random(15)
    missed = 0
    for _ in range(SAMPLES):
        stamps = streamed(rng, rng.choice((3, 10, 30)))
        # What passes on too little at a time to be told from a model is none of these.
        every = rng.uniform(max(60, 4 * (stamps[-1] - stamps[0]) / len(stamps) / MS), 600)
        missed += judged([stamp + rng.randint(0, 30 * US) for stamp in collected(stamps, every)]) is not Held.IN_BURSTS
    assert missed <= SAMPLES * 0.05


def test_it_is_seldom_missed_of_one_that_waits_for_the_end() -> None:
    rng = random.Random(16)
    missed = 0
    for _ in range(SAMPLES):
        end = streamed(rng, 10)[-1]
        stamps = list(accumulate((rng.randint(0, 60 * US) for _ in range(rng.randint(FEWEST, 300))), initial=end))
        missed += judged(stamps) is not Held.AT_ONCE
    assert missed <= SAMPLES * 0.02
