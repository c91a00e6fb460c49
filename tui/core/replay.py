"""A stored request told again: the events it may have been made of, each with the moment at which it is shown."""

from collections.abc import Iterator
from itertools import accumulate, chain, pairwise

import msgspec

from tui.core.events import (
    AttemptFailed,
    Content,
    Event,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    RequestEnded,
    Responded,
    Usage,
    UsageReported,
)
from tui.core.record import RequestRecord
from tui.core.run import StoredRun
from tui.core.timeline import Timeline

Timed = tuple[int, Event]
"""A moment, ns of the clock that the stamps are of, and what is shown then."""

_NS_PER_S = 1_000_000_000


def events_of_run(run: StoredRun) -> list[Timed]:
    """The events of all requests, in the order of time; those of one request stay in theirs."""
    return sorted(chain.from_iterable(map(events_of, run.requests)), key=lambda timed: timed[0])


def events_of(record: RequestRecord) -> list[Timed]:
    """Events that make `record` again of a fresh one with the same specification.

    What has no stamp of its own comes with what it arrived with. Two things cannot be told so that the very same
    comes back: a request whose end was never stamped (its program was killed) ends with its last stamp, and of texts
    that were left out of an export empty pieces remain.
    """
    events: list[Timed] = []
    timelines = [*(attempt.timeline for attempt in record.earlier), record.timeline]
    for attempt, (timeline, following) in zip(record.earlier, pairwise(timelines), strict=True):
        events += _arrivals(record, timeline, attempt.http_status, attempt.api_request_id)
        ended = _last(timeline)
        wait_s = max(0, _first(following) - ended) / _NS_PER_S
        request_id = record.spec.request_id
        failed = AttemptFailed(request_id=request_id, t_ns=ended, failure=attempt.failure, wait_s=wait_s)
        events.append((ended, failed))
    events += _arrivals(record, record.timeline, record.http_status, record.api_request_id)
    events += _ending(record)
    # A moment may be stamped before one that was told earlier: shown in the order of telling, neither before the other.
    moments = accumulate((t_ns for t_ns, _ in events), max)
    return [(moment, event) for moment, (_, event) in zip(moments, events, strict=True)]


def _arrivals(
    record: RequestRecord, timeline: Timeline, http_status: int | None, api_request_id: str | None
) -> list[Timed]:
    """What one attempt's stamps say, in their order."""
    request_id = record.spec.request_id
    events: list[Timed] = [
        (t_ns, Marked(request_id=request_id, mark=mark, t_ns=t_ns))
        for mark in Mark
        if (t_ns := getattr(timeline, f"{mark.value}_ns")) is not None
    ]
    if timeline.headers_ns is not None and http_status is not None:
        responded = Responded(
            request_id=request_id, t_ns=timeline.headers_ns, http_status=http_status, api_request_id=api_request_id
        )
        events.append((timeline.headers_ns, responded))
    if timeline is record.timeline and record.message_id is not None:
        opened = MessageOpened(request_id=request_id, message_id=record.message_id, cache_miss=record.cache_miss)
        events.append((timeline.message_start_ns or _last(timeline), opened))
    events += _content(record, timeline)
    return sorted(events, key=lambda timed: timed[0])


def _content(record: RequestRecord, timeline: Timeline) -> Iterator[Timed]:
    pieces = record.pieces if timeline is record.timeline else []
    for index, t_ns in enumerate(timeline.content_ns):
        left_out = (Kind.THINKING if index < timeline.thinking_pieces else Kind.TEXT, "")
        kind, text = pieces[index] if index < len(pieces) else left_out
        yield t_ns, Content(request_id=record.spec.request_id, kind=kind, t_ns=[t_ns], texts=[text])


def _ending(record: RequestRecord) -> Iterator[Timed]:
    """What comes last: counts, the instrument's part, and the end, where there is one."""
    at, request_id = _last(record.timeline), record.spec.request_id
    if record.usage != Usage():
        yield at, UsageReported(request_id=request_id, usage=record.usage)
    if record.instrument is not None:
        yield at, msgspec.structs.replace(record.instrument, request_id=request_id)
    if record.status is not None:
        ended = RequestEnded(
            request_id=request_id,
            t_ns=at,
            status=record.status,
            stop_reason=record.stop_reason,
            failure=record.failure,
        )
        yield at, ended


def _stamps(timeline: Timeline) -> list[int]:
    single = (getattr(timeline, name) for name in timeline.__struct_fields__ if name.endswith("_ns"))
    return [stamp for stamp in chain(single, timeline.content_ns) if isinstance(stamp, int)]


def _first(timeline: Timeline) -> int:
    return min(_stamps(timeline), default=0)


def _last(timeline: Timeline) -> int:
    """When it ended, or, where that was not stamped, the last stamp there is."""
    return timeline.ended_ns if timeline.ended_ns is not None else max(_stamps(timeline), default=0)
