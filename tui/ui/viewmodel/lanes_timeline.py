"""The latest run as a chart shows it: per lane, what it was doing from when to when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tui.core.record import RequestRecord
from tui.core.timeline import Timeline
from tui.ui.viewmodel.figures import format_ms
from tui.ui.viewmodel.numbers import Numbers

_NS_PER_S = 1_000_000_000


class Phase(StrEnum):
    """What a request is busy with, in the order in which it happens."""

    CONNECTING = "connecting"
    """Queued, looked up, connected, TLS, until the request is sent."""
    WAITING = "waiting"
    """Sent, no content yet."""
    THINKING = "thinking"
    STREAMING = "streaming"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one phase; seconds from the run's first send, negative before it."""

    phase: Phase
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class LaneSpans:
    """One lane's phases, in order and without gaps."""

    label: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class LanesTimeline:
    """All lanes of a run, in the plan's order."""

    lanes: tuple[LaneSpans, ...] = ()

    @property
    def start_s(self) -> float:
        """The earliest moment shown, seconds from the run's first send; 0 or negative."""
        return min((span.start_s for lane in self.lanes for span in lane.spans), default=0.0)

    @property
    def end_s(self) -> float:
        """The latest moment shown, seconds from the run's first send."""
        return max((span.end_s for lane in self.lanes for span in lane.spans), default=0.0)


def lanes_timeline(records: Iterable[RequestRecord], now_ns: int) -> LanesTimeline:
    """The run made of `records`; a request in flight lasts until `now_ns` (CLOCK_MONOTONIC, as its stamps).

    Time counts from the first send of the run, or, while nothing was sent, from the first stamp.
    """
    records = list(records)
    sent = [record.timeline.sent_ns for record in records if record.timeline.sent_ns is not None]
    begun = [start for record in records if (start := _begun_ns(record.timeline)) is not None]
    origin = min(sent or begun or [now_ns])
    return LanesTimeline(
        tuple(
            LaneSpans(
                record.spec.target,
                tuple(
                    Span(phase, (start - origin) / _NS_PER_S, (end - origin) / _NS_PER_S)
                    for phase, start, end in _phases(record.timeline, now_ns)
                ),
            )
            for record in records
        )
    )


def timeline_numbers(timeline: LanesTimeline) -> Numbers:
    """How long each lane was in each phase."""
    rows = []
    for lane in timeline.lanes:
        lengths = {span.phase: span.end_s - span.start_s for span in lane.spans}
        cells = (lengths.get(phase) for phase in Phase)
        rows.append((lane.label, *(format_ms(None if cell is None else round(cell * _NS_PER_S)) for cell in cells)))
    return Numbers(("lane", *Phase), tuple(rows))


def _begun_ns(timeline: Timeline) -> int | None:
    stamps = (timeline.queued_ns, timeline.connect_started_ns, timeline.reused_ns, timeline.sent_ns)
    return min((stamp for stamp in stamps if stamp is not None), default=None)


def _phases(timeline: Timeline, now_ns: int) -> Iterator[tuple[Phase, int, int]]:
    """Each phase that took time, with its first and last moment, ns."""
    begun = _begun_ns(timeline)
    if begun is None:
        return
    first_content = timeline.content_ns[0] if timeline.content_ns else None
    thinking = timeline.thinking_started_ns
    if thinking is None and timeline.thinking_pieces:
        thinking = first_content
    starts = [
        (Phase.CONNECTING, begun),
        (Phase.WAITING, timeline.sent_ns),
        (Phase.THINKING, thinking),
        (Phase.STREAMING, timeline.first_text_ns),
    ]
    entered = [(phase, start) for phase, start in starts if start is not None]
    # The last content ends a finished answer; what follows it is only the closing of the stream.
    over = timeline.ended_ns
    if over is not None and timeline.first_text_ns is not None:
        over = timeline.content_ns[-1]
    ends = [start for _, start in entered[1:]] + [now_ns if over is None else over]
    for (phase, start), end in zip(entered, ends, strict=True):
        if end > start:
            yield phase, start, end
