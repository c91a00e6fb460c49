"""Estimates of savings: derived from a part of the time, fitted per token, or measured against an alternative."""

import math
from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from tui.advice.citations import Citation
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.prompt_parts import Length
from tui.advice.suggestion import Basis, Change, NoSuggestion, Saving, Suggestion, Trial
from tui.core import statistics
from tui.core.comparison import FEWEST, Comparison, Verdict, compare
from tui.core.figures import Figure
from tui.core.linear_fit import Estimate, robust_fit
from tui.core.observation import present
from tui.core.parameters import Parameters
from tui.core.statistics import CONFIDENCE, Interval

_FEWEST_FITTED = 10
_LEAST_RANGE = 0.25
_LEAST_TOKENS = 64
_LENGTH_ERROR = 0.25
"""Error of a length that was estimated from its share of the text's bytes: tokens of prose and of tables differ so."""
_DRIFT = 0.05
"""Presumed change of conditions from one series to the next, as a share of a saving."""


def part_saved(figure: Figure, parts: Sequence[float], share: tuple[float, float, float] | None = None) -> Saving:
    """Estimate the saving of a change that removes a part of every answer's time.

    `parts` are these parts in ns, not empty. `share` is how much of the part goes: at least, most likely, at most; all
    of it if not given. The interval is that of the part's median (by bootstrap) times those ends, with `_DRIFT`.
    """
    least, likely, most = share or (1.0, 1.0, 1.0)
    middle = median(parts)
    interval = None
    if len(parts) >= FEWEST:
        of_part = statistics.percentile_bootstrap(statistics.median_draws(sorted(parts), 0), CONFIDENCE)
        interval = _drifting(middle * likely, of_part.low * least, of_part.high * most)
        if share:
            # A presumed range ends where it is presumed to: at nothing saved, and at all of the part.
            low, high = max(interval.low, 0.0), min(interval.high, of_part.high)
            interval = msgspec.structs.replace(interval, low=low, high=high)
    return Saving(
        figure=figure,
        ns=middle * likely,
        interval=interval,
        basis=Basis.PRESUMED if share else Basis.DERIVED,
        count=len(parts),
    )


def fitted_saved(
    figure: Figure, per_token: Estimate, length: Length, count: int, *, processed: float | None, sure: bool = True
) -> Saving:
    """Estimate the saving of `length` fewer tokens, by a cost per token that was fitted to `count` answers.

    Only tokens that had to be `processed` cost that time. A length that was not counted is off by `_LENGTH_ERROR`.
    Where it is not `sure` that any of it is saved, the range from nothing to all of it is presumed.
    """
    tokens = length.tokens if processed is None else min(length.tokens, processed)
    value, ends = per_token.value * tokens, per_token.interval
    off = _LENGTH_ERROR * value if length.is_estimate else 0.0
    low, high = (
        value - math.hypot(value - ends.low * tokens, off),
        value + math.hypot(ends.high * tokens - value, off),
    )
    interval = _drifting(value, low, high)
    if not sure:
        interval = msgspec.structs.replace(interval, low=0.0)
    return Saving(
        figure=figure, ns=value, interval=interval, basis=Basis.DERIVED if sure else Basis.PRESUMED, count=count
    )


def _drifting(value: float, low: float, high: float) -> Interval:
    """Widen an interval by `_DRIFT` of the value. The two errors are independent, so their squares add."""
    drift = _DRIFT * abs(value)
    return Interval(
        low=value - math.hypot(value - low, drift), high=value + math.hypot(high - value, drift), confidence=CONFIDENCE
    )


def prefill_fit(evidence: Evidence) -> tuple[Estimate, int] | None:
    """Fit the time to first token per prompt token that had to be processed, ns, and count the answers in the fit.

    TTFT, or the server's part of it where that is known of all, = c + a·tokens by `linear_fit.robust_fit`, over all
    answers of this model at this endpoint that report both. None below ten answers, where lengths differ by less than a
    quarter of the longest or 64 tokens, and where the cost is not surely above zero.
    """
    every = [one for one in (*evidence.subject.answers, *evidence.earlier) if one.ttft_ns is not None]
    is_split = all(one.server_ns is not None for one in every)
    pairs = [
        (float(one.input_tokens), float((one.server_ns if is_split else one.ttft_ns) or 0))
        for one in every
        if one.input_tokens is not None
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
    evidence: Evidence, alternatives: Sequence[MeasuredTarget], figure: Figure = Figure.TOTAL
) -> tuple[MeasuredTarget, Comparison] | None:
    """Find the alternative that is shown to be faster than the subject by most; None where none is.

    Every alternative is compared at a confidence corrected for their number (Bonferroni). So among alternatives that
    are all equal, one is wrongly found faster in at most one case of twenty.
    """
    samples = present(evidence.subject.outcomes, figure)
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(alternatives))
    shown = [
        (other, found)
        for other in alternatives
        if (
            found := compare(
                figure,
                (other.label, present(other.outcomes, figure)),
                (evidence.subject.label, samples),
                confidence=confidence,
            )
        ).verdict
        is Verdict.FASTER
    ]
    return min(shown, key=lambda each: each[1].difference or 0.0, default=None)


def measured_saving(comparison: Comparison) -> Saving:
    """Return the saving shown by a comparison of the faster alternative (first) with the subject (second)."""
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


def enough_measured(alternatives: Sequence[MeasuredTarget]) -> bool:
    """Report whether any alternative has answers enough for a comparison."""
    return any(len(other.answers) >= FEWEST for other in alternatives)


def alternatives_of(evidence: Evidence, parameter: str) -> tuple[MeasuredTarget, ...]:
    """Return the measurements of the same model that differ from the subject in this one parameter only."""
    subject = evidence.subject
    mine = msgspec.structs.replace(subject.parameters, **{parameter: None})
    return tuple(
        other
        for other in evidence.alike
        if other.target.model == subject.target.model
        and getattr(other.parameters, parameter) != getattr(subject.parameters, parameter)
        and msgspec.structs.replace(other.parameters, **{parameter: None}) == mine
    )


def change_to(parameter: str, value: object) -> Change:
    """Return the change that sets one parameter, or with None no longer sends it."""
    word = parameter.replace("_", " ")
    if value is None:
        return Change(label=f"no {word}", unset=(parameter,))
    return Change(label=f"{word} {value}", parameters=Parameters(**{parameter: value}))  # type: ignore[arg-type]


def measured_value(
    evidence: Evidence,
    rule: str,
    parameter: str,
    price: str,
    source: Citation,
    *,
    figure: Figure = Figure.TOTAL,
    only: Callable[[object], bool] = lambda _value: True,
    none_faster: str = "",
) -> Suggestion | NoSuggestion | None:
    """Suggest the value of `parameter` that was shown to be faster.

    Where values were measured and none was faster, return NoSuggestion with the reason `none_faster` if that is given.
    None otherwise.
    """
    alternatives = [
        other for other in alternatives_of(evidence, parameter) if only(getattr(other.parameters, parameter))
    ]
    found = faster_alternative(evidence, alternatives, figure)
    if found is None:
        measured = none_faster and enough_measured(alternatives)
        return NoSuggestion(rule=rule, reason=none_faster) if measured else None
    other, comparison = found
    change = change_to(parameter, getattr(other.parameters, parameter))
    return Suggestion(
        id=f"{rule}:{change.label}",
        target=evidence.subject.label,
        headline=f"Ask with {change.label}",
        saving=measured_saving(comparison),
        figures=(comparison.sentence,),
        price=price,
        source=source,
        trial=Trial(change=change, figure=figure),
    )
