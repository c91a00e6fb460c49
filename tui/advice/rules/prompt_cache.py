"""Rules on what is read again: cache the prompt, warm the cache, and keep a conversation's history at the server."""

from statistics import median

import msgspec

from tui.advice import citations
from tui.advice.estimate import change_to, fitted_saved, measured_saving, measured_value, prefill_fit
from tui.advice.evidence import Evidence
from tui.advice.prompt_parts import UNKNOWN_LENGTH, Length, StaticStart, static_start, whole_of
from tui.advice.suggestion import NoSuggestion, Saving, Suggestion, Trial
from tui.core.comparison import FEWEST, Verdict, compare
from tui.core.cost import length_factor
from tui.core.figures import Figure
from tui.core.wording import amount, counted, dollars, part_of, span

_RULE = "prompt cache"
_PARAMETER = "cache"
_MILLION = 1_000_000
_LEAST_ANYWHERE = 512
"""Fewest tokens that any known model caches."""


def prompt_cache(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest the cache, which saves the fitted cost per token for the tokens at the start that never change."""
    subject = evidence.subject
    tokens = whole_of(evidence)
    if subject.parameters.cache:
        return _when_on(evidence, tokens)
    if (unasked := _unasked(evidence)) is not None:
        return unasked
    if tokens is None:
        return NoSuggestion(_RULE, "the prompt's length is not known", run=UNKNOWN_LENGTH)
    static = static_start(evidence, tokens)
    price = _price(evidence, static, tokens)
    measured = measured_value(evidence, _RULE, _PARAMETER, price, citations.CACHE, figure=Figure.TTFT, only=bool)
    if isinstance(measured, Suggestion):
        return msgspec.structs.replace(measured, figures=(*measured.figures, static.sentence))
    if not static.length.tokens:
        return NoSuggestion(_RULE, static.sentence, run="a series with the changing part moved to the end")
    least, is_sure = _least(evidence)
    if static.length.tokens < least:
        return NoSuggestion(_RULE, f"{static.sentence}; {_least_words(least, is_sure=is_sure)}")
    # The parameter caches all of the prompt, which is of no use where its end changes.
    trial = Trial(change=change_to(_PARAMETER, True), figure=Figure.TTFT) if static.is_all else None
    fitted = prefill_fit(evidence)
    if fitted is None:
        return NoSuggestion(
            _RULE,
            f"the cost of reading the prompt is not known; {static.sentence}",
            run="a series with the cache beside this one, or a sweep",
            trial=trial,
        )
    processed = subject.processed_tokens
    saving = fitted_saved(Figure.TTFT, fitted[0], static.length, fitted[1], processed=processed, sure=is_sure)
    return Suggestion(
        id=f"{_RULE}:on",
        target=subject.label,
        headline="Cache the prompt" if static.is_all else "Cache the start of the prompt, with a breakpoint after it",
        saving=saving,
        figures=(static.sentence, _least_words(least, is_sure=is_sure), *_predicted(evidence, saving)),
        price=price,
        source=citations.CACHE,
        trial=trial,
    )


def _least(evidence: Evidence) -> tuple[int, bool]:
    """Return the fewest tokens that the model caches, and True where it is known to cache that many."""
    model, subject = evidence.model, evidence.subject
    if model is not None and model.cache_min_tokens is not None:
        return model.cache_min_tokens, True
    seen = [one.cached_tokens for one in (*subject.answers, *subject.warm_ups, *evidence.earlier) if one.cached_tokens]
    return (min(seen), True) if seen else (_LEAST_ANYWHERE, False)


def _least_words(least: int, *, is_sure: bool) -> str:
    if is_sure:
        return f"this model caches {counted(least, 'token')} or more"
    return f"presumed: it is not known to cache anything, and no known model caches less than {counted(least, 'token')}"


def cold_start(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest warming the cache before the first user: requests that wrote to it against those that read from it."""
    subject, rule = evidence.subject, "cold start"
    if not subject.parameters.cache:
        return NoSuggestion(rule, "nothing is cached, so every request starts cold")
    every = (*subject.warm_ups, *subject.answers)
    cold = [float(one.ttft_ns) for one in every if one.ttft_ns is not None and not one.cached_tokens]
    warm = [float(one.ttft_ns) for one in every if one.ttft_ns is not None and one.cached_tokens]
    if not cold or not warm:
        return NoSuggestion(rule, "no request found the cache cold, or none warm", run="run it twice")
    said = f"{counted(len(cold), 'request')} found the cache cold, {len(warm):,} warm"
    if len(cold) < FEWEST or len(warm) < FEWEST:
        return NoSuggestion(
            rule,
            f"{said}: TTFT {amount(Figure.TTFT, median(cold))} and {amount(Figure.TTFT, median(warm))}",
            run=f"{FEWEST} cold runs, each after the cache has expired (five minutes or an hour)",
        )
    comparison = compare(Figure.TTFT, ("a warm cache", warm), ("a cold one", cold))
    if comparison.verdict is not Verdict.FASTER:
        return NoSuggestion(rule, comparison.sentence)
    return Suggestion(
        id=f"{rule}:warm",
        target=subject.label,
        headline="Warm the prompt cache before it is needed, with max_tokens 0",
        saving=measured_saving(comparison),
        figures=(said, comparison.sentence),
        price="every warm-up pays for a write to the cache",
        source=citations.CACHE,
        trial=None,
    )


def long_history(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a message thread, which spares the server the history that every turn of a conversation sends again."""
    subject, rule = evidence.subject, "long history"
    spec = subject.record.spec if subject.record is not None else None
    if spec is None or spec.turn is None:
        return NoSuggestion(rule, "no conversation is played, so no history is sent again")
    if spec.parameters.thread:
        return NoSuggestion(rule, "a thread keeps the history at the server")
    history, whole = sum(len(turn.text) for turn in spec.prompt.turns), sum(map(len, spec.prompt.texts()))
    processed, turns = subject.processed_tokens, len(spec.prompt.turns)
    if not history or processed is None:
        return NoSuggestion(rule, "the first turn has no history", run="a conversation of several turns")
    length = Length(tokens=processed * history / whole, is_estimate=True)
    trial = Trial(change=change_to("thread", True), figure=Figure.TTFT)
    sent_again = f"history ({counted(turns, 'turn')})"
    said = f"{length} of the {counted(round(processed), 'token')} that turn {spec.turn} has to process are {sent_again}"
    if (fitted := prefill_fit(evidence)) is None:
        return NoSuggestion(rule, f"the cost of reading it is not known; {said}", run="a sweep", trial=trial)
    saving = fitted_saved(Figure.TTFT, fitted[0], length, fitted[1], processed=processed, sure=False)
    return Suggestion(
        id=f"{rule}:thread",
        target=subject.label,
        headline="Keep the conversation in a message thread, or cache it, so that its history is not read again",
        saving=saving,
        figures=(said, "presumed: a thread spares some or all of that"),
        price="a beta, at the same price; a thread that is gone costs the turn another attempt",
        source=citations.COOKBOOK,
        trial=trial,
    )


def _predicted(evidence: Evidence, saving: Saving) -> tuple[str, ...]:
    """Compare TTFT as it is with that of a warm cache."""
    ttfts = [float(one.ttft_ns) for one in evidence.subject.answers if one.ttft_ns is not None]
    if not ttfts:
        return ()
    ttft = median(ttfts)
    said = f"TTFT is {amount(Figure.TTFT, ttft)}; with a warm cache {amount(Figure.TTFT, max(0.0, ttft - saving.ns))}"
    if saving.interval is None:
        return (f"{said} is predicted",)
    low, high = (max(0.0, ttft - end) for end in (saving.interval.high, saving.interval.low))
    return (f"{said} is predicted ({span(Figure.TTFT, low, high)})",)


def _unasked(evidence: Evidence) -> NoSuggestion | None:
    answers = evidence.subject.answers
    cached = [one.cached_tokens for one in answers if one.unasked_cache]
    if not cached:
        return None
    said = f"{part_of(len(cached), len(answers), 'answer')} read up to {counted(max(cached), 'token')}"
    return NoSuggestion(
        _RULE, f"the server caches by itself: {said}", run="a series with bust_cache = true, which measures without"
    )


def _when_on(evidence: Evidence, tokens: float | None) -> NoSuggestion:
    answers = evidence.subject.answers
    hits = sum(one.cached_tokens > 0 for one in answers)
    if answers and not hits:
        static = f": {static_start(evidence, tokens).sentence}" if tokens is not None else ""
        return NoSuggestion(
            _RULE,
            f"the cache is on, but nothing was read from it{static}",
            run="check the start of the prompt: it must be long enough, and what changes belongs at its end",
        )
    return NoSuggestion(_RULE, f"the cache is on, and served {part_of(hits, len(answers), 'answer')}")


def _price(evidence: Evidence, static: StaticStart, tokens: float) -> str:
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
