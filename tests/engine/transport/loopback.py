"""Real connections on loopback, whose two ends a test holds, plain and over TLS."""

import asyncio
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
