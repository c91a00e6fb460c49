"""Answers of Chat Completions: chunks of a stream, or a completion in one piece, as events of the engine.

Fields of another type than the protocol's are passed by: compatible servers differ in all but the content.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tui.core.events import Failure, FailureKind, Kind, MessageOpened, Status
from tui.engine.failures import Refusal, api_failure
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import words_of
from tui.engine.wires import LONGEST_WORD, AnswerReader, is_count

_SENTINEL = b"[DONE]"
_CUT = ("length", "model_length")
"""Finish reasons of an answer that reached a limit; the second is Mistral's."""
_KINDS: dict[str, FailureKind] = {
    "400": FailureKind.BAD_REQUEST,
    "401": FailureKind.BAD_KEY,
    "402": FailureKind.FORBIDDEN,
    "403": FailureKind.FORBIDDEN,
    "404": FailureKind.UNKNOWN_MODEL,
    "429": FailureKind.RATE_LIMITED,
    "503": FailureKind.OVERLOADED,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "context_length_exceeded": FailureKind.TOO_LARGE,
    "invalid_api_key": FailureKind.BAD_KEY,
    "insufficient_quota": FailureKind.RATE_LIMITED,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
    "model_not_found": FailureKind.UNKNOWN_MODEL,
}
"""Kinds of failure by the word or the number that an error gives as its code or type."""


class CompletionReader(AnswerReader):
    """Reader of one chat completion, streamed or in one piece. Of several choices it reads the first."""

    def __init__(self, reporter: RequestReporter) -> None:
        super().__init__(reporter)
        self._finished_ns: int | None = None
        self._has_others = False
        """True if there is more than one choice: the usage counts them all."""

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        """See `AnswerReader.feed`."""
        if self.failure is not None:
            return
        if data.strip() == _SENTINEL:
            self._stop(t_ns)
            return
        try:
            chunk = _decode(data)
        except (ValueError, RecursionError) as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The stream held an event that cannot be read ({error}); what came before it is kept.",
            )
            return
        if event == "error" or (isinstance(chunk, dict) and chunk.get("error")):
            self._refuse(chunk)
        elif isinstance(chunk, dict):
            if not self._begun and chunk.get("choices"):
                self._begin(t_ns)
                self._open(chunk)
            self._read(t_ns, chunk, "delta")

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """See `AnswerReader.feed_whole`."""
        try:
            answer = _decode(body)
        except (ValueError, RecursionError) as error:
            self._not_readable(str(error))
            return
        if not isinstance(answer, dict) or answer.get("error"):
            self._refuse(answer)
        elif not any(isinstance(choice.get("message"), dict) for choice in _objects(answer.get("choices"))):
            self._not_readable("it has no choices with a message")
        else:
            self._open(answer)
            self._read(t_ns, answer, "message")
            if self.failure is None:
                self._stop(t_ns)

    def outcome(self) -> tuple[Status, str | None, Failure | None]:
        """See `AnswerReader.outcome`. A finish reason is an end too: not all servers send the sentinel."""
        if self._finished_ns is not None and not self.stopped and self.failure is None:
            self._stop(self._finished_ns)
        return super().outcome()

    def _read(self, t_ns: int, answer: Mapping[str, Any], part: str) -> None:
        """Read a chunk, whose choices have a `delta`, or a completion, whose choices have a `message`."""
        for choice in _objects(answer.get("choices")):
            if choice.get("index") not in (None, 0):
                self._has_others = True
                continue
            content = choice.get(part)
            if isinstance(content, dict):
                self._pieces(t_ns, content)
            reason = choice.get("finish_reason")
            if reason == "error":
                self._refuse(choice)
            elif isinstance(reason, str) and reason:
                self._finish(t_ns, reason)
        groq = answer.get("x_groq")
        usage = answer.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
        if isinstance(usage, dict):
            self._count_usage(usage, answer.get("service_tier"))

    def _open(self, answer: Mapping[str, Any]) -> None:
        name = answer.get("id")
        if isinstance(name, str) and 0 < len(name) <= LONGEST_WORD:
            self._reporter.report(MessageOpened(request_id=self._reporter.request_id, message_id=name))

    def _pieces(self, t_ns: int, content: Mapping[str, Any]) -> None:
        """Report what a delta or a message holds: reasoning, text, a refusal in words, calls of tools."""
        said = content.get("content")
        # One field or the other: some servers send the same words in both.
        reasoning = content.get("reasoning_content") or content.get("reasoning")
        if thought := f"{_text(reasoning)}{_parts(said, 'thinking')}":
            self._content(Kind.THINKING, t_ns, thought)
        self._content(Kind.TEXT, t_ns, _text(said) or _parts(said, "text"))
        if refusal := _text(content.get("refusal")):
            self._refused = True
            self._content(Kind.TEXT, t_ns, refusal)
        for call in _objects(content.get("tool_calls")):
            function = call.get("function")
            if isinstance(function, dict):
                words = f"{_text(function.get('name'))}{_text(function.get('arguments'))}"
                self._content(Kind.OTHER, t_ns, words)

    def _finish(self, t_ns: int, reason: str) -> None:
        self._finished_ns = t_ns
        self._stop_reason = reason[:LONGEST_WORD]
        self._refused = self._refused or reason == "content_filter"
        self._truncated = reason in _CUT

    def _count_usage(self, usage: Mapping[str, Any], tier: object) -> None:
        """Count as this program does: input without what was read from a cache, output with the reasoning."""
        prompt, output = _count_of(usage.get("prompt_tokens")), _count_of(usage.get("completion_tokens"))
        reasoning = _count_of(_table(usage, "completion_tokens_details").get("reasoning_tokens"))
        # DeepSeek has a name of its own.
        cached = _count_of(
            _table(usage, "prompt_tokens_details").get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
        )
        total = _count_of(usage.get("total_tokens"))
        if prompt is not None and output is not None and total is not None and total > prompt + output:
            # Google and xAI do not count reasoning among the completion's tokens, but in the total.
            hidden = total - prompt - output
            reasoning, output = max(reasoning or 0, hidden), output + hidden
        read = min(cached, prompt) if cached is not None and prompt is not None else None
        self._count(
            {
                "input_tokens": prompt if prompt is None or read is None else prompt - read,
                "output_tokens": None if self._has_others else output,
                "cache_read_input_tokens": read,
                "thinking_tokens": reasoning,
            },
            {"service_tier": tier},
        )

    def _refuse(self, answer: object) -> None:
        refusal = refusal_of(answer)
        self.failure = api_failure(http_status=200, refusal=refusal._replace(error_type=refusal.error_type or "error"))

    def _not_readable(self, why: str) -> None:
        self.failure = Failure(
            kind=FailureKind.PROTOCOL,
            message=f"The answer is no chat completion ({why}); check that the server speaks Chat Completions.",
        )


def refusal_of(answer: object) -> Refusal:
    """The refusal in an error's JSON, in any of the forms that servers of this protocol use."""
    if isinstance(answer, list) and answer:  # Google's
        answer = answer[0]
    if not isinstance(answer, dict):
        return Refusal("", str(answer or ""))
    error = answer.get("error") or answer
    if not isinstance(error, dict):
        return Refusal("", str(error))
    names = [str(error[name]) for name in ("code", "type") if error.get(name) not in (None, "")]
    kind = next((_KINDS[name] for name in names if name in _KINDS), None)
    return Refusal(names[-1] if names else "", words_of(answer), kind)


def _decode(data: bytes) -> object:
    """The JSON in `data`. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Invalid UTF-8 and halves of surrogate pairs are the server's fault; the rest is still worth having.
        value = json.loads(data.decode("utf-8", "replace"))
        text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.json.decode(text)


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _table(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parts(value: object, kind: str) -> str:
    """The words of the parts of one kind in content that is a list, as Mistral's reasoning models send it."""
    found = [part.get(kind) for part in _objects(value) if part.get("type") == kind]
    return "".join(_text(one) or _parts(one, "text") for one in found)


def _count_of(value: object) -> int | None:
    return value if is_count(value) else None
