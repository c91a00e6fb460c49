"""What an empty request says of a server: its protocols, its key, its address, by the engine on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from canary import KEY

from tui.core.events import EndpointExamined, FailureKind
from tui.core.target import Endpoint, TimeoutOverrides
from tui.engine.examination import examine
from tui.engine.request import RequestSender
from tui.simulator.process import SimulatorProcess

Answer = tuple[int, str, bytes]
"""Status, content type with further headers, body."""

MESSAGES, CHAT, MODELS = "/v1/messages", "/v1/chat/completions", "/v1/models"
JSON = "application/json"
NOT_HERE: Answer = (404, JSON, b'{"detail": "Not Found"}')
LIST: Answer = (200, JSON, b'{"object": "list", "data": [{"id": "one"}, {"id": "two"}]}')
NO_MODEL: Answer = (400, JSON, b'{"error": {"message": "you must provide a model parameter"}}')


@asynccontextmanager
async def serving(routes: Mapping[str, Answer], otherwise: Answer = NOT_HERE) -> AsyncIterator[str]:
    """The URL of a server that answers by its path."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
            # The SDK adds its version to what goes to Vertex, and nothing else.
            assert json.loads(await reader.readexactly(length)).keys() <= {"anthropic_version"}
        status, kind, body = routes.get(head.split()[1].decode().partition("?")[0], otherwise)
        top = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{top}connection: close\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def look(url: str, *, key: str | None = KEY, **more: object) -> EndpointExamined:
    sender = RequestSender({"A_KEY": key} if key else {})
    endpoint = Endpoint(name="here", base_url=url, api_key_env="A_KEY" if key else None, **more)  # type: ignore[arg-type]
    try:
        return await examine(sender, endpoint, await sender.keys.of(endpoint))
    finally:
        await sender.aclose()


async def test_the_simulator_speaks_all_that_it_says(simulator: SimulatorProcess) -> None:
    found = await look(simulator.base_url)
    assert all(route.is_there for route in found.routes)
    assert [route.kind for route in found.routes][:2] == ["anthropic", "openai"]
    assert found.list_failure is None
    assert found.models >= 6
    assert found.rtt_ns is not None
    # On loopback, where a round trip is a matter of microseconds.
    assert 0 < found.rtt_ns < 50_000_000


async def test_its_chat_side_is_asked_under_its_own_base_url(simulator: SimulatorProcess) -> None:
    found = await look(f"{simulator.base_url}/v1", kind="openai")
    assert {route.kind: route.base_url for route in found.routes if route.is_there}.items() >= {
        "openai": f"{simulator.base_url}/v1",
        "anthropic": simulator.base_url,
    }.items()


async def test_the_key_that_the_simulator_refuses_is_a_wrong_key(simulator: SimulatorProcess) -> None:
    own = (await look(simulator.base_url, key="invalid")).routes[0]
    assert own.failure is not None
    assert (own.failure.kind, own.http_status) == (FailureKind.BAD_KEY, 401)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((401, JSON, b'{"error": {"message": "no"}}'), FailureKind.BAD_KEY, "A_KEY"),
        ((401, "text/html", b"<title>401 Authorization Required</title>"), FailureKind.BAD_KEY, "Authorization"),
        ((403, JSON, b'{"error": {"message": "not for you"}}'), FailureKind.FORBIDDEN, "not for you"),
        ((302, "text/html\r\nlocation: https://login.test/sso", b""), FailureKind.PROTOCOL, "https://login.test/sso"),
        ((429, JSON, b'{"error": {"message": "slow down"}}'), FailureKind.RATE_LIMITED, "slow down"),
        ((500, JSON, b'{"error": {"message": "oh"}}'), FailureKind.SERVER_ERROR, "500"),
        ((502, "text/html", b"<title>502 Bad Gateway</title>"), FailureKind.SERVER_ERROR, "Bad Gateway"),
        ((529, JSON, b'{"error": {"type": "overloaded_error"}}'), FailureKind.OVERLOADED, "529"),
        # http to a TLS port, of nginx and of Go.
        ((400, "text/html", b"<title>400 The plain HTTP request was sent to HTTPS port</title>"), None, "HTTPS port"),
        ((400, "text/plain", b"Client sent an HTTP request to an HTTPS server."), None, "HTTPS server"),
        ((200, "text/html", b"<title>Welcome</title>"), FailureKind.PROTOCOL, "text/html"),
        # Gateways that refuse a key by 400.
        ((400, JSON, b'{"error": {"message": "Authentication Error, Invalid proxy server token"}}'),
         FailureKind.BAD_KEY, "Invalid proxy server token"),
        ((400, JSON, b'{"status": "failure", "message": "Either x-portkey-config or x-portkey-provider header is '
          b'required"}'), FailureKind.BAD_KEY, "x-portkey-config"),
    ],
)  # fmt: skip
async def test_what_a_run_would_meet_is_said(answer: Answer, kind: FailureKind | None, words: str) -> None:
    async with serving({}, answer) as url:
        own = (await look(url)).routes[0]
    assert own.is_there is None
    assert own.failure is not None
    assert kind in (None, own.failure.kind)
    assert own.failure.http_status in (answer[0], None)
    assert words in own.failure.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, JSON, b'{"type": "error", "error": {"message": "max_tokens: Field required"}}'), ""),
        ((422, JSON, b'{"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}'), ""),
        (
            (422, "text/plain", b"Failed to deserialize the JSON body into the target type: missing field `messages`"),
            "",
        ),
        ((500, JSON, b'{"error": {"message": "[json.exception.out_of_range.403] key \'messages\' not found"}}'), ""),
        ((400, JSON, b'{"error": {"message": "Not like this"}}'), "Not like this"),
        ((200, JSON, b'{"type": "message", "content": [{"type": "text", "text": "a mock"}]}'), ""),
    ],
)
async def test_a_refusal_of_the_empty_request_shows_that_the_route_is_there(answer: Answer, words: str) -> None:
    async with serving({MESSAGES: answer, MODELS: LIST}) as url:
        found = await look(url)
    own, chat, *_ = found.routes
    assert (own.is_there, own.failure, own.words) == (True, None, words)
    assert chat.is_there is False
    assert found.models == 2


@pytest.mark.parametrize(
    "instead", [NOT_HERE, (405, "text/html", b"<h1>Method not allowed</h1>"), (200, JSON, b'{"error": "Unexpected"}')]
)
async def test_a_server_of_another_protocol_is_told_by_asking(instead: Answer) -> None:
    async with serving({CHAT: NO_MODEL, MODELS: LIST}, instead) as url:
        found = await look(url)
    own, *others = found.routes
    assert (own.kind, own.is_there, own.failure) == ("anthropic", False, None)
    assert [(route.kind, route.base_url) for route in others if route.is_there] == [("openai", f"{url}/v1")]
    assert found.models == 2  # the list of models is there for both


async def test_a_refused_list_of_models_is_named(simulator: SimulatorProcess) -> None:
    refusal = (401, JSON, b'{"error": {"message": "who are you"}}')
    async with serving({MESSAGES: NO_MODEL, MODELS: refusal}) as url:
        found = await look(url)
    assert found.list_failure is not None
    assert found.list_failure.kind is FailureKind.BAD_KEY
    assert "who are you" in found.list_failure.message


async def test_nobody_there_is_asked_once() -> None:
    found = await look("http://127.0.0.1:1")
    (own,) = found.routes
    assert own.failure is not None
    assert own.failure.kind is FailureKind.CONNECTION_REFUSED
    assert (found.list_failure, found.rtt_ns) == (None, None)


async def test_a_server_that_says_nothing_meets_the_limit_of_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[asyncio.Task[None] | None] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        await reader.read()  # until the client has gone
        writer.close()
        await writer.wait_closed()

    monkeypatch.setattr("tui.engine.examination.WITHIN_S", 0.05)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        own = (await look(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")).routes[0]
    await asyncio.gather(*filter(None, served))
    assert own.failure is not None
    assert own.failure.kind is FailureKind.TIMEOUT
    assert "waiting for an answer" in own.failure.message
    assert "timeouts." not in own.failure.message  # no setting changes it


async def test_the_limit_of_the_connection_is_named_as_the_setting_that_it_is() -> None:
    # An address for documentation: nothing answers there (RFC 5737).
    found = await look("http://192.0.2.1:9", key=None, timeouts=TimeoutOverrides(connect=0.05))
    failure = found.routes[0].failure
    assert failure is not None
    if failure.kind is FailureKind.TIMEOUT:  # a machine without a route says so at once
        assert "0.05 s waiting for the connection" in failure.message
        assert "timeouts.connect" in failure.message


async def test_a_key_that_is_not_there_is_the_finding_and_nothing_is_asked() -> None:
    sender = RequestSender({})
    endpoint = Endpoint(name="here", base_url="http://127.0.0.1:1", api_key_env="NOT_SET")
    found = await examine(sender, endpoint, await sender.keys.of(endpoint))
    await sender.aclose()
    assert found.routes[0].failure is not None
    assert found.routes[0].failure.kind is FailureKind.NO_KEY


COUNTS = "/v1/projects/mine/locations/us-east5/publishers/anthropic/models/count-tokens:rawPredict"


@pytest.mark.parametrize(
    ("answer", "is_there", "failure"),
    [
        (
            (400, JSON, b'{"type": "error", "error": {"type": "invalid_request_error", "message": "model: missing"}}'),
            True,
            None,
        ),
        (
            (401, JSON, b'{"error": {"code": 401, "message": "Request had invalid credentials."}}'),
            None,
            FailureKind.BAD_KEY,
        ),
        (NOT_HERE, False, None),
    ],
    ids=["there", "key", "not-there"],
)
async def test_vertex_is_asked_for_its_counts_which_need_no_model(
    answer: Answer, is_there: bool | None, failure: FailureKind | None
) -> None:
    async with serving({COUNTS: answer}) as url:
        found = await look(url, kind="vertex", region="us-east5", project="mine")
    (route,) = found.routes
    assert (route.http_status, route.failure and route.failure.kind) == (answer[0], failure)
    assert route.is_there in ({is_there} if failure is None else {None, True})
