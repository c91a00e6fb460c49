"""Rules on the length of answers: ask for shorter ones, or cap them with max_tokens."""

import math
import re
from statistics import median

from tui.advice import citations
from tui.advice.estimate import change_to, part_saved
from tui.advice.evidence import Evidence, MeasuredTarget
from tui.advice.suggestion import Change, NoSuggestion, PromptEdit, Suggestion, Trial, in_one_piece
from tui.core import statistics
from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.metrics import percentile
from tui.core.observation import Observation
from tui.core.wording import amount, counted, part_of, percent

_SENTENCE = re.compile(r"[.!?](?=\s|$)")
_SHARE = (0.25, 0.6, 0.9)
"""Presumed share of the time of writing that goes when a third of the sentences is asked for."""
_MOSTLY_CUT = 0.5

_MAX_TOKENS = "max_tokens"
_CUT_PRICE = (
    "a cut answer may end in the middle of a word; this suits short and multiple-choice answers best, which begin with "
    "their point"
)


def answer_length(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest a prompt that asks for a third of the sentences, which saves about two thirds of the time of writing.

    It asks for sentences because models count tokens, not words.
    """
    subject, rule = evidence.subject, "answer length"
    answers = [one for one in subject.answers if one.ttfo_ns is not None and one.total_ns is not None]
    if not answers or subject.record is None:
        return NoSuggestion(rule, "no answer with text yet", run="run once")
    if subject.in_one_piece:
        return in_one_piece(rule)
    if subject.cut_share >= _MOSTLY_CUT:
        return NoSuggestion(
            rule,
            "answers are cut at max_tokens, so their full length is not known",
            run="a series with a larger max_tokens",
        )
    sentences = _sentences_of(subject)
    if sentences < 3:
        return NoSuggestion(rule, "the answer has only a sentence or two")
    times = [float((one.total_ns or 0) - (one.ttfo_ns or 0)) for one in answers]
    total = median([float(one.total_ns or 0) for one in answers])
    change = _brief(max(1, round(sentences / 3)))
    return Suggestion(
        id=f"{rule}:{change.label}",
        target=subject.label,
        headline=f"Ask for shorter answers: {change.label} instead of {sentences}",
        saving=part_saved(Figure.TOTAL, times, _SHARE),
        figures=(
            f"writing the text takes {amount(Figure.TOTAL, median(times))}, "
            f"{percent(round(median(times) / total, 2)) if total else 'all'} of the total",
            *_speed(evidence),
            "presumed: the model follows roughly, which saves between a quarter and nine tenths of the writing",
        ),
        price="shorter answers leave something out; fewer output tokens cost less",
        source=citations.LENGTH,
        trial=Trial(change=change, figure=Figure.TOTAL),
    )


def max_tokens(evidence: Evidence) -> Suggestion | NoSuggestion:
    """Suggest the lowest cap that surely cuts fewer answers than the chosen share; warn where more are cut now.

    The full length of a cut answer is not known, so it counts as longer than any other. Where all may be cut
    (`Evidence.cut_share` of 1), half of a typical answer is suggested.
    """
    subject, rule = evidence.subject, _MAX_TOKENS
    answers = [one for one in subject.answers if one.output_tokens is not None]
    if not answers:
        return NoSuggestion(rule, "no answer yet", run="run once")
    cap, cut, share = subject.parameters.max_tokens, subject.cut_share, evidence.cut_share
    said = f"{part_of(round(cut * len(answers)), len(answers), 'answer')} cut at max_tokens"
    if cut > share:
        return _too_many_cut(evidence, said)
    if share >= 1:
        least = math.ceil(median(one.output_tokens or 0 for one in answers) / 2)
    else:
        lengths = sorted(math.inf if one.status is Status.TRUNCATED else one.output_tokens or 0 for one in answers)
        place = round(100 * (1 - share))
        _, bound = statistics.percentile_bounds(lengths, place)
        if bound is None:
            return NoSuggestion(
                rule,
                f"{said}; too few to tell which cap would cut fewer than {percent(share)}",
                run=f"a series of {counted(statistics.samples_needed(place), 'run')}",
            )
        if math.isinf(bound):
            return NoSuggestion(rule, f"{said}; it is not sure that a lower cap would cut fewer than {percent(share)}")
        least = int(bound) + 1
    if (cap is not None and cap <= least) or least <= (subject.parameters.thinking_budget or 0):
        return NoSuggestion(rule, f"{said}, and no cap below {least:,} would cut few enough")
    return _lower_cap(evidence, least, answers, said)


def _too_many_cut(evidence: Evidence, said: str) -> NoSuggestion:
    """Warn before anything is tuned: answers should end by themselves first."""
    subject = evidence.subject
    sentences = _sentences_of(subject)
    cap = subject.parameters.max_tokens
    at = f" ({cap:,})" if cap is not None else ""
    return NoSuggestion(
        _MAX_TOKENS,
        f"{said}{at}: only their beginnings were timed, and their full length is not known",
        run=(
            "raise max_tokens or ask for shorter answers, then run a series; if cut answers will do, set "
            "advice.cut_share"
        ),
        trial=Trial(change=_brief(max(1, sentences // 2)), figure=Figure.TOTAL) if sentences else None,
        warns=True,
    )


def _lower_cap(evidence: Evidence, cap: int, answers: list[Observation], said: str) -> Suggestion | NoSuggestion:
    """Suggest a cap, which saves each answer's tokens beyond it, at that answer's own time per token."""
    share = evidence.cut_share
    timed = [(one.tpot_ns, one.output_tokens or 0) for one in answers if one.tpot_ns is not None]
    beyond = [tpot * max(0, tokens - cap) for tpot, tokens in timed]
    if evidence.subject.in_one_piece:
        return in_one_piece(_MAX_TOKENS)
    trial = Trial(change=change_to(_MAX_TOKENS, cap), figure=Figure.TOTAL)
    effect = "would cut all answers, as is allowed," if share >= 1 else f"would cut fewer than {percent(share)}"
    if not beyond or not median(beyond):
        typical = percentile(sorted(one.output_tokens or 0 for one in answers), 50)
        return NoSuggestion(
            _MAX_TOKENS,
            (
                f"{said}; a cap of {cap:,} {effect} and save nothing on a typical answer of "
                f"{counted(typical, 'token')}: it only bounds the longest ({_CUT_PRICE})"
            ),
            trial=trial,
        )
    return Suggestion(
        id=f"{_MAX_TOKENS}:{cap}",
        target=evidence.subject.label,
        headline=f"Lower max_tokens to {cap:,}",
        saving=part_saved(Figure.TOTAL, beyond),
        figures=(
            said,
            f"a cap of {cap:,} {effect} (advice.cut_share)",
            f"a token takes {amount(Figure.TPOT, median(tpot for tpot, _ in timed))}",
        ),
        price=_CUT_PRICE,
        source=citations.LENGTH,
        trial=trial,
    )


def _sentences_of(subject: MeasuredTarget) -> int:
    """Count the whole sentences of the latest answer."""
    return 0 if subject.record is None else len(_SENTENCE.findall(subject.record.text()))


def _brief(sentences: int) -> Change:
    """Return the change that asks for at most this many sentences."""
    limit = "one sentence" if sentences == 1 else f"at most {sentences} sentences"
    return Change(label=limit, edit=PromptEdit(append=f"Be brief: answer in {limit}."))


def _speed(evidence: Evidence) -> tuple[str, ...]:
    answers = evidence.subject.answers
    tpots = [one.tpot_ns for one in answers if one.tpot_ns is not None]
    tokens = [one.output_tokens for one in answers if one.output_tokens is not None]
    if not tpots or not tokens:
        return ()
    return (f"{median(tokens):.0f} output tokens at {amount(Figure.TPOT, median(tpots))} each",)
