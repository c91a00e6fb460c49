"""Effort: how long the model thinks and how much it writes."""

from typing import get_args

from tui.advice import sources
from tui.advice.arms import change_to, measured_lever
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.parameters import Effort
from tui.core.refusals import refusal
from tui.core.wording import amount

RULE = "effort"
LEVELS: tuple[Effort, ...] = get_args(Effort)
"""In rising order."""
_SHARE = (0.1, 0.5, 0.95)
"""How much of the thinking a low effort takes away, at least, most likely and at most: a presumption."""
_PRICE = "answers to hard questions may be worse; fewer tokens, so it is cheaper"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """The lowest level of effort: a part of the thinking time, which only trying tells."""
    subject, model = evidence.subject, evidence.model
    now = subject.parameters.effort or (model.default_effort if model else None)
    lower = [level for level in LEVELS if now is None or LEVELS.index(level) < LEVELS.index(now)]
    shown = measured_lever(evidence, RULE, "effort", _PRICE, sources.EFFORT, only=lambda value: value in lower)
    if shown is not None:
        return shown
    if now == LEVELS[0]:
        return NoSuggestion(rule=RULE, reason="effort is at its lowest")
    if (refused := refusal("effort", LEVELS[0], model)) is not None:
        return NoSuggestion(rule=RULE, reason=refused)
    times = [one.thinking_ns for one in subject.answers if one.thinking_ns is not None]
    trial = Trial(change=change_to("effort", LEVELS[0]), figure=Figure.TOTAL)
    if not any(times):
        return NoSuggestion(
            rule=RULE,
            reason="it does not think before it answers, so that its effort is not seen in its times",
            run="a series with effort low beside this one",
            trial=trial,
        )
    return Suggestion(
        id=f"{RULE}:{trial.change.label}",
        target=subject.label,
        headline="Ask with low effort",
        saving=part_saved(Figure.TOTAL, times, _SHARE),
        figures=(
            f"thinking takes {amount(Figure.TOTAL, sorted(times)[len(times) // 2])} of a typical answer",
            "how much of it low effort leaves is presumed: from a twentieth to nine tenths",
        ),
        price=_PRICE,
        source=sources.EFFORT,
        trial=trial,
    )
