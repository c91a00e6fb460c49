"""The Responses API by the real engine, from a server on loopback that answers with the bytes given."""

import asyncio
import json
from typing import Any

import pytest

from engine.scripted import send_one
from tui.core.events import FailureKind, Kind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.request import RequestSender

DELTA = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"So."}\n\n'
END = b'data: {"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":2}}}\n\n'


async def ask(status: bytes, kind: bytes, content: bytes, **parameters: Any) -> tuple[RequestRecord, list[bytes]]:
    """What became of a request, and the heads and bodies that the server had."""
    came: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        came.extend((head, await reader.readexactly(length)))
        fields = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: r-9\r\n\r\n"
        writer.write(fields % (status, kind, len(content)) + content)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        spec = RequestSpec(
            request_id=1,
            target="lane",
            model="m",
            endpoint=Endpoint(name="there", base_url=base_url, kind="openai-responses", api_key_env="A_KEY"),
            prompt=Prompt(user="Why?"),
            parameters=Parameters(**parameters),
            timeouts=Timeouts(first_token=20, request=20),
        )
        record, sender = RequestRecord(spec=spec), RequestSender({"A_KEY": "sk-secret"})
        async with asyncio.timeout(30):
            record.apply(await send_one(sender, spec, record.apply))
        await sender.aclose()
    return record, came


async def test_a_streamed_answer() -> None:
    record, (head, sent) = await ask(b"200 OK", b"text/event-stream", DELTA + END)
    assert (record.status, record.text(Kind.TEXT), record.usage.output_tokens) == (Status.DONE, "So.", 2)
    assert record.api_request_id == "r-9"
    assert head.startswith(b"POST /v1/responses ")
    assert b"Bearer sk-secret" in head
    assert json.loads(sent)["input"] == [{"role": "user", "content": "Why?"}]


async def test_a_refusal_is_quoted() -> None:
    error = b'{"error":{"message":"No such model","type":"invalid_request_error","code":"model_not_found"}}'
    failure = (await ask(b"404 Not Found", b"application/json", error))[0].failure
    assert failure is not None
    assert (failure.kind, "No such model" in failure.message) == (FailureKind.UNKNOWN_MODEL, True)


@pytest.mark.parametrize("parameters", [{"stop_sequences": ("END",)}, {"cache": True}, {"top_k": 3}])
async def test_what_the_protocol_lacks_is_not_sent(parameters: dict[str, Any]) -> None:
    record, came = await ask(b"200 OK", b"text/event-stream", DELTA + END, **parameters)
    assert record.failure is not None
    assert next(iter(parameters)) in record.failure.message
    assert came == []
