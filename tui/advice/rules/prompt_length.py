"""Prompt length: what it costs to read the prompt, and what of it is said twice."""

import re
from collections.abc import Iterator
from statistics import median

from tui.advice import sources
from tui.advice.estimate import fitted_saved, prefill_fit
from tui.advice.evidence import Evidence, Measured
from tui.advice.suggestion import Change, PromptEdit, Silence, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.prompt import Prompt
from tui.core.wording import amount, percent, span

RULE = "prompt length"
_UNIT = 1_000
_LEAST_PASSAGE = 40
"""Characters from which on a repeated passage counts as one."""
_PRICE = "what the model is not told it cannot heed: leave out what is said twice before what is said once"


def suggest(evidence: Evidence) -> Suggestion | Silence:
    """Fewer tokens of prompt, at the fitted cost per token: those said twice, else 1,000 or half of all."""
    subject = evidence.subject
    counts = [one.input_tokens + one.cached_tokens for one in subject.answers if one.input_tokens is not None]
    fitted = prefill_fit(evidence)
    if not counts or fitted is None:
        return Silence(
            rule=RULE,
            reason="what a token of the prompt costs is not known",
            run="a series with this prompt and one with it much longer or shorter, five runs each or more",
        )
    per_token, count = fitted
    tokens = median(counts)
    passages = repeated(subject.prompt)
    share = sum(len(passage) * more for passage, more in passages.items()) / max(1, _length(subject.prompt))
    fewer = tokens * share if passages else min(float(_UNIT), tokens / 2)
    change = Change(label="said once", edit=PromptEdit(repeated=tuple(passages))) if passages else None
    return Suggestion(
        id=f"{RULE}:{change.label if change else 'shorter'}",
        target=subject.label,
        headline="Say in the prompt only once what it says twice" if change else "Shorten the prompt",
        saving=fitted_saved(Figure.TTFT, per_token, fewer, count),
        figures=(
            f"{tokens:,.0f} tokens: {_by_part(subject)}",
            f"{_UNIT:,} tokens fewer would save {amount(Figure.TTFT, per_token.value * _UNIT)} "
            f"({span(Figure.TTFT, per_token.interval.low * _UNIT, per_token.interval.high * _UNIT)}); "
            f"the estimate is for {fewer:,.0f}",
            *([f"{len(passages)} passages stand in it more than once"] if passages else []),
        ),
        price=_PRICE,
        source=sources.LENGTH,
        trial=Trial(change=change, figure=Figure.TTFT) if change else None,
    )


def repeated(prompt: Prompt) -> dict[str, int]:
    """Lines and sentences that stand in the prompt more than once, with how often more."""
    found: dict[str, int] = {}
    for passage in _passages(prompt):
        found[passage] = found.get(passage, -1) + 1
    return {passage: more for passage, more in found.items() if more}


def _passages(prompt: Prompt) -> Iterator[str]:
    for _, text in _parts(prompt):
        for line in text.splitlines():
            for sentence in re.split(r"(?<=[.!?]) +", line):
                if len(sentence.strip()) >= _LEAST_PASSAGE:
                    yield sentence.strip()


def _length(prompt: Prompt) -> int:
    return sum(len(text) for _, text in _parts(prompt))


def _parts(prompt: Prompt) -> tuple[tuple[str, str], ...]:
    turns = "\n".join(turn.text for turn in prompt.turns)
    return (("system", prompt.system), ("earlier turns", turns), ("user", prompt.user))


def _by_part(subject: Measured) -> str:
    """Shares by characters: tokens are only known for the whole."""
    parts = _parts(subject.prompt)
    whole = max(1, _length(subject.prompt))
    return ", ".join(f"about {percent(round(len(text) / whole, 2))} {name}" for name, text in parts if text)
