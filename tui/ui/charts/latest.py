"""The chart "latest": the phases of every lane in the latest run, on a common time axis."""

from collections.abc import Iterator
from enum import StrEnum

from tui.core.metrics import NS_PER_S
from tui.core.timeline import Timeline
from tui.core.wording import format_duration
from tui.session.live import Lane
from tui.ui.charts.plot import Bar, BarRow, BarRows, Look, Numbers, time_axis
from tui.ui.charts.source import Chart, ChartSource, by_moment


class Phase(StrEnum):
    """A phase of a request, in the order in which they happen."""

    CONNECTING = "connecting"
    """Queued, looked up, connected, TLS, until the request is sent."""
    WAITING = "waiting"
    """Sent, no content yet."""
    THINKING = "thinking"
    STREAMING = "streaming"


LOOKS = {
    Phase.CONNECTING: Look(Phase.CONNECTING, "connect", "·", ".", "setup"),
    Phase.WAITING: Look(Phase.WAITING, "wait", "░", "-", "waiting"),
    Phase.THINKING: Look(Phase.THINKING, "think", "▒", "~", "thinking"),
    Phase.STREAMING: Look(Phase.STREAMING, "stream", "█", "#", "output"),
}


def phase_rows(source: ChartSource) -> BarRows:
    """A row per lane, in seconds from the run's first send, or, while nothing was sent, from the first stamp.

    A request in flight lasts until now.
    """
    phases = _phases_of_lanes(source)
    sent_there = [(lane, lane.record.timeline.sent_ns) for lane in source.lanes if lane.record is not None]
    sent = [lane.clock.here(stamp) for lane, stamp in sent_there if stamp is not None]
    begun = [begin for _, spans in phases for _, begin, _ in spans[:1]]
    origin = min(sent or begun or [source.now_ns])
    rows = tuple(
        BarRow(
            lane.label,
            tuple(
                Bar((begin - origin) / NS_PER_S, (end - origin) / NS_PER_S, LOOKS[phase]) for phase, begin, end in spans
            ),
        )
        for lane, spans in phases
    )
    return BarRows(rows=rows, x=time_axis(rows), key=tuple(LOOKS.values()))


def phase_numbers(source: ChartSource) -> Numbers:
    """The length of each phase, per lane."""
    rows = []
    for lane, spans in _phases_of_lanes(source):
        lengths = {phase: end - begin for phase, begin, end in spans}
        rows.append((lane.label, *(format_duration(lengths.get(phase)) for phase in Phase)))
    return Numbers(("lane", *Phase), tuple(rows))


def _phases_of_lanes(source: ChartSource) -> list[tuple[Lane, list[tuple[Phase, int, int]]]]:
    """The phases of every lane, on our clock: lanes of other hosts are drawn beside ours."""
    found = []
    for lane in source.lanes:
        if lane.record is not None:
            spans = phases(lane.record.timeline, lane.clock.there(source.now_ns))
            here = lane.clock.here
            found.append((lane, [(phase, here(begin), here(end)) for phase, begin, end in spans]))
    return found


def phases(timeline: Timeline, now_ns: int) -> Iterator[tuple[Phase, int, int]]:
    """Each phase of a request that took time, with its first and last moment, ns. They leave no gap."""
    stamps = (timeline.queued_ns, timeline.connect_started_ns, timeline.reused_ns, timeline.sent_ns)
    begun = min((stamp for stamp in stamps if stamp is not None), default=None)
    if begun is None:
        return
    # Waiting ends where TTFT does, with the first content: a block of thinking is announced before any of it comes.
    thinking = timeline.content_ns[0] if timeline.content_ns and timeline.thinking_pieces else None
    starts = [
        (Phase.CONNECTING, begun),
        (Phase.WAITING, timeline.sent_ns),
        (Phase.THINKING, thinking),
        (Phase.STREAMING, timeline.first_answer_ns),
    ]
    entered = [(phase, start) for phase, start in starts if start is not None]
    # The last content ends a finished answer; what follows it is only the closing of the stream.
    over = timeline.ended_ns
    if over is not None and timeline.first_answer_ns is not None:
        over = timeline.content_ns[-1]
    ends = [start for _, start in entered[1:]] + [now_ns if over is None else over]
    for (phase, start), end in zip(entered, ends, strict=True):
        if end > start:
            yield phase, start, end


CHART = Chart(title="Latest run", placeholder="No run yet.", build=phase_rows, version=by_moment, numbers=phase_numbers)
