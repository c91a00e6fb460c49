"""Real connections on loopback: pairs whose two ends a test holds, HTTP servers and proxies, plain and over TLS."""

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.scripted import at_once
from tui.engine.reporter import RequestReporter
from tui.engine.transport import Exchange, Segment, StampedStream
from tui.engine.transport.http_transport import StampedBackend
from tui.engine.transport.socket_stream import SocketStream

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
    """Segments with `size` bytes together, or up to the end."""
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
    stream.subscribe(lambda _: arrived.set())
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


NAME = "stamped.test"
"""A name that only the proxies here know."""
BODY = b"data: {}\n\n"


class Origin:
    """An HTTP server that answers everything, and what it was asked."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.answered_ns = 0
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                self.answered_ns = time.monotonic_ns()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY))
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback whose connections are over when it is."""
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def origin(tls: ssl.SSLContext | None = None) -> AsyncIterator[Origin]:
    server = Origin()
    async with listening(server.take, tls) as server.port:
        yield server


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    await closed(writer)


async def relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, first: bytes = b"", reply: bytes = b""
) -> None:
    """Both ways between a client and the server at `port`."""
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    up_writer.write(first)
    writer.write(reply)
    try:
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
    finally:
        up_writer.transport.abort()
        writer.transport.abort()


class Proxy:
    """Forwards HTTP, tunnels CONNECT and speaks SOCKS5; every name leads to the one origin."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.asked: list[bytes] = []
        self.port = 0

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        if head.startswith(b"CONNECT "):
            await relay(reader, writer, self.target, reply=b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            await relay(reader, writer, self.target, first=head)

    async def socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        assert version == 5
        await reader.readexactly(count)
        writer.write(b"\x05\x00")
        _, command, _, kind = await reader.readexactly(4)
        assert (command, kind) == (1, 3)
        name = await reader.readexactly((await reader.readexactly(1))[0])
        port = await reader.readexactly(2)
        self.asked.append(b"%b:%d" % (name, int.from_bytes(port)))
        await relay(reader, writer, self.target, reply=b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    async def refusing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        await closed(writer)
