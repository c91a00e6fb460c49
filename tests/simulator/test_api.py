"""The unmodified SDK against the real process: it finds nothing unlike the API."""

import asyncio
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam

from tui.simulator.process import SimulatorProcess

_PROMPT: list[MessageParam] = [{"role": "user", "content": "How does a gateway limit requests?"}]


async def test_a_stream_arrives_event_by_event(client: AsyncAnthropic) -> None:
    stream = await client.messages.create(model="sim-thinking", max_tokens=100, messages=_PROMPT, stream=True)
    events = [event async for event in stream]
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_delta") == 41
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["request-id"].startswith("req_")


async def test_the_stream_helper_adds_up_the_message(client: AsyncAnthropic) -> None:
    async with client.messages.stream(model="sim-thinking", max_tokens=100, messages=_PROMPT) as stream:
        spoken = "".join([text async for text in stream.text_stream])
        message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[1].type == "text"
    assert message.content[1].text == spoken
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 40
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 20


async def test_an_answer_in_one_piece(client: AsyncAnthropic) -> None:
    message = await client.messages.create(model="sim-fast", max_tokens=7, messages=_PROMPT, system="Be kind.")
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 7
    assert message.content[0].type == "text"
    assert message._request_id
    validated = type(message).model_validate(message.model_dump())
    assert validated == message


async def test_strict_validation_finds_nothing_wrong(simulator: SimulatorProcess) -> None:
    async with AsyncAnthropic(
        api_key="any", base_url=simulator.base_url, _strict_response_validation=True, max_retries=0
    ) as strict:
        await strict.messages.create(model="sim-fast", max_tokens=5, messages=_PROMPT)
        async for _ in await strict.messages.create(model="sim-thinking", max_tokens=30, messages=_PROMPT, stream=True):
            pass
        await strict.models.retrieve("claude-opus-5-5")
        await strict.messages.count_tokens(model="sim-fast", messages=_PROMPT)


@pytest.mark.process
async def test_successive_equal_requests_differ_and_a_second_process_repeats_them() -> None:
    async def session() -> list[Any]:
        with SimulatorProcess.start(seed=7) as process:
            async with AsyncAnthropic(api_key="any", base_url=process.base_url, max_retries=0) as client:
                asked = [
                    await client.messages.create(model="sim-fast", max_tokens=20, messages=_PROMPT) for _ in range(3)
                ]
                return [message.content[0] for message in asked]

    first = await session()
    assert len({block.text for block in first}) == 3
    assert await session() == first


async def test_counted_tokens_are_those_of_the_usage(client: AsyncAnthropic) -> None:
    count = await client.messages.count_tokens(model="sim-fast", messages=_PROMPT, system="Be kind.")
    message = await client.messages.create(model="sim-fast", max_tokens=1, messages=_PROMPT, system="Be kind.")
    assert count.input_tokens == message.usage.input_tokens


async def test_max_tokens_of_zero_answers_nothing(client: AsyncAnthropic) -> None:
    message = await client.messages.create(model="sim-fast", max_tokens=0, messages=_PROMPT)
    assert message.content == []
    assert message.usage.output_tokens == 0


async def test_models_are_listed_by_page_and_described(client: AsyncAnthropic) -> None:
    ids = [model.id async for model in client.models.list(limit=2)]
    assert {"claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1"} < set(ids)
    assert not any(name.startswith("sim-") for name in ids)
    page = await client.models.list(limit=2, before_id=ids[3])
    assert [model.id for model in page.data] == ids[1:3]
    model = await client.models.retrieve("claude-haiku-4-5")
    assert model.line == "haiku"
    assert model.max_input_tokens == 200_000
    assert model.capabilities is not None
    assert model.capabilities.thinking.types.enabled.supported
    assert not model.capabilities.thinking.types.adaptive.supported
    assert (await client.models.retrieve("sim-steady")).id == "sim-steady"


async def test_temperature_works_under_the_old_version_for_models_that_take_it(client: AsyncAnthropic) -> None:
    async def ask(model: str, version: str) -> anthropic.types.Message:
        return await client.messages.create(
            model=model,
            max_tokens=1,
            messages=_PROMPT,
            extra_body={"temperature": 0.2},
            extra_headers={"anthropic-version": version},
        )

    assert (await ask("claude-haiku-4-5", "2023-06-01")).usage.output_tokens == 1
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        await ask("claude-haiku-4-5", "2026-10-21")
    with pytest.raises(anthropic.BadRequestError, match="`temperature` is deprecated for this model"):
        await ask("claude-opus-5-5", "2023-06-01")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (504, anthropic.InternalServerError, "timeout_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_each_error_status_is_the_sdks_exception(
    client: AsyncAnthropic, status: int, error: type[anthropic.APIStatusError], kind: str, stream: bool
) -> None:
    with pytest.raises(error) as caught:
        await client.messages.create(
            model="sim-fast",
            max_tokens=5,
            messages=_PROMPT,
            stream=stream,
            extra_headers={"x-simulator-fault": f"error-{status}"},
        )
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert caught.value.response.headers.get("retry-after") == ("1" if status == 429 else None)
    assert caught.value.body == {
        "type": "error",
        "error": {"type": kind, "message": caught.value.body["error"]["message"]},  # type: ignore[index]
        "request_id": caught.value.request_id,
    }


async def test_the_key_invalid_is_refused_and_any_other_is_good(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        await client.with_options(api_key="invalid").models.list()
    assert (await client.with_options(api_key="other").models.list()).data


async def test_an_unknown_model_is_not_found(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: claude-nobody"):
        await client.messages.create(model="claude-nobody", max_tokens=5, messages=_PROMPT)
    with pytest.raises(anthropic.NotFoundError, match="model: claude-nobody"):
        await client.models.retrieve("claude-nobody")


async def test_rate_limited_then_ok_is_what_the_sdks_retry_overcomes(client: AsyncAnthropic) -> None:
    async def ask() -> anthropic.types.Message:
        return await client.messages.create(
            model="sim-fast", max_tokens=5, messages=_PROMPT, extra_headers={"x-simulator-fault": "429-then-ok"}
        )

    answers = [await asyncio.gather(ask(), return_exceptions=True) for _ in range(4)]
    kinds = [type(answer) for (answer,) in answers]
    ok, limited = anthropic.types.Message, anthropic.RateLimitError
    assert kinds == [limited, ok, limited, ok]


async def test_an_error_event_after_200_is_raised_with_the_half_kept(client: AsyncAnthropic) -> None:
    seen = []

    async def read() -> None:
        async for event in await client.messages.create(
            model="sim-fast",
            max_tokens=20,
            messages=_PROMPT,
            stream=True,
            extra_headers={"x-simulator-fault": "error-after-200"},
        ):
            seen.append(event.type)  # noqa: PERF401 - the loop ends in the exception

    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        await read()
    assert seen.count("content_block_delta") == 5


@pytest.mark.parametrize(
    "fault", ["close-before-headers", "reset-before-headers", "close-mid-event", "reset", "malformed-json"]
)
async def test_a_broken_stream_is_an_error_of_the_sdk(client: AsyncAnthropic, fault: str) -> None:
    # The SDK lets errors of its HTTP layer and of JSON through as they are once the stream has begun.
    with pytest.raises(Exception) as caught:  # noqa: PT011
        async for _ in await client.messages.create(
            model="sim-fast",
            max_tokens=20,
            messages=_PROMPT,
            stream=True,
            extra_headers={"x-simulator-fault": fault},
        ):
            pass
    assert type(caught.value).__name__ in {
        "APIConnectionError",
        "RemoteProtocolError",
        "ReadError",
        "JSONDecodeError",
    }


@pytest.mark.parametrize("fault", ["gzip", "huge-event", "unknown-events", "unknown-deltas", "control-characters"])
async def test_a_strange_but_good_stream_is_read_to_its_end(client: AsyncAnthropic, fault: str) -> None:
    stream = await client.messages.create(
        model="sim-fast", max_tokens=20, messages=_PROMPT, stream=True, extra_headers={"x-simulator-fault": fault}
    )
    assert [event.type async for event in stream][-1] == "message_stop"
