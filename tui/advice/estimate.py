"""Estimates of savings, with intervals for what the change really does."""

import math
from collections.abc import Sequence
from random import Random
from statistics import median

from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Basis, Saving
from tui.core import bootstrap
from tui.core.comparison import FEWEST, Comparison, Verdict, compare
from tui.core.observation import Figure, present
from tui.core.regression import Estimate, robust_fit
from tui.core.statistics import CONFIDENCE, Interval

_FEWEST_FITTED = 10
_LEAST_RANGE = 0.25
_LEAST_TOKENS = 64
_DRIFT = 0.05
"""What conditions change from one series to the next, as a part of a saving: a presumption."""


def part_saved(figure: Figure, parts: Sequence[float], share: tuple[float, float, float] | None = None) -> Saving:
    """The saving of a change that takes away a part of every answer's time; `parts` are those, ns, not empty.

    `share` is how much of the part goes: at least, most likely, at most; all of it if not given.
    The interval is that of the part's median (by bootstrap) times those ends, with `_DRIFT`.
    """
    least, likely, most = share or (1.0, 1.0, 1.0)
    middle = median(parts)
    interval = None
    if len(parts) >= FEWEST:
        of_part = bootstrap.percentile_bootstrap(bootstrap.median_draws(sorted(parts), Random(0)), CONFIDENCE)
        interval = _drifting(middle * likely, of_part.low * least, of_part.high * most)
    return Saving(
        figure=figure,
        ns=middle * likely,
        interval=interval,
        basis=Basis.ASSUMED if share else Basis.DERIVED,
        count=len(parts),
    )


def fitted_saved(figure: Figure, per_token: Estimate, tokens: float, count: int) -> Saving:
    """The saving of so many tokens less, by a fitted cost per token; `count` answers were fitted."""
    value, ends = per_token.value * tokens, per_token.interval
    return Saving(
        figure=figure,
        ns=value,
        interval=_drifting(value, ends.low * tokens, ends.high * tokens),
        basis=Basis.DERIVED,
        count=count,
    )


def _drifting(value: float, low: float, high: float) -> Interval:
    """From `low` to `high`, and `_DRIFT` of the value further; both are independent, so the root of their squares."""
    drift = _DRIFT * abs(value)
    return Interval(
        low=value - math.hypot(value - low, drift), high=value + math.hypot(high - value, drift), confidence=CONFIDENCE
    )


def prefill_fit(evidence: Evidence) -> tuple[Estimate, int] | None:
    """Time to first token per token of the prompt that had to be processed, ns, and the answers it was fitted to.

    TTFT = c + a·tokens by `regression.robust_fit`, over all answers of this model at this endpoint that say both.
    None below ten answers, where lengths differ by less than a quarter of the longest or 64 tokens, and where the
    cost is not surely above zero.
    """
    pairs = [
        (float(one.input_tokens), float(one.ttft_ns))
        for one in (*evidence.subject.answers, *evidence.earlier)
        if one.input_tokens is not None and one.ttft_ns is not None
    ]
    if len(pairs) < _FEWEST_FITTED:
        return None
    tokens, ttfts = (list(column) for column in zip(*pairs, strict=True))
    if max(tokens) - min(tokens) < max(_LEAST_TOKENS, _LEAST_RANGE * max(tokens)):
        return None
    found = robust_fit([tokens], ttfts)
    if found is None or found[1].interval.low <= 0:
        return None
    return found[1], len(pairs)


def faster_alternative(
    evidence: Evidence, arms: Sequence[MeasuredTarget], figure: Figure = Figure.TOTAL
) -> tuple[MeasuredTarget, Comparison] | None:
    """The arm that is shown to be faster than the subject by most; None where none is.

    Every arm is compared at a confidence corrected for their number (Bonferroni), so that among equal ones any is
    found faster in one case of twenty at most.
    """
    samples = present(evidence.subject.outcomes, figure)
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(arms))
    shown = [
        (arm, found)
        for arm in arms
        if (
            found := compare(
                figure,
                (arm.label, present(arm.outcomes, figure)),
                (evidence.subject.label, samples),
                confidence=confidence,
            )
        ).verdict
        is Verdict.FASTER
    ]
    return min(shown, key=lambda each: each[1].difference or 0.0, default=None)


def measured_saving(comparison: Comparison) -> Saving:
    """The saving that a comparison of the faster arm (first) with the subject (second) shows."""
    assert comparison.difference is not None
    assert comparison.interval is not None
    value, ends = -comparison.difference, comparison.interval
    return Saving(
        figure=comparison.figure,
        ns=value,
        interval=_drifting(value, -ends.high, -ends.low),
        basis=Basis.MEASURED,
        count=min(comparison.counts),
    )
