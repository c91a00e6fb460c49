"""The form of an answer, by its first bytes, wherever they are cut, and without reading any."""

import gzip

import httpx2
import pytest

from engine.scripted import END, ScriptedStream, segment
from tui.engine.response import Delivery, delivery_of
from tui.engine.transport import Segment

pytestmark = pytest.mark.unit

STREAM, WHOLE = Delivery.STREAM, Delivery.WHOLE


async def seen(parts: list[bytes], headers: dict[str, str]) -> tuple[Delivery | None, list[Segment]]:
    """The form, and all that is still unread."""
    batches = [[segment(part, at)] for at, part in enumerate(parts, 1)] + [[END]]
    stream = ScriptedStream(batches)
    response = httpx2.Response(200, headers=headers, extensions={"network_stream": stream})
    found = await delivery_of(response)
    return found, [*stream.take_over(), *(one for batch in stream._batches for one in batch)]


@pytest.mark.parametrize(
    ("body", "declared", "form"),
    [
        (b"data: {}\n\n", "", STREAM),
        (b"\xef\xbb\xbf\r\n\r\nevent: x\ndata: 1\n\n", "text/html", STREAM),
        (b": keep-alive\n\n", "", STREAM),
        (b"id:1\n", "application/json", STREAM),
        (b"retry: 3\n", "", STREAM),
        (b'  {"type":"message"}', "text/event-stream; charset=utf-8", WHOLE),
        (b'[{"error":{}}]', "", WHOLE),
        (b"<html>", "text/event-stream", None),
        (b"dates: none", "", None),
        (b"date", "text/plain", None),
        (b"Bad gateway", "application/json", WHOLE),
        (b"foo: bar\ndata: 1\n\n", "TEXT/EVENT-STREAM", STREAM),
        (b"upstream connect error\n", "text/event-stream", None),
        (b"Bad gateway", "text/plain", None),
        (b"", "text/event-stream", STREAM),
        (b"", "", None),
        (b"\n" * 10_000 + b"data: 1\n\n", "", STREAM),
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 3])
async def test_it_is_what_the_first_bytes_say(body: bytes, declared: str, form: Delivery | None, cut: int) -> None:
    parts = [body[:cut], body[cut:]] if cut else [body]
    parts = [part for part in parts if part]
    found, unread = await seen(parts, {"content-type": declared})
    assert found is form
    assert [one.data for one in unread] == [*parts, b""]
    assert [one.arrival_ns for one in unread[:-1]] == list(range(1, len(parts) + 1))


async def test_framing_and_compression_are_undone_for_the_look_only() -> None:
    data = gzip.compress(b"data: {}\n\n")
    parts = [b"%x\r\n" % len(data), data, b"\r\n0\r\n\r\n"]
    headers = {"transfer-encoding": "chunked", "content-encoding": "gzip", "content-type": "text/plain"}
    found, unread = await seen(parts, headers)
    assert found is STREAM
    assert [one.data for one in unread] == [*parts, b""]


async def test_a_body_without_a_byte_is_not_waited_for() -> None:
    for form in (STREAM, WHOLE):
        found, _ = await seen([], {"content-length": "0", "content-type": form.value})
        assert found is (STREAM if form is STREAM else None)


async def test_a_success_that_never_has_a_body_is_not_waited_for() -> None:
    response = httpx2.Response(204, extensions={"network_stream": ScriptedStream([])})
    assert await delivery_of(response) is None
