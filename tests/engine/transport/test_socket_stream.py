"""The stamped sockets over real connections on loopback."""

import asyncio
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpcore2
import pytest

from engine.scripted import at_once
from tui.engine.reporter import RequestReporter
from tui.engine.transport import Exchange, Segment, StampedStream, exchange
from tui.engine.transport import socket_stream as module
from tui.engine.transport.http_transport import StampedBackend
from tui.engine.transport.socket_stream import SocketStream
from tui.engine.transport.tls_stream import TlsStream

WITHIN_S = 30
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel stamps on Linux only")


class Peer:
    """The server's end of one connection: writes when it is told to, and says when it did."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.left = asyncio.Event()

    def send(self, data: bytes) -> int:
        """Write. Returns the time before the write; with nothing waiting before it, the kernel has it on return."""
        before_ns = time.monotonic_ns()
        self.writer.write(data)
        return before_ns

    def reset(self) -> None:
        """Close with RST."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    """Peers in the order in which they came."""

    def __init__(self) -> None:
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._all: list[Peer] = []
        self.port = 0

    async def peer(self) -> Peer:
        async with asyncio.timeout(WITHIN_S):
            return await self._peers.get()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._all.append(peer)
        self._peers.put_nowait(peer)
        await peer.left.wait()

    def close(self) -> None:
        for peer in self._all:
            peer.writer.transport.abort()
            peer.left.set()


@asynccontextmanager
async def serving(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.take, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.close()
        listener.close()
        await asyncio.sleep(0)  # the aborted connections are closed in the loop's next turn


@asynccontextmanager
async def connected(
    connect: Callable[[], Awaitable[SocketStream]], server: Server
) -> AsyncIterator[tuple[SocketStream, Peer]]:
    stream = await connect()
    try:
        yield stream, await server.peer()
    finally:
        await stream.aclose()


@asynccontextmanager
async def pair(host: str = "127.0.0.1") -> AsyncIterator[tuple[SocketStream, Peer]]:
    async with (
        serving(host) as server,
        connected(lambda: StampedBackend().connect_tcp(host, server.port, timeout=WITHIN_S), server) as both,
    ):
        yield both


async def segments_of(stream: StampedStream, size: int) -> list[Segment]:
    """Segments with so many bytes together, or up to the end."""
    found: list[Segment] = []
    async with asyncio.timeout(WITHIN_S):
        while sum(len(segment.data) for segment in found) < size:
            new = stream.take_over()
            found += new
            if found and not found[-1].data:
                break
            if not new:
                await stream.arrived()
    return found


async def until(stream: StampedStream, condition: Callable[[], bool]) -> None:
    """Wait until this is so; it is looked at whenever something has arrived."""
    arrived = asyncio.Event()
    stream.subscribe(arrived.set)
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await arrived.wait()
            arrived.clear()
    stream.subscribe(None)


async def read_all(stream: StampedStream) -> list[bytes]:
    parts = []
    while part := await stream.read(65536, timeout=WITHIN_S):
        parts.append(part)
    return parts


async def flushed(peer: Peer) -> None:
    """Until the kernel has taken all of it."""
    async with asyncio.timeout(WITHIN_S):
        peer.writer.transport.set_write_buffer_limits(0)
        await peer.writer.drain()


# Stamps


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_kernel_says_when_data_arrived(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    async with pair(host) as (stream, peer):
        for _ in range(20):
            before_ns = peer.send(b"data")
            (segment,) = await segments_of(stream, 4)
            assert segment.data == b"data"
            assert segment.from_kernel
            # 50 µs: as far as the offset between the two clocks may err.
            assert before_ns - 50_000 <= segment.arrival_ns <= segment.read_ns <= time.monotonic_ns()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@linux
async def test_a_read_that_comes_late_does_not_move_the_arrival() -> None:
    async with pair() as (stream, peer):
        before_ns = peer.send(b"data")
        after_ns = time.monotonic_ns()
        while time.monotonic_ns() < after_ns + 30_000_000:
            pass  # the loop is kept from reading
        (segment,) = await segments_of(stream, 4)
        assert before_ns - 50_000 <= segment.arrival_ns <= after_ns + 10_000_000
        assert segment.read_ns >= after_ns + 30_000_000


@linux
async def test_a_read_that_takes_several_segments_at_once_says_so() -> None:
    async with pair() as (stream, peer):
        peer.send(b"first")
        await until(stream, lambda: len(stream._segments) == 1)
        # The loop does not turn between these, so that one read takes them all.
        befores = [peer.send(b"more") for _ in range(3)]
        await until(stream, lambda: len(stream._segments) == 2)
        first, merged = stream.take_over()
        assert (first.parts, merged.parts) == (1, 3)
        assert merged.data == b"more" * 3
        assert merged.since_ns == first.read_ns <= befores[0]
        assert merged.arrival_ns >= befores[2] - 50_000, "the kernel stamps the last of them"


@linux
async def test_segments_that_wait_to_be_decoded_keep_their_own_stamps() -> None:
    async with pair() as (stream, peer):
        befores = []
        for number in range(50):
            befores.append(peer.send(b"%04d" % number))
            # The next is sent when this one has been read, and queued; nobody decodes.
            await until(stream, lambda: len(stream._segments) == len(befores))
        segments = stream.take_over()
        assert [segment.data for segment in segments] == [b"%04d" % number for number in range(50)]
        arrivals = [segment.arrival_ns for segment in segments]
        limits = [*befores[1:], time.monotonic_ns()]
        for before_ns, arrival_ns, next_ns in zip(befores, arrivals, limits, strict=True):
            assert before_ns - 50_000 <= arrival_ns <= next_ns + 50_000


async def test_without_the_kernels_stamp_the_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KERNEL_STAMPS", False)
    async with pair() as (stream, peer):
        before_ns = peer.send(b"data")
        (segment,) = await segments_of(stream, 4)
        assert not segment.from_kernel
        assert before_ns <= segment.arrival_ns == segment.read_ns


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


class Watcher(Exchange):
    def __init__(self) -> None:
        super().__init__(RequestReporter(1, lambda event: None), at_once, lambda: None)
        self.resolved_ns = 0
        self.writes: list[int] = []
        self.reads: list[Segment] = []

    def resolved(self, t_ns: int) -> None:
        self.resolved_ns = t_ns

    def written(self, t_ns: int) -> None:
        self.writes.append(t_ns)

    def was_read(self, segment: Segment) -> None:
        self.reads.append(segment)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


async def test_a_write_is_stamped_before_it_can_be_answered(watcher: Watcher) -> None:
    exchange.set(watcher)
    started_ns = time.monotonic_ns()
    async with pair() as (stream, peer):
        for _ in range(20):
            before_ns = time.monotonic_ns()
            await stream.write(b"ask")
            after_ns = time.monotonic_ns()
            await peer.reader.readexactly(3)
            assert before_ns <= watcher.writes[-1] <= after_ns
        await stream.write(b"")
    assert len(watcher.writes) == 20
    assert started_ns <= watcher.resolved_ns <= watcher.writes[0]


async def test_a_long_write_is_stamped_at_its_last_byte(watcher: Watcher) -> None:
    exchange.set(watcher)
    data = bytes(range(256)) * (1 << 14)  # more than the buffers of both ends take
    async with pair() as (stream, peer):
        writing = asyncio.create_task(stream.write(data))
        received = await peer.reader.readexactly(1 << 16)
        assert not writing.done()
        assert not watcher.writes
        half_ns = time.monotonic_ns()
        received += await peer.reader.readexactly(len(data) - len(received))
        await writing
        assert received == data
        assert len(watcher.writes) == 1
        assert half_ns <= watcher.writes[0] <= time.monotonic_ns()


async def test_a_write_that_nobody_reads_times_out() -> None:
    async with pair() as (stream, _):
        with pytest.raises(httpcore2.WriteTimeout):
            await stream.write(bytes(1 << 26), timeout=0.05)


async def test_a_read_that_brings_nothing_times_out() -> None:
    async with pair() as (stream, peer):
        with pytest.raises(httpcore2.ReadTimeout):
            await stream.read(100, timeout=0.01)
        peer.send(b"late")
        assert await stream.read(100, timeout=WITHIN_S) == b"late"


async def test_the_observer_hears_from_which_segment_a_read_was_served(watcher: Watcher) -> None:
    exchange.set(watcher)
    async with pair() as (stream, peer):
        peer.send(b"data")
        assert await stream.read(2, timeout=WITHIN_S) == b"da"
        assert await stream.read(2, timeout=WITHIN_S) == b"ta"
        first, second = watcher.reads
        assert first.arrival_ns == second.arrival_ns


# Ends


async def test_an_end_comes_after_what_came_before() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        peer.writer.close()
        assert await read_all(stream) == [b"data"]
        assert await stream.read(100) == b""
        stream.check_end()  # it ended, and was not broken


async def test_a_reset_comes_after_what_came_before() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        assert await stream.read(100, timeout=WITHIN_S) == b"data"
        peer.reset()
        for _ in range(2):
            with pytest.raises(httpcore2.ReadError, match="reset"):
                await stream.read(100, timeout=WITHIN_S)


async def test_a_reset_right_behind_data_is_seen_by_whoever_takes_over() -> None:
    async with pair() as (stream, peer):
        peer.send(b"data")
        await until(stream, lambda: len(stream._segments) == 1)
        peer.reset()
        await until(stream, lambda: len(stream._segments) == 2)
        data, end = stream.take_over()
        assert (data.data, end.data) == (b"data", b"")
        with pytest.raises(httpcore2.ReadError):
            stream.check_end()


async def test_a_write_to_one_who_has_gone_is_an_error() -> None:
    async with pair() as (stream, peer):
        peer.reset()
        assert await raising(stream.read(1, timeout=WITHIN_S)) is httpcore2.ReadError
        assert await raising(stream.write(b"data")) is httpcore2.WriteError


async def raising(doing: Awaitable[object]) -> type[Exception] | None:
    try:
        await doing
    except Exception as error:  # the test looks at it
        return type(error)
    return None


async def test_it_is_readable_once_the_server_has_closed() -> None:
    async with pair() as (stream, peer):
        assert not stream.get_extra_info("is_readable")
        peer.writer.close()
        async with asyncio.timeout(WITHIN_S):
            await stream.arrived()
        assert stream.get_extra_info("is_readable")
        stream.take_over()
        assert stream.get_extra_info("is_readable")
    assert stream.get_extra_info("is_readable")


async def test_it_is_readable_at_once_without_a_turn_of_the_loop() -> None:
    async with pair() as (stream, peer):
        sock: socket.socket = peer.writer.get_extra_info("socket")
        sock.shutdown(socket.SHUT_WR)
        # A turn later at the latest, but asked before the loop has come round.
        deadline = time.monotonic() + WITHIN_S
        while not stream.get_extra_info("is_readable"):
            assert time.monotonic() < deadline
        assert not stream._segments


async def test_addresses_and_sockets_are_told() -> None:
    async with pair() as (stream, peer):
        assert stream.get_extra_info("client_addr") == peer.writer.get_extra_info("peername")
        assert stream.get_extra_info("server_addr") == peer.writer.get_extra_info("sockname")
        assert stream.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.get_extra_info("unheard-of") is None


async def test_a_reader_that_is_waiting_hears_of_our_own_close() -> None:
    async with pair() as (stream, _):
        reading = asyncio.create_task(stream.read(100))
        await asyncio.sleep(0)
        await stream.aclose()
        async with asyncio.timeout(WITHIN_S):
            assert await reading == b""
        await stream.aclose()


async def test_reading_pauses_when_nobody_decodes_and_goes_on_when_someone_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PAUSE_BYTES", 100_000)
    data = bytes(range(256)) * (1 << 16)
    async with pair() as (stream, peer):
        peer.send(data)
        await until(stream, lambda: stream._paused)
        for _ in range(100):
            await asyncio.sleep(0)
        assert 100_000 < stream._queued_bytes < 100_000 + 65536 + 1
        assert peer.writer.transport.get_write_buffer_size() > 0
        segments = await segments_of(stream, len(data))
        assert b"".join(segment.data for segment in segments) == data
        stamps = [segment.arrival_ns for segment in segments]
        assert stamps == sorted(stamps)


# Connecting


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(httpcore2.ConnectError) as caught:
        await StampedBackend().connect_tcp("127.0.0.1", port)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(httpcore2.ConnectError) as caught:
        await StampedBackend().connect_tcp("name.invalid", 80)
    assert isinstance(caught.value.__cause__, socket.gaierror)


async def test_a_connect_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda *_, **__: never)
    with pytest.raises(httpcore2.ConnectTimeout):
        await StampedBackend().connect_tcp("slow.test", 80, timeout=0.01)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Have every name resolve to these addresses."""
    infos = [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (host, port, 0, 0) if ":" in host else (host, port),
        )
        for host, port in addresses
    ]

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return infos

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_dead_address_does_not_keep_a_live_one_from_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8305: IPv6 comes first and is refused or goes nowhere; IPv4 answers."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
    async with serving() as server:
        # Refused at once, and of a network that is for documentation only (RFC 3849, RFC 5737).
        for host, port in (("::1", dead), ("2001:db8::1", 80), ("192.0.2.1", 80)):
            resolving(monkeypatch, (host, port), ("127.0.0.1", server.port))
            stream = await StampedBackend().connect_tcp("both.test", 80, timeout=WITHIN_S)
            assert stream.get_extra_info("server_addr")[:2] == ("127.0.0.1", server.port)
            await stream.aclose()


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and the client's side: a certificate for `stamped.test`, and one's own authority."""
    base = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=base, check=True, capture_output=True, timeout=WITHIN_S)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    # From Python 3.13 on a certificate authority must say what its key is for.
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2", *usage)
    openssl("req", *key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=stamped.test")
    (base / "names").write_text("subjectAltName=DNS:stamped.test\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "request.pem", *signing, "-out", "cert.pem", "-days", "2")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(base / "cert.pem", base / "key.pem")
    return server, ssl.create_default_context(cafile=str(base / "ca.pem"))


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


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
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"


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
