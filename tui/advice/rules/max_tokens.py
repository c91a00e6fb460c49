"""max_tokens: a hard limit, which cuts answers where it is reached, mid-word if need be."""

import math
from statistics import median

from tui.advice import sources
from tui.advice.arms import change_to
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence
from tui.advice.rules.answer_length import brief, sentences_of
from tui.advice.suggestion import NoSuggestion, Suggestion, Trial
from tui.core import statistics
from tui.core.events import Status
from tui.core.metrics import percentile
from tui.core.observation import Figure
from tui.core.outcome import Outcome
from tui.core.wording import amount, percent

RULE = "max_tokens"
_WARNING = (
    "a cut answer may end in the middle of a word; this suits short and multiple-choice answers best, whose point "
    "comes first"
)


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """The least cap that surely cuts fewer answers than the chosen share; a warning where more than that are cut now.

    How long a cut answer would be is not known: it counts as longer than any other. Where all may be cut
    (`Evidence.cut_share` of 1), half of a typical answer is suggested.
    """
    subject = evidence.subject
    answers = [one for one in subject.answers if one.output_tokens is not None]
    if not answers:
        return NoSuggestion(rule=RULE, reason="no answer yet", run="run once")
    cap, cut, share = subject.parameters.max_tokens, subject.cut_share, evidence.cut_share
    said = f"{round(cut * len(answers))} of {len(answers)} answers were cut at max_tokens"
    if cut > share:
        return _cut(evidence, said)
    if share >= 1:
        least = math.ceil(median(one.output_tokens or 0 for one in answers) / 2)
    else:
        lengths = sorted(math.inf if one.status is Status.TRUNCATED else one.output_tokens or 0 for one in answers)
        place = round(100 * (1 - share))
        _, bound = statistics.percentile_bounds(lengths, place)
        if bound is None:
            return NoSuggestion(
                rule=RULE,
                reason=f"{said}; which cap would cut fewer than {percent(share)} is not known",
                run=f"a series of {statistics.samples_needed(place)} runs",
            )
        if math.isinf(bound):
            return NoSuggestion(
                rule=RULE, reason=f"{said}; whether a lower one cuts fewer than {percent(share)} is not sure"
            )
        least = int(bound) + 1
    if (cap is not None and cap <= least) or least <= (subject.parameters.thinking_budget or 0):
        return NoSuggestion(rule=RULE, reason=f"{said}, and none lower than {least:,} would cut few enough")
    return _lower(evidence, least, answers, said)


def _cut(evidence: Evidence, said: str) -> NoSuggestion:
    """Nothing is saved by cutting more: answers that end by themselves come first."""
    subject = evidence.subject
    sentences = sentences_of(subject)
    cap = subject.parameters.max_tokens
    at = f" ({cap:,})" if cap is not None else ""
    return NoSuggestion(
        rule=RULE,
        reason=f"{said}{at}: what was timed is a part of them, and how long they are is not known",
        run="raise max_tokens or ask for shorter answers, then a series; if cut ones will do, advice.cut_share says so",
        trial=Trial(change=brief(max(1, sentences // 2)), figure=Figure.TOTAL) if sentences else None,
        warns=True,
    )


def _lower(evidence: Evidence, cap: int, answers: list[Outcome], said: str) -> Suggestion | NoSuggestion:
    """The time of every answer beyond the new cap, at its own time per token."""
    share = evidence.cut_share
    timed = [(one.tpot_ns, one.output_tokens or 0) for one in answers if one.tpot_ns is not None]
    beyond = [tpot * max(0, tokens - cap) for tpot, tokens in timed]
    trial = Trial(change=change_to(RULE, cap), figure=Figure.TOTAL)
    fewer = "would cut all answers, as is allowed," if share >= 1 else f"would cut fewer than {percent(share)}"
    if not beyond or not median(beyond):
        typical = percentile(sorted(one.output_tokens or 0 for one in answers), 50)
        return NoSuggestion(
            rule=RULE,
            reason=f"{said}; a cap of {cap:,} {fewer} and save typical answers nothing, whose length is {typical:,} "
            f"tokens: it only bounds the longest ({_WARNING})",
            trial=trial,
        )
    return Suggestion(
        id=f"{RULE}:{cap}",
        target=evidence.subject.label,
        headline=f"Lower max_tokens to {cap:,}",
        saving=part_saved(Figure.TOTAL, beyond),
        figures=(
            said,
            f"a cap of {cap:,} {fewer} (advice.cut_share)",
            f"a token takes {amount(Figure.TPOT, median(tpot for tpot, _ in timed))}",
        ),
        price=_WARNING,
        source=sources.LENGTH,
        trial=trial,
    )
