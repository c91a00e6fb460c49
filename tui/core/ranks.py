"""Rank tests of two samples, and what to do about many tests at once."""

import math
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from tui.core.distributions import normal_tail

_EXACT_TO = 1_000
"""Up to this many pairs of samples the exact distribution is counted out, which takes milliseconds; beyond, the normal
approximation is off by less than 1 % of p."""


class RankTest(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a Mann-Whitney test, two-sided."""

    u: float
    """Pairs in which the first set's sample is the greater, ties by half."""
    p: float
    """The probability of a shift as clear as this, or clearer, in either direction, if there is none."""


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> RankTest:
    """Test whether one set tends to greater values than the other. Neither is empty.

    Mann and Whitney, Annals of Mathematical Statistics 18 (1947). Exact where there are no ties and few samples, else
    the normal approximation with continuity and tie correction (Lehmann, Nonparametrics, 1975, 1.2 and 1.4).
    """
    m, n = len(first), len(second)
    pooled = sorted([(value, True) for value in first] + [(value, False) for value in second])
    rank_sum, cubes, start = 0.0, 0, 0
    while start < m + n:
        end = start
        while end < m + n and pooled[end][0] == pooled[start][0]:
            end += 1
        size = end - start
        rank_sum += sum(mine for _, mine in pooled[start:end]) * (start + end + 1) / 2
        cubes += size**3 - size
        start = end
    u = rank_sum - m * (m + 1) / 2
    extreme = max(u, m * n - u)
    if not cubes and m * n <= _EXACT_TO:
        counts = _frequencies(min(m, n), max(m, n))
        p = 2 * sum(counts[int(extreme) :]) / math.comb(m + n, m)
        return RankTest(u=u, p=min(1.0, p))
    total = m + n
    variance = m * n / 12 * (total + 1 - cubes / (total * (total - 1)))
    if variance <= 0:
        return RankTest(u=u, p=1.0)
    z = (extreme - m * n / 2 - 0.5) / math.sqrt(variance)
    return RankTest(u=u, p=min(1.0, 2 * normal_tail(z)))


@lru_cache(maxsize=64)
def _frequencies(few: int, many: int) -> tuple[int, ...]:
    """Numbers of arrangements with U = 0, 1, 2 …: the coefficients of ∏ (1 − q^(many+i))/(1 − qⁱ), i from 1 to few."""
    size = few * many + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, few + 1):
        for at in range(size - 1, many + i - 1, -1):
            counts[at] -= counts[at - many - i]
        for at in range(i, size):
            counts[at] += counts[at - i]
    return tuple(counts)


def smallest_p(m: int, n: int) -> float:
    """The least p that sets of these sizes can give: two sets entirely apart."""
    return 2 / math.comb(m + n, m)


def corrected(ps: Sequence[float], *, picked_from: int | None = None) -> list[float]:
    """P of all tests whose verdicts are shown together, so that any is wrong with probability α at most (`holm`).

    Where these tests were picked from a larger family by the same data, all of it counts: Bonferroni's correction.
    """
    return holm(ps) if picked_from is None else [min(1.0, p * picked_from) for p in ps]


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p of several tests, in their order: below α with probability α at most for any true null hypothesis.

    Holm, Scandinavian Journal of Statistics 6 (1979): the i-th smallest of m times m − i + 1, never falling.
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for done, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        highest = max(highest, min(1.0, ps[at] * (len(ps) - done)))
        adjusted[at] = highest
    return adjusted
