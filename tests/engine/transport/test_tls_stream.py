"""TLS over stamped sockets: stamps and ends survive the decryption."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore2
import pytest

from tui.engine.transport import Segment, exchange
from tui.engine.transport.http_transport import StampedBackend
from tui.engine.transport.socket_stream import SocketStream
from tui.engine.transport.tls_stream import TlsStream

from .loopback import (
    HEAD,
    WITHIN_S,
    Contexts,
    Peer,
    Watcher,
    certificates,
    linux,
    pair,
    read_all,
    segments_of,
    serving,
)

__all__ = ["certificates"]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@asynccontextmanager
async def tls_pair(contexts: Contexts) -> AsyncIterator[tuple[TlsStream, Peer]]:
    async with serving(tls=contexts[0]) as server:
        plain = await StampedBackend().connect_tcp("127.0.0.1", server.port, timeout=WITHIN_S)
        try:
            stream = await plain.start_tls(contexts[1], "stamped.test", timeout=WITHIN_S)
            yield stream, await server.peer()
        finally:
            await plain.aclose()


@linux
async def test_tls_carries_the_kernels_stamps(certificates: Contexts) -> None:
    async with tls_pair(certificates) as (stream, peer):
        await stream.write(b"ask")
        assert await peer.reader.readexactly(3) == b"ask"
        for _ in range(10):
            before_ns = peer.send(b"data")
            (segment,) = await segments_of(stream, 4)
            assert segment.data == b"data"
            assert segment.from_kernel
            assert before_ns - 50_000 <= segment.arrival_ns <= segment.read_ns
        assert stream.get_extra_info("ssl_object").version().startswith("TLS")
        assert stream.get_extra_info("socket").getpeername()[0] == "127.0.0.1"


async def test_tls_reads_stop_at_the_end_of_the_headers(certificates: Contexts) -> None:
    async with tls_pair(certificates) as (stream, peer):
        await stream.write(b"ask")
        peer.send(HEAD + b"body")
        assert await stream.read(65536, timeout=WITHIN_S) == HEAD
        assert b"".join(segment.data for segment in await segments_of(stream, 4)) == b"body"


async def test_a_tls_write_is_stamped(certificates: Contexts, watcher: Watcher) -> None:
    async with tls_pair(certificates) as (stream, peer):
        exchange.set(watcher)
        before_ns = time.monotonic_ns()
        await stream.write(bytes(100_000))
        after_ns = time.monotonic_ns()
        assert await peer.reader.readexactly(100_000) == bytes(100_000)
        assert len(watcher.writes) == 1
        assert before_ns <= watcher.writes[0] <= after_ns


async def test_tls_ends_and_breaks(certificates: Contexts) -> None:
    async with tls_pair(certificates) as (stream, peer):
        peer.send(b"data")
        peer.writer.close()
        assert await read_all(stream) == [b"data"]
        stream.check_end()
    async with tls_pair(certificates) as (stream, peer):
        peer.send(b"data")
        assert await stream.read(100, timeout=WITHIN_S) == b"data"
        peer.reset()
        with pytest.raises(httpcore2.ReadError):
            await stream.read(100, timeout=WITHIN_S)


async def test_a_certificate_that_is_not_known(certificates: Contexts) -> None:
    async with serving(tls=certificates[0]) as server:
        plain = await StampedBackend().connect_tcp("127.0.0.1", server.port)
        with pytest.raises(httpcore2.ConnectError) as caught:
            await plain.start_tls(ssl.create_default_context(), "stamped.test", timeout=WITHIN_S)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        assert plain.get_extra_info("socket").fileno() == -1


async def test_a_handshake_that_hangs_times_out_and_closes() -> None:
    async with pair() as (plain, _):
        with pytest.raises(httpcore2.ConnectTimeout):
            await plain.start_tls(ssl.create_default_context(), "stamped.test", timeout=0.05)
        assert plain.get_extra_info("socket").fileno() == -1


async def test_a_server_that_does_not_speak_tls() -> None:
    async with pair() as (plain, peer):
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(httpcore2.ConnectError) as caught:
            await plain.start_tls(ssl.create_default_context(), "stamped.test", timeout=WITHIN_S)
        assert isinstance(caught.value.__cause__, ssl.SSLError)


class Relay:
    """TLS of a server in memory, whose records are handed to the client's socket stream as the test cuts them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def shake_hands(self, peer: Peer) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                peer.send(self._out.read())
                self._in.write(await peer.reader.read(65536))
            else:
                peer.send(self._out.read())
                return

    def records(self, *texts: bytes) -> list[bytes]:
        found = []
        for text in texts:
            self.tls.write(text)
            found.append(self._out.read())
        return found


@asynccontextmanager
async def relayed(contexts: Contexts) -> AsyncIterator[tuple[TlsStream, SocketStream, Relay]]:
    async with pair() as (plain, peer):
        relay = Relay(contexts[0])
        stream, _ = await asyncio.gather(
            plain.start_tls(contexts[1], "stamped.test", timeout=WITHIN_S), relay.shake_hands(peer)
        )
        # A first text, so that the session tickets are out of the way.
        (first,) = relay.records(b"first")
        peer.send(first)
        assert b"".join(segment.data for segment in await segments_of(stream, 5)) == b"first"
        yield stream, plain, relay


def stamped(data: bytes, at: int) -> Segment:
    return Segment(data, at, at + 1, True)


async def test_a_record_has_the_stamp_of_the_segment_that_completed_it(certificates: Contexts) -> None:
    async with relayed(certificates) as (stream, plain, relay):
        first, second = relay.records(b"first", b"second")
        wire = first + second
        at = len(first)
        for place in (1, 5, at - 1):
            plain._segments = [stamped(wire[:place], 1), stamped(wire[place:at], 2), stamped(wire[at:], 3)]
            assert stream.take_over() == [Segment(b"first", 2, 3, True), Segment(b"second", 3, 4, True)]
            first, second = relay.records(b"first", b"second")
            wire = first + second


async def test_what_came_is_told_decrypted_and_stays_to_be_taken_over(certificates: Contexts) -> None:
    """The end of an answer is seen by its last bytes, and in TLS they are other ones."""
    async with relayed(certificates) as (stream, plain, relay):
        told: asyncio.Queue[bytes] = asyncio.Queue()
        stream.subscribe(told.put_nowait)
        plain._segments = [stamped(b"".join(relay.records(b"content")), 1), stamped(relay.records(b"end")[0], 2)]
        assert plain._on_data is not None
        plain._on_data(b"anything")
        plain._on_data(b"anything")
        assert await asyncio.wait_for(told.get(), WITHIN_S) == b"end"
        assert told.empty()
        assert stream.take_over() == [Segment(b"content", 1, 2, True), Segment(b"end", 2, 3, True)]


async def test_several_records_in_a_segment_are_one(certificates: Contexts) -> None:
    async with relayed(certificates) as (stream, plain, relay):
        plain._segments = [stamped(b"".join(relay.records(b"a", b"b", b"c")), 7)]
        assert stream.take_over() == [Segment(b"abc", 7, 8, True)]


async def test_a_damaged_record_is_an_error_after_what_came(certificates: Contexts) -> None:
    async with relayed(certificates) as (stream, plain, relay):
        good, bad = relay.records(b"good", b"bad")
        plain._segments = [stamped(good + bad[:-1] + bytes([bad[-1] ^ 1]), 7)]
        data, end = stream.take_over()
        assert (data.data, end.data) == (b"good", b"")
        with pytest.raises(httpcore2.ReadError):
            stream.check_end()
