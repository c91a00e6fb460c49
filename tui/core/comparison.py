"""Comparison of sets of samples: which is better, by how much, and how sure that is.

Two things must agree before a difference is stated: the rank test, corrected for the number of comparisons, and the
bootstrap interval of the difference of medians, which must exclude zero. So the error is at most that of the test.
Samples are nanoseconds for times and 1/s for OTPS, and independent of each other; those of one set may be fewer.
"""

import itertools
import math
from collections.abc import Sequence
from enum import StrEnum
from random import Random
from statistics import median

import msgspec

from tui.core import statistics
from tui.core.distributions import corrected, mann_whitney, normal_quantile, smallest_p
from tui.core.figures import Figure
from tui.core.statistics import CONFIDENCE, Interval
from tui.core.wording import amount, percent, round_amount, span

FEWEST = 5
"""Samples of each set below which nothing is compared: the interval of a median then covers less than it says."""
ALL_PAIRS_TO = 12
"""Up to this many sets, each is compared with each; of more, which would take seconds, each with the best one."""
_POWER = 0.8
_WORTH = 0.05
_MOST_RUNS = 10_000


class Verdict(StrEnum):
    """Outcome of a comparison, for the first set."""

    FASTER = "faster"
    SLOWER = "slower"
    NONE_SHOWN = "no difference shown"
    """There may be one all the same."""
    TOO_FEW = "too few"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of samples of one figure; differences are first − second, in the unit of the samples."""

    figure: Figure
    first: str
    second: str
    verdict: Verdict
    counts: tuple[int, int]
    medians: tuple[float | None, float | None]
    difference: float | None = None
    """Median of the first − median of the second; this and all below are absent with too few samples."""
    interval: Interval | None = None
    """Of the difference; for this comparison alone."""
    ratio: float | None = None
    """Median of the first / median of the second; absent where that can be zero."""
    ratio_interval: Interval | None = None
    p: float | None = None
    """Of the rank test, corrected for all comparisons made together."""
    worth: float | None = None
    """The difference that `more_runs` would tell apart: 5 % of the smaller median, as a round number."""
    more_runs: int | None = None
    """More runs of each that would tell `worth` apart, 0 if these do; only where no difference is shown."""
    sentence: str
    """The outcome in words, without a full stop."""


class _Set(msgspec.Struct):
    name: str
    ascending: list[float]
    draws: list[float]


def compare(
    figure: Figure,
    first: tuple[str, Sequence[float]],
    second: tuple[str, Sequence[float]],
    *,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Comparison:
    """Compare two named sets of samples."""
    return compare_all(figure, [first, second], confidence=confidence, seed=seed)[0]


def compare_all(
    figure: Figure, sets: Sequence[tuple[str, Sequence[float]]], *, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[Comparison, ...]:
    """Compare two or more named sets; all verdicts hold together at `confidence` (see `ranks.corrected`).

    Every pair in the order given; of more than `ALL_PAIRS_TO` sets, only those with the best median.
    """
    drawn: list[_Set] = []
    for number, (name, samples) in enumerate(sets):
        ascending = sorted(samples)
        enough = len(ascending) >= FEWEST
        draws = statistics.median_draws(ascending, Random(seed + number)) if enough else []
        drawn.append(_Set(name, ascending, draws))
    pairs = list(itertools.combinations(range(len(drawn)), 2))
    family = len(pairs)
    is_picked = len(drawn) > ALL_PAIRS_TO
    if is_picked:
        best = min(range(len(drawn)), key=lambda at: _goodness(figure, drawn[at]))
        pairs = [pair for pair in pairs if best in pair]
    counts = [len(samples.ascending) for samples in drawn]
    tested = [(a, b) for a, b in pairs if _is_enough(counts[a], counts[b], family, confidence)]
    ps = [mann_whitney(drawn[a].ascending, drawn[b].ascending).p for a, b in tested]
    p_of = dict(zip(tested, corrected(ps, picked_from=family if is_picked else None), strict=True))
    return tuple(
        _judge(figure, drawn[a], drawn[b], p_of[a, b], confidence)
        if (a, b) in p_of
        else _too_few(figure, drawn[a], drawn[b], family, confidence)
        for a, b in pairs
    )


def more_runs(interval: Interval, count: int, worth: float) -> int:
    """Samples of each set that would tell `worth` apart, beyond the `count` of each that gave the interval.

    The standard error is s = width / 2z, and falls with √n. A difference d is told apart with a power of 80 % when
    d = (z + z₀.₈)·s, z being the normal quantile of (1 + confidence) / 2: so n must grow by ((z + z₀.₈)·s / d)²
    (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, 2.4). At most 10,000.
    """
    z = normal_quantile((1 + interval.confidence) / 2)
    error = (interval.high - interval.low) / (2 * z)
    growth = ((z + normal_quantile(_POWER)) * error / worth) ** 2
    return min(_MOST_RUNS, max(0, math.ceil((growth - 1) * count)))


def _is_enough(first: int, second: int, family: int, confidence: float) -> bool:
    """True where these counts can show a difference at all, after correction for `family` comparisons."""
    return min(first, second) >= FEWEST and smallest_p(first, second) * family <= 1 - confidence


def _median(samples: _Set) -> float | None:
    return median(samples.ascending) if samples.ascending else None


def _goodness(figure: Figure, samples: _Set) -> float:
    middle = _median(samples)
    if middle is None:
        return math.inf
    return middle if figure.less_is_better else -middle


def _too_few(figure: Figure, first: _Set, second: _Set, family: int, confidence: float) -> Comparison:
    needed = FEWEST
    while not _is_enough(needed, needed, family, confidence):
        needed += 1
    counts = len(first.ascending), len(second.ascending)
    return Comparison(
        figure=figure,
        first=first.name,
        second=second.name,
        verdict=Verdict.TOO_FEW,
        counts=counts,
        medians=(_median(first), _median(second)),
        sentence=f"too few runs to compare {first.name} and {second.name}: n = {counts[0]} and {counts[1]}, "
        f"{needed} of each are needed",
    )


def _judge(figure: Figure, first: _Set, second: _Set, p: float, confidence: float) -> Comparison:
    interval = statistics.percentile_bootstrap(
        [a - b for a, b in zip(first.draws, second.draws, strict=True)], confidence
    )
    middles = median(first.ascending), median(second.ascending)
    ratio = ratio_interval = None
    if second.ascending[0] > 0:
        ratio = middles[0] / middles[1]
        ratio_interval = statistics.percentile_bootstrap(
            [a / b for a, b in zip(first.draws, second.draws, strict=True)], confidence
        )
    counts = len(first.ascending), len(second.ascending)
    verdict = Verdict.NONE_SHOWN
    if p <= 1 - confidence and (interval.low > 0 or interval.high < 0):
        is_less = interval.high < 0
        verdict = Verdict.FASTER if is_less == figure.less_is_better else Verdict.SLOWER
    more = worth = None
    if verdict is Verdict.NONE_SHOWN:
        worth = _round_number(min(map(abs, middles)) * _WORTH) or None
        more = more_runs(interval, max(counts), worth) if worth else None
        sentence = _none_shown(figure, (first.name, second.name), interval, counts, worth, more)
    elif verdict is Verdict.FASTER:
        sentence = _faster(figure, first.name, middles[0] - middles[1], interval, counts)
    else:
        mirrored = Interval(low=-interval.high, high=-interval.low, confidence=confidence)
        sentence = _faster(figure, second.name, middles[1] - middles[0], mirrored, counts[::-1])
    return Comparison(
        figure=figure,
        first=first.name,
        second=second.name,
        verdict=verdict,
        counts=counts,
        medians=middles,
        difference=middles[0] - middles[1],
        interval=interval,
        ratio=ratio,
        ratio_interval=ratio_interval,
        p=p,
        worth=worth if more is not None else None,
        more_runs=more,
        sentence=sentence,
    )


def _faster(figure: Figure, name: str, difference: float, interval: Interval, counts: tuple[int, ...]) -> str:
    sides = sorted((abs(interval.low), abs(interval.high)))
    return (
        f"{name} is faster: {figure.label} {amount(figure, abs(difference))} {'less' if difference < 0 else 'more'} "
        f"({percent(interval.confidence)} interval {span(figure, *sides)}), n = {counts[0]} and {counts[1]}"
    )


def _none_shown(
    figure: Figure,
    names: tuple[str, str],
    interval: Interval,
    counts: tuple[int, int],
    worth: float | None,
    more: int | None,
) -> str:
    low, high = (
        f"{amount(figure, abs(side))} {'less' if side < 0 else 'more'}" for side in (interval.low, interval.high)
    )
    sentence = (
        f"no difference shown: {figure.label} of {names[0]} between {low} and {high} than of {names[1]} "
        f"({percent(interval.confidence)} interval), n = {counts[0]} and {counts[1]}"
    )
    if not more or worth is None:
        return sentence
    runs = "10,000 or more" if more >= _MOST_RUNS else f"about {_two_digits(more):,}"
    return f"{sentence}; {runs} more runs of each would tell {round_amount(figure, worth)} apart"


def _round_number(value: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, 50 …, by ratio; 0 for 0."""
    if value <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(value))
    return min((size, 2 * size, 5 * size, 10 * size), key=lambda candidate: abs(math.log(candidate / value)))


def _two_digits(count: int) -> int:
    """`count` rounded to two digits, upwards."""
    size = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // size) * size
