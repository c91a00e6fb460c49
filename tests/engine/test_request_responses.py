"""Responses as gateways and networks send them, through the real engine: who answered, and in which form."""

import asyncio
import json
import struct

import msgspec
import pytest

from tui.core.events import AttemptFailed, FailureKind, Status
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord
from tui.core.remarks import remarks, remarks_on
from tui.core.target import Retries

from .driver import Driver
from .test_request_attempts import CLOSE, OK, START, STOP, TEXT, Script, answering

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.process]

HTML = "content-type: text/html"
NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center><hr>nginx</body></html>"
HAPROXY = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>"


def response(status: str, body: str | bytes = b"", *headers: str) -> bytes:
    """A response with just these headers, and its length."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def message(*blocks: dict[str, object]) -> str:
    return json.dumps(
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "model": "sim-fast",
            "content": list(blocks) or [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 1},
        }
    )


COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
)
CHUNKS = (
    'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
    'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
STREAM = b"".join((START, TEXT, STOP))


def at(engine: Driver, script: Script, *, kind: str = "anthropic", stream: bool | None = None) -> RequestSpec:
    spec = engine.spec(script.base_url)
    endpoint = msgspec.structs.replace(spec.endpoint, kind=kind)
    return msgspec.structs.replace(spec, endpoint=endpoint, parameters=Parameters(max_tokens=50, stream=stream))


async def asked(engine: Driver, *answers: bytes, **how: object) -> RequestRecord:
    async with answering(*answers) as script:
        (record,) = await engine.run(at(engine, script, **how))  # type: ignore[arg-type]
    return record


# Somebody in front of the API


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            response("502 Bad Gateway", NGINX.format("502 Bad Gateway"), "server: nginx/1.22.1", HTML),
            FailureKind.SERVER_ERROR,
            ("in front of the API", "502, nginx/1.22.1", "Bad Gateway"),
        ),
        (
            response("503 Service Unavailable", HAPROXY, HTML),
            FailureKind.SERVER_ERROR,
            ("in front of the API", "503", "behind it"),
        ),
        (
            response("504 Gateway Timeout", "upstream request timeout", "server: envoy", "content-type: text/plain"),
            FailureKind.SERVER_ERROR,
            ("in front of the API", "envoy", "upstream request timeout"),
        ),
        (
            response("413 Request Entity Too Large", NGINX.format("413"), "server: nginx"),
            FailureKind.TOO_LARGE,
            ("in front of the API", "client_max_body_size"),
        ),
        (
            response("401 Unauthorized", NGINX.format("401 Authorization Required"), "server: nginx"),
            FailureKind.BAD_KEY,
            ("in front of the API", "besides the API's key"),
        ),
        (
            response("403 Forbidden", "<!DOCTYPE html><title>Just a moment...</title>", "server: cloudflare"),
            FailureKind.FORBIDDEN,
            ("in front of the API", "cloudflare", "Just a moment"),
        ),
        (
            response("404 Not Found", NGINX.format("404 Not Found"), "server: openresty"),
            FailureKind.UNKNOWN_MODEL,
            ("in front of the API", "path of the base URL"),
        ),
        (
            response("429 Too Many Requests", "slow down", "server: cloudflare", "retry-after: 7"),
            FailureKind.RATE_LIMITED,
            ("in front of the API", "asks to wait 7 s"),
        ),
        (
            response(
                "400 Bad Request", NGINX.format("400 The plain HTTP request was sent to HTTPS port"), "server: nginx"
            ),
            FailureKind.BAD_REQUEST,
            ("write https://",),
        ),
        (
            response("400 Bad Request", "Client sent an HTTP request to an HTTPS server.\n"),
            FailureKind.BAD_REQUEST,
            ("write https://",),
        ),
    ],
)
async def test_what_stands_in_front_is_named(
    engine: Driver, answer: bytes, kind: FailureKind, words: tuple[str, ...]
) -> None:
    record = await asked(engine, answer)
    engine.failing(record, kind, *words)
    assert record.failure is not None
    assert "request id" not in record.failure.message


@pytest.mark.parametrize(
    "answer",
    [
        response(
            "500 Internal Server Error",
            '{"error":{"message":"boom"}}',
            "server: nginx",
            "content-type: application/json",
        ),
        response("500 Internal Server Error", "Internal Server Error", "server: uvicorn", "content-type: text/plain"),
        response("404 Not Found", "404 page not found", "content-type: text/plain"),
    ],
)
async def test_what_may_be_the_server_itself_is_not_said_to_stand_in_front(engine: Driver, answer: bytes) -> None:
    record = await asked(engine, answer)
    assert record.failure is not None
    assert "in front" not in record.failure.message
    assert "support" not in record.failure.message


async def test_a_request_id_is_to_be_reported_where_there_is_one(engine: Driver) -> None:
    body = '{"type":"error","error":{"type":"api_error","message":"Internal server error"}}'
    record = await asked(engine, response("500 Oops", body, "request-id: req_77"))
    engine.failing(record, FailureKind.SERVER_ERROR, "report req_77 to the API's support")


# Redirects


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_on_the_same_host_is_followed_and_said(engine: Driver, status: str) -> None:
    async with answering(response(status, "moved", "location: /other/v1/messages"), OK) as script:
        (record,) = await engine.run(at(engine, script))
    assert record.status is Status.DONE, record.failure
    assert record.response.redirected_to == f"{script.base_url}/other/v1/messages"
    assert any("redirected" in remark for remark in remarks(record))
    assert record.timeline.sent_ns is not None
    # The times are those of the request that was answered.
    assert script.answered_ns[0] <= record.timeline.sent_ns <= script.asked_ns[1] + 50_000


@pytest.mark.parametrize(
    ("status", "location", "words"),
    [
        ("302 Found", "https://login.example/sso?next=%2F", ("redirects (302, nginx) to https://login.example/sso",)),
        ("301 Moved Permanently", "/elsewhere", ("redirects (301, nginx) to http://127.0.0.1:", "/elsewhere")),
        ("307 Temporary Redirect", "https://other.example/v1/messages", ("to https://other.example/v1/messages",)),
        ("308 Permanent Redirect", "http://user:word@127.0.0.1/x", ("redirects (308",)),
        ("303 See Other", "", ("without saying where",)),
        ("307 Temporary Redirect", "http://[", ("redirects (307",)),
    ],
)
async def test_any_other_redirect_names_where_it_points(
    engine: Driver, status: str, location: str, words: tuple[str, ...]
) -> None:
    headers = ["server: nginx", *([f"location: {location}"] if location else [])]
    async with answering(response(status, "", *headers)) as script:
        spec = msgspec.structs.replace(at(engine, script), retries=Retries(max=3))
        (record,) = await engine.run(spec)
    engine.failing(record, FailureKind.PROTOCOL, *words)
    assert record.attempt == 1
    assert record.http_status == int(status[:3])


async def test_a_redirect_in_a_circle_ends(engine: Driver) -> None:
    there = response("307 Temporary Redirect", "", "location: /b/v1/messages")
    back = response("307 Temporary Redirect", "", "location: /v1/messages")
    record = await asked(engine, *[there, back] * 4)
    engine.failing(record, FailureKind.PROTOCOL, "redirects (307)")


# Kept connections


class Forgetful:
    """A server that answers once on each connection, and resets it when it is used again."""

    def __init__(self, *, always: bool = False) -> None:
        self.connections = 0
        self._always = always

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for answer in (b"", b"") if self._always and self.connections > 1 else (OK, b""):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            if not answer:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: close with RST
                writer.transport.abort()
                return
            writer.write(answer)


async def test_a_kept_connection_that_is_reset_is_replaced_once_and_visibly(engine: Driver) -> None:
    server = Forgetful()
    listener = await asyncio.start_server(server.take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        (first,) = await engine.run(engine.spec(url))
        (second,) = await engine.run(engine.spec(url))
        failed = [event for event in engine.events if isinstance(event, AttemptFailed)]
    finally:
        listener.close()
    assert (first.status, first.attempt) == (Status.DONE, 1)
    assert (second.status, second.attempt, server.connections) == (Status.DONE, 2, 2)
    assert [event.wait_s for event in failed] == [0.0]
    assert "was closed there before it was used again" in second.earlier[0].failure.message
    assert second.earlier[0].timeline.reused_ns is not None
    assert second.timeline.connected_ns is not None


async def test_it_is_replaced_no_more_than_once(engine: Driver) -> None:
    server = Forgetful(always=True)
    listener = await asyncio.start_server(server.take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        await engine.run(engine.spec(url))
        (second,) = await engine.run(engine.spec(url))
    finally:
        listener.close()
    engine.failing(second, FailureKind.CONNECTION, "failed")
    assert (second.attempt, server.connections) == (2, 2)


async def test_a_fresh_connection_that_closes_is_not_tried_again(engine: Driver) -> None:
    async with answering(CLOSE, OK) as script:
        (record,) = await engine.run(engine.spec(script.base_url))
    engine.failing(record, FailureKind.CONNECTION, "if its port speaks TLS, write https://")
    assert record.attempt == 1


# Forms of an answer


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/octet-stream", "text/html", "application/json"]
)
@pytest.mark.parametrize(("kind", "body"), [("anthropic", STREAM), ("openai", CHUNKS)])
async def test_a_stream_is_one_whatever_its_content_type(
    engine: Driver, content_type: str | None, kind: str, body: bytes | str
) -> None:
    headers = [] if content_type is None else [f"content-type: {content_type}"]
    record = await asked(engine, response("200 OK", body, *headers), kind=kind)
    assert record.status is Status.DONE, record.failure
    assert record.text() == "Hello"
    assert record.response.streamed is None


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize(("kind", "body"), [("anthropic", message()), ("openai", COMPLETION)])
async def test_a_whole_message_in_place_of_a_stream_is_taken_and_said(
    engine: Driver, content_type: str, kind: str, body: str
) -> None:
    record = await asked(engine, response("200 OK", f"  {body}", f"content-type: {content_type}"), kind=kind)
    assert record.status is Status.DONE, record.failure
    assert record.text() == "Hello"
    assert record.response.streamed is False
    assert not record.is_streamed
    assert any("in one piece" in remark for remark in remarks(record))


@pytest.mark.parametrize(("kind", "body"), [("anthropic", STREAM), ("openai", CHUNKS)])
async def test_a_stream_in_place_of_a_whole_message_is_taken_and_said(
    engine: Driver, kind: str, body: bytes | str
) -> None:
    record = await asked(engine, response("200 OK", body, "content-type: text/event-stream"), kind=kind, stream=False)
    assert record.status is Status.DONE, record.failure
    assert record.text() == "Hello"
    assert record.response.streamed is True
    assert any("streamed, though one piece" in remark for remark in remarks(record))


@pytest.mark.parametrize("content_type", [HTML, "content-type: text/event-stream", "x-nothing: said"])
async def test_a_page_is_neither(engine: Driver, content_type: str) -> None:
    page = "<!doctype html><title>Sign in: corporate network</title>"
    record = await asked(engine, response("200 OK", page, content_type))
    engine.failing(record, FailureKind.PROTOCOL, "Sign in: corporate network")


# Headers


async def test_headers_that_tell_who_took_the_time_are_kept(engine: Driver) -> None:
    headers = ("via: 1.1 gw", "anthropic-ratelimit-requests-remaining: 9", "x-litellm-overhead-duration-ms: 9.9")
    record = await asked(engine, response("200 OK", STREAM, "content-type: text/event-stream", "x-team: a", *headers))
    assert record.response.headers == dict(header.split(": ") for header in headers)
    refused = await asked(engine, response("500 Oops", "{}", "server-timing: edge;dur=3"))
    assert refused.response.headers == {"server-timing": "edge;dur=3"}


async def test_many_requests_say_once_what_way_they_took() -> None:
    one = Observation(status=Status.DONE, proxy="http://p.test:1 (from HTTPS_PROXY)", other_delivery=True)
    failed = Observation(status=Status.FAILED, proxy="http://p.test:1 (from HTTPS_PROXY)")
    assert remarks_on("lane", [one, failed, Observation()]) == [
        "lane: 1 of 2 answers came in one piece, though a stream was asked for.",
        "lane: measured through the proxy http://p.test:1 (from HTTPS_PROXY).",
    ]
