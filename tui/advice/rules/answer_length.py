"""Answer length: fewer tokens to write. Models count tokens and not words, so sentences are what to ask for."""

import re
from statistics import median

from tui.advice import sources
from tui.advice.estimate import part_saved
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Change, NoSuggestion, PromptEdit, Suggestion, Trial
from tui.core.observation import Figure
from tui.core.wording import amount, percent

RULE = "answer length"
_SENTENCE = re.compile(r"[.!?](?=\s|$)")
_SHARE = (0.25, 0.6, 0.9)
"""How much of the time of writing goes when a third of the sentences is asked for: models heed it roughly."""
_MOSTLY_CUT = 0.5


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """A third of the sentences, asked for in the prompt: about two thirds of the time of writing."""
    subject = evidence.subject
    answers = [one for one in subject.answers if one.ttfo_ns is not None and one.total_ns is not None]
    if not answers or subject.record is None:
        return NoSuggestion(rule=RULE, reason="no answer with text yet", run="run once")
    if subject.cut_share >= _MOSTLY_CUT:
        return NoSuggestion(
            rule=RULE,
            reason="answers are cut at max_tokens: how long they would be is not known",
            run="a series with a larger max_tokens",
        )
    sentences = sentences_of(subject)
    if sentences < 3:
        return NoSuggestion(rule=RULE, reason="the answer is as short as a sentence or two")
    times = [float((one.total_ns or 0) - (one.ttfo_ns or 0)) for one in answers]
    fewer = max(1, round(sentences / 3))
    total = median([float(one.total_ns or 0) for one in answers])
    change = brief(fewer)
    return Suggestion(
        id=f"{RULE}:{change.label}",
        target=subject.label,
        headline=f"Ask for shorter answers: {change.label} instead of {sentences}",
        saving=part_saved(Figure.TOTAL, times, _SHARE),
        figures=(
            f"writing the text takes {amount(Figure.TOTAL, median(times))}, "
            f"{percent(round(median(times) / total, 2)) if total else 'all'} of the total",
            *_speed(evidence),
            "how far the model heeds it is presumed: a quarter to nine tenths of the writing saved",
        ),
        price="what the longer answer said besides is lost; output costs less",
        source=sources.LENGTH,
        trial=Trial(change=change, figure=Figure.TOTAL),
    )


def sentences_of(subject: MeasuredTarget) -> int:
    """How many whole sentences the latest answer has."""
    return 0 if subject.record is None else len(_SENTENCE.findall(subject.record.text()))


def brief(sentences: int) -> Change:
    """Ask for so many sentences."""
    limit = "one sentence" if sentences == 1 else f"at most {sentences} sentences"
    return Change(label=limit, edit=PromptEdit(append=f"Be brief: answer in {limit}."))


def _speed(evidence: Evidence) -> tuple[str, ...]:
    answers = evidence.subject.answers
    tpots = [one.tpot_ns for one in answers if one.tpot_ns is not None]
    tokens = [one.output_tokens for one in answers if one.output_tokens is not None]
    if not tpots or not tokens:
        return ()
    return (f"{median(tokens):.0f} output tokens at {amount(Figure.TPOT, median(tpots))} each",)
