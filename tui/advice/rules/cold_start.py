"""Cold start: requests that find the prompt cache empty, beside those that find it warm."""

from statistics import median

from tui.advice import sources
from tui.advice.estimate import measured_saving
from tui.advice.evidence import Evidence
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.core.comparison import FEWEST, Verdict, compare
from tui.core.observation import Figure
from tui.core.wording import amount

RULE = "cold start"


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Warm the cache before the first user comes: TTFT of requests that wrote to it less that of those that read."""
    subject = evidence.subject
    if not subject.parameters.cache:
        return NoSuggestion(rule=RULE, reason="nothing is cached, so that every request is as cold as the first")
    every = (*subject.warm_ups, *subject.answers)
    cold = [float(one.ttft_ns) for one in every if one.ttft_ns is not None and not one.cached_tokens]
    warm = [float(one.ttft_ns) for one in every if one.ttft_ns is not None and one.cached_tokens]
    if not cold or not warm:
        return NoSuggestion(rule=RULE, reason="no request found the cache cold, or none warm", run="run it twice")
    said = f"{len(cold)} requests found the cache cold, {len(warm)} warm"
    if len(cold) < FEWEST or len(warm) < FEWEST:
        return NoSuggestion(
            rule=RULE,
            reason=f"{said}: TTFT {amount(Figure.TTFT, median(cold))} and {amount(Figure.TTFT, median(warm))}",
            run=f"{FEWEST} cold runs, more than five minutes or an hour apart, as the cache lasts",
        )
    comparison = compare(Figure.TTFT, ("a warm cache", warm), ("a cold one", cold))
    if comparison.verdict is not Verdict.FASTER:
        return NoSuggestion(rule=RULE, reason=comparison.sentence)
    return Suggestion(
        id=f"{RULE}:warm",
        target=subject.label,
        headline="Warm the prompt cache before it is needed, with max_tokens 0",
        saving=measured_saving(comparison),
        figures=(said, comparison.sentence),
        price="every warming costs a write to the cache",
        source=sources.CACHE,
        trial=None,
    )
