"""The seam for wires: one of another kind, made here from its three parts and a row, does all that a wire can do."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import get_args

import httpx2
import pytest
import pytest_asyncio

from engine.scripted import send_one
from tui.core.events import Event, FailureKind, Kind, ModelsListed, Status, TokensCounted
from tui.core.model import ListedModel
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer, Prompt
from tui.core.protocol import PROTOCOLS, EndpointKind, Protocol
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine import request
from tui.engine.failures import Refusal
from tui.engine.lookups import Lookups
from tui.engine.reporter import RequestReporter
from tui.engine.request import WIRES, RequestSender
from tui.engine.transport.http_transport import HttpClients
from tui.engine.wires import LOOKUP_SLOT, AnswerReader, NoAnswerError


class ChatReader(AnswerReader):
    """Events without names, and a sentinel at the end."""

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        if data == b"[DONE]":
            self._stop(t_ns)
            return
        read = json.loads(data)
        if not self._begun:
            self._begin(t_ns)
        self._content(Kind.THINKING, t_ns, read.get("reasoning"))
        self._content(Kind.TEXT, t_ns, read.get("text"))
        self._stop_reason = read.get("finish", self._stop_reason)
        self._truncated = self._stop_reason == "length"
        self._count({"output_tokens": read.get("tokens")}, {})

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        self._content(Kind.TEXT, t_ns, json.loads(body)["text"])
        self._stop(t_ns)


class ChatWire:
    """Another protocol, without the SDK."""

    title = "Chat API"
    request_id_header = "x-request-id"

    def __init__(self, connections: HttpClients) -> None:
        self._connections = connections

    @asynccontextmanager
    async def open(self, spec: RequestSpec, key: str | None, slot: int) -> AsyncIterator[httpx2.Response]:
        client = self._connections.of(spec.endpoint, slot)
        body = {"model": spec.model, "ask": spec.prompt.user, "stream": spec.parameters.stream is not False}
        timeout = httpx2.Timeout(None, connect=spec.timeouts.connect)
        url, headers = f"{spec.endpoint.base_url}/chat", {"authorization": f"Bearer {key}"}
        async with client.stream("POST", url, json=body, headers=headers, timeout=timeout) as response:
            yield response

    def reader(self, spec: RequestSpec, reporter: RequestReporter) -> ChatReader:
        return ChatReader(reporter)

    def refusal(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        return Refusal("", body.decode())

    def kept(self, events: Sequence[tuple[str, bytes]]) -> KeptAnswer | None:
        return None

    async def list_models(self, endpoint: Endpoint, key: str | None) -> list[ListedModel]:
        client = self._connections.of(endpoint, LOOKUP_SLOT)
        response = await client.get(f"{endpoint.base_url}/models", timeout=None)
        return [ListedModel(id=name) for name in response.json()]

    async def count_tokens(self, spec: RequestSpec, key: str | None) -> int:
        raise NoAnswerError


EVENTS = [{"reasoning": "Hm."}, {"text": "So"}, {"text": " it is."}, {"finish": "length", "tokens": 3}]
STREAM = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in EVENTS) + b"data: [DONE]\n\n"
ANSWERS = {
    "streamed": (b"200 OK", b"text/event-stream", STREAM),
    "cut": (b"200 OK", b"text/event-stream", STREAM.removesuffix(b"data: [DONE]\n\n")),
    "whole": (b"200 OK", b"application/json", b'{"text": "All."}'),
    "refused": (b"429 Too Many", b"text/plain", b"Not now, said the server that was shown sk-secret."),
    "html": (b"200 OK", b"text/html", b"<p>"),
}


class Server:
    """Answers as the model's name says, and keeps the first lines and headers of what came."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.base_url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        answer: tuple[bytes, bytes, bytes] = (b"200 OK", b"application/json", b'["one", "two"]')
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                body = json.loads(await reader.readexactly(int(line.partition(b":")[2])))
                answer = ANSWERS[body["model"]]
        status, kind, content = answer
        fields = b"content-type: %b\r\ncontent-length: %d\r\nx-request-id: r-1\r\nretry-after: 3\r\n"
        writer.write(b"HTTP/1.1 %b\r\n" % status + fields % (kind, len(content)) + b"\r\n" + content)
        writer.close()
        await writer.wait_closed()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as listener:
        made.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield made


@pytest_asyncio.fixture
async def sender(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RequestSender]:
    monkeypatch.setitem(request.WIRES, Protocol.MESSAGES, ChatWire)
    made = RequestSender({"CHAT_KEY": "sk-secret"})
    yield made
    await made.aclose()


async def ask(sender: RequestSender, server: Server, answer: str, *, stream: bool = True) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model=answer,
        endpoint=Endpoint(name="chat", base_url=server.base_url, api_key_env="CHAT_KEY"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=10, stream=stream),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)
    async with asyncio.timeout(30):
        record.apply(await send_one(sender, spec, record.apply))
    return record


def test_every_kind_of_endpoint_has_a_protocol_and_every_protocol_a_wire() -> None:
    assert get_args(EndpointKind) == tuple(PROTOCOLS)
    assert {*PROTOCOLS.values()} == {*Protocol} == {*WIRES}


async def test_a_streamed_answer(sender: RequestSender, server: Server) -> None:
    record = await ask(sender, server, "streamed")
    assert (record.status, record.stop_reason, record.failure) == (Status.TRUNCATED, "length", None)
    assert (record.text(Kind.TEXT), record.usage.output_tokens) == ("So it is.", 3)
    assert (record.http_status, record.api_request_id) == (200, "r-1")
    timeline = record.timeline
    assert timeline.thinking_pieces == 1
    assert timeline.sent_ns is not None
    assert timeline.message_stop_ns is not None
    assert timeline.sent_ns <= timeline.content_ns[0] <= timeline.message_stop_ns
    assert record.instrument is not None
    assert server.heads[0].startswith(b"POST /chat ")
    assert b"Bearer sk-secret" in server.heads[0]


async def test_a_stream_without_its_sentinel_is_broken(sender: RequestSender, server: Server) -> None:
    record = await ask(sender, server, "cut")
    assert record.failure is not None
    assert record.failure.kind is FailureKind.BROKEN_STREAM
    assert record.text(Kind.TEXT) == "So it is."


async def test_an_answer_in_one_piece(sender: RequestSender, server: Server) -> None:
    record = await ask(sender, server, "whole", stream=False)
    assert (record.status, record.text(Kind.TEXT)) == (Status.DONE, "All.")


async def test_a_refusal_is_quoted(sender: RequestSender, server: Server) -> None:
    failure = (await ask(sender, server, "refused")).failure
    assert failure is not None
    assert (failure.kind, failure.http_status, failure.retry_after_s) == (FailureKind.RATE_LIMITED, 429, 3)
    # The key in it goes no further than the boundary of the engine: see `tests/engine/test_redaction.py`.
    assert "Not now, said the server that was shown" in failure.message


async def test_a_page_in_place_of_an_answer_names_the_wire(sender: RequestSender, server: Server) -> None:
    failure = (await ask(sender, server, "html")).failure
    assert failure is not None
    assert "Chat API" in failure.message


async def test_look_ups(sender: RequestSender, server: Server) -> None:
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    lookups = Lookups(sender, arrived.put_nowait)
    endpoint = Endpoint(name="chat", base_url=server.base_url)
    async with asyncio.timeout(30):
        lookups.list_models((endpoint,))
        assert await arrived.get() == ModelsListed(
            endpoint="chat", models=(ListedModel(id="one"), ListedModel(id="two"))
        )
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
