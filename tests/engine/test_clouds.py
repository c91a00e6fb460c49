"""Endpoints that are clouds, and keys in other headers: the SDK's own clients over our sockets to a local server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tui.core.events import FailureKind, RequestEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.messages_api import MessagesApi

from .test_levers import CANARY, Received, serving


@pytest_asyncio.fixture
async def api() -> AsyncIterator[MessagesApi]:
    made = MessagesApi({"CLOUD_KEY": CANARY})
    yield made
    await made.aclose()


async def ask(api: MessagesApi, url: str, **endpoint: Any) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="claude-opus-5-5",
        endpoint=Endpoint(name="cloud", base_url=url, api_key_env="CLOUD_KEY", **endpoint),
        prompt=Prompt(user="Hello"),
        parameters=Parameters(max_tokens=10),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)

    async def at_once() -> None:
        """No gate."""

    async with asyncio.timeout(30):
        ended: RequestEnded = await api.ask(spec, 0, record.apply, at_once)
    record.apply(ended)
    return record


async def test_foundry(api: MessagesApi) -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask(api, f"http://127.0.0.1:{port}/anthropic", kind="foundry")
    assert (record.status, record.text()) == (Status.DONE, "x")
    assert record.ttft_ns is not None
    assert record.instrument is not None
    assert received.lines == ["POST /anthropic/v1/messages HTTP/1.1"]
    assert CANARY in {received.headers[0].get("api-key"), received.headers[0].get("x-api-key")}


async def test_vertex(api: MessagesApi) -> None:
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        record = await ask(api, url, kind="vertex", region="us-east5", project="mine")
    assert (record.status, record.text()) == (Status.DONE, "x")
    route = "/v1/projects/mine/locations/us-east5/publishers/anthropic/models/claude-opus-5-5:streamRawPredict"
    assert received.lines == [f"POST {route} HTTP/1.1"]
    assert received.headers[0]["authorization"] == f"Bearer {CANARY}"
    assert "model" not in received.bodies[0]
    assert received.bodies[0]["anthropic_version"]


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_the_key_goes_into_the_header_that_is_named(api: MessagesApi, header: str) -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask(api, f"http://127.0.0.1:{port}", key_header=header)
    assert record.status is Status.DONE
    sent = received.headers[0]
    assert sent[header].removeprefix("Bearer ") == CANARY
    assert [name for name, value in sent.items() if CANARY in value] == [header]


@pytest.mark.parametrize("kind", ["foundry", "vertex"])
async def test_a_cloud_that_refuses_the_key_does_not_get_it_shown(api: MessagesApi, kind: str) -> None:
    received = Received()
    received.refuse_with = f'{{"error": {{"type": "authentication_error", "message": "no: {CANARY}"}}}}'.encode()
    async with serving(received) as port:
        record = await ask(api, f"http://127.0.0.1:{port}", kind=kind, region="r", project="p")
    assert record.failure is not None
    assert record.failure.kind is FailureKind.BAD_KEY
    assert CANARY not in record.failure.message
