"""Answers of the Messages API: server-sent events, or a message in one piece, as events of the engine."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from tui.core.events import CacheMiss, Failure, FailureKind, Kind, Mark, MessageOpened
from tui.engine.failures import Refusal, api_failure, quote
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import error_in, is_error, type_of, words_of
from tui.engine.wires import LONGEST_WORD, UNREADABLE_EVENT, AnswerReader, is_count, word_of
from tui.engine.wires.messages.events import Block, Delta, Message, MessageUsage, decode, field_of, salvaged

_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})
"""Stop reasons of an answer that is cut."""

_KINDS: dict[str, FailureKind] = {
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "authentication_error": FailureKind.BAD_KEY,
    "permission_error": FailureKind.FORBIDDEN,
    "not_found_error": FailureKind.UNKNOWN_MODEL,
    "request_too_large": FailureKind.TOO_LARGE,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
}
_MOST_SHOWN = 1000
"""Characters of a block that is neither text nor thinking that are shown: results of tools can be long."""
_FRAMING = frozenset({"", "text_delta", "thinking_delta", "signature_delta", "input_json_delta"})
"""Deltas that are no content without the fields above."""
_NO_CONTENT = frozenset({"", "text", "thinking", "redacted_thinking", "fallback"})
"""Blocks that are no content without text."""


class MessageReader(AnswerReader):
    """Reader of one message, streamed or in one piece."""

    def __init__(self, reporter: RequestReporter, remember: Callable[[str], None] | None = None) -> None:
        """`remember` is told the message's id, for the next request that is to be compared with it."""
        super().__init__(reporter)
        self._remember = remember
        self._opened: MessageOpened | None = None
        """The message's head as far as it is known."""
        self._blocks = ContentBlocks(self._content, reporter.mark)

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        """See `AnswerReader.feed`. What follows the end of the message changes nothing."""
        if self.failure is not None or self.stopped or event == "ping":
            return
        if event == "content_block_stop":
            self._blocks.close(t_ns)
            return
        if event == "error":
            self._refuse(*error_in(data))
            return
        try:
            read = decode(event, data)
        except (ValueError, RecursionError) as error:
            self._unreadable(UNREADABLE_EVENT.format(error))
            return
        match read and read.type:
            case "content_block_delta" if read and read.delta:
                self._blocks.change(t_ns, read.delta, lambda: field_of(data, "delta"))
            case "content_block_start" if read and read.content_block:
                self._blocks.open(t_ns, read.content_block, lambda: field_of(data, "content_block"))
                if read.content_block.type == "fallback":
                    self._fall_back(field_of(data, "content_block").get("to"))
            case "content_block_stop":
                self._blocks.close(t_ns)
            case "message_start" if read:
                self._begin(t_ns)
                if read.message:
                    self._open(read.message)
            case "message_delta" if read:
                if read.delta and read.delta.stop_reason:
                    self._stop_for(read.delta.stop_reason, read.delta.stop_details)
                if read.usage:
                    self._count_usage(read.usage)
            case "message_stop":
                self._end(t_ns)
            case kind if kind == "error" or (kind == "" and read and read.error):
                self._refuse(*error_in(data))
            case "" if read and read.choices is not None:
                self._not_this_protocol()
            case _:
                pass  # The API's versioning policy: clients ignore event types they do not know.

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """See `AnswerReader.feed_whole`. There is no `message_start`."""
        try:
            value = msgspec.json.decode(body)
        except (ValueError, RecursionError) as error:
            self._unreadable(f"The answer is no message that can be read ({error}); check what the server speaks.")
            return
        content = value.get("content") if isinstance(value, dict) else None
        is_message = isinstance(content, list) and "message" in (value.get("type"), value.get("object"))
        if not is_message and is_error(value):
            self._refuse(type_of(value), words_of(value))
        elif isinstance(value, dict) and "choices" in value:
            self._not_this_protocol()
        elif not isinstance(content, list) or not (is_message or value.get("role") == "assistant"):
            said = quote(words_of(value))
            self._unreadable(
                f"The server answered 200 with JSON that is no message{f' and says: {said}' if said else ''}. "
                "Check that the base URL is that of a Messages API."
            )
        else:
            self._begun = True
            self._open(salvaged(value, Message), is_whole=True)
            for block in content:
                if isinstance(block, dict):
                    self._blocks.open(t_ns, salvaged(block, Block), partial(dict, block))
                    if block.get("type") == "fallback":
                        self._fall_back(block.get("to"))
            self._stop_for(value.get("stop_reason"), value.get("stop_details"))
            self._end(t_ns)

    def _end(self, t_ns: int) -> None:
        if not self._begun and not self.pieces:
            self._unreadable("The stream ended a message that it had not begun; run it again, or check the server.")
            return
        self._blocks.close(t_ns)
        self._stop(t_ns)

    def _stop_for(self, reason: object, details: object = None) -> None:
        self._stop_reason = reason if isinstance(reason, str) and len(reason) <= LONGEST_WORD else None
        self._truncated = self._stop_reason in _CUT
        self._refused = self._stop_reason == "refusal"
        if self._refused and isinstance(details, dict):
            said = (words_of(details.get("category")), words_of(details.get("explanation")))
            self.stop_details = quote(": ".join(words for words in said if words)) or None

    def _refuse(self, error_type: str, message: str) -> None:
        self.failure = api_failure(http_status=200, refusal=refusal_of(error_type or "api_error", message))

    def _not_this_protocol(self) -> None:
        self._unreadable(
            "The server answered with a chat completion of OpenAI's protocol instead of a message. Check that the "
            "base URL is that of a Messages API."
        )

    def _open(self, message: Message, *, is_whole: bool = False) -> None:
        """Report the head of a message: its id, its model, the cache's diagnosis, and the counts so far."""
        usage = message.usage
        if isinstance(message.id, str) and 0 < len(message.id) <= LONGEST_WORD:
            if self._opened is not None and self._opened.message_id != message.id:
                self.failure = Failure(
                    kind=FailureKind.BROKEN_STREAM,
                    message="A second message began before the first was over: the answer is not of one piece, and its "
                    "times say nothing. Check the server or the gateway.",
                )
                return
            self._opened = MessageOpened(
                request_id=self._reporter.request_id,
                message_id=message.id,
                model=word_of(message.model),
                cache_miss=_cache_miss(message.diagnostics),
            )
            self._reporter.report(self._opened)
            if self._remember is not None:
                self._remember(message.id)
        if usage and not is_whole:
            # A beginning, often 1; the count stands in `message_delta`.
            usage = msgspec.structs.replace(usage, output_tokens=None)
        if usage:
            self._count_usage(usage)

    def _fall_back(self, to: object) -> None:
        """Another model goes on with the answer: that of a `fallback` block, or of an entry of the usage."""
        model = to.get("model") if isinstance(to, dict) else None
        if self._opened is not None and isinstance(model, str) and 0 < len(model) <= LONGEST_WORD:
            self._opened = msgspec.structs.replace(self._opened, model=model)
            self._reporter.report(self._opened)

    def _count_usage(self, usage: MessageUsage) -> None:
        for one in usage.iterations if isinstance(usage.iterations, list) else ():
            if isinstance(one, dict) and one.get("type") == "fallback_message":
                self._fall_back(one)
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


class ContentBlocks:
    """Blocks in the order in which they open, each over before the next."""

    def __init__(self, content: Callable[[Kind, int, str | None], None], mark: Callable[[Mark, int], None]) -> None:
        """`content` takes kind, arrival and words of each piece, `mark` takes when thinking began or was withheld."""
        self._content = content
        self._mark = mark
        self._has_thought = False
        self._is_thinking = False
        self._is_silent = False
        """True while nothing of the open block has come."""
        self._latest_kind: Kind | None = None

    def open(self, t_ns: int, block: Block, whole: Callable[[], Mapping[str, Any]]) -> None:
        """A block opened, or arrived whole; `whole` gives it with all its fields."""
        self.close(t_ns)
        if block.type in ("thinking", "redacted_thinking"):
            if not self._has_thought:
                self._mark(Mark.THINKING_STARTED, t_ns)
            self._has_thought = self._is_thinking = self._is_silent = True
        if block.type == "redacted_thinking":
            self.close(t_ns)  # it has no more to come
        self._words(t_ns, block.text, block.thinking)
        if block.type not in _NO_CONTENT and not block.text:
            shown = _block_words(whole())
            self._piece(Kind.OTHER, t_ns, f"\n{shown}" if shown and self._latest_kind is Kind.OTHER else shown)

    def change(self, t_ns: int, delta: Delta, whole: Callable[[], Mapping[str, Any]]) -> None:
        """A delta of the open block arrived; `whole` gives it with all its fields."""
        self._words(t_ns, delta.text, delta.thinking)
        if not delta.text and not delta.thinking:
            is_known = delta.partial_json or delta.type in _FRAMING
            self._piece(Kind.OTHER, t_ns, delta.partial_json if is_known else _other_delta(whole()))

    def close(self, t_ns: int) -> None:
        """The open block, if there is one, is over."""
        if self._is_thinking and self._is_silent:
            self._mark(Mark.THINKING_WITHHELD, t_ns)
        self._is_thinking = False

    def _words(self, t_ns: int, text: str | None, thinking: str | None) -> None:
        if text:
            self._piece(Kind.TEXT, t_ns, text)
        elif thinking:
            self._piece(Kind.THINKING, t_ns, thinking)

    def _piece(self, kind: Kind, t_ns: int, words: str | None) -> None:
        if words:
            self._is_silent = False
            self._latest_kind = kind
            self._content(kind, t_ns, words)


def _other_delta(delta: Mapping[str, Any]) -> str:
    """A delta that is neither text nor thinking nor the input of a tool, in words; empty for framing."""
    kind = delta.get("type")
    if not isinstance(kind, str) or kind in _FRAMING:
        return ""
    rest = {name: value for name, value in delta.items() if name != "type" and value not in (None, "", [], {})}
    if rest and all(isinstance(value, str) for value in rest.values()):
        return " ".join(map(str, rest.values()))
    return _bracketed(kind, rest) if rest else ""


def _block_words(block: Mapping[str, Any]) -> str:
    """A block that is neither text nor thinking, in words: its type, and what stands in it; empty for framing."""
    kind = block.get("type")
    if not isinstance(kind, str) or kind in _NO_CONTENT:
        return ""
    left_out = ("type", "id", "tool_use_id", "cache_control", "caller")
    rest = {name: value for name, value in block.items() if name not in left_out and value not in (None, "", [], {})}
    name = rest.pop("name", None)
    if isinstance(name, str):
        return _bracketed(f"{kind} {name}", rest) + " "
    return _bracketed(kind, rest) if rest else ""


def _bracketed(head: str, rest: Mapping[str, Any]) -> str:
    shown = json.dumps(rest, ensure_ascii=False) if rest else ""
    shown = shown if len(shown) <= _MOST_SHOWN else shown[: _MOST_SHOWN - 1] + "…"
    # Halves of surrogate pairs could not be written to any file.
    shown = shown.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"[{head}{' ' if shown else ''}{shown}]"
