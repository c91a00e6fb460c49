"""The chart "steps": one request as a waterfall of what it waited for, from when to when."""

import msgspec

from tui.core.metrics import NS_PER_S
from tui.core.record import RequestRecord
from tui.core.timeline import Timeline
from tui.core.wording import format_duration
from tui.ui.charts.plot import Bar, BarRow, BarRows, Look, Numbers, time_axis
from tui.ui.charts.source import Chart, by_moment

_BAR = Look("took", "took", "█", "#", "output")


class Step(msgspec.Struct, frozen=True):
    """One step; seconds from the moment at which the request was queued."""

    label: str
    start_s: float
    end_s: float


def waterfall(record: RequestRecord) -> tuple[Step, ...]:
    """The steps that happened, in order; earlier attempts as one step each."""
    timelines = [attempt.timeline for attempt in record.earlier] + [record.timeline]
    origin = next((timeline.queued_ns for timeline in timelines if timeline.queued_ns is not None), None)
    if origin is None:
        return ()

    def step(label: str, start_ns: int, end_ns: int) -> Step:
        return Step(label, (start_ns - origin) / NS_PER_S, (end_ns - origin) / NS_PER_S)

    steps = [
        step(f"attempt {number}", attempt.timeline.queued_ns, attempt.timeline.ended_ns)
        for number, attempt in enumerate(record.earlier, 1)
        if attempt.timeline.queued_ns is not None and attempt.timeline.ended_ns is not None
    ]
    return (*steps, *(step(*span) for span in _spans(record.timeline)))


def step_rows(record: RequestRecord | None) -> BarRows:
    """One bar per step, labelled with how long it took."""
    steps = waterfall(record) if record else ()
    widest = max((len(step.label) for step in steps), default=0)
    rows = tuple(
        BarRow(
            f"{step.label:<{widest}} {_written(step.end_s - step.start_s):>8}", (Bar(step.start_s, step.end_s, _BAR),)
        )
        for step in steps
    )
    return BarRows(rows=rows, x=time_axis(rows), of_lanes=False)


def step_numbers(record: RequestRecord | None) -> Numbers:
    """The start of each step, and how long it took."""
    steps = waterfall(record) if record else ()
    rows = [(step.label, *map(_written, (step.start_s, step.end_s - step.start_s))) for step in steps]
    return Numbers(("step", "from", "took"), tuple(rows))


def _written(seconds: float) -> str:
    return format_duration(round(seconds * NS_PER_S))


def _spans(timeline: Timeline) -> list[tuple[str, int, int]]:
    """Label, start and end of every step of one attempt, from the moments that were seen."""
    content, answer = timeline.content_ns, timeline.first_answer_ns
    moments: list[tuple[str, int | None]] = [
        ("", timeline.queued_ns),
        ("prepare", timeline.reused_ns or timeline.connect_started_ns),
        ("name look-up", timeline.resolved_ns),
        ("TCP", timeline.connected_ns),
        ("TLS", timeline.tls_done_ns),
        ("wait for others", timeline.sent_ns),
        ("headers", timeline.headers_ns),
        ("message_start", timeline.message_start_ns),
        ("first token", content[0] if content else None),
        ("thinking", answer if timeline.thinking_pieces else None),
        (_last_of(timeline), content[-1] if content else None),
        ("end", timeline.message_stop_ns or timeline.ended_ns),
    ]
    spans: list[tuple[str, int, int]] = []
    before: int | None = None
    for label, moment in moments:
        if moment is None:
            continue
        if before is not None and moment >= before:
            spans.append((label, before, moment))
        before = moment if before is None else max(before, moment)
    return spans


def _last_of(timeline: Timeline) -> str:
    """A word for what came last."""
    if timeline.first_other_ns is not None:
        return "tools" if timeline.first_text_ns is None else "text, tools"
    return "thinking" if timeline.first_text_ns is None else "text"


CHART = Chart(
    title="Steps of the request",
    placeholder="Nothing was sent yet.",
    of_one_lane=True,
    build=lambda source: step_rows(source.current.record),
    version=by_moment,
    numbers=lambda source: step_numbers(source.current.record),
)
