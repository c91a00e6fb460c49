"""Change points of a series: the places from which on its values lie elsewhere, with a bounded rate of false alarms.

The statistic is Pettitt's (A Non-Parametric Approach to the Change-Point Problem, Applied Statistics 28, 1979): the
largest sum of ranks, up to any place, less what it would be on average. Being of ranks, no outlier moves it. How
large it is without a change is told by shuffling, in long series by his formula. A change counts where at most the
stated share of shuffles has one as large.

Neighbours depend on each other, which makes it larger without any change: it is divided by the root of the inflation
that the rest shows, with changes taken out (Tang and MacNeill, The Effect of Serial Correlation on Tests for Parameter
Change at Unknown Time, Annals of Statistics 21, 1993). Both sides of a change are looked at again, at the same rate
(binary segmentation), so that a series without any change has one stated with that probability.
`tests/benchmarks/change_points.py` simulates it.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from random import Random
from statistics import fmean

from tui.core.statistics import dependence

FALSE_ALARMS = 0.01
"""Probability of stating any change in series that have none, all of one look together."""
FEWEST = 20
"""Values from which on a change can be told."""
_EACH_SIDE = 5
"""Fewest values on either side of a change."""
MOST = 1_000
"""Values that are looked at, the latest."""
_DRAWS = 999
_LONG = 150
"""Values from which on chance is told by a formula."""


def change_points(values: Sequence[float], rate: float = FALSE_ALARMS, seed: int = 0) -> list[int]:
    """Positions of the first values after each change, ascending. `rate` is that of false alarms."""
    found: list[int] = []
    open_parts = [(0, len(values))]
    while open_parts:
        start, end = open_parts.pop()
        at = _change(values[start:end], rate, Random(f"{seed} {start} {end}"))
        if at is not None:
            found.append(start + at)
            open_parts += [(start, start + at), (start + at, end)]
    return sorted(found)


def _change(values: Sequence[float], rate: float, random: Random) -> int | None:
    """The place of the clearest change, if it counts."""
    count = len(values)
    if count < FEWEST:
        return None
    scores = _centred_ranks(values)
    at, largest = _largest(scores)
    # Of what is left when the change is taken out, and the next ones: changes are no dependence of neighbours.
    parts = [part for side in (scores[:at], scores[at:]) for part in _parted(side)]
    rest = [score - fmean(part) for part in parts for score in part]
    largest /= math.sqrt(dependence([rest], caution=1.0).inflation)
    if count >= _LONG:
        # Pettitt's own approximation, of twice the sum: it is close there, and costs no shuffles.
        return at if 2 * math.exp(-6 * (2 * largest) ** 2 / (count**3 + count**2)) <= rate else None
    draws = max(_DRAWS, round(2 / rate))
    allowed = rate * (draws + 1) - 1
    as_large = 0
    for _ in range(draws):
        random.shuffle(scores)
        if _largest(scores)[1] >= largest:
            as_large += 1
            if as_large > allowed:
                return None
    return at


def _parted(scores: Sequence[float]) -> Sequence[Sequence[float]]:
    """A side in two parts, where it is long enough, at its own clearest place."""
    if len(scores) < FEWEST:
        return (scores,)
    mean = fmean(scores)
    at, _ = _largest([score - mean for score in scores])
    return scores[:at], scores[at:]


def _largest(scores: Sequence[float]) -> tuple[int, float]:
    """Place and size of the largest sum up to a place, either way."""
    sums = list(accumulate(scores))[_EACH_SIDE - 1 : len(scores) - _EACH_SIDE]
    low, high = min(sums), max(sums)
    size = max(high, -low)
    return sums.index(high if high >= -low else low) + _EACH_SIDE, size


def _centred_ranks(values: Sequence[float]) -> list[float]:
    """Ranks less their mean; those of tied values are equal."""
    order = sorted(range(len(values)), key=values.__getitem__)
    edges = [0, *(at for at, (a, b) in enumerate(pairwise(order), 1) if values[a] != values[b]), len(order)]
    ranks = [0.0] * len(order)
    for first, end in pairwise(edges):
        for place in order[first:end]:
            ranks[place] = (first + end) / 2 - len(order) / 2
    return ranks
