"""Limits on regressions, against a baseline: `ttft.p50 +10%`, `total.p95 +200ms`, `otps.p50 -10%`.

A limit goes by evidence, not by a point: it is exceeded only where the change beyond the allowance is certain.
"""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from random import Random

import msgspec

from tui.core import statistics
from tui.core.comparison import FEWEST
from tui.core.figures import Figure
from tui.core.objectives import Statistic, parse_figure, parse_statistic, scale, value_of
from tui.core.observation import Observation, present
from tui.core.statistics import CONFIDENCE
from tui.core.wording import amount, percent

_SHAPE = re.compile(
    r"\s*(?P<name>[a-z]+)\s*\.\s*(?P<statistic>[a-z0-9]+)\s*(?P<sign>[+-])\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>\S*)\s*",
    re.IGNORECASE,
)


class RegressionLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The most by which a statistic may get worse; made by `parse`."""

    figure: Figure
    statistic: Statistic
    relative: float
    """The allowance as a part of the baseline's value: 0.1 is 10 %; 0 where it is absolute."""
    absolute: float
    """The allowance in ns or 1/s; 0 where it is relative."""
    text: str


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
        raise ValueError(quoted + "write it like 'ttft.p50 +10%' or 'total.p95 +200ms'.")
    figure = parse_figure(match["name"].lower(), quoted)
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
    number, unit = float(match["number"]), match["unit"].lower()
    is_relative = unit == "%"
    return RegressionLimit(
        figure=figure,
        statistic=statistic,
        relative=number / 100 if is_relative else 0.0,
        absolute=0.0 if is_relative else number * scale(figure, unit, quoted),
        text=" ".join(text.split()),
    )


def judge(
    limit: RegressionLimit,
    before: Sequence[Observation],
    after: Sequence[Observation],
    *,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Ruling:
    """Judge whether a statistic got worse than a limit allows: regressed or held only where a bound says so.

    Medians: bootstrap of after − (1 + relative)·before − absolute. Other percentiles: from the exact bounds of each
    side at (1 + confidence) / 2, which together hold at `confidence` (Bonferroni), be the shapes what they may. Means:
    Student's bounds of both, as Welch: √(e₁² + e₂²).
    """
    firsts, seconds = sorted(present(before, limit.figure)), sorted(present(after, limit.figure))
    low, high = _excess(limit, firsts, seconds, confidence, seed)
    state = LimitState.UNKNOWN
    if low is not None and low > 0:
        state = LimitState.REGRESSED
    elif high is not None and high <= 0:
        state = LimitState.HELD
    values = value_of(limit.statistic, firsts), value_of(limit.statistic, seconds)
    counts = len(firsts), len(seconds)
    said = f"n = {counts[0]} and {counts[1]}"
    if values[0] is not None and values[1] is not None:
        old, new = (amount(limit.figure, value) for value in (values[0], values[1]))
        said = f"{old} before, {new} after ({percent(confidence)}), {said}"
    if low is None and high is None:
        said += ", too few to bound the change"
    return Ruling(
        limit=limit,
        state=state,
        before=values[0],
        after=values[1],
        low=low,
        high=high,
        counts=counts,
        sentence=f"{limit.text}: {state.value}, {said}",
    )


def _excess(
    limit: RegressionLimit, before: Sequence[float], after: Sequence[float], confidence: float, seed: int
) -> tuple[float | None, float | None]:
    """One-sided bounds of how much worse it got beyond the allowance."""
    if limit.statistic is Statistic.MEDIAN:
        if min(len(before), len(after)) < FEWEST:
            return None, None
        olds = statistics.median_draws(before, Random(seed))
        news = statistics.median_draws(after, Random(seed + 1))
        changes = [_worse(limit, old, new) for old, new in zip(olds, news, strict=True)]
        interval = statistics.percentile_bootstrap(changes, 2 * confidence - 1)
        return interval.low, interval.high
    if limit.statistic is Statistic.MEAN:
        old_low, old_high = statistics.mean_bounds(before, confidence)
        new_low, new_high = statistics.mean_bounds(after, confidence)
        if old_low is None or old_high is None or new_low is None or new_high is None:
            return None, None
        middle = _worse(limit, (old_low + old_high) / 2, (new_low + new_high) / 2)
        # The allowance moves with the baseline's mean, so that one's error counts for more, or for less with a rate.
        weight = 1 + limit.relative if limit.figure.less_is_better else 1 - limit.relative
        margin = math.hypot(weight * (old_high - old_low) / 2, (new_high - new_low) / 2)
        return middle - margin, middle + margin
    percents = limit.statistic.percent
    assert percents is not None
    each = (1 + confidence) / 2
    old_low, old_high = statistics.percentile_bounds(before, percents, each)
    new_low, new_high = statistics.percentile_bounds(after, percents, each)
    if limit.figure.less_is_better:
        ends = (old_high, new_low), (old_low, new_high)
    else:
        ends = (old_low, new_high), (old_high, new_low)
    low, high = (None if old is None or new is None else _worse(limit, old, new) for old, new in ends)
    return low, high


def _worse(limit: RegressionLimit, before: float, after: float) -> float:
    sign = 1 if limit.figure.less_is_better else -1
    return sign * (after - before) - limit.relative * before - limit.absolute
