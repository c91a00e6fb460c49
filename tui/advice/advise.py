"""Advice for one target: every rule asked, suggestions ranked by their saving, and a conclusion."""

from collections.abc import Callable, Sequence

import msgspec

from tui.advice.evidence import Evidence
from tui.advice.rules import answer_length, delivery, generation, model, prompt_cache, prompt_length
from tui.advice.suggestion import MATTERS_NS, NoSuggestion, Suggestion
from tui.advice.time_shares import TimeShares, time_shares_of
from tui.core.comparison import FEWEST
from tui.core.figures import Figure
from tui.core.wording import round_amount

Rule = Callable[[Evidence], Suggestion | NoSuggestion]

RULES: tuple[Rule, ...] = (
    model.model,
    prompt_length.prompt_length,
    prompt_cache.prompt_cache,
    answer_length.answer_length,
    answer_length.max_tokens,
    generation.temperature,
    delivery.streaming,
    generation.effort,
    generation.thinking,
    generation.fast_mode,
    delivery.service_tier,
    delivery.region,
    delivery.connection,
    prompt_cache.cold_start,
)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Advice for one target."""

    target: str
    simulated: bool
    count: int
    """Number of complete answers it rests on."""
    where: TimeShares | None
    warnings: tuple[NoSuggestion, ...]
    """Problems to look at before tuning."""
    suggestions: tuple[Suggestion, ...]
    """Suggestions that may save `MATTERS_NS` or more, the largest saving first."""
    minor: tuple[Suggestion, ...]
    """Suggestions that surely save less."""
    no_suggestions: tuple[NoSuggestion, ...]
    conclusion: str
    """Conclusion in one sentence."""


def advise(evidence: Evidence) -> Advice:
    """Ask every rule, and rank the suggestions by the time they are estimated to save."""
    said = [rule(evidence) for rule in RULES]
    suggestions = sorted(
        (one for one in said if isinstance(one, Suggestion)), key=lambda suggestion: -suggestion.saving.ns
    )
    worth = tuple(suggestion for suggestion in suggestions if suggestion.saving.matters)
    warnings = tuple(one for one in said if isinstance(one, NoSuggestion) and one.warns)
    count = len(evidence.subject.answers)
    return Advice(
        target=evidence.subject.label,
        simulated=evidence.subject.endpoint.simulated,
        count=count,
        where=time_shares_of(evidence),
        warnings=warnings,
        suggestions=worth,
        minor=tuple(suggestion for suggestion in suggestions if not suggestion.saving.matters),
        no_suggestions=tuple(one for one in said if isinstance(one, NoSuggestion) and not one.warns),
        conclusion=_conclusion(warnings, worth, count),
    )


def _conclusion(warnings: Sequence[NoSuggestion], worth: Sequence[Suggestion], count: int) -> str:
    if warnings:
        return f"First look at this: {warnings[0].reason}."
    if worth:
        return f"{worth[0].headline}. That would save the most."
    if count < FEWEST:
        return f"Too few runs to tell what would help: {FEWEST} are needed, and there are {count}."
    return f"Nothing that could be estimated would save more than {round_amount(Figure.TOTAL, MATTERS_NS)}."
