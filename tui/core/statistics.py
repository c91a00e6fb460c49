"""Summaries of repeated measurements, and how sure they are.

Samples are in any unit (ns, tokens/s), and results in the same. The intervals assume that the samples are independent
draws of one distribution, of any shape: no normal distribution is presumed except in `mean_bounds`.
"""

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from statistics import fmean, median, stdev

import msgspec

from tui.core.distributions import binomial_at_least, binomial_at_most, normal_quantile, student_quantile
from tui.core.metrics import percentile

CONFIDENCE = 0.95
"""Confidence of intervals unless told otherwise."""
RESAMPLES = 2_000
"""Draws per set: the ends of an interval of 95 % then stray by about 3 % of its width."""
FEWEST_FOR_MEAN = 50
_MOST_DRAWS_KEPT = 32
"""Sets of drawn ranks, 32 kB each."""
_FEWEST_CLUSTERS = 10
_FEWEST_FOR_LAG = 8
_MOST_FOR_LAG = 10_000
"""Samples, the latest, that their dependence is told from."""
_MOST_CORRELATION = 0.9


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """From `low` to `high`, both included, in the unit of the samples."""

    low: float
    high: float
    confidence: float
    """The probability that such an interval covers the true value, or more."""

    def stretched(self, middle: float, factor: float) -> "Interval":
        """The interval with both ends farther from `middle` by `factor`."""
        return Interval(
            low=middle + factor * (self.low - middle),
            high=middle + factor * (self.high - middle),
            confidence=self.confidence,
        )


class Description(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All figures of one metric, in the unit of the samples. What so few samples do not bound is absent."""

    count: int
    """Samples, failures not included."""
    failures: int
    min: float | None = None
    median: float | None = None
    mean: float | None = None
    p90: float | None = None
    """Like `p95` and `p99` by `metrics.percentile`, and shown only from `samples_needed` samples on."""
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    deviation: float | None = None
    """Standard deviation of a sample, divisor n − 1."""
    median_interval: Interval | None = None


def describe(samples: Sequence[float | None], confidence: float = CONFIDENCE) -> Description:
    """All figures of `samples`; `None` is a failure.

    ITL is described over the gaps of many answers in one list. Gaps of one answer are not independent, so that the
    intervals of such a list are too narrow: do not show them, but those of `clustered_bounds`.
    """
    in_order = [sample for sample in samples if sample is not None and math.isfinite(sample)]
    ascending = sorted(in_order)
    count = len(ascending)
    shown = {
        percent: percentile(ascending, percent) if count >= samples_needed(percent, confidence) else None
        for percent in (90, 95, 99)
    }
    return Description(
        count=count,
        failures=sum(sample is None for sample in samples),
        min=ascending[0] if count else None,
        median=median(ascending) if count else None,
        mean=fmean(ascending) if count else None,
        p90=shown[90],
        p95=shown[95],
        p99=shown[99],
        max=ascending[-1] if count else None,
        deviation=stdev(ascending) if count > 1 else None,
        median_interval=percentile_interval(ascending, 50, confidence, inflation_of(in_order)),
    )


def samples_needed(percent: int, confidence: float = CONFIDENCE) -> int:
    """Samples that bound a percentile on both sides: n with 1 − qⁿ − (1 − q)ⁿ ≥ confidence at least.

    With q = percent / 100, that is the coverage from the smallest sample to the largest (Wilks, Annals of Mathematical
    Statistics 12, 1941).
    A percentile of fewer samples is not shown. At 95 %: 6 for the median, 29 for p90, 59 for p95, 299 for p99.
    """
    share = percent / 100
    rarer = max(share, 1 - share)
    count = max(1, math.floor(math.log(1 - confidence) / math.log(rarer)) - 1)
    while 1 - share**count - (1 - share) ** count < confidence:
        count += 1
    return count


def percentile_interval(
    ascending: Sequence[float], percent: int, confidence: float = CONFIDENCE, inflation: float = 1.0
) -> Interval | None:
    """A distribution-free interval for a percentile: from one order statistic to another. None if n is too small.

    Samples l and u, counted from 1, cover the percentile q with probability P(l ≤ B ≤ u − 1) or more, B binomial
    (n, q): Conover, Practical Nonparametric Statistics (3rd ed. 1999), 3.2; Hahn and Meeker, Statistical Intervals
    (1991), 5.2. Each tail gets half of 1 − confidence; where a tail has no sample so far out, the interval ends at
    the outermost one, and the other tail gets what that leaves. `ascending` is sorted. With `inflation`, see
    `Dependence`, the ranks are those of as many fewer samples, and lie at the same parts of these, up to all of them.
    """
    needed = samples_needed(percent, confidence)
    worth = max(needed, math.floor(len(ascending) / inflation))
    ranks = _two_sided_ranks(worth, percent, confidence)
    if len(ascending) < needed or ranks is None:
        return None
    lower, upper = ranks
    return Interval(
        low=_at_or_below(ascending, lower, worth), high=_at_or_above(ascending, upper, worth), confidence=confidence
    )


def _at_or_below(ascending: Sequence[float], rank: int, of: int) -> float:
    """The sample where the one of that rank, from 1, of `of` samples would be; the one before where it is between."""
    return ascending[max(0, rank * (len(ascending) + 1) // (of + 1) - 1)]


def _at_or_above(ascending: Sequence[float], rank: int, of: int) -> float:
    return ascending[min(len(ascending), -(-rank * (len(ascending) + 1) // (of + 1))) - 1]


def percentile_bounds(
    ascending: Sequence[float], percent: int, confidence: float = CONFIDENCE, inflation: float = 1.0
) -> tuple[float | None, float | None]:
    """One-sided bounds of a percentile, each at `confidence`, as in `percentile_interval`; None where n is too small.

    The true percentile is below the first, and is above the second, with probability 1 − confidence at most.
    """
    count, tail = math.floor(len(ascending) / inflation), 1 - confidence
    lower, upper = _lower_rank(count, percent, tail), _upper_rank(count, percent, tail)
    return (
        _at_or_below(ascending, lower, count) if lower else None,
        _at_or_above(ascending, upper, count) if upper else None,
    )


def mean_bounds(
    samples: Sequence[float], confidence: float = CONFIDENCE, inflation: float = 1.0, *, fewest: int = FEWEST_FOR_MEAN
) -> tuple[float | None, float | None]:
    """One-sided bounds of the mean, each at `confidence`: mean ± t·s/√n (Student 1908). None below `fewest` samples.

    With `inflation`, see `Dependence`, n is smaller by that factor.
    Approximate: a long tail of slow answers makes it less sure than it says. Objectives on percentiles are exact.
    """
    count = len(samples)
    if count < fewest:
        return None, None
    worth = count / inflation
    margin = student_quantile(confidence, max(4, math.floor(worth) - 1)) * stdev(samples) / math.sqrt(worth)
    middle = fmean(samples)
    return middle - margin, middle + margin


def clustered_bounds(
    groups: Sequence[Sequence[float]], percent: int, confidence: float = CONFIDENCE, inflation: float = 1.0
) -> tuple[float | None, float | None]:
    """One-sided bounds of a percentile of all samples when those within a group depend on each other: gaps of answers.

    Woodruff, Journal of the American Statistical Association 47 (1952): the share F of all samples that do not exceed
    the percentile varies between groups by s² = k/(k − 1)·Σ(cᵢ − F·mᵢ)²/M², with cᵢ of the mᵢ samples of group i
    below it, k groups, M samples; the bounds are the percentiles of F ± t·s. None below ten groups, and where that
    share is beyond the samples. With `inflation`, see `Dependence`, groups depend on the ones before them.
    """
    present = [group for group in groups if group]
    count = len(present)
    if count < _FEWEST_CLUSTERS:
        return None, None
    ascending = sorted(sample for group in present for sample in group)
    total = len(ascending)
    at = percentile(ascending, percent)
    below = [sum(sample <= at for sample in group) for group in present]
    share = sum(below) / total
    squares = sum((hits - share * len(group)) ** 2 for hits, group in zip(below, present, strict=True))
    spread = math.sqrt(count / (count - 1) * squares) / total
    # Groups without any spread say nothing about the tail: never surer than independent samples would be.
    target = percent / 100
    spread = math.sqrt(inflation) * max(spread, math.sqrt(target * (1 - target) / total))
    margin = student_quantile(confidence, count - 1) * spread
    lower, upper = math.floor((target - margin) * total), math.ceil((target + margin) * total) + 1
    return (ascending[lower - 1] if lower >= 1 else None, ascending[upper - 1] if upper <= total else None)


def lag_correlation(samples: Sequence[float]) -> float:
    """Lag-1 correlation of the ranks of samples in order of measurement; 0 for too few, or where all are equal.

    Ranks, so that a single slow answer does not decide it (Wald and Wolfowitz, Annals of Mathematical Statistics 14,
    1943).
    """
    count = len(samples)
    if count < _FEWEST_FOR_LAG:
        return 0.0
    ascending = sorted(samples)
    # Twice the rank, around 0: the mean of the first and the last place of equal samples, as whole numbers.
    last = dict(zip(ascending, range(count), strict=True))
    first = last if len(last) == count else dict(zip(reversed(ascending), range(count - 1, -1, -1), strict=True))
    ranks = [first[value] + last[value] + 1 - count for value in samples]
    squares = sum(map(operator.mul, ranks, ranks))
    return sum(map(operator.mul, ranks, ranks[1:])) / squares if squares else 0.0


class Dependence(msgspec.Struct, frozen=True):
    """Dependence of samples on the ones before them."""

    correlation: float
    """Lag-1 correlation that is likely, from 0 to 0.9."""
    is_clear: bool
    """True where chance would seldom show as much (5 %); only then a sentence names it."""

    @property
    def inflation(self) -> float:
        """Factor by which it raises the variance of a mean or a median: (1 + r)/(1 − r), of a first-order chain."""
        return (1 + self.correlation) / (1 - self.correlation)


def dependence(sets: Sequence[Sequence[float]], caution: float = 0.0) -> Dependence:
    """The dependence that sets of samples, each in order of measurement, have on average.

    The estimate of a short series is too low by about (1 + 3r)/n (Kendall, Biometrika 41, 1954), which is added. What
    is less than chance may show counts all the same: an error is widened by as much as is likely, not by what is
    certain, since ten samples make nothing certain. `caution` is in standard errors, and added to it.
    """
    found = [(lag_correlation(each[-_MOST_FOR_LAG:]), min(_MOST_FOR_LAG, len(each))) for each in sets]
    told = [(correlation, count) for correlation, count in found if count >= _FEWEST_FOR_LAG]
    total = sum(count for _, count in told)
    if not total:
        return Dependence(0.0, is_clear=False)
    plain = math.fsum(correlation * count for correlation, count in told) / total
    likely = math.fsum(correlation * count + 1 + 3 * correlation for correlation, count in told) / total
    likely += caution / math.sqrt(total)
    is_clear = plain > normal_quantile(0.95) / math.sqrt(total)
    return Dependence(min(_MOST_CORRELATION, max(0.0, likely)), is_clear=is_clear)


def percentile_draws(ascending: Sequence[float], percent: int, seed: int, resamples: int = RESAMPLES) -> list[float]:
    """A percentile of `resamples` samples drawn with replacement from `ascending`, as in `median_draws`."""
    return [ascending[at] for at in _percentile_places(len(ascending), percent, seed, resamples)]


@lru_cache(maxsize=_MOST_DRAWS_KEPT)
def _percentile_places(count: int, percent: int, seed: int, resamples: int) -> tuple[int, ...]:
    random, rank = Random(seed), max(1, -(-count * percent // 100))
    return tuple(min(count - 1, int(random.betavariate(rank, count - rank + 1) * count)) for _ in range(resamples))


def inflation_of(samples: Sequence[float]) -> float:
    """The inflation of one set by itself: 1 where its correlation is below its standard error, as most chance is.

    So what is exact for independent samples stays nearly so, and bounds need no more of them.
    """
    told = samples[-_MOST_FOR_LAG:]
    is_likely = lag_correlation(told) * math.sqrt(len(told)) > 1
    return dependence([told]).inflation if is_likely else 1.0


def median_draws(ascending: Sequence[float], seed: int, resamples: int = RESAMPLES) -> list[float]:
    """Medians of `resamples` samples drawn with replacement from `ascending`, which is sorted and not empty.

    Only the ranks that make the median are drawn. The m-th smallest of n uniform numbers is Beta(m, n − m + 1), the
    next one above it lies in what is left by Beta(1, n − m) (David and Nagaraja, Order Statistics, 2003, 2.3 and 2.5);
    the number u of (0, 1) is sample ⌊nu⌋. So the cost does not grow with n. Ranks do not depend on the samples, so
    that those of the latest sizes are kept: figures of one lane have the same.
    """
    lows, highs = _median_places(len(ascending), seed, resamples)
    if len(ascending) % 2:
        return [ascending[low] for low in lows]
    return [(ascending[low] + ascending[high]) / 2 for low, high in zip(lows, highs, strict=True)]


@lru_cache(maxsize=_MOST_DRAWS_KEPT)
def _median_places(count: int, seed: int, resamples: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places of the lower and the upper middle of each draw; one and the same for odd counts."""
    random, lower = Random(seed), (count + 1) // 2
    lows, highs = list[int](), list[int]()
    for _ in range(resamples):
        at = random.betavariate(lower, count - lower + 1)
        lows.append(min(count - 1, int(at * count)))
        if count % 2 == 0:
            # 1 − U^(1/k) is Beta(1, k).
            above = at + (1 - at) * (1 - random.random() ** (1 / (count - lower)))
            highs.append(min(count - 1, int(above * count)))
    return tuple(lows), tuple(highs) if highs else tuple(lows)


def percentile_bootstrap(draws: Sequence[float], confidence: float) -> Interval:
    """The middle part of the draws (Efron, Annals of Statistics 7, 1979).

    For medians it covers at least what it says from five samples on, be they skewed (Wilcox, Introduction to Robust
    Estimation, 2005, 5.4.2; `tests/core/test_statistics_bootstrap.py`). BCa corrects by a jackknife, which fails for
    medians.
    """
    ascending = sorted(draws)
    outside = math.floor(len(ascending) * (1 - confidence) / 2)
    return Interval(low=ascending[outside], high=ascending[-1 - outside], confidence=confidence)


@lru_cache(maxsize=1024)
def _two_sided_ranks(count: int, percent: int, confidence: float) -> tuple[int, int] | None:
    if not count or count < samples_needed(percent, confidence):
        return None
    share, tail = percent / 100, 1 - confidence
    lower, upper = _lower_rank(count, percent, tail / 2), _upper_rank(count, percent, tail / 2)
    if not upper:
        lower, upper = _lower_rank(count, percent, tail - share**count), count
    elif not lower:
        lower, upper = 1, _upper_rank(count, percent, tail - (1 - share) ** count)
    return (lower, upper) if lower and upper else None


@lru_cache(maxsize=1024)
def _lower_rank(count: int, percent: int, tail: float) -> int:
    """The greatest l with P(B ≤ l − 1) ≤ tail: so rarely is sample l above the percentile. 0 if there is none."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        if binomial_at_most(middle - 1, count, percent / 100) <= tail:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=1024)
def _upper_rank(count: int, percent: int, tail: float) -> int:
    """The least u with P(B ≥ u) ≤ tail; 0 if there is none."""
    low, high = 1, count + 1
    while low < high:
        middle = (low + high) // 2
        if binomial_at_least(middle, count, percent / 100) <= tail:
            high = middle
        else:
            low = middle + 1
    return low if low <= count else 0
