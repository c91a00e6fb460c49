"""Answers of the Messages API: server-sent events, or a message in one piece, as events of the engine."""

import json
from collections.abc import Callable

import msgspec

from tui.core.events import CacheMiss, Failure, FailureKind, Kind, Mark, MessageOpened
from tui.engine.failures import Refusal, api_failure
from tui.engine.reporter import RequestReporter
from tui.engine.wires import LONGEST_WORD, AnswerReader, is_count


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
    """Counts and words of any type: `AnswerReader` checks each, so that an absurd one does not cost the answer."""

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

_KINDS: dict[str, FailureKind] = {
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "authentication_error": FailureKind.BAD_KEY,
    "permission_error": FailureKind.FORBIDDEN,
    "not_found_error": FailureKind.UNKNOWN_MODEL,
    "request_too_large": FailureKind.TOO_LARGE,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
}


class MessageReader(AnswerReader):
    """Reader of one message, streamed or in one piece."""

    def __init__(self, reporter: RequestReporter, remember: Callable[[str], None] | None = None) -> None:
        """`remember` is told the message's id, for the next request that is to be compared with it."""
        super().__init__(reporter)
        self._remember = remember

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        """See `AnswerReader.feed`."""
        if self.failure is not None or event in _CONTENT_FREE:
            return
        try:
            read = _decode(data)
        except (ValueError, RecursionError) as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The stream held an event that cannot be read ({error}); what came before it is kept.",
            )
            return
        match read.type:
            case "content_block_delta" if read.delta:
                self._piece(t_ns, read.delta)
            case "content_block_start" if read.content_block:
                if read.content_block.type in ("thinking", "redacted_thinking"):
                    self._reporter.mark(Mark.THINKING_STARTED, t_ns)
                self._piece(t_ns, read.content_block)
            case "message_start":
                self._begin(t_ns)
                if read.message:
                    self._open(read.message)
            case "message_delta":
                if read.delta and read.delta.stop_reason:
                    self._stop_for(read.delta.stop_reason)
                if read.usage:
                    self._count_usage(read.usage)
            case "message_stop":
                self._stop(t_ns)
            case "error":
                self._refuse(read.error)
            case _:
                pass  # The API's versioning policy: clients ignore event types they do not know.

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """See `AnswerReader.feed_whole`. There is no `message_start`."""
        try:
            message = _message_decoder.decode(body)
        except (ValueError, RecursionError) as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The answer is no message that can be read ({error}); check that the server speaks the API.",
            )
            return
        if message.type == "error":
            self._refuse(message.error)
            return
        self._open(message)
        for block in message.content:
            self._piece(t_ns, block)
        self._stop_for(message.stop_reason)
        self._stop(t_ns)

    def _piece(self, t_ns: int, piece: _Delta | _Block) -> None:
        if piece.text:
            self._content(Kind.TEXT, t_ns, piece.text)
        else:
            self._content(Kind.THINKING, t_ns, piece.thinking)

    def _stop_for(self, reason: str | None) -> None:
        self._stop_reason = reason
        self._truncated = reason == "max_tokens"

    def _refuse(self, error: _Error | None) -> None:
        words = error or _Error()
        self.failure = api_failure(http_status=200, refusal=refusal_of(words.type or "api_error", words.message))

    def _open(self, message: _Message) -> None:
        """Report the head of a message: its id, the cache's diagnosis, and the counts so far."""
        if isinstance(message.id, str) and 0 < len(message.id) <= LONGEST_WORD:
            miss = _cache_miss(message.diagnostics)
            self._reporter.report(
                MessageOpened(request_id=self._reporter.request_id, message_id=message.id, cache_miss=miss)
            )
            if self._remember is not None:
                self._remember(message.id)
        if message.usage:
            self._count_usage(message.usage)

    def _count_usage(self, usage: _Usage) -> None:
        details = usage.output_tokens_details
        created = usage.cache_creation if isinstance(usage.cache_creation, dict) else {}
        self._count(
            {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cache_creation_input_tokens": usage.cache_creation_input_tokens,
                "cache_read_input_tokens": usage.cache_read_input_tokens,
                "thinking_tokens": details.thinking_tokens if details else None,
                "cache_5m_input_tokens": created.get("ephemeral_5m_input_tokens"),
                "cache_1h_input_tokens": created.get("ephemeral_1h_input_tokens"),
            },
            {"service_tier": usage.service_tier, "speed": usage.speed, "inference_geo": usage.inference_geo},
        )


def refusal_of(error_type: str, message: str) -> Refusal:
    """The refusal that an error of the API means."""
    return Refusal(error_type, message, _KINDS.get(error_type))


def _cache_miss(diagnostics: object) -> CacheMiss | None:
    """The diagnosis; None where none was asked for, where nothing differs, and while it is not known yet."""
    reason = diagnostics.get("cache_miss_reason") if isinstance(diagnostics, dict) else None
    if not isinstance(reason, dict):
        return None
    word = reason.get("type")
    if not isinstance(word, str) or len(word) > LONGEST_WORD:
        return None
    missed = reason.get("cache_missed_input_tokens")
    return CacheMiss(reason=word, missed_input_tokens=missed if is_count(missed) else None)


def _decode(data: bytes) -> _StreamEvent:
    """The event in `data`. Raises ValueError or RecursionError if there is none, or a known one in the wrong shape."""
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
