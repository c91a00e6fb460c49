"""Temperature: lower ones may give shorter and more even answers, where the model takes it."""

from statistics import median, quantiles

import msgspec

from tui.advice import sources
from tui.advice.arms import alternatives_of, change_to, measured_lever
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.observation import Figure
from tui.core.refusals import refusal

RULE = "temperature"
_LOW = 0.2
_PRICE = "answers vary less from one to the next"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Only what was measured: the guide says "may", so nothing is presumed."""
    subject = evidence.subject
    if (refused := refusal(RULE, _LOW, evidence.model)) is not None:
        return NoSuggestion(rule=RULE, reason=refused)
    shown = measured_lever(evidence, RULE, RULE, _PRICE, sources.LENGTH)
    lengths = tuple(
        sentence
        for each in (subject, *alternatives_of(evidence, RULE))
        if len(each.answers) >= FEWEST and (sentence := _lengths(each))
    )
    if shown is not None:
        return msgspec.structs.replace(shown, figures=(*shown.figures, *lengths))
    if any(len(arm.answers) >= FEWEST for arm in alternatives_of(evidence, RULE)):
        return NoSuggestion(
            rule=RULE, reason="; ".join(("no other temperature measured is shown to be faster", *lengths))
        )
    now = subject.parameters.temperature
    if now is not None and now <= _LOW:
        return NoSuggestion(rule=RULE, reason="it is low already")
    return NoSuggestion(
        rule=RULE,
        reason="its effect on this prompt is not known",
        run=f"a series with temperature {_LOW} beside this one",
        trial=Trial(change=change_to(RULE, _LOW), figure=Figure.TOTAL),
    )


def _lengths(measured: MeasuredTarget) -> str:
    tokens = [float(one.output_tokens) for one in measured.answers if one.output_tokens is not None]
    if len(tokens) < FEWEST:
        return ""
    low, _, high = quantiles(tokens, n=4)
    at = measured.parameters.temperature
    name = "as the API sets it" if at is None else f"{at:g}"
    return f"temperature {name}: {median(tokens):.0f} tokens, half of the answers between {low:.0f} and {high:.0f}"
