"""Thinking: what the answer waits for before its first word."""

import msgspec

from tui.advice import sources
from tui.advice.arms import change_to, measured_lever
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.refusals import refusal
from tui.core.wording import amount

RULE = "thinking"
_OFF = ("disabled", "between_tools")
_PRICE = "answers to hard questions may be worse; thinking tokens cost as output, so it is cheaper"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Thinking off: all of the time from the start of thinking to the first text."""
    subject = evidence.subject
    shown = measured_lever(evidence, RULE, "thinking", _PRICE, sources.THINKING, only=lambda value: value in _OFF)
    if shown is not None:
        return shown
    if subject.parameters.thinking in _OFF:
        return NoSuggestion(rule=RULE, reason="thinking is off")
    times = [one.thinking_ns for one in subject.answers if one.thinking_ns is not None]
    if not times:
        return NoSuggestion(rule=RULE, reason="no answer yet", run="run once")
    if not any(times):
        return NoSuggestion(rule=RULE, reason="it does not think before it answers")
    refused = {value: refusal("thinking", value, evidence.model) for value in _OFF}
    off = next((value for value in _OFF if refused[value] is None), None)
    if off is None:
        return NoSuggestion(rule=RULE, reason=refused["disabled"] or "its thinking cannot be turned off")
    saving = part_saved(Figure.TOTAL, times)
    change = msgspec.structs.replace(change_to("thinking", off), unset=_senseless(subject.parameters))
    return Suggestion(
        id=f"{RULE}:{change.label}",
        target=subject.label,
        headline="Turn thinking off",
        saving=saving,
        figures=(f"thinking takes {amount(Figure.TOTAL, saving.ns)} of a typical answer", *_tokens(evidence)),
        price=_PRICE,
        source=sources.THINKING,
        trial=Trial(change=change, figure=Figure.TOTAL),
    )


def _senseless(parameters: Parameters) -> tuple[str, ...]:
    """What goes with thinking, and is refused without."""
    set_ones = [name for name in ("thinking_budget", "thinking_display") if getattr(parameters, name) is not None]
    return (*set_ones, *(["effort"] if parameters.effort in ("xhigh", "max") else []))


def _tokens(evidence: Evidence) -> tuple[str, ...]:
    counts = sorted(one.thinking_tokens for one in evidence.subject.answers if one.thinking_tokens)
    return (f"{counts[len(counts) // 2]:,} thinking tokens in a typical answer",) if counts else ()
