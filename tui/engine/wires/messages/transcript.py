"""Transcript of a conversation in the Messages API's words: answers as they go back, and results of tools."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, ToolCall, Turn
from tui.engine import files
from tui.engine.wires.openai import decoded, table, text

_GROWING = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Field of a block that each delta adds to."""

THREADS_BETA = "message-threads-2026-08-12"
_OF_THE_THREAD = ("system", "tools")
"""Fields that the server has from the thread's first request, and refuses in those that follow."""
_LOST = ("thread_not_found", "thread_already_continued", "thread_continue_in_flight")
"""Codes of errors after which the whole conversation begins another thread."""


def content_of(turn: Turn) -> Any:
    """The content of a turn: its words, an answer's blocks, or results of tools."""
    if turn.said:
        return msgspec.json.decode(turn.said)
    if turn.results:
        return [{"type": "tool_result", "tool_use_id": result.call, "content": result.text} for result in turn.results]
    return with_files(turn.text, turn.attached)


def with_files(words: str, attached: Sequence[Attachment]) -> Any:
    """The words, behind blocks of the files that go with them."""
    if not attached:
        return words
    blocks: list[dict[str, Any]] = []
    for file in attached:
        source = {"type": "base64", "media_type": file.media_type, "data": files.base64_of(file)}
        blocks.append({"type": "document" if file.is_pdf else "image", "source": source})
    return [*blocks, {"type": "text", "text": words}]


def kept(events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
    """See `Wire.kept`."""
    blocks = [block for block in _blocks(events) if block.get("type") != "text" or block.get("text")]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    if not blocks or not all(_is_whole(call) for call in calls):
        return None
    return KeptAnswer(
        said=msgspec.json.encode(blocks).decode(),
        calls=tuple(ToolCall(id=call["id"], name=call["name"]) for call in calls),
    )


def _is_whole(call: Mapping[str, Any]) -> bool:
    return all(isinstance(call.get(name), str) for name in ("id", "name")) and isinstance(call.get("input"), dict)


def _blocks(events: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """The blocks of a streamed answer, or of one in one piece; what cannot be read adds nothing."""
    blocks: list[dict[str, Any]] = []
    inputs: dict[int, str] = {}
    for _, data in events:
        event = decoded(data)
        if isinstance(event.get("content"), list):  # all in one piece
            return [block for block in event["content"] if isinstance(block, dict)]
        if isinstance(block := event.get("content_block"), dict):
            blocks.append(block)
        elif blocks and isinstance(delta := event.get("delta"), dict):
            _grow(blocks, inputs, delta)
    for at, words in inputs.items():
        try:
            blocks[at]["input"] = msgspec.json.decode(words)
        except msgspec.DecodeError:
            blocks[at]["input"] = None
    return blocks


def _grow(blocks: list[dict[str, Any]], inputs: dict[int, str], delta: Mapping[str, Any]) -> None:
    kind, last = str(delta.get("type")), blocks[-1]
    if kind == "input_json_delta":
        inputs[len(blocks) - 1] = inputs.get(len(blocks) - 1, "") + str(delta.get("partial_json") or "")
    elif kind in _GROWING:
        field = _GROWING[kind]
        last[field] = f"{last.get(field) or ''}{delta.get(field) or ''}"


def in_thread(built: dict[str, Any], spec: RequestSpec) -> dict[str, Any]:
    """The body as the thread of a conversation has it: all of it at first, then only what is new."""
    if not spec.parameters.thread:
        return built
    if spec.previous_message is None:
        return {**built, "thread": {"type": "create"}}
    new = {name: value for name, value in built.items() if name not in _OF_THE_THREAD}
    at = max((place for place, turn in enumerate(spec.prompt.turns) if turn.said), default=-1)
    thread = {"type": "continue", "previous_message_id": spec.previous_message}
    return {**new, "messages": built["messages"][at + 1 :], "thread": thread}


def is_thread_lost(body: bytes) -> bool:
    """True for an error that says that the thread cannot be continued."""
    error = table(decoded(body), "error")
    return text(table(error, "details").get("error_code")) in _LOST
