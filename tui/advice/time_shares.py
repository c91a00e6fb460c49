"""Shares of a target's time, and the part that bounds it."""

from enum import StrEnum

import msgspec

from tui.advice.estimate import prefill_fit
from tui.advice.evidence import Evidence
from tui.core.decomposition import Parts, parts_of, typical
from tui.core.figures import Figure
from tui.core.wording import amount, percent


class Bound(StrEnum):
    """Longest part of the time."""

    CONNECTION = "connection-bound"
    PROMPT = "prompt-bound"
    """Reading the prompt, where a known cost per token tells it from waiting."""
    WAITING = "waiting-bound"
    THINKING = "thinking-bound"
    OUTPUT = "output-bound"


class TimeShares(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of a typical request's time."""

    parts: Parts
    bound: Bound
    sentence: str


def time_shares_of(evidence: Evidence) -> TimeShares | None:
    """Return the parts of a typical answer; None without a complete answer that has text.

    The prompt's part is the fitted cost per token times the tokens that had to be processed.
    """
    fitted = prefill_fit(evidence)
    per_token = fitted[0].value if fitted else None
    answers = [parts_of(one, per_token) for one in evidence.subject.answers]
    found = typical([parts for parts in answers if parts is not None])
    if found is None:
        return None
    times = {bound: getattr(found, field) or 0.0 for bound, (field, _) in _PARTS.items()}
    longest_first = sorted(times, key=lambda bound: -times[bound])
    whole = found.sum_ns or 1.0
    shares = ", ".join(
        f"{percent(round(times[bound] / whole, 2))} {_PARTS[bound][1]}"
        for bound in longest_first
        if times[bound] >= whole / 200
    )
    sentence = f"{longest_first[0].value}: {shares} of {amount(Figure.TOTAL, found.sum_ns)}"
    return TimeShares(parts=found, bound=longest_first[0], sentence=sentence)


_PARTS = {
    Bound.CONNECTION: ("connection_ns", "connecting"),
    Bound.PROMPT: ("prompt_ns", "reading the prompt"),
    Bound.WAITING: ("baseline_ns", "waiting"),
    Bound.THINKING: ("thinking_ns", "thinking"),
    Bound.OUTPUT: ("output_ns", "output"),
}
"""Field of `Parts` and words for each."""
