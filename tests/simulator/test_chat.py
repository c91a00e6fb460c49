"""Chat Completions of the simulator: OpenAI's unmodified SDK against the real process."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tui.simulator.chat import message_fields
from tui.simulator.process import SimulatorProcess
from tui.simulator.profiles import load
from tui.simulator.replies import ApiError

from .raw import Wire

openai = pytest.importorskip("openai", reason="OpenAI's SDK is a client of the tests alone: pip install '.[test]'")

PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How does a gateway limit requests?"}]


@pytest_asyncio.fixture
async def sdk(simulator: SimulatorProcess) -> AsyncIterator[Any]:
    """The SDK as it comes, pointed at the simulator."""
    async with openai.AsyncOpenAI(api_key="any", base_url=f"{simulator.base_url}/v1", max_retries=0) as client:
        yield client


async def test_a_stream(sdk: Any) -> None:
    options = {"include_usage": True}
    stream = await sdk.chat.completions.create(
        model="sim-thinking", messages=PROMPT, stream=True, max_completion_tokens=100, stream_options=options
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas)
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens == 20
    assert (chunks[-1].usage.completion_tokens, len({chunk.id for chunk in chunks})) == (40, 1)


async def test_an_answer_in_one_piece_and_a_limit(sdk: Any) -> None:
    answer = await sdk.chat.completions.create(model="sim-thinking", messages=PROMPT)
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    cut = await sdk.chat.completions.create(model="sim-thinking", messages=PROMPT, max_tokens=25)
    assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 25)


async def test_models(sdk: Any) -> None:
    assert "claude-opus-5-5" in [model.id async for model in sdk.models.list()]


def test_models_without_a_key_and_a_version_are_listed_in_this_protocols_form(simulator: SimulatorProcess) -> None:
    with Wire(simulator.base_url) as wire:
        wire.send(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert b'"object":"list"' in wire.rest()


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        ("NotFoundError", {"model": "nobody"}),
        ("BadRequestError", {"extra_body": {"top_k": 3}}),
        ("BadRequestError", {"temperature": 3}),
        ("BadRequestError", {"n": 2}),
        ("RateLimitError", {"extra_headers": {"x-simulator-fault": "error-429"}}),
        ("AuthenticationError", {"extra_headers": {"authorization": "Bearer invalid"}}),
    ],
)
async def test_refusals(sdk: Any, error: str, asked: dict[str, Any]) -> None:
    with pytest.raises(getattr(openai, error)) as caught:
        await sdk.chat.completions.create(**{"model": "sim-thinking", "messages": PROMPT} | asked)
    assert caught.value.body["message"]
    assert caught.value.request_id.startswith("req_")


async def test_calls_of_tools(sdk: Any) -> None:
    stream = await sdk.chat.completions.create(
        model="sim-thinking", messages=PROMPT, stream=True, extra_headers={"x-simulator-fault": "tool-use"}
    )
    choices = [chunk.choices[0] async for chunk in stream]
    calls = [call.function for choice in choices for call in choice.delta.tool_calls or ()]
    assert calls[0].name == "weather"
    assert "".join(call.arguments for call in calls)
    assert choices[-1].finish_reason == "tool_calls"


TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("look", "find")
]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("auto", None),
        ("required", "look"),
        ({"type": "function", "function": {"name": "find"}}, "find"),
    ],
)
async def test_a_tool_is_called_as_it_is_chosen(sdk: Any, choice: Any, called: str | None) -> None:
    answer = await sdk.chat.completions.create(model="sim-thinking", messages=PROMPT, tools=TOOLS, tool_choice=choice)
    (said,) = answer.choices
    assert [call.function.name for call in said.message.tool_calls or ()] == ([called] if called else [])
    assert said.finish_reason == ("tool_calls" if called else "stop")


@pytest.mark.parametrize("choice", ["any", 3, {"type": "function"}, {"type": "function", "function": {"name": "no"}}])
async def test_a_choice_that_cannot_be_is_refused(sdk: Any, choice: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model="sim-thinking", messages=PROMPT, tools=TOOLS, tool_choice=choice)
    assert "tool" in caught.value.body["message"].lower()


def test_what_has_no_place_is_refused() -> None:
    profile = load()["claude-opus-5-5"]
    with pytest.raises(ApiError, match="cache_control"):
        message_fields({"model": "m", "messages": [], "cache_control": {}}, profile)
