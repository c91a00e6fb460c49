"""Figures that have parts: percentiles of what there is many of in one request."""

import msgspec

from tui.core import metrics
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Gaps between consecutive chunks of an answer, ms."""

    p50: float
    p95: float
    p99: float
    max: float


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """Time that data waited between arrival and read, ms."""

    p50: float
    p99: float
    max: float


def gaps_of(record: RequestRecord) -> Gaps | None:
    """The gaps of an answer; None where `metrics.gaps` has none, and where they are those of what held it back."""
    gaps = None if record.has_no_pace else metrics.gaps(record.timeline)
    return None if gaps is None else Gaps(**_in_ms(p50=gaps.p50_ns, p95=gaps.p95_ns, p99=gaps.p99_ns, max=gaps.max_ns))


def delay_of(record: RequestRecord) -> Delay | None:
    """The instrument's delay; None where it is not known."""
    instrument = record.instrument
    if instrument is None or instrument.delay_p50_ns is None:
        return None
    longest, p99 = instrument.delay_max_ns, instrument.delay_p99_ns
    if p99 is None or longest is None:
        return None
    return Delay(**_in_ms(p50=instrument.delay_p50_ns, p99=p99, max=longest))


def _in_ms(**parts_ns: int) -> dict[str, float]:
    return {name: ns / NS_PER_MS for name, ns in parts_ns.items()}
