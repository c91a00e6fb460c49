"""Tools that must be called, structured output and the headers of every answer, as the SDK and its clients see them."""

import json
from typing import Any

import jsonschema
import pytest
from anthropic import AsyncAnthropic, BadRequestError, NotFoundError

from tui.simulator.forced_answers import sample

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 20},
        "days": {"type": "integer", "minimum": 3},
        "unit": {"enum": ["celsius", "kelvin"]},
        "places": {"type": "array", "items": {"$ref": "#/$defs/place"}, "minItems": 2},
        "note": {"type": ["null", "string"]},
        "exact": {"type": "boolean"},
        "either": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    },
    "required": ["city", "days", "unit", "places", "note", "exact", "either"],
    "$defs": {"place": {"type": "object", "properties": {"name": {"const": "here"}}, "required": ["name"]}},
}
TOOLS = [
    {"name": "weather", "description": "The weather.", "input_schema": SCHEMA},
    {"name": "clock", "input_schema": {"type": "object", "properties": {}}},
]
PROMPT = [{"role": "user", "content": "How is the weather?"}]


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "sim-fast", "max_tokens": 400, "messages": PROMPT, **more}


@pytest.mark.parametrize(
    ("choice", "name"),
    [({"type": "any"}, "weather"), ({"type": "tool", "name": "weather"}, "weather"),
     ({"type": "tool", "name": "clock"}, "clock")],
)  # fmt: skip
async def test_a_tool_that_must_be_called_is_called_by_its_schema(
    client: AsyncAnthropic, choice: dict[str, Any], name: str
) -> None:
    message = await client.messages.create(**asked(tools=TOOLS, tool_choice=choice))
    (block,) = message.content
    assert (message.stop_reason, block.type, block.name) == ("tool_use", "tool_use", name)
    if name == "weather":
        jsonschema.validate(block.input, SCHEMA)
    # Streamed, it is the same, in pieces of its own kind.
    pieces, reason = "", None
    async for event in await client.messages.create(**asked(tools=TOOLS, tool_choice=choice), stream=True):
        if event.type == "content_block_delta":
            assert event.delta.type == "input_json_delta"
            pieces += event.delta.partial_json
        elif event.type == "message_delta":
            reason = event.delta.stop_reason
    assert (json.loads(pieces), reason) == (block.input, "tool_use")


@pytest.mark.parametrize("choice", [None, {"type": "auto"}, {"type": "none"}])
async def test_no_tool_is_called_unasked(client: AsyncAnthropic, choice: dict[str, Any] | None) -> None:
    more = {} if choice is None else {"tool_choice": choice}
    message = await client.messages.create(**asked(tools=TOOLS, **more))
    assert {block.type for block in message.content} == {"text"}


async def test_a_call_and_its_result_go_on_in_text(client: AsyncAnthropic) -> None:
    first = await client.messages.create(**asked(tools=TOOLS, tool_choice={"type": "any"}))
    (call,) = first.content
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [*PROMPT, {"role": "assistant", "content": [call.model_dump()]}, {"role": "user", "content": [result]}]
    assert (await client.messages.create(**asked(messages=turns, tools=TOOLS))).stop_reason == "end_turn"
    with pytest.raises(BadRequestError, match="corresponding `tool_use` block"):
        await client.messages.create(**asked(messages=[{"role": "user", "content": [result]}], tools=TOOLS))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tool_choice": {"type": "any"}}, "while providing tools"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "oven"}}, "Tool 'oven' not found"),
        ({"tools": TOOLS, "tool_choice": {"type": "must"}}, "tool_choice.type"),
        ({"tools": [{"name": "no good"}]}, "String should match"),
        ({"tools": [{"name": "weather"}]}, "input_schema: Field required"),
        ({"tools": TOOLS, "tool_choice": {"type": "any"}, "thinking": {"type": "adaptive"}}, "Thinking may not"),
        ({"output_config": {"format": {"type": "xml"}}}, "json_schema"),
    ],
)
async def test_what_the_api_refuses(client: AsyncAnthropic, more: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        await client.messages.create(**asked(**more))


async def test_structured_output_keeps_its_schema(client: AsyncAnthropic) -> None:
    config = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = await client.messages.create(**asked(output_config=config))
    (block,) = message.content
    assert (block.type, message.stop_reason) == ("text", "end_turn")
    jsonschema.validate(json.loads(block.text), SCHEMA)


async def test_a_call_that_is_cut_has_no_input(client: AsyncAnthropic) -> None:
    message = await client.messages.create(**asked(tools=TOOLS, tool_choice={"type": "any"}, max_tokens=3))
    (block,) = message.content
    assert (message.stop_reason, block.type, block.input) == ("max_tokens", "tool_use", {})


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert sample({"$ref": "#"}) is None


async def test_every_answer_names_its_organization_and_its_limits(client: AsyncAnthropic) -> None:
    raw = await client.messages.with_raw_response.create(**asked())
    assert raw.headers["anthropic-organization-id"]
    for name in ("requests", "input-tokens", "output-tokens", "tokens"):
        limit, left = (int(raw.headers[f"anthropic-ratelimit-{name}-{what}"]) for what in ("limit", "remaining"))
        assert 0 <= left < limit
        assert raw.headers[f"anthropic-ratelimit-{name}-reset"].endswith("Z")


@pytest.mark.parametrize("path", ["/v1/messages/batches", "/v1/files", "/v1/complete"])
async def test_what_is_not_simulated_says_so(client: AsyncAnthropic, path: str) -> None:
    with pytest.raises(NotFoundError, match="is not simulated here") as caught:
        await client.post(path, cast_to=object, body={})
    assert caught.value.response.headers["anthropic-organization-id"]
