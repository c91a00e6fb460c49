"""The statistics of one figure of a lane's repeats, of ITL only what its answers bound."""

from collections.abc import Sequence

import msgspec

from tui.core.observation import Figure, samples
from tui.core.outcome import Outcome
from tui.core.statistics import CONFIDENCE, Description, Interval, clustered_bounds, describe

MOST_ITL_ANSWERS = 200
"""Answers whose gaps are taken, the latest: they are many, and sorting millions of them would take seconds."""


def described(figure: Figure, outcomes: Sequence[Outcome]) -> Description:
    """All statistics of one figure; of ITL, which is over all gaps, only what `clustered_bounds` bound."""
    if figure is not Figure.ITL:
        return describe(samples(outcomes, figure))
    latest = outcomes[-MOST_ITL_ANSWERS:]
    gaps = [outcome.gaps_ns for outcome in latest]
    intervals = {each: _clustered(gaps, each) for each in (50, 90, 95, 99)}
    found = describe(samples(latest, figure))
    return msgspec.structs.replace(
        found,
        median_interval=intervals[50],
        **{f"p{each}": getattr(found, f"p{each}") if intervals[each] else None for each in (90, 95, 99)},
    )


def _clustered(gaps: Sequence[Sequence[float]], at: int) -> Interval | None:
    # Two one-sided bounds, each with half of what is left.
    low, high = clustered_bounds(gaps, at, (1 + CONFIDENCE) / 2)
    return None if low is None or high is None else Interval(low=low, high=high, confidence=CONFIDENCE)
