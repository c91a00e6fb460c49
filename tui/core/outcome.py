"""A finished request of the sitting: what statistics take of it, and under which conditions it was measured."""

from array import array

import msgspec

from tui.core import decomposition, metrics
from tui.core.events import Status
from tui.core.observation import Observation, observe
from tui.core.record import RequestRecord


class Outcome(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An observation with its conditions."""

    status: Status
    run: int = 0
    """Number of its run: requests of one run were measured under the same conditions."""
    asked: str = ""
    """A digest of what was asked of whom, equal for equal requests."""
    counted: bool = True
    """False for warm-up, which no statistic counts."""
    set_up_ns: int | None = None
    """Connection set-up; absent on a reused connection."""
    thinking_ns: float | None = None
    """From the start of thinking to the first text; absent where there was no content."""
    thinking_tokens: int | None = None
    """Tokens of thinking among the output tokens; absent where the API did not say."""


def outcome_of(record: RequestRecord, *, run: int = 0, asked: str = "", counted: bool = True) -> Outcome | None:
    """The outcome of a request that is over; None where `observe` has none."""
    observation = observe(record, with_gaps=False)
    if observation is None or record.status is None:
        return None
    fields = msgspec.structs.asdict(observation)
    # Thousands of gaps of thousands of answers: eight bytes each.
    fields["gaps_ns"] = array("q", [] if observation.failed else metrics.gaps_ns(record.timeline))
    parts = decomposition.parts(record)
    return Outcome(
        **fields,
        status=record.status,
        run=run,
        asked=asked,
        counted=counted,
        set_up_ns=metrics.set_up_ns(record.timeline),
        thinking_ns=None if parts is None else parts.thinking_ns,
        thinking_tokens=record.usage.thinking_tokens,
    )
