"""Answers of Chat Completions: chunks of a stream, or a completion in one piece, as events of the engine.

Fields of another type than the protocol's are passed by: compatible servers differ in all but the content.
"""

from collections.abc import Mapping
from typing import Any

from tui.core.events import Failure, FailureKind, Kind, Status
from tui.engine.failures import api_failure
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import is_error
from tui.engine.wires import LONGEST_WORD, AnswerReader
from tui.engine.wires.openai import count_of, counts_of, decode, objects, opened_by, refusal_of, table, text

_SENTINEL = b"[DONE]"
_CUT = ("length", "model_length")
"""Finish reasons of an answer that reached a limit; the second is Mistral's."""


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
            if self._begun:
                self._stop(t_ns)
            return
        try:
            chunk = decode(data)
        except (ValueError, RecursionError) as error:
            self.failure = Failure(
                kind=FailureKind.PROTOCOL,
                message=f"The stream held an event that cannot be read ({error}); what came before it is kept.",
            )
            return
        if event == "error" or is_error(chunk):
            self._refuse(chunk)
        elif isinstance(chunk, dict):
            if not self._begun and chunk.get("choices"):
                self._begin(t_ns)
                self._open(chunk)
            self._read(t_ns, chunk, "delta")

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """See `AnswerReader.feed_whole`."""
        try:
            answer = decode(body)
        except (ValueError, RecursionError) as error:
            self._not_readable(str(error))
            return
        if not isinstance(answer, dict) or is_error(answer):
            self._refuse(answer)
        elif not any(isinstance(choice.get("message"), dict) for choice in objects(answer.get("choices"))):
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
        for choice in objects(answer.get("choices")):
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
        if (opened := opened_by(answer, self._reporter.request_id)) is not None:
            self._reporter.report(opened)

    def _pieces(self, t_ns: int, content: Mapping[str, Any]) -> None:
        """Report what a delta or a message holds: reasoning, text, a refusal in words, calls of tools."""
        said = content.get("content")
        # One field or the other: some servers send the same words in both.
        reasoning = content.get("reasoning_content") or content.get("reasoning")
        if thought := f"{text(reasoning)}{_parts(said, 'thinking')}":
            self._content(Kind.THINKING, t_ns, thought)
        self._content(Kind.TEXT, t_ns, text(said) or _parts(said, "text"))
        if refusal := text(content.get("refusal")):
            self._refused = True
            self._content(Kind.TEXT, t_ns, refusal)
        for call in objects(content.get("tool_calls")):
            function = call.get("function")
            if isinstance(function, dict):
                words = f"{text(function.get('name'))}{text(function.get('arguments'))}"
                self._content(Kind.OTHER, t_ns, words)

    def _finish(self, t_ns: int, reason: str) -> None:
        self._finished_ns = t_ns
        self._stop_reason = reason[:LONGEST_WORD]
        self._refused = self._refused or reason == "content_filter"
        self._truncated = reason in _CUT

    def _count_usage(self, usage: Mapping[str, Any], tier: object) -> None:
        details = table(usage, "prompt_tokens_details")
        counts = counts_of(
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
            reasoning=table(usage, "completion_tokens_details").get("reasoning_tokens"),
            cached=details.get("cached_tokens", usage.get("prompt_cache_hit_tokens")),  # the second is DeepSeek's
            written=details.get("cache_write_tokens"),
        )
        told = [count_of(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
        if None not in told and (hidden := (told[2] or 0) - (told[0] or 0) - (told[1] or 0)) > 0:
            # Google and xAI do not count reasoning among the completion's tokens, but in the total.
            counts["thinking_tokens"] = max(counts["thinking_tokens"] or 0, hidden)
            counts["output_tokens"] = (told[1] or 0) + hidden
        if self._has_others:
            counts["output_tokens"] = None
        self._count(counts, {"service_tier": tier})

    def _refuse(self, answer: object) -> None:
        refusal = refusal_of(answer)
        self.failure = api_failure(http_status=200, refusal=refusal._replace(error_type=refusal.error_type or "error"))

    def _not_readable(self, why: str) -> None:
        self.failure = Failure(
            kind=FailureKind.PROTOCOL,
            message=f"The answer is no chat completion ({why}); check that the server speaks Chat Completions.",
        )


def _parts(value: object, kind: str) -> str:
    """The words of the parts of one kind in content that is a list, as Mistral's reasoning models send it."""
    found = [part.get(kind) for part in objects(value) if part.get("type") == kind]
    return "".join(text(one) or _parts(one, "text") for one in found)
