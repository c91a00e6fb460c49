"""Rule on the length of the prompt: the cost of reading it, and passages that it repeats."""

import re
from collections.abc import Iterator

from tui.advice import citations
from tui.advice.estimate import fitted_saved, prefill_fit
from tui.advice.evidence import Evidence
from tui.advice.prompt_parts import UNKNOWN_LENGTH, Length, by_part, less, static_start, whole_of
from tui.advice.suggestion import Change, NoSuggestion, PromptEdit, Suggestion, Trial
from tui.core.figures import Figure
from tui.core.prompt import Prompt
from tui.core.wording import amount, counted, span

_RULE = "prompt length"
_UNIT = 1_000
_LEAST_PASSAGE = 40
"""Fewest characters of a passage that counts as repeated."""
_SHOWN_PASSAGES = 3
_SHOWN_CHARACTERS = 32
_PRICE = "the model cannot follow instructions you remove; cut repetitions first"


def prompt_length(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a shorter prompt, at the fitted cost per token: without repetitions, else by 1,000 tokens or half."""
    subject = evidence.subject
    tokens = whole_of(evidence)
    if tokens is None:
        return NoSuggestion(_RULE, "the prompt's length is not known", run=UNKNOWN_LENGTH)
    fitted = prefill_fit(evidence)
    parts = f"{counted(round(tokens), 'token')}: {by_part(evidence, tokens)}"
    edited = said_once(subject.prompt)
    if fitted is None:
        return NoSuggestion(
            _RULE,
            f"the cost of a prompt token is not known; {'; '.join((parts, *_repeats(evidence, tokens)))}",
            run="a sweep, or a series with this prompt and one with a much longer or shorter one",
        )
    per_token, count = fitted
    processed = subject.processed_tokens
    change, fewer = None, Length(tokens=min(float(_UNIT), tokens / 2), is_estimate=False)
    twice = less(evidence, edited, tokens) if edited is not None else fewer
    if edited is not None and fitted_saved(Figure.TTFT, per_token, twice, count, processed=processed).matters:
        change, fewer = Change(label="said once", edit=PromptEdit(repeated=tuple(repeated(subject.prompt)))), twice
    return Suggestion(
        id=f"{_RULE}:{change.label if change else 'shorter'}",
        target=subject.label,
        headline="Remove repetitions from the prompt" if change else "Shorten the prompt",
        saving=fitted_saved(Figure.TTFT, per_token, fewer, count, processed=processed),
        figures=(
            parts,
            f"{_UNIT:,} tokens fewer would save {amount(Figure.TTFT, per_token.value * _UNIT)} "
            f"({span(Figure.TTFT, per_token.interval.low * _UNIT, per_token.interval.high * _UNIT)}); "
            f"this estimate is for {fewer}",
            *_from_cache(tokens, processed),
            *_repeats(evidence, tokens),
            static_start(evidence, tokens).sentence,
        ),
        price=_PRICE,
        source=citations.LENGTH,
        trial=Trial(change=change, figure=Figure.TTFT) if change else None,
    )


def _from_cache(tokens: float, processed: float | None) -> tuple[str, ...]:
    """Name the tokens that cost little already."""
    if processed is None or processed >= tokens:
        return ()
    return (f"{tokens - processed:,.0f} of its tokens are read from the cache already, {processed:,.0f} are processed",)


def repeated(prompt: Prompt) -> dict[str, int]:
    """Find lines and sentences that occur more than once, and count their repetitions."""
    found: dict[str, int] = {}
    for passage in _passages(prompt):
        found[passage] = found.get(passage, -1) + 1
    return {passage: more for passage, more in found.items() if more}


def said_once(prompt: Prompt) -> Prompt | None:
    """Return the prompt without repetitions; None where there are none."""
    passages = repeated(prompt)
    return PromptEdit(repeated=tuple(passages)).of(prompt) if passages else None


def _repeats(evidence: Evidence, tokens: float) -> tuple[str, ...]:
    """Name the repeated passages by their first words."""
    prompt = evidence.subject.prompt
    passages, edited = repeated(prompt), said_once(prompt)
    if edited is None:
        return ()
    named = [f"“{_begun(passage)}” {more + 1} times" for passage, more in passages.items()]
    others = len(named) - _SHOWN_PASSAGES
    listed = [*named[:_SHOWN_PASSAGES], *([f"{others} more"] if others > 0 else [])]
    return (f"repetitions make up {less(evidence, edited, tokens).words}: {', '.join(listed)}",)


def _begun(passage: str) -> str:
    return passage if len(passage) <= _SHOWN_CHARACTERS else f"{passage[:_SHOWN_CHARACTERS].rstrip()}…"


def _passages(prompt: Prompt) -> Iterator[str]:
    for text in (prompt.system, *(turn.text for turn in prompt.turns), prompt.user):
        for line in text.splitlines():
            for sentence in re.split(r"(?<=[.!?]) +", line):
                if len(sentence.strip()) >= _LEAST_PASSAGE:
                    yield sentence.strip()
