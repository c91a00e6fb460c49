"""Answers of the Responses API: typed events of a stream, or a response in one piece, as events of the engine.

Every event that ends in `.delta` with a text is content; so are those of tools that are newer than this program. Other
events whose type is not known are passed by.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.events import Kind, Mark
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, ToolCall, Turn
from tui.core.protocol import Protocol
from tui.engine import files
from tui.engine.failures import quote
from tui.engine.reporter import RequestReporter
from tui.engine.server_words import decode, decoded, error_in, is_error, objects, table, text
from tui.engine.wires import LONGEST_WORD, UNREADABLE_EVENT
from tui.engine.wires.openai import OpenAIReader, OpenAIWire, counts_of, with_parameters

_DELTA, _DONE = ".delta", ".done"
_KINDS = {
    "response.output_text": Kind.TEXT,
    "response.refusal": Kind.TEXT,
    "response.reasoning_summary_text": Kind.THINKING,
    "response.reasoning_text": Kind.THINKING,
}
"""Kinds of content by what its events begin with; all others are of a kind of their own."""
_WHOLE = ("text", "refusal", "arguments", "input", "code")
"""Fields in which the event at the end of a part repeats all of it."""
_REFUSALS = ("content_filter",)
"""Reasons for an incomplete response that are refusals; the others are limits."""
_OF_THE_SERVER = ("id", "status")
"""Fields of an item by which a server looks it up, where it has stored it. Here none has."""


class ResponseReader(OpenAIReader):
    """Reader of one response, streamed or in one piece."""

    def __init__(self, reporter: RequestReporter) -> None:
        super().__init__(reporter)
        self._seen: set[tuple[object, ...]] = set()
        """Parts of which deltas have come: what ends them only repeats those."""
        self._has_thought = False
        self._is_silent = False
        """True while nothing of the open reasoning has come."""

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        """See `AnswerReader.feed`. What follows the end of the response changes nothing."""
        if self.failure is not None or self.stopped or data.strip() == b"[DONE]":
            return
        try:
            read = decode(data)
        except (ValueError, RecursionError) as error:
            if event == "error":
                self._refuse({"message": error_in(data)[1]})
                return
            self._unreadable(UNREADABLE_EVENT.format(error))
            return
        if not isinstance(read, dict):
            return
        kind = text(read.get("type")) or event
        if event == "error" or is_error(read):
            self._refuse(read)
        elif kind in ("response.created", "response.queued", "response.in_progress"):
            self._open(t_ns, table(read, "response"))
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._end(t_ns, table(read, "response"), kind.removeprefix("response."))
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._item(t_ns, table(read, "item"), is_over=kind.endswith(_DONE))
        elif kind.endswith((_DELTA, _DONE)):
            self._part(t_ns, kind, read)
        elif not kind.startswith("response.") and read.get("choices") is not None:
            self._not_a_response("it is a chat completion")

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        """See `AnswerReader.feed_whole`."""
        try:
            answer = decode(body)
        except (ValueError, RecursionError) as error:
            self._not_a_response(str(error))
            return
        if not isinstance(answer, dict) or (answer.get("error") and answer.get("status") != "failed"):
            self._refuse(answer)
        elif not isinstance(answer.get("output"), list):
            self._not_a_response("it has no output")
        else:
            self._begun = True
            self._report_head(answer)
            self._end(t_ns, answer, text(answer.get("status")) or "completed")

    def _open(self, t_ns: int, response: Mapping[str, Any]) -> None:
        """The first event of a response, of which there may be several alike."""
        if self._begun:
            return
        self._begin(t_ns)
        self._report_head(response)

    def _item(self, t_ns: int, item: Mapping[str, Any], *, is_over: bool) -> None:
        """An item of the output opened or is over. Reasoning of which nothing came was withheld; calls have names."""
        if item.get("type") == "reasoning":
            if not is_over and not self._has_thought:
                self._reporter.mark(Mark.THINKING_STARTED, t_ns)
            if is_over and self._is_silent:
                self._reporter.mark(Mark.THINKING_WITHHELD, t_ns)
            self._has_thought, self._is_silent = True, not is_over
        elif not is_over and (name := text(item.get("name"))):
            self._piece(Kind.OTHER, t_ns, f"{name} ")

    def _part(self, t_ns: int, kind: str, read: Mapping[str, Any]) -> None:
        """A delta of a part, or its end, which counts only where no delta came."""
        subject = kind.removesuffix(_DELTA).removesuffix(_DONE)
        part = (subject, *(read.get(name) for name in ("output_index", "content_index", "summary_index")))
        if kind.endswith(_DELTA):
            words = text(read.get("delta"))
            self._seen.add(part)
        else:
            words = "" if part in self._seen else next(filter(None, (text(read.get(name)) for name in _WHOLE)), "")
        self._refused = self._refused or (subject == "response.refusal" and bool(words))
        self._piece(_KINDS.get(subject, Kind.OTHER), t_ns, words)

    def _piece(self, kind: Kind, t_ns: int, words: str) -> None:
        self._is_silent = self._is_silent and not words
        self._content(kind, t_ns, words)

    def _end(self, t_ns: int, response: Mapping[str, Any], status: str) -> None:
        """The response is over: completed, incomplete or failed, with all of its output and its usage."""
        if isinstance(usage := response.get("usage"), dict):
            self._count_usage(usage, response.get("service_tier"))
        if not self.pieces:
            for kind, words in _pieces_of(response.get("output")):
                self._piece(kind, t_ns, words)
        self._refused = self._refused or _has_refusal(response.get("output"))
        if status == "incomplete":
            reason = text(table(response, "incomplete_details").get("reason")) or status
            self._refused = self._refused or reason in _REFUSALS
            self._truncated, status = not self._refused, reason
        elif status != "completed":
            error = response.get("error") or {"message": f"the response is {quote(status)}"}
            self._refuse({"error": error})
            return
        self._stop_reason = status[:LONGEST_WORD]
        self._stop(t_ns)

    def _count_usage(self, usage: Mapping[str, Any], tier: object) -> None:
        details = table(usage, "input_tokens_details")
        counts = counts_of(
            usage.get("input_tokens"),
            usage.get("output_tokens"),
            reasoning=table(usage, "output_tokens_details").get("reasoning_tokens"),
            cached=details.get("cached_tokens"),
            written=details.get("cache_write_tokens"),
        )
        self._count(counts, {"service_tier": tier})

    def _not_a_response(self, why: str) -> None:
        self._unreadable(f"The answer is no response ({quote(why)}); check that the server speaks the Responses API.")


def _pieces_of(output: object) -> Iterator[tuple[Kind, str]]:
    """The content of an output in one piece, in its order."""
    for item in objects(output):
        if item.get("type") == "reasoning":
            for part in (*objects(item.get("summary")), *objects(item.get("content"))):
                yield Kind.THINKING, text(part.get("text"))
        elif item.get("type") == "message":
            for part in objects(item.get("content")):
                yield Kind.TEXT, text(part.get("text")) or text(part.get("refusal"))
        else:
            words = " ".join(filter(None, (text(item.get(name)) for name in ("name", *_WHOLE))))
            yield Kind.OTHER, words or f"[{text(item.get('type')) or 'item'}]"


def _has_refusal(output: object) -> bool:
    return any(part.get("type") == "refusal" for item in objects(output) for part in objects(item.get("content")))


def items_of(turn: Turn) -> Iterator[dict[str, Any]]:
    """The items of a turn: its words, those of an answer, or one for each result of a tool."""
    if turn.said:
        yield from msgspec.json.decode(turn.said)
    elif turn.results:
        for result in turn.results:
            yield {"type": "function_call_output", "call_id": result.call, "output": result.text}
    else:
        yield {"role": turn.role, "content": with_files(turn.text, turn.attached)}


def with_files(words: str, attached: Sequence[Attachment]) -> Any:
    """The words, behind parts of the files that go with them."""
    parts: list[dict[str, Any]] = []
    for file in attached:
        if file.is_pdf:
            parts.append({"type": "input_file", "filename": file.name, "file_data": files.data_url(file)})
        else:
            parts.append({"type": "input_image", "image_url": files.data_url(file)})
    return [*parts, {"type": "input_text", "text": words}] if parts else words


def kept(events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
    """See `Wire.kept`. Of reasoning only what is encrypted can go back, as nothing is stored at the server."""
    done: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    for _, data in events:
        event = decoded(data)
        if event.get("type") == "response.output_item.done":
            done.append(dict(table(event, "item")))
        whole = objects(event.get("output")) or objects(table(event, "response").get("output")) or whole
    items = [
        {name: value for name, value in item.items() if name not in _OF_THE_SERVER}
        for item in whole or done
        if _may_go_back(item)
    ]
    calls = [item for item in items if item.get("type") == "function_call"]
    if not items or not all(text(call.get("call_id")) and text(call.get("name")) for call in calls):
        return None
    return KeptAnswer(
        said=msgspec.json.encode(items).decode(),
        calls=tuple(ToolCall(id=call["call_id"], name=call["name"]) for call in calls),
    )


def _may_go_back(item: Mapping[str, Any]) -> bool:
    if item.get("type") == "message":
        return bool(item.get("content"))
    return item.get("type") != "reasoning" or bool(item.get("encrypted_content"))


def body(spec: RequestSpec) -> dict[str, Any]:
    """The body of `POST …/responses`; parameters that are not set are absent."""
    prompt = spec.prompt
    said: list[dict[str, Any]] = list(chain.from_iterable(map(items_of, prompt.turns)))
    if prompt.user or not said:
        said.append({"role": "user", "content": with_files(prompt.user, prompt.attached)})
    if prompt.prefill:
        said.append({"role": "assistant", "content": prompt.prefill})
    built: dict[str, Any] = {
        "model": spec.model,
        "input": said,
        "stream": spec.parameters.stream is not False,
        "store": False,  # else the server keeps every answer that was measured for a month
    }
    if prompt.system:
        built["instructions"] = prompt.system
    return with_parameters(built, spec, {})


class ResponsesWire(OpenAIWire):
    """The Responses API. See `Wire`."""

    title = Protocol.RESPONSES.value
    path = "responses"
    kept, body = staticmethod(kept), staticmethod(body)

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> ResponseReader:
        """See `Wire.reader`."""
        return ResponseReader(reporter)
