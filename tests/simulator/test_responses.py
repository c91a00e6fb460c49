"""The Responses API of the simulator: OpenAI's unmodified SDK against the real process."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tui.simulator.process import SimulatorProcess
from tui.simulator.profiles import load
from tui.simulator.replies import ApiError
from tui.simulator.responses import message_fields

openai = pytest.importorskip("openai", reason="OpenAI's SDK is a client of the tests alone: pip install '.[test]'")

ASKED: dict[str, Any] = {
    "model": "sim-thinking",
    "instructions": "Be brief.",
    "input": "How does a gateway limit requests?",
}


@pytest_asyncio.fixture
async def sdk(simulator: SimulatorProcess) -> AsyncIterator[Any]:
    """The SDK as it comes, pointed at the simulator."""
    async with openai.AsyncOpenAI(api_key="any", base_url=f"{simulator.base_url}/v1", max_retries=0) as client:
        yield client


async def events_of(sdk: Any, fault: str | None = None, **asked: Any) -> list[Any]:
    headers = {} if fault is None else {"x-simulator-fault": fault}
    stream = await sdk.responses.create(**ASKED | {"stream": True} | asked, extra_headers=headers)
    return [event async for event in stream]


async def test_a_stream_of_typed_events(sdk: Any) -> None:
    events = await events_of(sdk, max_output_tokens=100, reasoning={"summary": "auto", "effort": "high"})
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done", "response.reasoning_summary_part.done", "response.output_item.done",
        "response.content_part.added", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.completed",
    ]  # fmt: skip
    response = events[-1].response
    assert response.output_text == "".join(event.delta for event in events if event.type.endswith("output_text.delta"))
    assert response.output[0].summary[0].text
    usage = response.usage
    assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens) == (40, 20)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


async def test_the_sdks_own_accumulator_takes_it(sdk: Any) -> None:
    async with sdk.responses.stream(**ASKED, reasoning={"summary": "auto"}) as stream:
        response = await stream.get_final_response()
    assert response.output_text
    assert response.status == "completed"


async def test_reasoning_is_withheld_unless_a_summary_is_asked_for(sdk: Any) -> None:
    events = await events_of(sdk)
    assert not [event for event in events if "summary" in event.type]
    assert events[-1].response.usage.output_tokens_details.reasoning_tokens == 20


async def test_an_answer_in_one_piece_is_what_the_stream_adds_up_to(sdk: Any) -> None:
    whole = await sdk.responses.create(**ASKED)
    assert whole.output_text
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    assert whole.usage.output_tokens == 40


@pytest.mark.parametrize(
    ("fault", "asked", "reason"),
    [(None, {"max_output_tokens": 25}, "max_output_tokens"), ("refusal", {}, "content_filter")],
)
async def test_incomplete_answers(sdk: Any, fault: str | None, asked: dict[str, Any], reason: str) -> None:
    last = (await events_of(sdk, fault, **asked))[-1]
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
    assert last.response.incomplete_details.reason == reason


async def test_calls_of_functions(sdk: Any) -> None:
    events = await events_of(sdk, "tool-use")
    assert [event for event in events if event.type == "response.function_call_arguments.delta"]
    call = events[-1].response.output[-1]
    assert (call.type, call.name, bool(call.arguments)) == ("function_call", "weather", True)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "look"}])
async def test_a_function_is_called_as_it_is_chosen(sdk: Any, choice: Any) -> None:
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}]
    call = (await events_of(sdk, tools=tools, tool_choice=choice))[-1].response.output[-1]
    assert (call.type, call.name) == ("function_call", "look")


async def test_a_failure_in_mid_stream(sdk: Any) -> None:
    last = (await events_of(sdk, "error-after-200"))[-1]
    assert (last.type, last.response.error.code) == ("response.failed", "server_is_overloaded")


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        ("NotFoundError", {"model": "nobody"}),
        ("BadRequestError", {"extra_body": {"stop": ["END"]}}),
        ("BadRequestError", {"temperature": 3}),
        ("BadRequestError", {"reasoning": {"effort": "enormous"}}),
        ("BadRequestError", {"previous_response_id": "resp_1"}),
        ("RateLimitError", {"extra_headers": {"x-simulator-fault": "error-429"}}),
        ("AuthenticationError", {"extra_headers": {"authorization": "Bearer invalid"}}),
    ],
)
async def test_refusals(sdk: Any, error: str, asked: dict[str, Any]) -> None:
    with pytest.raises(getattr(openai, error)) as caught:
        await sdk.responses.create(**ASKED | asked)
    assert caught.value.body["message"]


def test_input_is_a_text_or_items() -> None:
    profile = load()["sim-fast"]
    parts = [{"type": "input_text", "text": "Why?"}]
    asked = message_fields({"model": "m", "input": [{"role": "user", "content": parts}]}, profile)
    assert asked["messages"] == [{"role": "user", "content": "Why?"}]
    with pytest.raises(ApiError, match="input"):
        message_fields({"model": "m", "input": 7}, profile)
