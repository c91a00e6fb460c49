"""Made arrivals of answers, on free paths and on paths that collect; and how often the verdict on them is wrong."""

import random
from collections.abc import Callable
from itertools import accumulate

from tui.core.arrivals import FEWEST, Held, arrivals, held_back

US, MS = 1_000, 1_000_000
LATE_NS = 200 * US
Make = Callable[[random.Random, float], list[int]]
"""Stamps of one answer, ns since the request was sent, with gaps of about so many ms."""
Collect = Callable[[random.Random, list[int]], list[int]]
"""The same stamps behind what holds answers back."""


def collected(stamps: list[int], every: float) -> list[int]:
    """The same behind something that passes on what it has at moments `every` ms apart."""
    return [-(-stamp // round(every * MS)) * round(every * MS) for stamp in stamps]


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


def to_the_next_moment(rng: random.Random, stamps: list[int]) -> list[int]:
    """At moments of the same distance. What passes on too little at a time to be told from a model is none of these."""
    least_ms = 4 * (stamps[-1] - stamps[0]) / len(stamps) / MS
    return [stamp + rng.randint(0, 30 * US) for stamp in collected(stamps, rng.uniform(max(60, least_ms), 600))]


def to_the_end(rng: random.Random, stamps: list[int]) -> list[int]:
    """All at once, when the answer is over."""
    return list(accumulate((rng.randint(0, 60 * US) for _ in stamps[1:]), initial=stamps[-1]))


def claimed_of_free(make: Make, rng: random.Random, count: int) -> int:
    """Of so many answers that nothing held back, those of which it is claimed."""
    return sum(
        _verdict(make(rng, rng.choice((0.3, 1, 3, 10, 30))), lost=make is lossy) in (Held.AT_ONCE, Held.IN_BURSTS)
        for _ in range(count)
    )


def missed_of_collected(collect: Collect, rng: random.Random, count: int) -> int:
    """Of so many answers that were held back, those of which it is not said."""
    return sum(
        _verdict(collect(rng, streamed(rng, rng.choice((3, 10, 30)))), lost=False) not in (Held.AT_ONCE, Held.IN_BURSTS)
        for _ in range(count)
    )


def _verdict(stamps: list[int], *, lost: bool) -> Held | None:
    found = arrivals(stamps)
    assert found is not None
    return held_back(found, stamps[0], LATE_NS, lost=lost)
