"""Comparison of sets of samples: which is better, by how much, and how sure that is.

Two things must agree before a difference is stated: the rank test, corrected for the number of comparisons, and the
bootstrap interval of the difference of medians, which must exclude zero. So the error is at most that of the test.
Samples are nanoseconds for times and 1/s for OTPS, in order of measurement; those of one set may be fewer. Runs that
resemble the ones before them are worth fewer: test and interval are widened by the lag-1 correlation of all sets that
are compared together, or of a set whose own is clearly greater. Where it is clear, the sentence says so.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tui.core import statistics
from tui.core.distributions import holm, mann_whitney, normal_quantile, smallest_p, student_tail
from tui.core.figure_row import Unit
from tui.core.figures import Figure
from tui.core.statistics import CONFIDENCE, Dependence, Interval
from tui.core.wording import change, counted, percent, round_amount

FEWEST = 5
"""Samples of each set below which nothing is compared: the interval of a median then covers less than it says."""
_LEAST_P = 1e-15
"""Below it a float does not tell 1 − p from 1."""
_POWER = 0.8
_WORTH = 0.05
RESOLUTION_NS = 50_000
"""Least difference of two times that is stated, ns: what the instrument's own error can be (see docs/accuracy.md)."""
MOST_RUNS = 10_000


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
    family: int = 1
    """Verdicts, and looks at growing sets, that the correction counts."""
    correlation: float | None = None
    """Lag-1 correlation by which test and interval are widened; absent where chance may show as much."""
    worth: float | None = None
    """The difference that `more_runs` would tell apart: 5 % of the smaller median, as a round number."""
    more_runs: int | None = None
    """More runs of each that would tell `worth` apart, 0 if these do; only where no difference is shown."""
    sentence: str
    """The outcome in words, without a full stop."""


Samples = tuple[str, Sequence[float]]
"""A name and its samples, in order of measurement."""
Question = tuple[Figure, Samples, Samples]
"""A figure, and the two sets to compare by it."""


class _Set(msgspec.Struct):
    name: str
    ascending: list[float]
    dependence: Dependence

    @property
    def worth(self) -> float:
        """Number of independent samples that tell as much."""
        return len(self.ascending) / self.dependence.inflation

    @property
    def median(self) -> float:
        """The median; there are samples."""
        half = len(self.ascending) // 2
        return (self.ascending[half] + self.ascending[~half]) / 2


def compare(
    figure: Figure, first: Samples, second: Samples, *, confidence: float = CONFIDENCE, seed: int = 0
) -> Comparison:
    """Compare two named sets of samples."""
    return compare_together([(figure, first, second)], confidence=confidence, seed=seed)[0]


def compare_together(
    questions: Sequence[Question], *, confidence: float = CONFIDENCE, seed: int = 0, shares: int = 1
) -> tuple[Comparison, ...]:
    """Compare pairs of sets whose verdicts are shown together: any of them is wrong with 1 − `confidence` at most.

    `shares` is in how many parts the error is split: the groups like this one, or looks at growing sets (`look_at`).
    Within a group it is Holm's correction, between groups Bonferroni's.
    """
    # Floats, which hold all times exactly and sort several times faster than integers of more than 30 bits.
    finite = [[list(filter(math.isfinite, map(float, values))) for _, values in question[1:]] for question in questions]
    together = statistics.dependence([values for both in finite for values in both])
    pairs = [
        (figure, _set_of(first[0], values[0], together), _set_of(second[0], values[1], together))
        for (figure, first, second), values in zip(questions, finite, strict=True)
    ]
    family = len(pairs) * shares
    tested = [
        at for at, (_, a, b) in enumerate(pairs) if _tells(len(a.ascending), len(b.ascending), family, confidence)
    ]
    ps = [_p(pairs[at][1], pairs[at][2]) for at in tested]
    p_of = {at: min(1.0, shares * p) for at, p in zip(tested, holm(ps), strict=True)}
    return tuple(
        _judge(figure, a, b, p_of[at], family, confidence, seed)
        if at in p_of
        else _too_few(figure, a, b, family, confidence)
        for at, (figure, a, b) in enumerate(pairs)
    )


def family_sentence(comparisons: Sequence[Comparison], confidence: float = CONFIDENCE) -> str:
    """The family of verdicts that were corrected together, without a full stop; empty for a single one."""
    given = sum(one.verdict is not Verdict.TOO_FEW for one in comparisons)
    if given < 2:
        return ""
    return (
        f"{given} verdicts, corrected together (Holm): "
        f"any of them is wrong with a probability of {percent(1 - confidence)} at most"
    )


def look_at(count: int) -> tuple[int, int]:
    """The latest look at a set that grows to `count`, and its shares of the error: verdicts that hold at any time.

    Looks are at 5, 10, 20, 40 … samples; the k-th has a k(k + 1)-th of the error, and these add up to all of it
    (Bonferroni). So however long a series goes on, and however its runs depend on the looks, any verdict shown
    beside it is wrong with the whole error at most.
    """
    look = max(1, (max(1, count) // FEWEST).bit_length())
    return min(count, FEWEST * 2 ** (look - 1)), look * (look + 1)


def _set_of(name: str, values: Sequence[float], together: Dependence) -> _Set:
    own = statistics.dependence([values])
    dependence = max(together, own, key=lambda each: each.correlation) if own.is_clear else together
    return _Set(name, sorted(values), dependence)


def _inflation(first: _Set, second: _Set) -> float:
    """The factor by which dependence raises the variance of a difference."""
    m, n = len(first.ascending), len(second.ascending)
    return (1 / first.worth + 1 / second.worth) / (1 / m + 1 / n)


def _p(first: _Set, second: _Set) -> float:
    """P of the rank test, as if there were only as many samples as their dependence makes them worth."""
    p = mann_whitney(first.ascending, second.ascending).p
    inflation = _inflation(first, second)
    if inflation == 1:
        return p
    z = normal_quantile(1 - max(p, _LEAST_P) / 2) / math.sqrt(inflation)
    # The correlation is estimated too: so the tail is Student's, and no thinner than that of so few samples.
    widened = 2 * student_tail(z, max(1.0, first.worth + second.worth - 2))
    return max(p, min(1.0, widened), smallest_p(max(1, int(first.worth)), max(1, int(second.worth))))


def more_runs(interval: Interval, count: int, worth: float) -> int:
    """Samples of each set that would tell `worth` apart, beyond the `count` of each that gave the interval.

    The standard error is s = width / 2z, and falls with √n. A difference d is told apart with a power of 80 % when
    d = (z + z₀.₈)·s, z being the normal quantile of (1 + confidence) / 2: so n must grow by ((z + z₀.₈)·s / d)²
    (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, 2.4). At most 10,000.
    """
    z = normal_quantile((1 + interval.confidence) / 2)
    error = (interval.high - interval.low) / (2 * z)
    growth = ((z + normal_quantile(_POWER)) * error / worth) ** 2
    return min(MOST_RUNS, max(0, math.ceil((growth - 1) * count)))


def _tells(first: int, second: int, family: int, confidence: float) -> bool:
    """True where these counts can show a difference at all, after correction for `family` comparisons."""
    return min(first, second) >= FEWEST and smallest_p(first, second) * family <= 1 - confidence


def _too_few(figure: Figure, first: _Set, second: _Set, family: int, confidence: float) -> Comparison:
    needed = FEWEST
    while not _tells(needed, needed, family, confidence):
        needed += 1
    counts = len(first.ascending), len(second.ascending)
    return Comparison(
        figure=figure,
        first=first.name,
        second=second.name,
        verdict=Verdict.TOO_FEW,
        counts=counts,
        medians=(first.median if first.ascending else None, second.median if second.ascending else None),
        family=family,
        sentence=f"too few runs to compare {first.name} and {second.name}: n = {counts[0]} and {counts[1]}, "
        f"{needed} of each are needed",
    )


def _intervals(first: _Set, second: _Set, confidence: float, seed: int) -> tuple[Interval, Interval | None]:
    """The intervals of the difference of medians, and of their ratio where the second can't be zero."""
    middles = first.median, second.median
    draws = [statistics.median_draws(each.ascending, seed + number) for number, each in enumerate((first, second))]
    stretch = math.sqrt(_inflation(first, second))
    found = statistics.percentile_bootstrap([a - b for a, b in zip(*draws, strict=True)], confidence)
    found = found.stretched(middles[0] - middles[1], stretch)
    if second.ascending[0] <= 0:
        return found, None
    ratio = statistics.percentile_bootstrap([a / b for a, b in zip(*draws, strict=True)], confidence)
    return found, ratio.stretched(middles[0] / middles[1], stretch)


def _judge(
    figure: Figure, first: _Set, second: _Set, p: float, family: int, confidence: float, seed: int
) -> Comparison:
    middles = first.median, second.median
    interval, ratio_interval = _intervals(first, second, confidence, seed)
    counts = len(first.ascending), len(second.ascending)
    verdict = Verdict.NONE_SHOWN
    is_seen = figure.declared.unit is not Unit.TIME or abs(middles[0] - middles[1]) >= RESOLUTION_NS
    if is_seen and p <= 1 - confidence and (interval.low > 0 or interval.high < 0):
        is_less = interval.high < 0
        verdict = Verdict.FASTER if is_less == figure.less_is_better else Verdict.SLOWER
    more = worth = None
    if verdict is Verdict.NONE_SHOWN:
        worth = round_number(min(map(abs, middles)) * _WORTH) or None
        more = more_runs(interval, max(counts), worth) if worth else None
        names = first.name, second.name
        sentence = _none_shown(figure, names, middles[0] - middles[1], interval, counts, worth, more)
    elif verdict is Verdict.FASTER:
        sentence = _faster(figure, first.name, middles[0] - middles[1], interval, counts)
    else:
        mirrored = Interval(low=-interval.high, high=-interval.low, confidence=confidence)
        sentence = _faster(figure, second.name, middles[1] - middles[0], mirrored, counts[::-1])
    clear = [each.dependence.correlation for each in (first, second) if each.dependence.is_clear]
    correlation = max(clear, default=None)
    if correlation is not None:
        sentence += f"; runs resemble those before them (correlation {correlation:.2f}), so this is widened"
    return Comparison(
        figure=figure,
        first=first.name,
        second=second.name,
        verdict=verdict,
        counts=counts,
        medians=middles,
        difference=middles[0] - middles[1],
        interval=interval,
        ratio=None if ratio_interval is None else middles[0] / middles[1],
        ratio_interval=ratio_interval,
        p=p,
        family=family,
        correlation=correlation,
        worth=worth if more is not None else None,
        more_runs=more,
        sentence=sentence,
    )


def _faster(figure: Figure, name: str, difference: float, interval: Interval, counts: tuple[int, ...]) -> str:
    return f"{name} is faster: {figure.label} {_changed(figure, difference, interval)}, n = {counts[0]} and {counts[1]}"


def _changed(figure: Figure, difference: float, interval: Interval) -> str:
    return change(figure, difference, interval.low, interval.high, percent(interval.confidence))


def _none_shown(
    figure: Figure,
    names: tuple[str, str],
    difference: float,
    interval: Interval,
    counts: tuple[int, int],
    worth: float | None,
    more: int | None,
) -> str:
    sentence = (
        f"no difference shown: {figure.label} of {names[0]} {_changed(figure, difference, interval)} "
        f"against {names[1]}, n = {counts[0]} and {counts[1]}"
    )
    if not more or worth is None:
        return sentence
    runs = f"{MOST_RUNS:,} more runs or more" if more >= MOST_RUNS else f"about {counted(two_digits(more), 'more run')}"
    return f"{sentence}; {runs} of each would tell {round_amount(figure, worth)} apart"


def round_number(value: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, 50 …, by ratio; 0 for 0."""
    if value <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(value))
    return min((size, 2 * size, 5 * size, 10 * size), key=lambda candidate: abs(math.log(candidate / value)))


def two_digits(count: int) -> int:
    """`count` rounded to two digits, upwards."""
    size = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // size) * size
