"""Cache, tier and speed as the API reports them, and answers in one piece: our sockets against the simulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from engine.scripted import send_one
from tui.core import metrics
from tui.core.events import CacheMiss, Event, FailureKind, Kind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender
from tui.simulator.process import SimulatorProcess

LONG = "A gateway counts the requests of each key, and turns away what is above its limit. " * 60

Send = Callable[..., Awaitable[RequestRecord]]


@pytest_asyncio.fixture
async def send(simulator: SimulatorProcess) -> AsyncIterator[Send]:
    """Sends one request in this process; returns what became of it."""
    sender = RequestSender({})

    async def one(
        model: str = "claude-haiku-5-5",
        *,
        system: str = "",
        betas: tuple[str, ...] = (),
        lane: str = "lane",
        simulated: bool = True,
        warms_cache: bool = False,
        **parameters: Any,
    ) -> RequestRecord:
        spec = RequestSpec(
            request_id=1,
            target=lane,
            model=model,
            endpoint=Endpoint(name="here", base_url=simulator.base_url, simulated=simulated),
            prompt=Prompt(user=LONG, system=system),
            parameters=msgspec.structs.replace(Parameters(max_tokens=20), **parameters),
            timeouts=Timeouts(first_token=20, request=20),
            betas=betas,
            warms_cache=warms_cache,
        )
        record = RequestRecord(spec=spec)
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            record.apply(event)

        async with asyncio.timeout(30):
            record.apply(await send_one(sender, spec, emit))
        return record

    yield one
    await sender.aclose()


@pytest.mark.parametrize("stream", [True, False])
async def test_what_was_served_is_read(send: Send, stream: bool) -> None:
    record = await send(
        "claude-opus-5-5", speed="fast", inference_geo="us", cache="1h", stream=stream, system=str(stream)
    )
    usage = record.usage
    assert (usage.service_tier, usage.speed, usage.inference_geo) == ("standard", "fast", "us")
    assert usage.cache_creation_input_tokens
    assert (usage.cache_5m_input_tokens, usage.cache_1h_input_tokens) == (0, usage.cache_creation_input_tokens)
    assert usage.prompt_tokens == usage.cache_creation_input_tokens + (usage.input_tokens or 0)
    assert record.message_id
    assert record.message_id.startswith("msg_")


async def test_an_answer_in_one_piece_has_one_moment(send: Send) -> None:
    streamed, whole = await send("sim-fast"), await send("sim-fast", stream=False)
    timeline = whole.timeline
    assert whole.status is Status.DONE
    assert whole.text()
    assert len(set(timeline.content_ns)) == 1
    assert whole.ttft_ns == whole.total_ns
    assert timeline.message_stop_ns == timeline.content_ns[0]
    assert timeline.message_start_ns is None
    assert timeline.headers_ns is not None
    assert timeline.headers_ns <= timeline.content_ns[0]
    assert (whole.otps, metrics.gaps(timeline)) == (None, None)
    assert whole.usage.output_tokens == streamed.usage.output_tokens == 20
    assert whole.instrument is not None
    assert len(set(streamed.timeline.content_ns)) > 1


async def test_thinking_comes_in_the_piece_too(send: Send) -> None:
    record = await send("sim-heavy-thinking", max_tokens=2000, stream=False)
    assert [kind for kind, _ in record.pieces] == [Kind.THINKING, Kind.TEXT]
    assert metrics.ttfo_ns(record.timeline) == record.ttft_ns == record.total_ns


async def test_a_connection_serves_on_after_an_answer_in_one_piece(send: Send) -> None:
    await send("sim-fast", stream=False)
    again = await send("sim-fast", stream=False)
    assert again.timeline.reused_ns is not None
    assert (await send("sim-fast")).timeline.reused_ns is not None


async def test_a_cache_is_warmed_without_an_answer(send: Send) -> None:
    warming = {"cache": True, "warms_cache": True, "stream": False, "system": "warmed"}
    first, second = await send(**warming), await send(**warming)
    assert (first.status, first.stop_reason, first.text()) == (Status.TRUNCATED, "max_tokens", "")
    assert first.usage.cache_creation_input_tokens
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens
    assert (await send(cache=True, system="warmed")).usage.cache_read_input_tokens


async def test_a_missed_cache_is_diagnosed(send: Send) -> None:
    first = await send(cache=True, system="one", lane="a")
    assert first.cache_miss is None
    same = await send(cache=True, system="one", lane="a")
    assert same.cache_miss is None
    other = await send(cache=True, system="two", lane="a", stream=False)
    assert other.cache_miss == CacheMiss(reason="system_changed", missed_input_tokens=first.usage.prompt_tokens)
    model = await send("claude-sonnet-5-5", cache=True, system="two", lane="a")
    assert model.cache_miss is not None
    assert model.cache_miss.reason == "model_changed"
    # Each lane has its own last message, and only the API's own endpoint is asked.
    assert (await send(cache=True, system="three", lane="b")).cache_miss is None
    assert (await send(cache=True, system="four", lane="a", simulated=False)).cache_miss is None


async def test_an_older_model_wants_a_header_for_its_speed(send: Send) -> None:
    refused = await send("claude-opus-5", speed="fast")
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.BAD_REQUEST
    taken = await send("claude-opus-5", speed="fast", betas=("fast-mode-2026-02-01",))
    assert (taken.failure, taken.usage.speed) == (None, "fast")
    assert taken.timeline.sent_ns is not None
