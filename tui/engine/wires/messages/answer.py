"""The Messages API's answers: from decoded server-sent events, or a message in one piece, to the engine's events."""

import json
from collections.abc import Callable

import msgspec

from tui.core.events import (
    CacheMiss,
    Content,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    Status,
    Usage,
    UsageReported,
)
from tui.engine.failures import api_failure
from tui.engine.transport.sse import ServerSentEvent


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


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: object = None
    ephemeral_1h_input_tokens: object = None


class _Usage(msgspec.Struct):
    """Counts and words are checked one by one, in `_count`: an absurd one must not cost the answer."""

    input_tokens: object = None
    output_tokens: object = None
    cache_creation_input_tokens: object = None
    cache_read_input_tokens: object = None
    cache_creation: object = None
    output_tokens_details: _TokenDetails | None = None
    service_tier: object = None
    speed: object = None
    inference_geo: object = None


class _Message(msgspec.Struct):
    id: object = None
    usage: _Usage | None = None
    diagnostics: object = None


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _WholeMessage(_Message):
    """An answer in one piece, or an error in its place."""

    type: str = ""
    content: list[_Block] = []
    stop_reason: str | None = None
    error: _Error | None = None


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
_message_decoder = msgspec.json.Decoder(_WholeMessage)
_type_decoder = msgspec.json.Decoder(_TypeOnly)

_CONTENT_FREE = frozenset({"ping", "content_block_stop"})
_READ_HERE = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error"}
)

_MOST_TOKENS = 100_000_000
"""More than any context: a larger count is a fault of the server and is not believed."""
_LONGEST_WORD = 200
"""Characters of an id or of a word such as a tier; a longer one is not believed either."""


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
                if event.message:
                    self._open(event.message)
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

    def take_whole(self, t_ns: int, message: bytes) -> None:
        """Take in a message that came in one piece, whose last byte arrived at `t_ns` (CLOCK_MONOTONIC).

        Nothing of it can be used before: all of its content has that one stamp, and there is no `message_start`.
        """
        try:
            read = _message_decoder.decode(message)
        except ValueError as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The answer is no message that can be read ({error}); check that the server speaks the API.",
            )
            return
        if read.type == "error":
            words = read.error or _Error()
            self.failure = api_failure(http_status=200, error_type=words.type or "api_error", message=words.message)
            return
        self._started = True
        self._open(read)
        for block in read.content:
            self._content(t_ns, block)
        self._stop_reason = read.stop_reason
        self.stopped = True
        self._mark(Mark.MESSAGE_STOP, t_ns)

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

    def _open(self, message: _Message) -> None:
        """Report what the head of a message says: its id, the cache's diagnosis, and what it counts so far."""
        if isinstance(message.id, str) and 0 < len(message.id) <= _LONGEST_WORD:
            miss = _cache_miss(message.diagnostics)
            self._emit(MessageOpened(request_id=self._request_id, message_id=message.id, cache_miss=miss))
        if message.usage:
            self._count(message.usage)

    def _count(self, usage: _Usage) -> None:
        """Merge a usage report: later figures replace earlier ones, absent or impossible ones do not."""
        details = usage.output_tokens_details
        created = usage.cache_creation if isinstance(usage.cache_creation, dict) else {}
        counts = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_creation_input_tokens": usage.cache_creation_input_tokens,
            "cache_read_input_tokens": usage.cache_read_input_tokens,
            "thinking_tokens": details.thinking_tokens if details else None,
            "cache_5m_input_tokens": created.get("ephemeral_5m_input_tokens"),
            "cache_1h_input_tokens": created.get("ephemeral_1h_input_tokens"),
        }
        words = {"service_tier": usage.service_tier, "speed": usage.speed, "inference_geo": usage.inference_geo}
        changes: dict[str, object] = {name: count for name, count in counts.items() if _is_count(count)}
        changes |= {name: word for name, word in words.items() if isinstance(word, str) and len(word) <= _LONGEST_WORD}
        self._usage = msgspec.structs.replace(self._usage, **changes)
        self._emit(UsageReported(request_id=self._request_id, usage=self._usage))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS


def _cache_miss(diagnostics: object) -> CacheMiss | None:
    """The diagnosis; absent where none was asked for, where nothing differs, and while it is not known yet."""
    reason = diagnostics.get("cache_miss_reason") if isinstance(diagnostics, dict) else None
    if not isinstance(reason, dict):
        return None
    word = reason.get("type")
    if not isinstance(word, str) or len(word) > _LONGEST_WORD:
        return None
    missed = reason.get("cache_missed_input_tokens")
    return CacheMiss(reason=word, missed_input_tokens=missed if _is_count(missed) else None)


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
