"""Limits on regressions, against earlier results: `ttft.p50 +10%`, `total.p95 +200ms`, `otps.p50 -10%`.

A limit goes by evidence, not by a point: it is exceeded only where the change beyond the allowance is certain.
"""

import math
import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tui.core import statistics
from tui.core.comparison import FEWEST, MOST_RUNS, two_digits
from tui.core.distributions import share_bounds
from tui.core.failures import fails_more
from tui.core.figures import Figure
from tui.core.objectives import ERRORS, PASSED, Statistic, parse_figure, parse_statistic, scale, value_of
from tui.core.observation import Observation, per_run
from tui.core.statistics import CONFIDENCE
from tui.core.wording import amount, percent

_SHAPE = re.compile(
    r"\s*(?P<name>[a-z_]+)\s*(?:\.\s*(?P<statistic>[a-z0-9]+))?\s*(?P<sign>[+-])\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>\S*)\s*",
    re.IGNORECASE,
)


class RegressionLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The most by which a statistic may get worse; made by `parse`."""

    figure: Figure | None
    """None for a share of requests."""
    statistic: Statistic | None
    """None for a share of requests."""
    relative: float
    """The allowance as a part of the earlier value: 0.1 is 10 %; 0 where it is absolute."""
    absolute: float
    """The allowance in ns or 1/s; 0 where it is relative."""
    text: str
    share: str = ERRORS
    """Without a figure, which share it is: of errors, or of answers that passed, which may not fall by more."""


class LimitState(StrEnum):
    """State of a limit."""

    HELD = "held"
    REGRESSED = "regressed"
    UNKNOWN = "not yet known"


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """State of a limit, and the figures it rests on, in ns or 1/s."""

    limit: RegressionLimit
    state: LimitState
    before: float | None
    after: float | None
    low: float | None
    """Worsening beyond the allowance: less than this with probability 1 − confidence at most. Absent if unbounded.

    Below zero means within the allowance."""
    high: float | None
    """More than this with probability 1 − confidence at most."""
    counts: tuple[int, int]
    sentence: str


def parse(text: str) -> RegressionLimit:
    """A limit from its text. Raises ValueError with a sentence that says what is wrong and what would be right."""
    quoted = f"Limit {text.strip()!r}: "
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(quoted + "write it like 'ttft.p50 +10%', 'total.p95 +200ms' or 'errors +1%'.")
    number, unit, written = float(match["number"]), match["unit"].lower(), " ".join(text.split())
    if match["name"].lower() == ERRORS:
        if match["statistic"] or match["sign"] != "+" or unit != "%" or not 0 <= number < 100:
            raise ValueError(quoted + "errors are a share of all requests: write 'errors +1%' for one more in 100.")
        return RegressionLimit(figure=None, statistic=None, relative=0.0, absolute=number / 100, text=written)
    if match["name"].lower() == PASSED:
        if match["statistic"] or match["sign"] != "-" or unit != "%" or not 0 <= number < 100:
            raise ValueError(quoted + "passed is a share of all answers: write 'passed -5%' for five fewer in 100.")
        absolute = number / 100
        return RegressionLimit(figure=None, statistic=None, relative=0.0, absolute=absolute, text=written, share=PASSED)
    figure = parse_figure(match["name"].lower(), quoted, also=(ERRORS, PASSED))
    if match["statistic"] is None:
        raise ValueError(quoted + "write it like 'ttft.p50 +10%', 'total.p95 +200ms' or 'errors +1%'.")
    statistic = parse_statistic(match["statistic"].lower(), quoted)
    if figure is Figure.ITL or statistic in (Statistic.MIN, Statistic.MAX):
        raise ValueError(quoted + "a change of itl, min or max cannot be told from chance; take tpot, or a percentile.")
    if (match["sign"] == "+") != figure.less_is_better:
        raise ValueError(
            quoted
            + (
                f"more {figure} is worse: write '+'."
                if figure.less_is_better
                else f"less {figure} is worse: write '-'."
            )
        )
    is_relative = unit == "%"
    return RegressionLimit(
        figure=figure,
        statistic=statistic,
        relative=number / 100 if is_relative else 0.0,
        absolute=0.0 if is_relative else number * scale(figure, unit, quoted),
        text=written,
    )


def judge(
    limit: RegressionLimit,
    before: Sequence[Observation],
    after: Sequence[Observation],
    *,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    family: int = 1,
    beside: float = 1.0,
) -> Ruling:
    """Judge whether a statistic got worse than a limit allows: regressed or held only where a bound says so.

    `family` is how many rulings are made together. Any one "regressed" fails them all, so its error is divided by
    their number (Bonferroni); all must be held to pass, which needs no correction (Berger, Technometrics 24, 1982).

    Percentiles: bootstrap of after − (1 + relative)·before − absolute, from as many samples on as bound them
    (`samples_needed`). Means: the bounds e₁, e₂ of each side at `confidence`, Student's, combined as √(e₁² + e₂²)
    (Zou and Donner, Statistics in Medicine 27, 2008). Shares: the same with Clopper and Pearson's bounds. All are
    widened by the dependence of runs on the ones before them, that of both sides or of those `beside` them if it is
    greater. Where requests surely fail more often than before, those that answered say too little: no other limit then
    counts as held.
    """
    if limit.figure is None:
        firsts, seconds = (_bad(limit, each) for each in (before, after))
    else:
        firsts, seconds = (per_run(each, limit.figure) for each in (before, after))
    wider = math.sqrt(max(beside, statistics.dependence([firsts, seconds]).inflation))
    firsts, seconds = sorted(firsts), sorted(seconds)
    low, high = _excess(limit, firsts, seconds, (1 - (1 - confidence) / family, confidence), seed, wider)
    hides = limit.figure is not None and fails_more(after, before)
    state = LimitState.UNKNOWN
    if low is not None and low > 0:
        state = LimitState.REGRESSED
    elif high is not None and high <= 0 and not hides:
        state = LimitState.HELD
    values = [_value(limit, each) for each in (firsts, seconds)]
    if limit.share == PASSED:
        values = [None if value is None else 1 - value for value in values]
    found = Ruling(
        limit=limit,
        state=state,
        before=values[0],
        after=values[1],
        low=low,
        high=high,
        counts=(len(firsts), len(seconds)),
        sentence="",
    )
    return msgspec.structs.replace(found, sentence=_sentence(found, confidence, hides=hides))


def _sentence(found: Ruling, confidence: float, *, hides: bool) -> str:
    limit, counts, is_unknown = found.limit, found.counts, found.state is LimitState.UNKNOWN
    said = f"n = {counts[0]} and {counts[1]}"
    if found.before is not None and found.after is not None:
        old, new = (_written(limit, value) for value in (found.before, found.after))
        said = f"{old} before, {new} after ({percent(confidence)}), {said}"
    if found.low is None and found.high is None:
        said += f", too few to bound the change: {_fewest(limit)} of each are needed"
    elif is_unknown and hides:
        said += ", but more requests fail than before, so that those that answered do not tell"
    elif is_unknown and found.low is not None and found.high is not None:
        said += (
            f"; about {_runs_needed(found.low, found.high, min(counts)):,} of each would tell if they go on like these"
        )
    return f"{limit.text}: {found.state.value}, {said}"


def _fewest(limit: RegressionLimit) -> int:
    """Samples of each side from which on the limit can be judged."""
    if limit.statistic is None:
        return 1
    percents = limit.statistic.percent
    if percents is None:
        return statistics.FEWEST_FOR_MEAN
    return FEWEST if limit.statistic is Statistic.MEDIAN else statistics.samples_needed(percents)


def _runs_needed(low: float, high: float, count: int) -> int:
    """Samples of each that would take zero out of the bounds, which narrow with √n around their middle."""
    middle = abs(low + high) / 2
    grows = ((high - low) / 2 / middle) ** 2 if middle else math.inf
    return two_digits(min(MOST_RUNS, math.ceil(count * min(grows, MOST_RUNS))))


def _bad(limit: RegressionLimit, requests: Sequence[Observation]) -> list[float]:
    """One for each request that counts against a share, zero for the others that have a say."""
    if limit.share == PASSED:
        return [float(not one.passed) for one in requests if one.passed is not None]
    return [float(one.failed) for one in requests]


def _value(limit: RegressionLimit, samples: Sequence[float]) -> float | None:
    if limit.statistic is None:
        return sum(samples) / len(samples) if samples else None
    return value_of(limit.statistic, samples)


def _written(limit: RegressionLimit, value: float) -> str:
    return percent(value) if limit.figure is None else amount(limit.figure, value)


def _excess(
    limit: RegressionLimit,
    before: Sequence[float],
    after: Sequence[float],
    confidences: tuple[float, float],
    seed: int,
    wider: float,
) -> tuple[float | None, float | None]:
    """One-sided bounds of how much worse it got beyond the allowance, the lower and the upper one at its confidence,
    `wider` than of independent samples."""
    old, new = _value(limit, before), _value(limit, after)
    if old is None or new is None or min(len(before), len(after)) < _fewest(limit):
        return None, None
    middle = _worse(limit, old, new)
    if limit.statistic is not None and (percents := limit.statistic.percent) is not None:
        draws = [_draws(each, percents, seed + at) for at, each in enumerate((before, after))]
        changes = [_worse(limit, *pair) for pair in zip(*draws, strict=True)]
        low, high = (
            statistics.percentile_bootstrap(changes, 2 * each - 1).stretched(middle, wider) for each in confidences
        )
        return low.low, high.high
    is_rate = limit.figure is not None and not limit.figure.less_is_better
    # Of the old value the bound on the other side counts, and of a rate, which is worse when it is less, that one's.
    worst, best = confidences[::-1] if is_rate else confidences
    old_low, old_high = _bounds(limit, before, best)[0], _bounds(limit, before, worst)[1]
    new_low, new_high = _bounds(limit, after, worst)[0], _bounds(limit, after, best)[1]
    if is_rate:
        old_low, old_high, new_low, new_high = old_high, old_low, new_high, new_low
    # The allowance moves with the earlier value, so that its error counts for more, or for less with a rate.
    weight = 1 - limit.relative if is_rate else 1 + limit.relative
    down, up = (
        math.hypot(weight * (old_high - old), new - new_low),
        math.hypot(weight * (old - old_low), new_high - new),
    )
    return middle - wider * down, middle + wider * up


def _draws(ascending: Sequence[float], percents: int, seed: int) -> list[float]:
    if percents == 50:
        return statistics.median_draws(ascending, seed)
    return statistics.percentile_draws(ascending, percents, seed)


def _bounds(limit: RegressionLimit, samples: Sequence[float], confidence: float) -> tuple[float, float]:
    if limit.statistic is None:
        return share_bounds(round(sum(samples)), len(samples), confidence)
    low, high = statistics.mean_bounds(samples, confidence)
    assert low is not None, "there are enough samples"
    assert high is not None
    return low, high


def _worse(limit: RegressionLimit, before: float, after: float) -> float:
    sign = 1 if limit.figure is None or limit.figure.less_is_better else -1
    return sign * (after - before) - limit.relative * before - limit.absolute
