"""Answers of Chat Completions: chunks of a stream, or a completion in one piece, as events of the engine.

Fields of another type than the protocol's are passed by: compatible servers differ in all but the content.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.events import Failure, Kind, Status
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, Prompt, ToolCall, Turn
from tui.core.protocol import Protocol
from tui.engine import files
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import decode, decoded, is_error, objects, table, text
from tui.engine.wires import LONGEST_WORD, UNREADABLE_EVENT, count_of
from tui.engine.wires.openai import OpenAIReader, OpenAIWire, counts_of, with_parameters

_SENTINEL = b"[DONE]"
_CUT = ("length", "model_length")
"""Finish reasons of an answer that reached a limit; the second is Mistral's."""


class CompletionReader(OpenAIReader):
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
            self._unreadable(UNREADABLE_EVENT.format(error))
            return
        if event == "error" or is_error(chunk):
            self._refuse(chunk)
        elif isinstance(chunk, dict):
            if not self._begun and chunk.get("choices"):
                self._begin(t_ns)
                self._report_head(chunk)
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
            self._report_head(answer)
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

    def _not_readable(self, why: str) -> None:
        self._unreadable(f"The answer is no chat completion ({why}); check that the server speaks Chat Completions.")


def _parts(value: object, kind: str) -> str:
    """The words of the parts of one kind in content that is a list, as Mistral's reasoning models send it."""
    found = [part.get(kind) for part in objects(value) if part.get("type") == kind]
    return "".join(text(one) or _parts(one, "text") for one in found)


def messages_of(turn: Turn) -> Iterator[dict[str, Any]]:
    """The messages of a turn: its words, an answer, or one for each result of a tool."""
    if turn.said:
        yield msgspec.json.decode(turn.said)
    elif turn.results:
        yield from ({"role": "tool", "tool_call_id": result.call, "content": result.text} for result in turn.results)
    else:
        yield {"role": turn.role, "content": with_files(turn.text, turn.attached)}


def with_files(words: str, attached: Sequence[Attachment]) -> Any:
    """The words, behind parts of the files that go with them."""
    parts: list[dict[str, Any]] = []
    for file in attached:
        if file.is_pdf:
            parts.append({"type": "file", "file": {"filename": file.name, "file_data": files.data_url(file)}})
        else:
            parts.append({"type": "image_url", "image_url": {"url": files.data_url(file)}})
    return [*parts, {"type": "text", "text": words}] if parts else words


def kept(events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
    """See `Wire.kept`. Reasoning stays out: servers refuse it, or pass it by."""
    words = ""
    calls: dict[str, dict[str, Any]] = {}
    for _, data in events:
        for choice in objects(decoded(data).get("choices")):
            if choice.get("index") not in (None, 0):
                continue
            part = table(choice, "delta") or table(choice, "message")
            words += text(part.get("content")) or "".join(text(one.get("text")) for one in objects(part.get("content")))
            for place, call in enumerate(objects(part.get("tool_calls"))):
                _grow(calls.setdefault(str(call.get("index", place)), {"id": "", "name": "", "arguments": ""}), call)
    if not all(call["id"] and call["name"] and _is_json(call["arguments"]) for call in calls.values()):
        return None
    if not words and not calls:
        return None
    message: dict[str, Any] = {"role": "assistant", "content": words or None}
    if calls:
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {name: call[name] for name in ("name", "arguments")}}
            for call in calls.values()
        ]
    return KeptAnswer(
        said=msgspec.json.encode(message).decode(),
        calls=tuple(ToolCall(id=call["id"], name=call["name"]) for call in calls.values()),
    )


def _grow(known: dict[str, Any], call: dict[str, Any]) -> None:
    function = table(call, "function")
    known["id"] = known["id"] or text(call.get("id"))
    known["name"] = known["name"] or text(function.get("name"))
    known["arguments"] += text(function.get("arguments"))


def _is_json(words: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(words or "{}"), dict)
    except msgspec.DecodeError:
        return False


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/chat/completions`; parameters that are not set are absent."""
    quirks = spec.endpoint.quirks
    streamed = spec.parameters.stream is not False
    built: dict[str, Any] = {"model": spec.model, "messages": _messages(spec.prompt), "stream": streamed}
    if streamed and "no_stream_options" not in quirks:
        built["stream_options"] = {"include_usage": True}  # else nothing is counted
    return with_parameters(built, spec, {"max_tokens": "max_tokens"} if "max_tokens" in quirks else {})


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for turn in prompt.turns:
        messages += messages_of(turn)
    if prompt.user or not prompt.turns:
        messages.append({"role": "user", "content": with_files(prompt.user, prompt.attached)})
    if prompt.prefill:
        messages.append({"role": "assistant", "content": prompt.prefill})
    return messages


class ChatWire(OpenAIWire):
    """Chat Completions. See `Wire`."""

    title = f"{Protocol.CHAT} API"
    path = "chat/completions"
    kept, body = staticmethod(kept), staticmethod(body)

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> CompletionReader:
        """See `Wire.reader`."""
        return CompletionReader(reporter)
