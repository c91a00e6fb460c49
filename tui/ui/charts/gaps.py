"""The chart "gaps": gaps between the chunks of one answer, in the order of the stream, stalls marked."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import sub
from statistics import median

from tui.core import metrics
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.observation import MOST_ITL_ANSWERS, Observation, summary
from tui.core.record import RequestRecord
from tui.core.wording import ABSENT, counted, format_duration
from tui.ui.charts.plot import STALL, STALL_SYMBOL, Axis, Curve, Numbers, Plot, Point, from_zero
from tui.ui.charts.source import Chart, by_chunk

BUCKETS = 400
"""Stretches of equal time that a stream is cut into: more columns than a chart has."""
_SAMPLE = 1_000
"""Gaps that the typical one is taken from while an answer streams."""
_STALL_TIMES = 5
_SHORTEST_STALL_NS = 50 * NS_PER_MS
_MOST_ROWS = 100


def gaps_plot(record: RequestRecord | None) -> Plot:
    """The shortest and the longest gap in each of `BUCKETS` stretches of time, s after the request was sent.

    A stall is a gap of five times the typical one and 50 ms at least; every stretch shows its longest one.
    """
    stamps = record.timeline.all_content_ns if record else []
    sent = record.timeline.sent_ns if record else None
    if record is None or sent is None or len(stamps) < 2:
        return Plot()
    stall = stall_from_ns(stamps)
    points: list[Point] = []
    stalls: list[Point] = []
    for position, gap in _extremes(stamps):
        points.append(((stamps[position] - sent) / NS_PER_S, gap / NS_PER_S))
        if gap >= stall:
            stalls.append(points[-1])
    curves = [Curve(label="gap", colour="0", symbol=0, points=tuple(points))]
    if stalls:
        curves.append(
            Curve(
                label=f"stall, from {format_duration(round(stall))}",
                colour=STALL,
                symbol=STALL_SYMBOL,
                points=tuple(stalls),
                joined=False,
            )
        )
    return Plot(
        x=Axis((stamps[0] - sent) / NS_PER_S, max(stamps[-1] - sent, stamps[0] - sent + NS_PER_MS) / NS_PER_S),
        panels=(from_zero(y for _, y in points),),
        curves=tuple(curves),
    )


def stall_from_ns(stamps: Sequence[int]) -> float:
    """The length of gap that counts as a stall, ns. The typical gap is the median of at most 1,000, evenly taken."""
    gaps = len(stamps) - 1
    step = -(-gaps // _SAMPLE)
    typical = median(stamps[index + 1] - stamps[index] for index in range(0, gaps, step))
    return max(_STALL_TIMES * typical, _SHORTEST_STALL_NS)


def _extremes(stamps: list[int]) -> list[tuple[int, int]]:
    """Of each stretch of time the shortest and longest gap, ns, with the position of the chunk that ended it."""
    gaps = list(map(sub, stamps[1:], stamps))
    first, last = stamps[0], stamps[-1]
    found: list[tuple[int, int]] = []
    begin = 0
    for bucket in range(1, BUCKETS + 1):
        # By the chunk that ends the gap: a gap belongs to the moment at which it was over.
        end = bisect_left(stamps, first + (last - first) * bucket / BUCKETS, 1) - 1 if bucket < BUCKETS else len(gaps)
        if end > begin:
            stretch = gaps[begin:end]
            longest, shortest = max(stretch), min(stretch)
            ends = {begin + stretch.index(longest), begin + stretch.index(shortest)}
            found += [(index + 1, gaps[index]) for index in sorted(ends)]
            begin = end
    return found


def gaps_numbers(record: RequestRecord | None, repeats: Sequence[Observation] = ()) -> Numbers:
    """The percentiles once the answer is over, those of all gaps of its repeats, and the longest stalls."""
    stamps = record.timeline.all_content_ns if record else []
    sent = record.timeline.sent_ns if record else None
    if record is None or sent is None or len(stamps) < 2:
        return Numbers()
    stall = stall_from_ns(stamps)
    of_answer = metrics.gaps(record.timeline) if record.status is not None else None
    rows: list[tuple[str, ...]] = []
    if of_answer is not None:
        for name, ns in (("p50", of_answer.p50_ns), ("p95", of_answer.p95_ns), ("p99", of_answer.p99_ns)):
            rows.append((name, ABSENT, format_duration(ns)))
    if len(repeats) > 1:
        found = summary(repeats, Figure.ITL)
        named = (("p50", found.median), ("p90", found.p90), ("p95", found.p95), ("p99", found.p99))
        rows += [
            (f"{name} of {counted(len(repeats), 'answer')}", ABSENT, format_duration(round(ns)))
            for name, ns in named
            if ns is not None
        ]
    gaps = [(gap, position + 1) for position, gap in enumerate(map(sub, stamps[1:], stamps)) if gap >= stall]
    gaps.sort(reverse=True)
    for gap, position in gaps[:_MOST_ROWS]:
        rows.append(
            (f"stall before chunk {position + 1}", format_duration(stamps[position] - sent), format_duration(gap))
        )
    note = f"{counted(len(stamps), 'chunk')}, {counted(len(gaps), 'stall')}"
    return Numbers(("gap", "at", "took"), tuple(rows), note)


CHART = Chart(
    title="Gaps between chunks",
    placeholder="Fewer than two chunks yet.",
    of_one_lane=True,
    build=lambda source: gaps_plot(source.current.record),
    version=by_chunk,
    numbers=lambda source: gaps_numbers(source.current.record, source.current.current[-MOST_ITL_ANSWERS:]),
)
