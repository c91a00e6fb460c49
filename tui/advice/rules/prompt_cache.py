"""Prompt caching: what was read once need not be read again."""

from statistics import median

import msgspec

from tui.advice import sources
from tui.advice.arms import change_to, measured_lever
from tui.advice.estimate import fitted_saved, prefill_fit
from tui.advice.evidence import Evidence
from tui.advice.parts import UNKNOWN_LENGTH, Static, static_of, whole_of
from tui.advice.suggestion import NoSuggestion, Saving, Suggestion, Trial
from tui.core.cost import dollars, length_factor
from tui.core.observation import Figure
from tui.core.wording import amount, span

RULE = "prompt cache"
_PARAMETER = "cache"
_MILLION = 1_000_000


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """TTFT with a warm cache: less by the fitted cost per token times the tokens at the start that never change."""
    subject = evidence.subject
    tokens = whole_of(evidence)
    if subject.parameters.cache:
        return _on(evidence, tokens)
    if tokens is None:
        return NoSuggestion(rule=RULE, reason="the prompt's length is not known", run=UNKNOWN_LENGTH)
    static = static_of(evidence, tokens)
    price = _price(evidence, static, tokens)
    shown = measured_lever(
        evidence, RULE, _PARAMETER, price, sources.CACHE, figure=Figure.TTFT, only=lambda value: bool(value)
    )
    if shown is not None:
        return msgspec.structs.replace(shown, figures=(*shown.figures, static.sentence))
    if not static.length.tokens:
        return NoSuggestion(rule=RULE, reason=static.sentence, run="a series with what changes moved to the end")
    least = evidence.model.cache_min_tokens if evidence.model else None
    if least is not None and static.length.tokens < least:
        return NoSuggestion(rule=RULE, reason=f"{static.sentence}; {least:,} are the fewest that this model caches")
    # The parameter caches all of the prompt, which serves nobody where its end changes.
    trial = Trial(change=change_to(_PARAMETER, True), figure=Figure.TTFT) if static.is_all else None
    fitted = prefill_fit(evidence)
    if fitted is None:
        return NoSuggestion(
            rule=RULE,
            reason=f"what reading the prompt costs is not known; {static.sentence}",
            run="a series with the cache beside this one, or a sweep",
            trial=trial,
        )
    per_token, count = fitted
    saving = fitted_saved(Figure.TTFT, per_token, static.length.tokens, count)
    return Suggestion(
        id=f"{RULE}:on",
        target=subject.label,
        headline="Cache the prompt" if static.is_all else "Cache the start of the prompt, by a breakpoint at its end",
        saving=saving,
        figures=(
            static.sentence,
            *([f"the model caches from {least:,} tokens on"] if least is not None else []),
            *_predicted(evidence, saving),
        ),
        price=price,
        source=sources.CACHE,
        trial=trial,
    )


def _predicted(evidence: Evidence, saving: Saving) -> tuple[str, ...]:
    """TTFT as it is, and with a warm cache."""
    ttfts = [float(one.ttft_ns) for one in evidence.subject.answers if one.ttft_ns is not None]
    if not ttfts:
        return ()
    ttft = median(ttfts)
    said = f"TTFT is {amount(Figure.TTFT, ttft)}; with a warm cache {amount(Figure.TTFT, max(0.0, ttft - saving.ns))}"
    if saving.interval is None:
        return (f"{said} is predicted",)
    low, high = (max(0.0, ttft - end) for end in (saving.interval.high, saving.interval.low))
    return (f"{said} is predicted ({span(Figure.TTFT, low, high)})",)


def _on(evidence: Evidence, tokens: float | None) -> NoSuggestion:
    answers = evidence.subject.answers
    hits = sum(one.cached_tokens > 0 for one in answers)
    if answers and not hits:
        static = f": {static_of(evidence, tokens).sentence}" if tokens is not None else ""
        return NoSuggestion(
            rule=RULE,
            reason=f"the cache is on, but nothing was read from it{static}",
            run="look at the start of the prompt: it must be long enough, and what changes should stand at its end",
        )
    return NoSuggestion(rule=RULE, reason=f"the cache is on, and served {hits} of {len(answers)} answers")


def _price(evidence: Evidence, static: Static, tokens: float) -> str:
    prices = evidence.model.prices if evidence.model else None
    if prices is None or not prices.input:
        return "no loss of quality; writing to the cache costs more than input, reading from it less"
    factor = length_factor(prices, round(tokens)) / _MILLION
    write, read, plain = (
        dollars(static.length.tokens * price * factor)
        for price in (prices.cache_write_5m, prices.cache_read, prices.input)
    )
    return (
        f"no loss of quality; writing these tokens for 5 minutes costs {write}, each reading {read}, and without a "
        f"cache {plain}: {prices.cache_write_5m / prices.input:.3g} and {prices.cache_read / prices.input:.2g} times "
        f"the input price (list prices of {prices.read})"
    )
