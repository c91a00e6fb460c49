"""The chart "speed": output speed of the latest run's answers, over the time since each was sent."""

from bisect import bisect_left
from statistics import median

from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.observation import present
from tui.core.record import RequestRecord
from tui.core.wording import format_count, format_duration, format_rate
from tui.session.live import Lane
from tui.ui.charts.plot import Axis, AxisUnit, Curve, Numbers, Plot, Point, from_zero
from tui.ui.charts.source import Chart, ChartSource, by_chunk, latest_answers

_MOST_STRETCHES = 60
_CHUNKS_PER_STRETCH = 10
"""On average at least: fewer would show the chance of where a chunk falls."""


def speed_plot(source: ChartSource) -> Plot:
    """Tokens per second once all answers are complete, chunks per second while one streams or has no count of tokens.

    Of a stretch of time the speed is chunks / length; tokens are shared out evenly over the chunks.
    """
    in_tokens = _in_tokens(source)
    curves = tuple(
        Curve(label=lane.label, colour=str(number), symbol=number, points=points)
        for number, lane in source.shown
        if lane.record is not None and (points := speeds(lane.record, in_tokens=in_tokens))
    )
    return Plot(
        x=Axis(
            min((curve.points[0][0] for curve in curves), default=0.0),
            max((curve.points[-1][0] for curve in curves), default=0.0) + 0.001,
        ),
        panels=(from_zero((y for curve in curves for _, y in curve.points), AxisUnit.PLAIN),),
        curves=curves,
        more=source.more,
    )


def speed_numbers(source: ChartSource) -> Numbers:
    """The mean speed of each lane's latest answer, in chunks and in tokens, and the medians of its repeats."""
    rows = []
    for lane in source.lanes:
        record = lane.record
        if record is None or len(record.timeline.content_ns) < 2:
            continue
        stamps = record.timeline.content_ns
        chunks, span = record.timeline.pieces, stamps[-1] - stamps[0]
        rate = (chunks - 1) * NS_PER_S / span if span else None
        rows.append(
            (
                lane.label,
                format_count(chunks),
                format_duration(span),
                format_rate(rate),
                format_rate(record.otps),
                *_medians(lane),
            )
        )
    unit = "tokens" if _in_tokens(source) else "chunks"
    return Numbers(
        ("lane", "chunks", "took", "chunks/s", "tok/s", "OTPS median", "TPOT median", "n"),
        tuple(rows),
        f"Drawn in {unit} per second; medians are of the repeats.",
    )


def _medians(lane: Lane) -> tuple[str, str, str]:
    rates, times = (present(latest_answers(lane), figure) for figure in (Figure.OTPS, Figure.TPOT))
    return (
        format_rate(median(rates) if rates else None),
        format_duration(round(median(times)) if times else None),
        str(len(rates)),
    )


def _in_tokens(source: ChartSource) -> bool:
    records = [lane.record for lane in source.lanes if lane.record is not None and lane.record.timeline.content_ns]
    return all(_tokens(record) is not None for record in records)


def _tokens(record: RequestRecord) -> int | None:
    tokens = record.timed_tokens
    return tokens if tokens is not None and tokens > 1 else None


def speeds(record: RequestRecord, *, in_tokens: bool) -> tuple[Point, ...]:
    """Seconds since the request was sent, and the speed in a stretch of time around that; empty below two chunks."""
    stamps, sent = record.timeline.all_content_ns, record.timeline.sent_ns
    if sent is None or len(stamps) < 2 or stamps[-1] <= stamps[0]:
        return ()
    tokens = _tokens(record) if in_tokens else None
    per_chunk = 1.0 if tokens is None else (tokens - 1) / (len(stamps) - 1)
    stretches = max(1, min(_MOST_STRETCHES, (len(stamps) - 1) // _CHUNKS_PER_STRETCH))
    first, span = stamps[0], stamps[-1] - stamps[0]
    points: list[Point] = []
    # The first chunk opens the first stretch, and is no part of it.
    before = 1
    for stretch in range(1, stretches + 1):
        upto = len(stamps) if stretch == stretches else bisect_left(stamps, first + span * stretch / stretches, 1)
        middle = first - sent + span * (stretch - 0.5) / stretches
        points.append((middle / NS_PER_S, (upto - before) * per_chunk * stretches * NS_PER_S / span))
        before = upto
    return tuple(points)


CHART = Chart(
    title="Output speed, 1/s",
    placeholder="Fewer than two chunks yet.",
    build=speed_plot,
    version=by_chunk,
    numbers=speed_numbers,
)
