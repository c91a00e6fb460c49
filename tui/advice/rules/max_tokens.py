"""max_tokens: a hard limit, which cuts answers where it is reached, mid-word if need be."""

from statistics import median

from tui.advice import sources
from tui.advice.arms import change_to
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.suggestion import Silence, Suggestion, Trial
from tui.core import statistics
from tui.core.metrics import percentile
from tui.core.observation import Figure
from tui.core.wording import amount, percent

RULE = "max_tokens"
CUT_SHARE = 0.05
"""A cap is suggested that would cut fewer answers than this."""
_MOSTLY_CUT = 0.5
_WARNING = (
    "a cut answer may end in the middle of a word; this suits short and multiple-choice answers best, whose point "
    "comes first"
)


def suggest(evidence: Evidence) -> Suggestion | Silence:
    """Half the cap where most answers run into it; else the least cap that cuts fewer than one in twenty."""
    subject = evidence.subject
    answers = [one for one in subject.answers if one.output_tokens is not None]
    if not answers:
        return Silence(rule=RULE, reason="no answer yet", run="run once")
    cap, cut = subject.parameters.max_tokens, subject.cut_share
    said = f"{round(cut * len(answers))} of {len(answers)} answers cut at max_tokens"
    if cap is not None and cut >= _MOSTLY_CUT:
        budget = subject.parameters.thinking_budget or 0
        if cap // 2 <= budget:
            return Silence(rule=RULE, reason=f"{said}, and half of it leaves nothing beside the thinking budget")
        return _lower(evidence, cap // 2, said)
    if cut:
        return Silence(rule=RULE, reason=f"{said}: a lower cap would cut more")
    tokens = sorted(one.output_tokens or 0 for one in answers)
    needed = statistics.samples_needed(95)
    _, bound = statistics.percentile_bounds(tokens, round(100 * (1 - CUT_SHARE)))
    if bound is None:
        return Silence(
            rule=RULE,
            reason=f"{said}; which cap would cut fewer than {percent(CUT_SHARE)} is not known",
            run=f"a series of {needed} runs",
        )
    least = int(bound) + 1
    if cap is not None and cap <= least:
        return Silence(rule=RULE, reason=f"{said}, and none lower than {least:,} would cut few enough")
    return Silence(
        rule=RULE,
        reason=f"{said}; a cap of {least:,} would cut fewer than {percent(CUT_SHARE)} and save typical answers "
        f"nothing, whose length is {percentile(tokens, 50):,} tokens: it only bounds the longest ({_WARNING})",
        trial=Trial(change=change_to(RULE, least), figure=Figure.TOTAL),
    )


def _lower(evidence: Evidence, cap: int, said: str) -> Suggestion | Silence:
    """The time of every answer beyond the new cap, at its own time per token."""
    subject = evidence.subject
    timed = [
        (one.tpot_ns, one.output_tokens)
        for one in subject.answers
        if one.tpot_ns is not None and one.output_tokens is not None
    ]
    if not timed:
        return Silence(rule=RULE, reason=f"{said}, and what a token takes is not known")
    return Suggestion(
        id=f"{RULE}:{cap}",
        target=subject.label,
        headline=f"Lower max_tokens to {cap:,}",
        saving=part_saved(Figure.TOTAL, [tpot * max(0, tokens - cap) for tpot, tokens in timed]),
        figures=(said, f"a token takes {amount(Figure.TPOT, median(tpot for tpot, _ in timed))}"),
        price=_WARNING,
        source=sources.LENGTH,
        trial=Trial(change=change_to(RULE, cap), figure=Figure.TOTAL),
    )
