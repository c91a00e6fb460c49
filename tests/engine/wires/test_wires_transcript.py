"""Answers as they go back to the server that gave them, on every wire: whole, cut, with tools, and damaged."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, Prompt, ToolCall, ToolResult, Turn
from tui.core.target import Endpoint, Timeouts
from tui.engine.wires import chat, responses
from tui.engine.wires.messages import request_body as messages

Kept = Callable[[Sequence[tuple[str, bytes]]], KeptAnswer | None]
EVERY_WIRE: dict[str, Kept] = {"anthropic": messages.kept, "openai": chat.kept, "openai-responses": responses.kept}


def stream(*events: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(str(event.get("type", "")), json.dumps(event).encode()) for event in events]


def opened(block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "content_block": block}


def changed(**delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "delta": delta}


MESSAGE = stream(
    {"type": "message_start", "message": {"content": []}},
    opened({"type": "thinking", "thinking": "", "signature": ""}),
    changed(type="thinking_delta", thinking="hm"),
    changed(type="signature_delta", signature="abc"),
    opened({"type": "text", "text": ""}),
    changed(type="text_delta", text="I look "),
    changed(type="text_delta", text="it up."),
    opened({"type": "tool_use", "id": "t1", "name": "weather", "input": {}}),
    changed(type="input_json_delta", partial_json='{"town":'),
    changed(type="input_json_delta", partial_json=' "Ulm"}'),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
)
BLOCKS = [
    {"type": "thinking", "thinking": "hm", "signature": "abc"},
    {"type": "text", "text": "I look it up."},
    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"town": "Ulm"}},
]


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


COMPLETION = stream(
    delta(role="assistant", content=""),
    delta(reasoning_content="hm"),
    delta(content="I look "),
    delta(content="it up."),
    delta(tool_calls=[{"index": 0, "id": "t1", "type": "function", "function": {"name": "weather", "arguments": ""}}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": '{"town": "Ulm"}'}}]),
)
FUNCTION = {"name": "weather", "arguments": '{"town": "Ulm"}'}
ASSISTANT = {
    "role": "assistant",
    "content": "I look it up.",
    "tool_calls": [{"id": "t1", "type": "function", "function": FUNCTION}],
}
ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look it up."}]},
    {"type": "function_call", "call_id": "t1", **FUNCTION},
]
OUTPUT = [{"id": "rs", "type": "reasoning", "summary": []}, *({"id": "x", "status": "done", **one} for one in ITEMS)]
RESPONSE = stream({"type": "response.completed", "response": {"output": OUTPUT}})
PLAIN = Parameters(max_tokens=9)
PLAIN = Parameters(max_tokens=9)
RESULT = Turn(role="user", text="rain", results=(ToolResult(call="t1", text="rain"),))


@pytest.mark.parametrize(
    ("kept", "events", "said"),
    [
        (messages.kept, MESSAGE, BLOCKS),
        (messages.kept, stream({"type": "message", "content": BLOCKS}), BLOCKS),
        (chat.kept, COMPLETION, ASSISTANT),
        (chat.kept, stream({"choices": [{"index": 0, "message": ASSISTANT}]}), ASSISTANT),
        (responses.kept, RESPONSE, ITEMS),
        (responses.kept, stream({"output": OUTPUT}), ITEMS),
        (responses.kept, stream(*({"type": "response.output_item.done", "item": item} for item in OUTPUT)), ITEMS),
    ],
)
def test_an_answer_goes_back_as_its_wire_takes_it(kept: Kept, events: list[tuple[str, bytes]], said: object) -> None:
    found = kept(events)
    assert found is not None
    assert json.loads(found.said) == said
    assert found.calls == (ToolCall(id="t1", name="weather"),)


def spec(*turns: Turn, kind: Any = "anthropic", parameters: Parameters = PLAIN) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="t",
        model="m",
        endpoint=Endpoint(name="e", base_url="http://127.0.0.1:1", kind=kind),
        prompt=Prompt(system="Be short.", turns=turns, user=""),
        parameters=parameters,
        timeouts=Timeouts(),
    )


def bodies(*turns: Turn) -> tuple[Any, Any, Any]:
    return (
        messages.body(spec(*turns))["messages"],
        chat.body(spec(*turns, kind="openai"))["messages"][1:],
        responses.body(spec(*turns, kind="openai-responses"))["input"],
    )


def test_results_of_tools_stand_behind_the_calls_in_every_body() -> None:
    asked = Turn(role="user", text="Weather?")
    found: list[Any] = []
    for said in (BLOCKS, ASSISTANT, ITEMS):
        found.append(bodies(asked, Turn(role="assistant", text="", said=json.dumps(said)), RESULT)[len(found)])
    question = {"role": "user", "content": "Weather?"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "rain"}
    assert found[0] == [question, {"role": "assistant", "content": BLOCKS}, {"role": "user", "content": [result]}]
    assert found[1] == [question, ASSISTANT, {"role": "tool", "tool_call_id": "t1", "content": "rain"}]
    assert found[2] == [question, *ITEMS, {"type": "function_call_output", "call_id": "t1", "output": "rain"}]


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("anthropic", MESSAGE[:-2]),
        ("openai", [*COMPLETION[:-1], *stream(delta(tool_calls=[{"index": 0, "function": {"arguments": '{"to'}}]))]),
        ("openai", stream(delta(content=""))),
        ("openai-responses", stream({"output": [{"type": "function_call", "name": "weather"}]})),
        ("openai-responses", stream({"output": [{"type": "reasoning", "summary": []}]})),
    ],
)
def test_what_was_cut_or_is_empty_cannot_go_back(kind: str, events: list[tuple[str, bytes]]) -> None:
    assert EVERY_WIRE[kind](events) is None


def test_a_thread_begins_whole_and_goes_on_with_what_is_new() -> None:
    asked = spec(
        Turn(role="user", text="Weather?"),
        Turn(role="assistant", text="", said=json.dumps(BLOCKS)),
        RESULT,
        parameters=Parameters(max_tokens=9, thread=True, extra={"tools": [{"name": "weather"}]}),
    )
    first = messages.arguments(asked)
    assert first["extra_body"]["thread"] == {"type": "create"}
    assert first["extra_headers"]["anthropic-beta"] == messages.THREADS_BETA
    assert (len(first["messages"]), first["system"]) == (3, "Be short.")
    later = messages.body(msgspec.structs.replace(asked, previous_message="msg_1"))
    assert later["thread"] == {"type": "continue", "previous_message_id": "msg_1"}
    assert [message["content"][0]["type"] for message in later["messages"]] == ["tool_result"]
    assert not {"system", "tools"} & later.keys()
    assert "thread" not in messages.body(spec(Turn(role="user", text="x")))


@pytest.mark.parametrize("code", ["thread_not_found", "thread_already_continued", "thread_continue_in_flight"])
def test_only_a_lost_thread_is_one(code: str) -> None:
    error = {"type": "not_found_error", "message": "gone", "details": {"error_code": code}}
    assert messages.is_thread_lost(json.dumps({"type": "error", "error": error}).encode())
    assert not messages.is_thread_lost(json.dumps({"type": "error", "error": {**error, "details": 3}}).encode())
    assert not messages.is_thread_lost(b"<html>" + code.encode())


def damaged(value: Any, rng: random.Random) -> Any:
    """The same with some of its parts in place of others, or of another type."""
    if rng.random() < 0.08:
        return rng.choice([None, True, 0, -1, 1e300, "x", "\ud800", "{", [], {}, [[]], [{}], {"a": 1}])
    if isinstance(value, dict):
        return {name: damaged(part, rng) for name, part in value.items() if rng.random() > 0.03}
    return [damaged(part, rng) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("kind", "events"), [("anthropic", MESSAGE), ("openai", COMPLETION), ("openai-responses", RESPONSE)]
)
def test_a_hostile_answer_cannot_break_it(kind: str, events: list[tuple[str, bytes]]) -> None:
    rng = random.Random(kind)
    for _ in range(1000):
        hostile = [(name, json.dumps(damaged(json.loads(data), rng)).encode()) for name, data in events]
        hostile.insert(rng.randrange(len(hostile)), ("", rng.randbytes(rng.randrange(40))))
        found = EVERY_WIRE[kind](hostile)
        if found is not None:
            assert json.loads(found.said)
            assert all(call.name for call in found.calls)
