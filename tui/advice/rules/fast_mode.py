"""Fast mode: the same model writes faster, for a higher price."""

from tui.advice import sources
from tui.advice.arms import change_to, measured_lever
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.refusals import refusal
from tui.core.wording import amount

RULE = "fast mode"
_MOST = 2.5
"""The documentation promises up to so many times the output speed."""
_SHARE = (0.0, 1 - 1 / 2.0, 1 - 1 / _MOST)
"""What that takes away of the time of writing."""


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Fast mode: up to 60 % of the time from the first content to the last."""
    subject, model = evidence.subject, evidence.model
    price = _price(evidence)
    if subject.parameters.speed == "fast":
        return NoSuggestion(rule=RULE, reason="fast mode is on")
    shown = measured_lever(evidence, RULE, "speed", price, sources.FAST_MODE, only=lambda value: value == "fast")
    if shown is not None:
        return shown
    if model is None or not model.fast:
        return NoSuggestion(rule=RULE, reason=refusal("speed", "fast", model) or "this model is not known to have one")
    times = [float(one.total_ns - one.ttft_ns) for one in subject.answers if one.total_ns and one.ttft_ns]
    if not times:
        return NoSuggestion(rule=RULE, reason="no answer yet", run="run once")
    return Suggestion(
        id=f"{RULE}:speed fast",
        target=subject.label,
        headline="Ask in fast mode",
        saving=part_saved(Figure.TOTAL, times, _SHARE),
        figures=(
            f"writing takes {amount(Figure.TOTAL, sorted(times)[len(times) // 2])} of a typical answer",
            f"the documentation promises up to {_MOST} times the speed, and no sooner first token",
        ),
        price=price,
        source=sources.FAST_MODE,
        trial=Trial(change=change_to("speed", "fast"), figure=Figure.TOTAL),
    )


def _price(evidence: Evidence) -> str:
    prices = evidence.model.prices if evidence.model else None
    if prices is None or prices.fast_output is None or not prices.output:
        return "no loss of quality; it costs more, by how much is not known here"
    factor = prices.fast_output / prices.output
    return f"no loss of quality; output costs {factor:.2g} times as much (list prices of {prices.read})"
