"""What statistics keep of a request that is over: its figures, without its text and stamps."""

from array import array
from collections.abc import Sequence

import msgspec

from tui.core import metrics
from tui.core.events import Status
from tui.core.record import RequestRecord


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one finished request; `None` where a figure is undefined.

    Times and rates are those of answers that are complete: a failed or broken-off one has none.
    """

    run: int = 0
    """Number of its run: requests of one run were measured under the same conditions."""
    asked: str = ""
    """A digest of what was asked of whom, equal for equal requests."""
    counted: bool = True
    """False for warm-up, which no statistic counts."""
    status: Status
    ttft_ns: int | None = None
    ttfo_ns: int | None = None
    total_ns: int | None = None
    tpot_ns: float | None = None
    otps: float | None = None
    set_up_ns: int | None = None
    gaps_ns: Sequence[int] = ()
    """Inter-chunk latencies in order."""
    input_tokens: int | None = None
    """All of the prompt's, cached or not."""
    output_tokens: int | None = None
    cached_tokens: int = 0
    """Input tokens that were read from the prompt cache."""
    sent_ns: int | None = None
    ended_ns: int | None = None

    @property
    def complete(self) -> bool:
        """True for an answer that came to its end."""
        return self.total_ns is not None


def outcome_of(record: RequestRecord, *, run: int = 0, asked: str = "", counted: bool = True) -> Outcome:
    """The outcome of a request that has ended."""
    timeline, usage = record.timeline, record.usage
    status = record.status
    assert status is not None, "the request has ended"
    if record.total_ns is None:
        return Outcome(
            run=run, asked=asked, counted=counted, status=status, sent_ns=timeline.sent_ns, ended_ns=timeline.ended_ns
        )
    parts = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    return Outcome(
        run=run,
        asked=asked,
        counted=counted,
        status=status,
        ttft_ns=record.ttft_ns,
        ttfo_ns=metrics.ttfo_ns(timeline),
        total_ns=record.total_ns,
        tpot_ns=metrics.tpot_ns(timeline, usage.output_tokens),
        otps=record.otps,
        set_up_ns=metrics.set_up_ns(timeline),
        gaps_ns=array("q", metrics.gaps_ns(timeline)),
        input_tokens=None if usage.input_tokens is None else sum(part or 0 for part in parts),
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_input_tokens or 0,
        sent_ns=timeline.sent_ns,
        ended_ns=timeline.ended_ns,
    )
