"""Transcript of a conversation in the words of the Responses API: answers as they go back, and results of tools."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.core.attachment import Attachment
from tui.core.prompt import KeptAnswer, ToolCall, Turn
from tui.engine import files
from tui.engine.wires.openai import decoded, objects, table, text

_OF_THE_SERVER = ("id", "status")
"""Fields of an item by which a server looks it up, where it has stored it. Here none has."""


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
    items = [_bare(item) for item in whole or done if _may_go_back(item)]
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


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _OF_THE_SERVER}
