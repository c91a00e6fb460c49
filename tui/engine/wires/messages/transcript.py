"""Transcript of a conversation in the Messages API's words: answers as they go back, and results of tools."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.core.prompt import KeptAnswer, ToolCall, Turn
from tui.engine.wires.openai import decoded

_GROWING = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Field of a block that each delta adds to."""


def content_of(turn: Turn) -> Any:
    """The content of a turn: its words, an answer's blocks, or results of tools."""
    if turn.said:
        return msgspec.json.decode(turn.said)
    if turn.results:
        return [{"type": "tool_result", "tool_use_id": result.call, "content": result.text} for result in turn.results]
    return turn.text


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
    for at, text in inputs.items():
        try:
            blocks[at]["input"] = msgspec.json.decode(text)
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
