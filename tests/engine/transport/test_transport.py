"""Common part of stamped streams: reading up to the end of headers, and the exchange that is told of each step."""

import httpcore2
import pytest

from tui.core.events import Event, Mark, Marked
from tui.engine.reporter import RequestReporter
from tui.engine.transport import Exchange, Segment, exchange

from .loopback import (
    HEAD,
    WITHIN_S,
    Watcher,
    pair,
)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


# Reading headers


@pytest.mark.parametrize("size", [1, 3, 7, 65536])
async def test_no_read_runs_past_the_end_of_the_headers_wherever_they_are_cut(size: int) -> None:
    body = b"data: first\r\n\r\ndata: second\r\n\r\n"
    wire = HEAD + body
    async with pair() as (stream, _):
        for place in range(1, len(wire)):
            stream._scanned = b""  # as a write leaves it
            stream._segments = [Segment(wire[:place], 1, 2, True), Segment(wire[place:], 3, 4, True)]
            read = b""
            while not read.endswith(b"\r\n\r\n"):
                read += await stream.read(size)
            assert read == HEAD
            assert b"".join(segment.data for segment in stream.take_over()) == body


async def test_headers_byte_by_byte() -> None:
    async with pair() as (stream, _):
        stream._segments = [Segment(bytes([byte]), at, at, True) for at, byte in enumerate(HEAD + b"\r\nbody")]
        read = b""
        while len(read) < len(HEAD):
            read += await stream.read(65536)
        assert read == HEAD
        rest = stream.take_over()
        assert b"".join(segment.data for segment in rest) == b"\r\nbody"
        assert [segment.arrival_ns for segment in rest] == list(range(len(HEAD), len(HEAD) + 6))


async def test_a_response_after_another_is_cut_afresh() -> None:
    async with pair() as (stream, peer):
        for _ in range(3):
            await stream.write(b"GET")
            await peer.reader.readexactly(3)
            peer.send(HEAD + b"x")
            assert b"".join([await stream.read(65536)]) == HEAD
            assert await stream.read(65536) == b"x"


async def test_the_exchange_hears_from_which_segment_a_read_was_served(watcher: Watcher) -> None:
    exchange.set(watcher)
    async with pair() as (stream, peer):
        peer.send(b"data")
        assert await stream.read(2, timeout=WITHIN_S) == b"da"
        assert await stream.read(2, timeout=WITHIN_S) == b"ta"
        first, second = watcher.reads
        assert first.arrival_ns == second.arrival_ns


# The exchange


class Steps:
    """An exchange, the events that it reports, and the order of what it calls."""

    def __init__(self) -> None:
        self.marks: list[tuple[Mark, int]] = []
        self.order: list[str] = []
        reporter = RequestReporter(1, self._emit)
        self.exchange = Exchange(reporter, self._before_send, lambda: self.order.append("after send"))

    def _emit(self, event: Event) -> None:
        assert isinstance(event, Marked)
        self.marks.append((event.mark, event.t_ns))
        self.order.append(event.mark)

    async def _before_send(self) -> None:
        self.order.append("before send")

    async def request(self, method: bytes, *writes_ns: int) -> None:
        """Send one: its headers and its body, each written at these times."""
        headers_ns, body_ns = writes_ns
        request = httpcore2.Request(method, "http://127.0.0.1/")
        await self.exchange.trace("http11.send_request_headers.started", {"request": request})
        self.exchange.written(headers_ns)
        await self.exchange.trace("http11.send_request_headers.complete", {})
        await self.exchange.trace("http11.send_request_body.started", {"request": request})
        self.exchange.written(body_ns)
        await self.exchange.trace("http11.send_request_body.complete", {})


async def test_sent_is_the_last_write_of_the_request_and_not_the_moment_it_is_told() -> None:
    steps = Steps()
    await steps.request(b"POST", 5, 7)
    assert steps.marks[-1] == (Mark.SENT, 7)
    assert steps.order == [Mark.REUSED, "before send", Mark.SENT, "after send"]


async def test_the_request_for_a_tunnel_is_not_ours() -> None:
    steps = Steps()
    await steps.exchange.trace("connection.connect_tcp.started", {})
    await steps.request(b"CONNECT", 1, 2)
    assert steps.order == [Mark.CONNECT_STARTED]
    await steps.request(b"POST", 5, 7)
    assert steps.order == [Mark.CONNECT_STARTED, "before send", Mark.SENT, "after send"]
    assert steps.marks[-1] == (Mark.SENT, 7)


async def test_headers_arrive_with_the_segment_that_completed_them() -> None:
    steps = Steps()
    steps.exchange.was_read(Segment(b"HTTP/1.1 2", 10, 11, True))
    steps.exchange.was_read(Segment(b"00 OK", 20, 21, True))
    await steps.exchange.trace("http11.receive_response_headers.complete", {})
    assert steps.exchange.headers_ns == 20
