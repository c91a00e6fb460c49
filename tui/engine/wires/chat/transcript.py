"""Transcript of a conversation in the words of Chat Completions: answers as they go back, and results of tools."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.prompt import KeptAnswer, ToolCall, Turn
from tui.engine import files
from tui.engine.wires.openai import decoded, objects, table, text


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
