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
    named = {
        Bound.CONNECTION: found.connection_ns,
        Bound.PROMPT: found.prompt_ns or 0.0,
        Bound.WAITING: found.baseline_ns,
        Bound.THINKING: found.thinking_ns,
        Bound.OUTPUT: found.output_ns,
    }
    bound = max(named, key=lambda part: named[part])
    whole = found.sum_ns or 1.0
    shares = ", ".join(
        f"{percent(round(part / whole, 2))} {_WORDS[name]}"
        for name, part in sorted(named.items(), key=lambda each: -each[1])
        if part >= whole / 200
    )
    return TimeShares(
        parts=found, bound=bound, sentence=f"{bound.value}: {shares} of {amount(Figure.TOTAL, found.sum_ns)}"
    )


_WORDS = {
    Bound.CONNECTION: "connecting",
    Bound.PROMPT: "reading the prompt",
    Bound.WAITING: "waiting",
    Bound.THINKING: "thinking",
    Bound.OUTPUT: "output",
}
