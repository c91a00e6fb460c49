"""The server's own words for a failure inside a success, in every shape and on every wire."""

import asyncio
from collections.abc import Callable

import pytest

from engine.scripted import END, ScriptedStream, in_loop, segment
from tui.core.events import Failure, Status
from tui.engine.answer_stream import AnswerStream, DecodeQueue
from tui.engine.reporter import RequestReporter
from tui.engine.wires import AnswerReader
from tui.engine.wires.chat import CompletionReader
from tui.engine.wires.messages.answer import MessageReader
from tui.engine.wires.responses import ResponseReader

pytestmark = pytest.mark.unit

READERS: dict[str, Callable[[RequestReporter], AnswerReader]] = {
    "messages": MessageReader,
    "chat": CompletionReader,
    "responses": ResponseReader,
}
BEGINNINGS = {
    "messages": b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3}}}\n\n',
    "chat": b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',
    "responses": b'data: {"type":"response.created","response":{"id":"r","status":"in_progress","error":null}}\n\n',
}
SAID = "the pool is empty"
JSON = [
    b'{"error":{"message":"the pool is empty"}}',
    b'{"error":"the pool is empty"}',
    b'{"error":null,"message":"the pool is empty"}',
    b'{"type":"error","message":"the pool is empty"}',
    b'{"type":"error","error":"the pool is empty"}',
    b'{"object":"error","message":"the pool is empty","type":"BadRequestError"}',
    b'[{"error":{"code":8,"message":"the pool is empty","status":"RESOURCE_EXHAUSTED"}}]',
    b'{"errors":[{"message":"the pool is empty"}]}',
    b'{"detail":"the pool is empty"}',
    b'{"detail":[{"loc":["body"],"msg":"the pool is empty"}]}',
    b'{"message":"the pool is empty","code":503}',
    b'{"type":"about:blank","title":"Busy","status":503,"detail":"the pool is empty"}',
    b'{"status":"failure","message":"the pool is empty"}',
]
WORDS = [b'"the pool is empty"', b"the pool is empty", b"<html><title>the pool is empty</title></html>"]


def read(wire: str, body: bytes, *, whole: bool = False) -> tuple[Status, Failure | None, AnswerReader]:
    """The end of an answer with this body."""

    async def reading() -> AnswerReader:
        reader = READERS[wire](RequestReporter(1, lambda event: None))
        stream = ScriptedStream([[segment(body, 1)], [END]])
        async with asyncio.timeout(30):
            await AnswerStream(stream, {}, reader, DecodeQueue(gather_s=0), lambda: None, whole=whole).read()
        return reader

    reader = in_loop(reading())
    status, _, failure = reader.outcome()
    return status, failure, reader


@pytest.mark.parametrize("name", [b"", b"event: error\n", b"event: message\n"])
@pytest.mark.parametrize("data", JSON + WORDS)
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("wire", READERS)
def test_in_a_frame_of_the_stream(wire: str, begun: bool, data: bytes, name: bytes) -> None:
    beginning = BEGINNINGS[wire] if begun else b""
    status, failure, _ = read(wire, beginning + name + b"data: " + data + b"\n\n")
    assert status is Status.FAILED
    assert failure is not None
    assert failure.message.count(SAID) == 1
    assert "id is" not in failure.message


@pytest.mark.parametrize("body", JSON + WORDS)
@pytest.mark.parametrize("wire", READERS)
def test_in_one_piece(wire: str, body: bytes) -> None:
    status, failure, _ = read(wire, body, whole=True)
    assert status is Status.FAILED
    assert failure is not None
    assert failure.message.count(SAID) == 1


@pytest.mark.parametrize("wire", READERS)
def test_an_answer_that_breaks_off_says_nothing(wire: str) -> None:
    status, failure, _ = read(wire, BEGINNINGS[wire])
    assert status is Status.FAILED
    assert failure is not None
    assert "says" not in failure.message


@pytest.mark.parametrize("wire", READERS)
def test_a_sentinel_alone_is_no_answer(wire: str) -> None:
    status, failure, _ = read(wire, b"data: [DONE]\n\n")
    assert status is Status.FAILED
    assert failure is not None
    assert "sent no message" in failure.message
