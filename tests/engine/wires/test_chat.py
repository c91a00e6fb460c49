"""Chat Completions by the real engine, from a server on loopback that answers as the model's name says."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from engine.scripted import send_one
from tui.core.events import Event, FailureKind, Kind, ModelsListed, Status, TokensCounted
from tui.core.model import ListedModel, ListedPrices
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.lookups import Lookups
from tui.engine.redaction import Redactor
from tui.engine.request import RequestSender

CHUNKS: list[dict[str, Any]] = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"index": 0, "delta": {"content": "So it is."}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
]
STREAM = b": OPENROUTER PROCESSING\n\n" + b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in CHUNKS)
ANSWERS = {
    "streamed": (b"200 OK", b"text/event-stream", STREAM + b"data: [DONE]\n\n"),
    "whole": (b"200 OK", b"application/json", b'{"choices": [{"message": {"content": "All."}}]}'),
    "limited": (b"429 Too Many", b"application/json", b'{"error": {"message": "Slow down, sk-secret", "code": "x"}}'),
    "list": (b"400 Bad", b"application/json", b'[{"error": {"message": "Google says no", "status": "INVALID"}}]'),
    "text": (b"404 Not Found", b"text/plain", b"404 page not found"),
}
MODELS = b"""{"data": [{"id": "a/b", "name": "A: B", "context_length": 8192,
    "top_provider": {"max_completion_tokens": 1024},
    "pricing": {"prompt": "0.000003", "completion": "0.000015", "request": "0", "input_cache_read": "0.0000003"}},
    {"id": 7}, {"id": "c", "max_model_len": 4096}]}"""


PRICES = ListedPrices(input=3.0, output=15.0, cache_read=0.3)


class Server:
    """Keeps the heads and bodies of what came."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[dict[str, Any]] = []
        self.models = (b"200 OK", MODELS)
        self.base_url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.lower())
        status, content = self.models
        answer = (status, b"application/json", content)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                self.bodies.append(json.loads(await reader.readexactly(int(line.partition(b":")[2]))))
                answer = ANSWERS[self.bodies[-1]["model"]]
        status, kind, content = answer
        fields = b"content-type: %b\r\ncontent-length: %d\r\nx-request-id: r-1\r\nconnection: close\r\n"
        writer.write(b"HTTP/1.1 %b\r\n" % status + fields % (kind, len(content)) + b"\r\n" + content)
        writer.close()
        await writer.wait_closed()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as listener:
        made.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        yield made


@pytest_asyncio.fixture
async def sender() -> AsyncIterator[RequestSender]:
    made = RequestSender({"OPENAI_API_KEY": "sk-secret", "ANTHROPIC_API_KEY": "sk-ant-other"})
    yield made
    await made.aclose()


async def ask(sender: RequestSender, server: Server, answer: str, **parameters: Any) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model=answer,
        endpoint=Endpoint(name="there", base_url=server.base_url, kind="openai", api_key_env="OPENAI_API_KEY"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=10, **parameters),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)
    async with asyncio.timeout(30):
        redactor = Redactor(sender.keys.known, record.apply)
        redactor.put(await send_one(sender, spec, redactor.put))
    return record


async def test_a_streamed_answer(sender: RequestSender, server: Server) -> None:
    record = await ask(sender, server, "streamed")
    assert (record.status, record.text(Kind.TEXT), record.failure) == (Status.DONE, "So it is.", None)
    assert (record.usage.output_tokens, record.api_request_id) == (4, "r-1")
    timeline = record.timeline
    assert timeline.sent_ns is not None
    assert timeline.message_stop_ns is not None
    assert timeline.sent_ns <= timeline.content_ns[0] <= timeline.message_stop_ns
    assert record.instrument is not None
    assert server.heads[0].startswith(b"post /v1/chat/completions ")
    assert b"authorization: bearer sk-secret" in server.heads[0]
    assert b"sk-ant-other" not in server.heads[0]


async def test_an_answer_in_one_piece(sender: RequestSender, server: Server) -> None:
    record = await ask(sender, server, "whole", stream=False)
    assert (record.status, record.text(Kind.TEXT)) == (Status.DONE, "All.")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("limited", FailureKind.RATE_LIMITED, "Slow down, [the key]"),
        ("list", FailureKind.BAD_REQUEST, "Google says no"),
        ("text", FailureKind.UNKNOWN_MODEL, "404 page not found"),
    ],
)
async def test_refusals(sender: RequestSender, server: Server, answer: str, kind: FailureKind, words: str) -> None:
    failure = (await ask(sender, server, answer)).failure
    assert failure is not None
    assert failure.kind is kind
    assert words in failure.message


async def test_what_the_protocol_lacks_is_not_sent(sender: RequestSender, server: Server) -> None:
    failure = (await ask(sender, server, "streamed", top_k=3)).failure
    assert failure is not None
    assert (failure.kind, "top_k" in failure.message) == (FailureKind.BAD_REQUEST, True)
    assert server.bodies == []


@pytest.mark.parametrize(
    ("pricing", "prices"),
    [
        ({"prompt": "0", "completion": "0"}, ListedPrices(input=0.0, output=0.0)),
        # The price of a router, of each request, of another unit, and what is no price.
        ({"prompt": "-1", "completion": "-1"}, None),
        ({"prompt": "0.000001", "completion": "0.000002", "request": "0.01"}, None),
        ({"input": 0.3, "output": 0.3, "prompt": 0.3, "completion": 0.3}, None),
        ({"prompt": "free", "completion": "nan"}, None),
        ({"prompt": "1e9", "completion": "1"}, None),
        ([], None),
        (None, None),
    ],
)
async def test_prices_that_can_be_believed(
    sender: RequestSender, server: Server, pricing: object, prices: ListedPrices | None
) -> None:
    server.models = (b"200 OK", json.dumps({"data": [{"id": "m", "pricing": pricing}]}).encode())
    endpoint = Endpoint(name="there", base_url=server.base_url, kind="openai")
    assert await sender.wire_of(endpoint).list_models(endpoint, None) == [ListedModel(id="m", prices=prices)]


async def test_look_ups(sender: RequestSender, server: Server) -> None:
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    lookups = Lookups(sender, arrived.put_nowait)
    endpoint = Endpoint(name="there", base_url=server.base_url, kind="openai")
    async with asyncio.timeout(30):
        lookups.list_models((endpoint,))
        known = ListedModel(id="a/b", display_name="A: B", context_tokens=8192, max_output_tokens=1024, prices=PRICES)
        assert await arrived.get() == ModelsListed(
            endpoint="there", models=(known, ListedModel(id="c", context_tokens=4096))
        )
        server.models = (b"401 No", b"{}")
        lookups.list_models((endpoint,))
        event = await arrived.get()
        assert isinstance(event, ModelsListed)
        assert event.failure is not None
        spec = RequestSpec(
            request_id=5,
            target="lane",
            model="m",
            endpoint=endpoint,
            prompt=Prompt(user="Why?"),
            parameters=Parameters(max_tokens=10),
            timeouts=Timeouts(),
        )
        lookups.count((spec,))
        assert await arrived.get() == TokensCounted(count_id=5, has_counter=False)
    await lookups.cancel()
