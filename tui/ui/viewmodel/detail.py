"""All figures of one request, for its detail view, and the parts of its answer that did not pass a check."""

from tui.core import metrics
from tui.core.checks import CheckFinding, verdict_line
from tui.core.cost import Cost
from tui.core.engine_events import StampSource
from tui.core.events import Usage
from tui.core.figures import Figure, FigureGroup, Unit
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord
from tui.core.remarks import remarks
from tui.core.sanitize import clean
from tui.core.wording import ABSENT, format_cost, format_count, format_duration, format_rate
from tui.ui.viewmodel.lane_lines import cache_miss_sentence

Row = tuple[str, str]
"""A figure's name and its value."""


def detail_rows(record: RequestRecord, cost: Cost | None = None) -> tuple[tuple[Row, ...], ...]:
    """Groups of rows: verdicts and parts of the time, times, pace, tokens, connection, network, cost, instrument.

    Undefined figures are dashes.
    """
    return (
        (*_judged(record), *_line(record)),
        (*_rows(FigureGroup.TIMES, record), *_moments(record)),
        (*_rows(FigureGroup.PACE, record), ("longest gap", _longest_gap(record))),
        (*_rows(FigureGroup.TOKENS, record), *_counts(record)),
        (*_sent_from(record), *_rows(FigureGroup.CONNECTION, record), *_answered(record)),
        tuple(_rows(FigureGroup.NETWORK, record)),
        _served(record, cost),
        tuple(_rows(FigureGroup.INSTRUMENT, record)),
    )


def _rows(group: FigureGroup, record: RequestRecord) -> list[Row]:
    return [_row(figure, record) for figure in Figure if figure.declared.group is group]


def _row(figure: Figure, record: RequestRecord) -> Row:
    title, unit, value = figure.declared.title, figure.declared.unit, figure.declared.of(record)
    if figure is Figure.STAMP_SOURCE and value is not None:
        return title, _SOURCES[StampSource(value)]
    if figure is Figure.STAMPS_SHARED and value is not None:
        return title, f"{value} of {record.timeline.pieces}"
    if figure.parts:
        # The longest gap has another row, with its place.
        parts = [part for part in figure.parts if figure is not Figure.ITL or part != "max"]
        each = [ABSENT if value is None else format_duration(getattr(value, part) * NS_PER_MS) for part in parts]
        return f"{title} {' · '.join(parts)}", ABSENT if value is None else " · ".join(each)
    written = {
        Unit.TIME: format_duration,
        Unit.RATE: format_rate,
        Unit.TEXT_RATE: format_rate,
        Unit.COUNT: format_count,
    }
    return title, ABSENT if value is None else written[unit](value) if unit in written else value


_SOURCES = {
    StampSource.KERNEL: "the kernel: the delay is in no figure",
    StampSource.READ: "the read: its delay is not known",
}


def _moments(record: RequestRecord) -> tuple[Row, ...]:
    """Steps of the answer since the request was sent."""
    timeline = record.timeline
    return tuple(
        (name, format_duration(None if ns is None or timeline.sent_ns is None else ns - timeline.sent_ns))
        for name, ns in (("message_start", timeline.message_start_ns), ("headers", timeline.headers_ns))
    )


def _longest_gap(record: RequestRecord) -> str:
    gaps = None if record.has_no_pace else metrics.gaps(record.timeline)
    return f"{format_duration(gaps.max_ns)}, before chunk {gaps.longest_at + 1}" if gaps else ABSENT


def _sent_from(record: RequestRecord) -> tuple[Row, ...]:
    host = record.spec.host
    return (*(() if host is None else (("sent from", clean(host)),)), ("connection", _connection(record)))


def _connection(record: RequestRecord) -> str:
    timeline, proxy = record.timeline, record.response.proxy
    if timeline.reused_ns is None and timeline.connect_started_ns is None:
        return ABSENT
    kind = "reused" if timeline.reused_ns is not None else "new"
    return f"{kind}, through the proxy {clean(proxy)}" if proxy is not None else kind


_WAY = ("connect", "upload", "network", "server", "stream")


def _line(record: RequestRecord) -> tuple[Row, ...]:
    """The whole time in one line, from the connection to the last content."""
    found, content = record.split, record.timeline.content_ns
    parts = (None, None, None) if found is None else (found.upload_ns, found.network_ns, found.server_ns)
    stream = content[-1] - content[0] if content else None
    whole = [*map(format_duration, (metrics.set_up_ns(record.timeline), *parts, stream))]
    named = (f"{name} {took}" for name, took in zip(_WAY, whole, strict=True))
    said = " · ".join(named) if {*whole} != {ABSENT} else ABSENT
    if record.network is not None and record.network.to_proxy:
        said += ", the network's to the proxy alone"
    return (("whole way", said),)


def _answered(record: RequestRecord) -> tuple[Row, ...]:
    return (
        ("attempt", str(record.attempt)),
        ("HTTP status", ABSENT if record.http_status is None else str(record.http_status)),
        ("request id", record.api_request_id or ABSENT),
        *(
            (f"attempt {number} failed", clean(attempt.failure.message))
            for number, attempt in enumerate(record.earlier, 1)
        ),
        *((clean(name), clean(value)) for name, value in record.response.headers.items()),
    )


def _counts(record: RequestRecord) -> tuple[Row, ...]:
    return (
        ("thinking tokens", format_count(record.usage.thinking_tokens)),
        ("chunks", format_count(record.timeline.pieces)),
        ("stop reason", record.stop_reason or ABSENT),
        *(("remark", clean(remark)) for remark in remarks(record)),
    )


def _judged(record: RequestRecord) -> tuple[Row, ...]:
    return (
        *(("checks", clean(said)) for said in [verdict_line(record.checks, record.overruled)] if said),
        *(("judge", clean(_judge(each))) for each in record.checks if each.model),
    )


def _judge(found: CheckFinding) -> str:
    """Words of a model that judged the answer, and its tokens, which are in no other figure here."""
    return f"{found.reason}; tokens: {format_count(found.input_tokens)} in, {format_count(found.output_tokens)} out"


def _served(record: RequestRecord, cost: Cost | None) -> tuple[Row, ...]:
    """Delivery, cache, tier and cost of the request, in the API's words."""
    usage = record.usage
    written = format_count(usage.cache_creation_input_tokens)
    if usage.cache_creation_input_tokens:
        written += f", 5m {format_count(usage.cache_5m_input_tokens)} · 1h {format_count(usage.cache_1h_input_tokens)}"
    where = (usage.service_tier, usage.speed, usage.inference_geo)
    is_unknown = cost is None and usage != Usage() and not record.spec.endpoint.simulated
    dated = "" if cost is None else f", prices of {cost.prices_read or 'the endpoint, by its settings'}"
    priced = ", no price is listed for it" if is_unknown else dated
    rows = [
        ("delivery", "streamed" if record.is_streamed else "not streamed: first is last"),
        ("input written to cache", written),
        ("tier · speed · region", " · ".join(word or ABSENT for word in where) if any(where) else ABSENT),
        ("cost, estimated", f"{format_cost(cost)}{priced}"),
    ]
    if record.cache_miss is not None:
        rows.append(("cache diagnosis", cache_miss_sentence(record.cache_miss)))
    return tuple(rows)


_AROUND = 60
"""Characters shown before a part, and behind it."""
_MOST = 300
_MISSING = "(here something is missing)"


def failing_parts(record: RequestRecord) -> list[tuple[str, str, str, str]]:
    """The parts that are known, safe to print: the check, what stands before, the part, and what stands behind it."""
    text, found = record.text(), []
    for finding in record.checks:
        if finding.passed is not False or finding.span is None:
            continue
        # A file from elsewhere may say anything.
        start, end = (min(at, len(text)) for at in finding.span)
        before = f"{'…' * (start > _AROUND)}{_on_one_line(text[max(0, start - _AROUND) : start])}"
        part = text[start:end]
        shown = f"{_on_one_line(part[:_MOST])}{'…' * (len(part) > _MOST)}"
        after = f"{_on_one_line(text[end : end + _AROUND])}{'…' * (len(text) > end + _AROUND)}"
        found.append((clean(finding.kind), before, shown or _MISSING, after))
    return found


def _on_one_line(text: str) -> str:
    return clean(text).replace("\n", "⏎").replace("\t", " ")
