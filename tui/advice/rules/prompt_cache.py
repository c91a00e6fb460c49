"""Prompt caching: what was read once need not be read again."""

from statistics import median

from tui.advice import sources
from tui.advice.arms import change_to, measured_lever
from tui.advice.estimate import fitted_saved, prefill_fit
from tui.advice.evidence import Evidence
from tui.advice.suggestion import Silence, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.wording import amount

RULE = "prompt cache"
_PARAMETER = "cache"


def suggest(evidence: Evidence) -> Suggestion | Silence:
    """TTFT with a warm cache: less by the fitted cost per token times the tokens that would be read from it."""
    subject = evidence.subject
    if subject.parameters.cache:
        return _on(evidence)
    price = _price(evidence)
    shown = measured_lever(
        evidence, RULE, _PARAMETER, price, sources.CACHE, figure=Figure.TTFT, only=lambda value: bool(value)
    )
    if shown is not None:
        return shown
    counts = [one.input_tokens for one in subject.answers if one.input_tokens is not None]
    if not counts:
        return Silence(rule=RULE, reason="the prompt's length is not known", run="run once")
    tokens = median(counts)
    least = evidence.model.cache_min_tokens if evidence.model else None
    if least is not None and tokens < least:
        return Silence(
            rule=RULE, reason=f"the prompt has {tokens:,.0f} tokens, and {least:,} are the fewest that are cached"
        )
    trial = Trial(change=change_to(_PARAMETER, True), figure=Figure.TTFT)
    fitted = prefill_fit(evidence)
    if fitted is None:
        return Silence(
            rule=RULE,
            reason="what reading the prompt costs is not known",
            run="a series with the cache beside this one, or one with a much longer or shorter prompt",
            trial=trial,
        )
    per_token, count = fitted
    saving = fitted_saved(Figure.TTFT, per_token, tokens, count)
    ttft = median([float(one.ttft_ns) for one in subject.answers if one.ttft_ns is not None])
    return Suggestion(
        id=f"{RULE}:on",
        target=subject.label,
        headline="Cache the prompt",
        saving=saving,
        figures=(
            f"reading {tokens:,.0f} tokens takes {amount(Figure.TTFT, saving.ns)} of a TTFT of "
            f"{amount(Figure.TTFT, ttft)}",
            "where only a part at the start stays the same from one request to the next, only that part is saved",
        ),
        price=price,
        source=sources.CACHE,
        trial=trial,
    )


def _on(evidence: Evidence) -> Silence:
    answers = evidence.subject.answers
    hits = sum(one.cached_tokens > 0 for one in answers)
    if answers and not hits:
        return Silence(
            rule=RULE,
            reason="the cache is on, but nothing was read from it: the prompt is too short, or begins anew every time",
            run="look at the start of the prompt: what changes there should stand at its end",
        )
    return Silence(rule=RULE, reason=f"the cache is on, and served {hits} of {len(answers)} answers")


def _price(evidence: Evidence) -> str:
    prices = evidence.model.prices if evidence.model else None
    if prices is None or not prices.input:
        return "no loss of quality; writing to the cache costs more than input, reading from it less"
    return (
        f"no loss of quality; writing costs {prices.cache_write_5m / prices.input:.3g} and reading "
        f"{prices.cache_read / prices.input:.2g} times the input price (list prices of {prices.read})"
    )
