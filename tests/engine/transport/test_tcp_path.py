"""What the kernel says of a connection's path, over real connections on loopback."""

import asyncio
import socket
import time

import pytest

from engine.scripted import at_once
from tui.core.events import Event, Mark, Marked, NetworkSeen
from tui.engine.reporter import RequestReporter
from tui.engine.transport import Exchange, StampedStream, exchange, tcp_path
from tui.engine.transport.http_transport import StampedBackend

from .loopback import WITHIN_S, Contexts, Peer, certificates, linux, pair, segments_of, serving

__all__ = ("certificates",)


class Told:
    """An exchange, and what it has reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.exchange = Exchange(RequestReporter(7, self.events.append), at_once, lambda: None)

    async def ask(self, stream: StampedStream, peer: Peer, data: bytes) -> int:
        """Write a request as httpcore2 does. Returns when the peer had read it, CLOCK_MONOTONIC ns."""
        exchange.set(self.exchange)
        await self.exchange.trace("http11.send_request_headers.started", {"request": _Request()})
        head, body = data[: len(data) // 2], data[len(data) // 2 :]
        await stream.write(head)
        writing = asyncio.ensure_future(stream.write(body))
        async with asyncio.timeout(WITHIN_S):
            assert await peer.reader.readexactly(len(data)) == data
            await writing
        return time.monotonic_ns()

    def path(self) -> tuple[int | None, NetworkSeen | None]:
        """The acknowledgement, and what else is known."""
        self.events.clear()
        self.exchange.report_path()
        acked = [event.t_ns for event in self.events if isinstance(event, Marked) and event.mark is Mark.ACKED]
        seen = [event for event in self.events if isinstance(event, NetworkSeen)]
        return (acked[0] if acked else None, seen[0] if seen else None)


class _Request:
    method = b"POST"


@linux
@pytest.mark.parametrize("size", [100, 3_000_000])
async def test_the_acknowledgement_of_the_last_byte_is_known(size: int) -> None:
    told = Told()
    async with pair() as (stream, peer):
        for _ in range(2):  # a new connection, and one that is used again
            before_ns = time.monotonic_ns()
            read_ns = await told.ask(stream, peer, b"x" * size)
            peer.send(b"answer")
            await segments_of(stream, 6)
            acked_ns, seen = told.path()
            assert acked_ns is not None
            assert before_ns <= acked_ns
            # At the latest with the answer, which is sent after the read.
            assert acked_ns <= max(read_ns, time.monotonic_ns())
            assert seen is not None
            assert seen.request_id == 7
            assert seen.sent_bytes == size
            assert seen.min_rtt_ns is not None
            assert seen.rtt_ns is not None
            assert 0 < seen.min_rtt_ns <= seen.rtt_ns
            assert seen.segment_bytes > 500
            assert not seen.to_proxy


@linux
async def test_it_is_known_through_tls(certificates: Contexts) -> None:
    told = Told()
    async with serving(tls=certificates[0]) as server:
        plain = await StampedBackend(to_proxy=True).connect_tcp("127.0.0.1", server.port, timeout=WITHIN_S)
        stream = await plain.start_tls(certificates[1], "stamped.test", timeout=WITHIN_S)
        peer = await server.peer()
        before_ns = time.monotonic_ns()
        await told.ask(stream, peer, b"x" * 1_000)
        peer.send(b"answer")
        await segments_of(stream, 6)
        await stream.aclose()
    acked_ns, seen = told.path()
    assert acked_ns is not None
    assert acked_ns >= before_ns
    assert seen is not None
    assert 1_000 < seen.sent_bytes < 2_000, "with TLS's own bytes, without those of the handshake"
    assert seen.to_proxy


@linux
async def test_an_acknowledgement_neither_spins_the_loop_nor_spoils_the_connection() -> None:
    told = Told()
    async with pair() as (stream, peer):
        await told.ask(stream, peer, b"x" * 100)
        peer.send(b"answer")
        await segments_of(stream, 6)
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            stream._readable()

        stream._loop.add_reader(stream._socket.fileno(), turn)
        await told.ask(stream, peer, b"x" * 100)
        assert not stream.get_extra_info("is_readable"), "httpcore2 would take it for closed"
        acked_ns, _ = told.path()
        assert acked_ns is not None
        await asyncio.sleep(0.05)  # time in which a loop that spins turns thousands of times
        assert turns <= 3


@linux
async def test_what_was_known_outlives_the_socket() -> None:
    told = Told()
    async with pair() as (stream, peer):
        await told.ask(stream, peer, b"x" * 100)
        peer.send(b"answer")
        await segments_of(stream, 6)
        before = told.path()
        await stream.aclose()
        assert told.path() == before
        assert before[0] is not None


async def test_where_the_kernel_says_nothing_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_path, "KNOWN", False)
    told = Told()
    async with pair() as (stream, peer):
        await told.ask(stream, peer, b"x" * 100)
        assert told.path() == (None, None)


@linux
async def test_a_kernel_that_knows_no_acknowledgements_still_tells_the_round_trip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_path, "_SO_TIMESTAMPING", 9_999)
    told = Told()
    async with pair() as (stream, peer):
        await told.ask(stream, peer, b"x" * 100)
        acked_ns, seen = told.path()
        assert acked_ns is None
        assert seen is not None
        assert seen.min_rtt_ns is not None


@linux
async def test_a_socket_that_is_no_tcp_has_no_path() -> None:
    one, other = socket.socketpair()
    with one, other:
        path = tcp_path.TcpPath(one, lambda stamp_ns: stamp_ns)
        path.begin()
        path.wrote(3)
        assert path.acked_ns is None
        assert path.seen(1) is None
        assert path.arrived(1) == 1


@linux
async def test_the_shortest_round_trip_of_any_connection() -> None:
    async with pair() as (stream, peer):
        await Told().ask(stream, peer, b"x")
        sock = stream.get_extra_info("socket")
        shortest_ns = tcp_path.min_rtt_ns(sock)
        assert shortest_ns is not None
        assert 0 < shortest_ns < 1_000_000_000
    assert tcp_path.min_rtt_ns(sock) is None, "it is closed"
    one, other = socket.socketpair()
    with one, other:
        assert tcp_path.min_rtt_ns(one) is None
