"""All rules over one target's evidence: ranked suggestions, and the rules that had nothing to say."""

from collections.abc import Callable, Sequence

import msgspec

from tui.advice.evidence import Evidence
from tui.advice.rules import (
    answer_length,
    cold_start,
    connection,
    effort,
    fast_mode,
    max_tokens,
    model,
    prompt_cache,
    prompt_length,
    region,
    service_tier,
    streaming,
    temperature,
    thinking,
)
from tui.advice.suggestion import MATTERS_NS, NoSuggestion, Suggestion
from tui.advice.where import Where, where
from tui.core.comparison import FEWEST
from tui.core.observation import Figure
from tui.core.wording import round_amount

Rule = Callable[[Evidence], Suggestion | NoSuggestion]

RULES: tuple[Rule, ...] = tuple(
    rule.suggest
    for rule in (
        model,
        prompt_length,
        prompt_cache,
        answer_length,
        max_tokens,
        temperature,
        streaming,
        effort,
        thinking,
        fast_mode,
        service_tier,
        region,
        connection,
        cold_start,
    )
)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What is advised for one target."""

    target: str
    simulated: bool
    count: int
    """Complete answers it rests on."""
    where: Where | None
    warnings: tuple[NoSuggestion, ...]
    """What to look at before anything is made faster."""
    suggestions: tuple[Suggestion, ...]
    """Those that may save `MATTERS_NS` or more, the most first."""
    minor: tuple[Suggestion, ...]
    """Those that surely save less."""
    no_suggestions: tuple[NoSuggestion, ...]
    conclusion: str
    """What follows, in one sentence."""


def advise(evidence: Evidence) -> Advice:
    """Ask every rule. Suggestions are ranked by the time they are estimated to save."""
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
        where=where(evidence),
        warnings=warnings,
        suggestions=worth,
        minor=tuple(suggestion for suggestion in suggestions if not suggestion.saving.matters),
        no_suggestions=tuple(one for one in said if isinstance(one, NoSuggestion) and not one.warns),
        conclusion=_conclusion(warnings, worth, count),
    )


def advise_all(evidences: Sequence[Evidence]) -> list[Advice]:
    """The advice for each target, in their order."""
    return [advise(evidence) for evidence in evidences]


def _conclusion(warnings: Sequence[NoSuggestion], worth: Sequence[Suggestion], count: int) -> str:
    if warnings:
        return f"First look at this: {warnings[0].reason}."
    if worth:
        return f"{worth[0].headline}: that would save the most."
    if count < FEWEST:
        return f"Too few runs to say what would help: {FEWEST} are needed, and there are {count}."
    return f"Nothing that could be estimated here would help by more than {round_amount(Figure.TOTAL, MATTERS_NS)}."
