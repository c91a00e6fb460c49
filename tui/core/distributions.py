"""The few probability distributions that intervals and tests rest on, with the standard library alone."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress, groupby, islice, repeat
from operator import eq
from statistics import NormalDist

import msgspec

_NORMAL = NormalDist()
_NEGLIGIBLE = 1e-17
"""Terms of a sum below this part of it are left out: less than a float's rounding."""


def normal_quantile(probability: float) -> float:
    """The standard normal distribution's quantile; `probability` strictly between 0 and 1."""
    return _NORMAL.inv_cdf(probability)


def normal_tail(z: float) -> float:
    """P(Z ≥ z) of a standard normal Z, exact far out in the tail too."""
    return math.erfc(z / math.sqrt(2)) / 2


@lru_cache(maxsize=4096)
def binomial_at_most(successes: int, trials: int, share: float) -> float:
    """P(B ≤ `successes`) of a binomial B of `trials` with probability `share`, 0 < share < 1.

    Summed from the mode's side outwards, so that it takes in the order of √trials terms.
    """
    if successes < 0:
        return 0.0
    if successes >= trials:
        return 1.0
    if successes <= trials * share:
        return _tail(successes, trials, share)
    return 1.0 - _tail(trials - successes - 1, trials, 1.0 - share)


def binomial_at_least(successes: int, trials: int, share: float) -> float:
    """P(B ≥ `successes`), without the rounding of 1 − P(B < successes)."""
    return binomial_at_most(trials - successes, trials, 1.0 - share)


def _tail(successes: int, trials: int, share: float) -> float:
    """P(B ≤ successes) for `successes` below the mean: terms fall from the first on."""
    log_term = (
        math.lgamma(trials + 1)
        - math.lgamma(successes + 1)
        - math.lgamma(trials - successes + 1)
        + successes * math.log(share)
        + (trials - successes) * math.log1p(-share)
    )
    term = math.exp(log_term)
    total, odds = term, (1.0 - share) / share
    for count in range(successes, 0, -1):
        term *= count / (trials - count + 1) * odds
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, total)


def share_bounds(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """One-sided bounds of a proportion, each at `confidence`: Clopper and Pearson, Biometrika 26 (1934).

    Exact: the lower bound is the least share at which as many successes or more have a probability of 1 − confidence,
    the upper likewise. Together they are a two-sided interval of 2·confidence − 1. (0, 1) without trials.
    """
    tail = 1.0 - confidence
    low = _root(lambda share: binomial_at_least(successes, trials, share) - tail) if successes else 0.0
    high = _root(lambda share: tail - binomial_at_most(successes, trials, share)) if successes < trials else 1.0
    return low, high


def _root(rising: Callable[[float], float]) -> float:
    """The zero of a function that rises from below zero at 0 to above it at 1, to 2⁻⁴⁰."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_quantile(probability: float, degrees: int) -> float:
    """Student's t quantile, to 0.3 % from four degrees of freedom on between 0.001 and 0.999.

    Cornish-Fisher expansion, Abramowitz and Stegun (1964), 26.7.5.
    """
    z = normal_quantile(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))


def student_tail(t: float, degrees: float) -> float:
    """P(T ≥ t), t ≥ 0, of Student's distribution, to 1 % down to a thousandth: Wallace, Annals of Mathematical
    Statistics 30 (1959). `degrees` may be a fraction, 1 at least."""
    return normal_tail(math.sqrt(degrees * math.log1p(t * t / degrees)) * (8 * degrees + 1) / (8 * degrees + 3))


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
    # The sum shows it cheaply; that of both infinities is NaN too.
    if math.isnan(sum(first) + sum(second)) and any(map(math.isnan, [*first, *second])):
        raise ValueError("A rank test takes numbers, and NaN is none.")
    # Ascending, so that joining them and looking up one in the other are nearly linear: sets may hold millions.
    ours, theirs = sorted(first), sorted(second)
    ties = [
        (bisect_right(ours, value) - bisect_left(ours, value), bisect_right(theirs, value) - bisect_left(theirs, value))
        for value in _tied(sorted([*ours, *theirs]))
    ]
    u = sum(map(bisect_left, repeat(theirs), ours)) + sum(a * b for a, b in ties) / 2
    cubes = sum((a + b) ** 3 - (a + b) for a, b in ties)
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


def _tied(ascending: Sequence[float]) -> list[float]:
    """The values that are there more than once."""
    repeated = list(compress(ascending, map(eq, ascending, islice(ascending, 1, None))))
    return [value for value, _ in groupby(repeated)]


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
    if m + n > _EXACT_TO:
        return math.exp(math.log(2) - math.lgamma(m + n + 1) + math.lgamma(m + 1) + math.lgamma(n + 1))
    return 2 / math.comb(m + n, m)


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
