"""One finished request as statistics take it: its figures, and whether it failed."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from tui.core import metrics
from tui.core.events import Status
from tui.core.record import RequestRecord


class Figure(StrEnum):
    """What is measured of a request, by the name that objectives give it."""

    TTFT = "ttft"
    TTFO = "ttfo"
    TOTAL = "total"
    TPOT = "tpot"
    ITL = "itl"
    OTPS = "otps"

    @property
    def label(self) -> str:
        """The name in a sentence."""
        return self.value if self is Figure.TOTAL else self.value.upper()

    @property
    def less_is_better(self) -> bool:
        """True for times (ns), false for rates (1/s)."""
        return self is not Figure.OTPS


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finished request. Figures of one that failed are absent; see `tui.core.metrics` for what they mean."""

    failed: bool = False
    sent_ns: int | None = None
    ended_ns: int | None = None
    ttft_ns: int | None = None
    ttfo_ns: int | None = None
    total_ns: int | None = None
    tpot_ns: float | None = None
    otps: float | None = None
    """Output tokens per second."""
    gaps_ns: Sequence[int] = ()
    """The gaps between chunks; empty where they were not kept."""
    input_tokens: int | None = None
    """The tokens of the prompt that had to be processed: new ones and those written to the cache."""
    cached_tokens: int = 0
    """The tokens of the prompt that were read from the cache."""
    output_tokens: int | None = None

    def value(self, figure: Figure) -> float | None:
        """One figure, ns or 1/s; of ITL, which is many, none."""
        match figure:
            case Figure.TTFT:
                return self.ttft_ns
            case Figure.TTFO:
                return self.ttfo_ns
            case Figure.TOTAL:
                return self.total_ns
            case Figure.TPOT:
                return self.tpot_ns
            case Figure.OTPS:
                return self.otps
            case Figure.ITL:
                return None


def observe(record: RequestRecord, *, with_gaps: bool = True) -> Observation | None:
    """A request as an observation; None while it is in flight, and for one that was cancelled or interrupted.

    Those say nothing of the target.

    Gaps are many: whoever holds thousands of requests leaves them out.
    """
    if record.status in (None, Status.CANCELLED, Status.INTERRUPTED):
        return None
    timeline, usage = record.timeline, record.usage
    if not record.complete:
        return Observation(failed=True, sent_ns=timeline.sent_ns, ended_ns=timeline.ended_ns)
    counts = (usage.input_tokens, usage.cache_creation_input_tokens)
    return Observation(
        sent_ns=timeline.sent_ns,
        ended_ns=timeline.ended_ns,
        ttft_ns=metrics.ttft_ns(timeline),
        ttfo_ns=metrics.ttfo_ns(timeline),
        total_ns=metrics.ttlt_ns(timeline),
        tpot_ns=metrics.tpot_ns(timeline, usage.output_tokens),
        otps=record.otps,
        gaps_ns=tuple(metrics.gaps_ns(timeline)) if with_gaps else (),
        input_tokens=None if usage.input_tokens is None else sum(count or 0 for count in counts),
        cached_tokens=usage.cache_read_input_tokens or 0,
        output_tokens=usage.output_tokens,
    )


def samples(observations: Iterable[Observation], figure: Figure) -> list[float | None]:
    """One figure of every request, in order, as `statistics.describe` takes it: `None` is a failed request.

    A complete answer without the figure (no TTFO where all is thinking) is neither sample nor failure. Of ITL: all
    gaps of all answers in one list, and `None` for every failure.
    """
    found: list[float | None] = []
    for observation in observations:
        if observation.failed:
            found.append(None)
        elif figure is Figure.ITL:
            found.extend(observation.gaps_ns)
        elif (value := observation.value(figure)) is not None:
            found.append(value)
    return found


def present(observations: Sequence[Observation], figure: Figure) -> list[float]:
    """`samples` without the failures."""
    return [value for value in samples(observations, figure) if value is not None]
