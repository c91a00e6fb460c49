"""All figures of one request, for its detail view."""

from tui.core import metrics
from tui.core.cost import Cost
from tui.core.events import StampSource
from tui.core.record import RequestRecord
from tui.core.wording import ABSENT, format_cost, format_count, format_duration, format_rate
from tui.ui.viewmodel.lane_lines import cache_miss_sentence

Row = tuple[str, str]
"""A figure's name and its value."""


def detail_rows(record: RequestRecord, cost: Cost | None = None) -> tuple[tuple[Row, ...], ...]:
    """Groups of rows: times, pace, connection, tokens, prompt and cost, instrument. Undefined figures are dashes."""
    tokens, served = _tokens(record), _served(record, cost)
    return (_times(record), _pace(record), _connection(record), tokens, served, _instrument(record))


def _times(record: RequestRecord) -> tuple[Row, ...]:
    timeline = record.timeline
    return (
        ("TTFT, first token", format_duration(record.ttft_ns)),
        ("TTFO, first text", format_duration(metrics.ttfo_ns(timeline))),
        ("TTLT, total", format_duration(record.total_ns)),
        ("message_start", format_duration(_since_sent(record, timeline.message_start_ns))),
        ("headers", format_duration(_since_sent(record, timeline.headers_ns))),
    )


def _pace(record: RequestRecord) -> tuple[Row, ...]:
    gaps = metrics.gaps(record.timeline)
    tpot = metrics.tpot_ns(record.timeline, record.usage.output_tokens) if record.complete else None
    shares = (
        f"{format_duration(gaps.p50_ns)} · {format_duration(gaps.p95_ns)} · {format_duration(gaps.p99_ns)}"
        if gaps
        else ABSENT
    )
    longest = f"{format_duration(gaps.max_ns)}, before chunk {gaps.longest_at + 1}" if gaps else ABSENT
    return (
        ("OTPS, tokens/s", format_rate(record.otps)),
        ("TPOT, per token", format_duration(None if tpot is None else round(tpot))),
        ("gaps p50 · p95 · p99", shares),
        ("longest gap", longest),
    )


def _connection(record: RequestRecord) -> tuple[Row, ...]:
    timeline = record.timeline
    reused = timeline.reused_ns is not None
    new = timeline.connect_started_ns is not None
    attempts = f"{record.attempt}" + (f", {format_duration(record.retry_ns)} after the first" if record.earlier else "")
    return (
        ("connection", "reused" if reused else "new" if new else ABSENT),
        ("set-up, not in TTFT", format_duration(metrics.set_up_ns(timeline))),
        ("cold TTFT, with set-up", format_duration(metrics.cold_ttft_ns(timeline))),
        ("attempt", attempts),
        ("HTTP status", ABSENT if record.http_status is None else str(record.http_status)),
        ("request id", record.api_request_id or ABSENT),
    )


def _tokens(record: RequestRecord) -> tuple[Row, ...]:
    usage = record.usage
    return (
        ("input tokens, uncached", format_count(usage.input_tokens)),
        ("output tokens", format_count(usage.output_tokens if record.complete else None)),
        ("thinking tokens", format_count(usage.thinking_tokens)),
        ("chunks", format_count(len(record.timeline.content_ns))),
        ("stop reason", record.stop_reason or ABSENT),
    )


def _served(record: RequestRecord, cost: Cost | None) -> tuple[Row, ...]:
    """What went into the request and how it was served, in the API's words."""
    usage = record.usage
    written = format_count(usage.cache_creation_input_tokens)
    if usage.cache_creation_input_tokens:
        written += f", 5m {format_count(usage.cache_5m_input_tokens)} · 1h {format_count(usage.cache_1h_input_tokens)}"
    where = (usage.service_tier, usage.speed, usage.inference_geo)
    priced = "" if cost is None else f", prices of {cost.prices_read}"
    rows = [
        ("delivery", "not streamed: first is last" if record.spec.parameters.stream is False else "streamed"),
        ("input read from cache", format_count(usage.cache_read_input_tokens)),
        ("input written to cache", written),
        ("tier · speed · region", " · ".join(word or ABSENT for word in where) if any(where) else ABSENT),
        ("cost, estimated", f"{format_cost(cost)}{priced}"),
    ]
    if record.cache_miss is not None:
        rows.append(("cache diagnosis", cache_miss_sentence(record.cache_miss)))
    return tuple(rows)


def _instrument(record: RequestRecord) -> tuple[Row, ...]:
    instrument = record.instrument
    if instrument is None:
        return (("stamped by", ABSENT),)
    kernel = instrument.stamp_source is StampSource.KERNEL
    delays = (instrument.delay_p50_ns, instrument.delay_p99_ns, instrument.delay_max_ns)
    return (
        ("stamped by", "the kernel: the delay is in no figure" if kernel else "the read: its delay is not known"),
        ("delay p50 · p99 · max", " · ".join(map(format_duration, delays))),
        ("stamps shared", f"{instrument.shared} of {len(record.timeline.content_ns)}" if kernel else ABSENT),
    )


def _since_sent(record: RequestRecord, moment_ns: int | None) -> int | None:
    sent_ns = record.timeline.sent_ns
    return None if moment_ns is None or sent_ns is None else moment_ns - sent_ns
