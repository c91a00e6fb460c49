"""Chat Completions of the simulator: OpenAI's unmodified SDK and the engine against the real process."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from engine.scripted import send_one

from tui.core.events import FailureKind, Kind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender
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


def test_what_has_no_place_is_refused() -> None:
    profile = load()["claude-opus-5-5"]
    with pytest.raises(ApiError, match="cache_control"):
        message_fields({"model": "m", "messages": [], "cache_control": {}}, profile)


async def answered(
    simulator: SimulatorProcess, kind: str, fault: str | None = None, **parameters: Any
) -> RequestRecord:
    headers = {} if fault is None else {"x-simulator-fault": fault}
    path = "/v1" if kind == "openai" else ""
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="sim-thinking",
        endpoint=Endpoint(name="e", base_url=simulator.base_url + path, kind=kind, headers=headers),  # type: ignore[arg-type]
        prompt=Prompt(system="Be brief.", user="How does a gateway limit requests?"),
        parameters=Parameters(max_tokens=100, **parameters),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)
    sender = RequestSender({})
    async with asyncio.timeout(30):
        record.apply(await send_one(sender, spec, record.apply))
    await sender.aclose()
    return record


async def test_the_engine_reads_the_same_on_both_wires(simulator: SimulatorProcess) -> None:
    chat, messages = [await answered(simulator, kind) for kind in ("openai", "anthropic")]
    for record in (chat, messages):
        assert (record.status, record.usage.output_tokens, record.usage.thinking_tokens) == (Status.DONE, 40, 20)
        assert record.text(Kind.THINKING)
        assert record.text(Kind.TEXT)
    assert chat.usage.prompt_tokens == messages.usage.prompt_tokens
    # A stamp per token on both: the chunk with the role, the end and the usage are none.
    assert len(chat.timeline.content_ns) == len(messages.timeline.content_ns)
    assert chat.timeline.thinking_pieces == messages.timeline.thinking_pieces


async def test_the_engine_reads_an_answer_in_one_piece(simulator: SimulatorProcess) -> None:
    record = await answered(simulator, "openai", stream=False)
    assert (record.status, record.usage.output_tokens) == (Status.DONE, 40)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("close-mid-event", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("reset", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("empty-stream", Status.FAILED, FailureKind.BROKEN_STREAM),
        ("malformed-json", Status.FAILED, FailureKind.PROTOCOL),
        ("html-200", Status.FAILED, FailureKind.PROTOCOL),
        ("error-after-200", Status.FAILED, FailureKind.OVERLOADED),
        ("error-401", Status.FAILED, FailureKind.BAD_KEY),
        ("unknown-events", Status.DONE, None),
        ("stall", Status.DONE, None),
        ("gzip", Status.DONE, None),
        ("no-usage", Status.DONE, None),
        ("absurd-usage", Status.DONE, None),
    ],
)
async def test_faults(simulator: SimulatorProcess, fault: str, status: Status, kind: FailureKind | None) -> None:
    record = await answered(simulator, "openai", fault)
    assert (record.status, record.failure and record.failure.kind) == (status, kind)
