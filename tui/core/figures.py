"""The figures of one request in the units that files use: milliseconds, computed once for all of them."""

import msgspec

from tui.core import metrics
from tui.core.events import Instrument
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Gaps between consecutive chunks of an answer, ms."""

    p50: float
    p95: float
    p99: float
    max: float


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """How long data waited between arrival and read, ms."""

    p50: float
    p99: float
    max: float


class Figures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What follows from one request's stamps and usage; absent (`None`) where undefined, see `tui.core.metrics`."""

    ttft_ms: float | None = None
    ttfo_ms: float | None = None
    ttlt_ms: float | None = None
    tpot_ms: float | None = None
    otps: float | None = None
    gaps_ms: Gaps | None = None
    """Inter-chunk latencies."""
    connect_ms: float | None = None
    cold_ttft_ms: float | None = None
    retry_ms: float | None = None
    """Time that earlier attempts took; in no other figure."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    stamp_source: str | None = None
    instrument_delay_ms: Delay | None = None
    stamps_shared: int | None = None
    """Pieces of content that arrived before their stamp, by less than the delay."""


def figures_of(record: RequestRecord) -> Figures:
    """The figures of a request, as far as it has come."""
    timeline, instrument = record.timeline, record.instrument
    # Of an answer that broke off only the beginning was counted.
    output_tokens = record.usage.output_tokens if record.complete else None
    return Figures(
        ttft_ms=_ms(record.ttft_ns),
        ttfo_ms=_ms(metrics.ttfo_ns(timeline)),
        ttlt_ms=_ms(record.total_ns),
        tpot_ms=_ms(metrics.tpot_ns(timeline, output_tokens)),
        otps=record.otps,
        gaps_ms=_gaps(metrics.gaps(timeline)),
        connect_ms=_ms(metrics.set_up_ns(timeline)),
        cold_ttft_ms=_ms(metrics.cold_ttft_ns(timeline)),
        retry_ms=_ms(record.retry_ns),
        input_tokens=record.usage.input_tokens,
        output_tokens=output_tokens,
        stamp_source=instrument.stamp_source if instrument else None,
        instrument_delay_ms=_delay(instrument),
        stamps_shared=instrument.shared if instrument else None,
    )


def _gaps(gaps: metrics.Gaps | None) -> Gaps | None:
    if gaps is None:
        return None
    return Gaps(
        p50=gaps.p50_ns / NS_PER_MS,
        p95=gaps.p95_ns / NS_PER_MS,
        p99=gaps.p99_ns / NS_PER_MS,
        max=gaps.max_ns / NS_PER_MS,
    )


def _delay(instrument: Instrument | None) -> Delay | None:
    if instrument is None:
        return None
    p50, p99, longest = instrument.delay_p50_ns, instrument.delay_p99_ns, instrument.delay_max_ns
    if p50 is None or p99 is None or longest is None:
        return None
    return Delay(p50=p50 / NS_PER_MS, p99=p99 / NS_PER_MS, max=longest / NS_PER_MS)


def _ms(ns: float | None) -> float | None:
    return None if ns is None else ns / NS_PER_MS
