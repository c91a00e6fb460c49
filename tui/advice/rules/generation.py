"""Rules on generation: thinking, effort, temperature and fast mode."""

from statistics import median, quantiles
from typing import get_args

import msgspec

from tui.advice import citations
from tui.advice.estimate import alternatives_of, change_to, measured_value, part_saved
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial, in_one_piece
from tui.core.comparison import FEWEST
from tui.core.figures import Figure
from tui.core.parameters import Effort, Parameters
from tui.core.refusals import refusal
from tui.core.wording import amount, counted

_THINKING_OFF = ("disabled", "between_tools")
_THINKING_PRICE = "answers to hard questions may be worse; thinking tokens are billed as output, so it costs less"

_EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""Levels in rising order."""
_EFFORT_SHARE = (0.1, 0.5, 0.95)
"""Presumed share of the thinking that low effort removes: at least, most likely, at most."""
_EFFORT_PRICE = "answers to hard questions may be worse; fewer tokens cost less"

_LOW_TEMPERATURE = 0.2

_MOST_SPEED = 2.5
"""Factor on the output speed that the documentation promises at most."""
_FAST_SHARE = (0.0, 1 - 1 / 2.0, 1 - 1 / _MOST_SPEED)
"""Share of the time of writing that fast mode removes: at least, most likely, at most."""


def thinking(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest thinking off, which saves all of the time from the start of thinking to the first text."""
    subject, rule = evidence.subject, "thinking"
    measured = measured_value(
        evidence, rule, "thinking", _THINKING_PRICE, citations.THINKING, only=lambda value: value in _THINKING_OFF
    )
    if measured is not None:
        return measured
    if subject.parameters.thinking in _THINKING_OFF:
        return NoSuggestion(rule, "thinking is off")
    times = _thinking_times(subject)
    if not times:
        return NoSuggestion(rule, "no answer yet", run="run once")
    if (hidden := _hidden(subject, rule)) is not None:
        return hidden
    if not any(times):
        return NoSuggestion(rule, "the model does not think before it answers")
    refused = {value: refusal("thinking", value, evidence.model) for value in _THINKING_OFF}
    off = next((value for value in _THINKING_OFF if refused[value] is None), None)
    if off is None:
        return NoSuggestion(rule, refused["disabled"] or "thinking cannot be turned off")
    saving = part_saved(Figure.TOTAL, times)
    change = msgspec.structs.replace(change_to("thinking", off), unset=_only_with_thinking(subject.parameters))
    counts = sorted(one.thinking_tokens for one in subject.answers if one.thinking_tokens)
    return Suggestion(
        id=f"{rule}:{change.label}",
        target=subject.label,
        headline="Turn thinking off",
        saving=saving,
        figures=(
            f"thinking takes {amount(Figure.TOTAL, saving.ns)} of a typical answer",
            *([f"{counted(counts[len(counts) // 2], 'thinking token')} in a typical answer"] if counts else []),
        ),
        price=_THINKING_PRICE,
        source=citations.THINKING,
        trial=Trial(change=change, figure=Figure.TOTAL),
    )


def effort(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest the lowest effort, which saves a part of the thinking that only a trial tells."""
    subject, model, rule = evidence.subject, evidence.model, "effort"
    now = subject.parameters.effort or (model.default_effort if model else None)
    lower = [level for level in _EFFORTS if now is None or _EFFORTS.index(level) < _EFFORTS.index(now)]
    measured = measured_value(
        evidence, rule, "effort", _EFFORT_PRICE, citations.EFFORT, only=lambda value: value in lower
    )
    if measured is not None:
        return measured
    lowest = _EFFORTS[0]
    if now == lowest:
        return NoSuggestion(rule, "effort is at its lowest")
    if (refused := refusal("effort", lowest, model)) is not None:
        return NoSuggestion(rule, refused)
    times = _thinking_times(subject)
    if not times:
        return NoSuggestion(rule, "no answer yet", run="run once")
    if (hidden := _hidden(subject, rule)) is not None:
        return hidden
    trial = Trial(change=change_to("effort", lowest), figure=Figure.TOTAL)
    if not any(times):
        return NoSuggestion(
            rule,
            "the model does not think before it answers, so its times do not show effort",
            run="a series with effort low beside this one",
            trial=trial,
        )
    return Suggestion(
        id=f"{rule}:{trial.change.label}",
        target=subject.label,
        headline="Ask with low effort",
        saving=part_saved(Figure.TOTAL, times, _EFFORT_SHARE),
        figures=(
            f"thinking takes {amount(Figure.TOTAL, sorted(times)[len(times) // 2])} of a typical answer",
            "presumed: low effort leaves between a twentieth and nine tenths of it",
        ),
        price=_EFFORT_PRICE,
        source=citations.EFFORT,
        trial=trial,
    )


def temperature(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a temperature that was measured to be faster: the guide says "may", so nothing is presumed."""
    subject, rule = evidence.subject, "temperature"
    if (refused := refusal(rule, _LOW_TEMPERATURE, evidence.model)) is not None:
        return NoSuggestion(rule, refused)
    every = (subject, *alternatives_of(evidence, rule))
    lengths = tuple(sentence for each in every if (sentence := _lengths(each)))
    measured = measured_value(
        evidence,
        rule,
        rule,
        "answers vary less from one to the next",
        citations.LENGTH,
        none_faster="; ".join(("no other measured temperature is shown to be faster", *lengths)),
    )
    if isinstance(measured, Suggestion):
        return msgspec.structs.replace(measured, figures=(*measured.figures, *lengths))
    if measured is not None:
        return measured
    now = subject.parameters.temperature
    if now is not None and now <= _LOW_TEMPERATURE:
        return NoSuggestion(rule, "temperature is low already")
    return NoSuggestion(
        rule,
        "its effect on this prompt is not known",
        run=f"a series with temperature {_LOW_TEMPERATURE} beside this one",
        trial=Trial(change=change_to(rule, _LOW_TEMPERATURE), figure=Figure.TOTAL),
    )


def fast_mode(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest fast mode, which saves up to 60 % of the time from the first content to the last."""
    subject, model, rule = evidence.subject, evidence.model, "fast mode"
    if subject.parameters.speed == "fast":
        return NoSuggestion(rule, "fast mode is on")
    prices = model.prices if model else None
    price = "no loss of quality; it costs more, but its price is not known here"
    if prices is not None and prices.fast_output is not None and prices.output:
        factor = prices.fast_output / prices.output
        price = f"no loss of quality; output costs {factor:.2g} times as much (list prices of {prices.read})"
    measured = measured_value(evidence, rule, "speed", price, citations.FAST_MODE, only=lambda value: value == "fast")
    if measured is not None:
        return measured
    if model is None or not model.fast:
        return NoSuggestion(rule, refusal("speed", "fast", model) or "this model is not known to have a fast mode")
    times = [float(one.total_ns - one.ttft_ns) for one in subject.answers if one.total_ns and one.ttft_ns]
    if not times:
        return NoSuggestion(rule, "no answer yet", run="run once")
    if subject.in_one_piece:
        return in_one_piece(rule)
    return Suggestion(
        id=f"{rule}:speed fast",
        target=subject.label,
        headline="Ask in fast mode",
        saving=part_saved(Figure.TOTAL, times, _FAST_SHARE),
        figures=(
            f"writing takes {amount(Figure.TOTAL, sorted(times)[len(times) // 2])} of a typical answer",
            f"the documentation promises up to {_MOST_SPEED} times the output speed, and no sooner first token",
        ),
        price=price,
        source=citations.FAST_MODE,
        trial=Trial(change=change_to("speed", "fast"), figure=Figure.TOTAL),
    )


def _hidden(subject: MeasuredTarget, rule: str) -> NoSuggestion | None:
    """Return the silence of a rule on thinking whose time was not seen; None where it was."""
    if subject.in_one_piece:
        return in_one_piece(rule)
    if subject.hides_thinking and not any(_thinking_times(subject)):
        reason = "the model thinks, but neither its thinking nor its start was seen, so its time is not known"
        return NoSuggestion(rule, reason, run="a series whose thinking is shown, or one without thinking beside it")
    return None


def _thinking_times(subject: MeasuredTarget) -> list[float]:
    return [one.thinking_ns for one in subject.answers if one.thinking_ns is not None]


def _only_with_thinking(parameters: Parameters) -> tuple[str, ...]:
    """Return the parameters that the API refuses without thinking."""
    set_ones = [name for name in ("thinking_budget", "thinking_display") if getattr(parameters, name) is not None]
    return (*set_ones, *(["effort"] if parameters.effort in ("xhigh", "max") else []))


def _lengths(measured: MeasuredTarget) -> str:
    tokens = [float(one.output_tokens) for one in measured.answers if one.output_tokens is not None]
    if len(tokens) < FEWEST:
        return ""
    low, _, high = quantiles(tokens, n=4)
    at = measured.parameters.temperature
    name = "default temperature" if at is None else f"temperature {at:g}"
    return f"{name}: {counted(round(median(tokens)), 'token')}, half of the answers between {low:,.0f} and {high:,.0f}"
