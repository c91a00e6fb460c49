"""One request as it stands: its specification and everything the events have said of it so far."""

from enum import StrEnum

import msgspec

from tui.core import metrics
from tui.core.events import (
    Content,
    Event,
    Failure,
    Instrument,
    Kind,
    RequestEnded,
    Responded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.plan import RequestSpec
from tui.core.timeline import Timeline


class State(StrEnum):
    """Where a request is; the last four are how it ended."""

    IDLE = "idle"
    CONNECTING = "connecting"
    WAITING = "waiting"
    THINKING = "thinking"
    STREAMING = "streaming"
    DONE = "done"
    TRUNCATED = "truncated"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def in_flight(self) -> bool:
        """True while the request is neither idle nor ended."""
        return self in _IN_FLIGHT


_IN_FLIGHT = frozenset({State.CONNECTING, State.WAITING, State.THINKING, State.STREAMING})


class RequestRecord(msgspec.Struct, kw_only=True):
    """A request and what became of it, folded from its events by `apply`."""

    spec: RequestSpec
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    pieces: list[tuple[Kind, str]] = msgspec.field(default_factory=list)
    """The content in order of arrival, runs of one kind joined per event."""
    usage: Usage = Usage()
    status: Status | None = None
    stop_reason: str | None = None
    failure: Failure | None = None
    instrument: Instrument | None = None
    http_status: int | None = None
    api_request_id: str | None = None

    def apply(self, event: Event) -> None:
        """Take in one event of this request."""
        self.timeline.apply(event)
        match event:
            case Content(kind=kind, texts=texts):
                self.pieces.append((kind, "".join(texts)))
            case UsageReported(usage=usage):
                self.usage = usage
            case Responded(http_status=http_status, api_request_id=api_request_id):
                self.http_status = http_status
                self.api_request_id = api_request_id
            case Instrument():
                self.instrument = event
            case RequestEnded(status=status, stop_reason=stop_reason, failure=failure):
                self.status = status
                self.stop_reason = stop_reason
                self.failure = failure
            case _:
                pass

    @property
    def state(self) -> State:
        """Where the request is now, from its status and its stamps."""
        if self.status is not None:
            return State(self.status.value)
        timeline = self.timeline
        if timeline.first_text_ns is not None:
            return State.STREAMING
        if timeline.thinking_started_ns is not None or timeline.content_ns:
            return State.THINKING
        return State.CONNECTING if timeline.sent_ns is None else State.WAITING

    def text(self, kind: Kind = Kind.TEXT) -> str:
        """All content of one kind, joined."""
        return "".join(text for piece_kind, text in self.pieces if piece_kind is kind)

    @property
    def ttft_ns(self) -> int | None:
        """See `metrics.ttft_ns`."""
        return metrics.ttft_ns(self.timeline)

    @property
    def total_ns(self) -> int | None:
        """Total time (TTLT) of an answer that is complete, ns; absent while it streams and when it broke off."""
        return metrics.ttlt_ns(self.timeline) if self.status in (Status.DONE, Status.TRUNCATED) else None

    @property
    def otps(self) -> float | None:
        """See `metrics.otps`."""
        return metrics.otps(self.timeline, self.usage.output_tokens)
