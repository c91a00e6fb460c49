"""Streaming: the reader begins at the first token instead of the last."""

from statistics import median

import msgspec

from tui.advice import sources
from tui.advice.estimate import faster_alternative, measured_saving
from tui.advice.evidence import Evidence
from tui.advice.suggestion import Change, NoSuggestion, Suggestion, Trial
from tui.core.comparison import FEWEST
from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.wording import amount

RULE = "streaming"
_TRIAL = Trial(change=Change(label="streamed", parameters=Parameters(stream=True)), figure=Figure.TTFT)


def suggest(evidence: Evidence) -> Suggestion | NoSuggestion:
    """For a target that is asked in one piece: what is read when the first token comes, as it was measured."""
    subject = evidence.subject
    if subject.parameters.stream is not False:
        return NoSuggestion(rule=RULE, reason=_streamed(evidence))
    rest = msgspec.structs.replace(subject.parameters, stream=None)
    arms = [
        other
        for other in evidence.alike
        if other.target.model == subject.target.model
        and other.parameters.stream is not False
        and msgspec.structs.replace(other.parameters, stream=None) == rest
    ]
    found = faster_alternative(evidence, arms, Figure.TTFT)
    if found is None:
        if any(len(arm.answers) >= FEWEST for arm in arms):
            return NoSuggestion(rule=RULE, reason="the first token is not shown to come sooner when it streams")
        return NoSuggestion(
            rule=RULE,
            reason="answers come in one piece; when their first token would come is not known",
            run="a series that streams beside this one",
            trial=_TRIAL,
        )
    _, comparison = found
    return Suggestion(
        id=f"{RULE}:on",
        target=subject.label,
        headline="Stream the answers",
        saving=measured_saving(comparison),
        figures=(comparison.sentence, "the total stays what it is: it is the reader who waits less"),
        price="nothing; the program that reads must take the answer piece by piece",
        source=sources.STREAMING,
        trial=_TRIAL,
    )


def _streamed(evidence: Evidence) -> str:
    waits = [float(one.total_ns - one.ttft_ns) for one in evidence.subject.answers if one.total_ns and one.ttft_ns]
    if not waits:
        return "it streams already"
    return f"it streams already: a reader begins {amount(Figure.TOTAL, median(waits))} before the end"
