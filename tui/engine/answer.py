"""The Messages API's stream, event by event: from decoded server-sent events to the engine's own events."""

import json
from collections.abc import Callable

import msgspec

from tui.core.events import (
    Content,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    Status,
    Usage,
    UsageReported,
)
from tui.engine.failures import api_failure
from tui.engine.sse import ServerSentEvent


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    stop_reason: str | None = None


class _TokenDetails(msgspec.Struct):
    thinking_tokens: object = None


class _Usage(msgspec.Struct):
    """Counts are checked one by one, in `_count`: an absurd one must not cost the answer."""

    input_tokens: object = None
    output_tokens: object = None
    cache_creation_input_tokens: object = None
    cache_read_input_tokens: object = None
    output_tokens_details: _TokenDetails | None = None


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _StreamEvent(msgspec.Struct):
    """The fields of all event types that are read here; everything else is skipped while decoding."""

    type: str = ""
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: _Error | None = None


class _TypeOnly(msgspec.Struct):
    type: str = ""


_decoder = msgspec.json.Decoder(_StreamEvent)
_type_decoder = msgspec.json.Decoder(_TypeOnly)

_CONTENT_FREE = frozenset({"ping", "content_block_stop"})
_READ_HERE = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error"}
)

_MOST_TOKENS = 100_000_000
"""More than any context: a larger count is a fault of the server and is not believed."""


class AnswerReader:
    """Follows one answer's stream and reports it to `emit`; knows at the end how it went."""

    def __init__(self, request_id: int, emit: Callable[[Event], None]) -> None:
        self._request_id = request_id
        self._emit = emit
        self._usage = Usage()
        self._stop_reason: str | None = None
        self.failure: Failure | None = None
        """Set as soon as the stream has shown that the request failed."""
        self.pieces = 0
        """Pieces of content that have arrived."""
        self.stopped = False
        """True once `message_stop` has arrived."""
        self._started = False

    def take(self, t_ns: int, sse: ServerSentEvent) -> None:
        """Take in one event that arrived at `t_ns` (CLOCK_MONOTONIC). After a failure everything is ignored."""
        if self.failure is not None or sse.event in _CONTENT_FREE:
            return
        try:
            event = _decode(sse.data)
        except (ValueError, RecursionError) as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The stream held an event that cannot be read ({error}); what came before it is kept.",
            )
            return
        match event.type:
            case "content_block_delta" if event.delta:
                self._content(t_ns, event.delta)
            case "content_block_start" if event.content_block:
                if event.content_block.type in ("thinking", "redacted_thinking"):
                    self._mark(Mark.THINKING_STARTED, t_ns)
                self._content(t_ns, event.content_block)
            case "message_start":
                self._started = True
                self._mark(Mark.MESSAGE_START, t_ns)
                if event.message and event.message.usage:
                    self._count(event.message.usage)
            case "message_delta":
                if event.delta and event.delta.stop_reason:
                    self._stop_reason = event.delta.stop_reason
                if event.usage:
                    self._count(event.usage)
            case "message_stop":
                self.stopped = True
                self._mark(Mark.MESSAGE_STOP, t_ns)
            case "error":
                error_type, message = (event.error.type, event.error.message) if event.error else ("api_error", "")
                self.failure = api_failure(http_status=200, error_type=error_type, message=message)
            case _:
                pass  # The API's versioning policy: clients ignore event types they do not know.

    def outcome(self) -> tuple[Status, str | None, Failure | None]:
        """How the answer ended, its stop reason and its failure; to be asked when the stream is over."""
        failure = self.failure
        if failure is None and not self.stopped:
            cause = (
                "The stream ended before the answer was complete"
                if self._started
                else "The server answered 200 but sent no message"
            )
            failure = Failure(kind=FailureKind.BROKEN_STREAM, message=f"{cause}; run it again, or check the server.")
        if failure is not None:
            return Status.FAILED, self._stop_reason, failure
        status = Status.TRUNCATED if self._stop_reason == "max_tokens" else Status.DONE
        return status, self._stop_reason, None

    def _content(self, t_ns: int, piece: _Delta | _Block) -> None:
        # Empty pieces are framing, not tokens: they must not end the wait for the first token.
        if piece.text:
            self._piece(t_ns, Kind.TEXT, piece.text)
        elif piece.thinking:
            self._piece(t_ns, Kind.THINKING, piece.thinking)

    def _piece(self, t_ns: int, kind: Kind, text: str) -> None:
        self.pieces += 1
        self._emit(Content(request_id=self._request_id, kind=kind, t_ns=[t_ns], texts=[text]))

    def _mark(self, mark: Mark, t_ns: int) -> None:
        self._emit(Marked(request_id=self._request_id, mark=mark, t_ns=t_ns))

    def _count(self, usage: _Usage) -> None:
        """Merge a usage report: later figures replace earlier ones, absent or impossible ones do not."""
        details = usage.output_tokens_details
        reported = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_creation_input_tokens": usage.cache_creation_input_tokens,
            "cache_read_input_tokens": usage.cache_read_input_tokens,
            "thinking_tokens": details.thinking_tokens if details else None,
        }
        changes = {
            name: count
            for name, count in reported.items()
            if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS
        }
        self._usage = msgspec.structs.replace(self._usage, **changes)
        self._emit(UsageReported(request_id=self._request_id, usage=self._usage))


def _decode(data: bytes) -> _StreamEvent:
    """The event in `data`. Raises ValueError or RecursionError if it is none, or a known one in the wrong shape."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        if (event_type := _type_decoder.decode(data).type) in _READ_HERE:
            raise
        return _StreamEvent(type=event_type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Invalid UTF-8 and halves of surrogate pairs are the server's fault, but the rest of the event is still worth
        # having. Slow, and right for what Python's own parser takes.
        value = json.loads(data.decode("utf-8", "replace"))
        text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return _decoder.decode(text)
