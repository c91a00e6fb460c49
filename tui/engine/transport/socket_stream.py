"""Stamped sockets under the SDK's HTTP client: every piece of data comes with the time at which it arrived.

On Linux a TCP socket with SO_TIMESTAMPNS hands each `recvmsg` the time at which the kernel took in the data, before
any process ran; elsewhere, and where the kernel gives no stamp, the time right after the read is taken. The callback
that reads does nothing but read and queue, and so runs ahead of whatever parses.
"""

import asyncio
import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2
from aiohappyeyeballs import start_connection

from tui.engine.transport.clock import StampClock
from tui.engine.transport.stamped_stream import READ_BYTES, Segment, StampedStream, observer, socket_errors_as
from tui.engine.transport.tls_stream import TlsStream

SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>; Python's socket module does not name it."""
_TIMESPEC = struct.Struct("qq")
_KERNEL_STAMPS = sys.platform == "linux" and struct.calcsize("P") == 8
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if _KERNEL_STAMPS else 0
_DATA_SEGS_IN, _DATA_SEGS_IN_AT = struct.Struct("I"), 152
"""tcpi_data_segs_in of struct tcp_info, <linux/tcp.h>."""
_PAUSE_BYTES = 4 * 1024 * 1024
"""Unread data at which reading pauses, so that a stream faster than its parser is held back by TCP."""
_HAPPY_EYEBALLS_DELAY_S = 0.25
"""RFC 8305's recommended delay between connection attempts."""


class SocketStream(StampedStream):
    """A connected TCP or unix socket."""

    def __init__(self, sock: socket.socket, clock: StampClock) -> None:
        super().__init__()
        self._socket = sock
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._segments: list[Segment] = []
        self._queued_bytes = self._latest_ns = self._parts = 0
        self._read_ns = time.monotonic_ns()
        self._paused = self._ended = False
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._on_data: Callable[[], None] | None = None
        self._stamped = _KERNEL_STAMPS and sock.family in (socket.AF_INET, socket.AF_INET6)
        if self._stamped:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    def _readable(self) -> None:
        """Read once and queue; epoll calls again if there is more."""
        try:
            if self._stamped:
                data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, _ANCILLARY_BYTES)
            else:
                data, ancillary = self._socket.recv(READ_BYTES), []
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._error = error
            data, ancillary = b"", []
        read_ns = time.monotonic_ns()
        arrival_ns = None
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                arrival_ns = self._clock.arrival_ns(seconds * 1_000_000_000 + nanoseconds, read_ns)
        if arrival_ns is None:
            segment = Segment(data, read_ns, read_ns, False)
        else:
            # TCP delivers in order: an earlier time than before is the error of the clocks' offset.
            arrival_ns = max(arrival_ns, self._latest_ns)
            segment = Segment(data, arrival_ns, read_ns, True, self._new_parts(), self._read_ns)
        self._latest_ns = segment.arrival_ns
        self._read_ns = read_ns
        self._segments.append(segment)
        self._queued_bytes += len(data)
        if not data:
            self._ended = True
        if self._ended or self._queued_bytes > _PAUSE_BYTES:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())
        if self._waiter is not None:
            _resolve(self._waiter)
        if self._on_data is not None:
            self._on_data()

    def _new_parts(self) -> int:
        """TCP segments with data that came in since the last call; may count one that is still unread."""
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGS_IN.size + _DATA_SEGS_IN_AT)
        if len(info) < _DATA_SEGS_IN_AT + _DATA_SEGS_IN.size:
            return 1
        (total,) = _DATA_SEGS_IN.unpack_from(info, _DATA_SEGS_IN_AT)
        parts, self._parts = total - self._parts, total
        return int(parts)

    def subscribe(self, on_data: Callable[[], None] | None) -> None:
        """See `StampedStream.subscribe`."""
        self._on_data = on_data

    def pull(self) -> list[Segment]:
        """See `StampedStream.pull`."""
        segments, self._segments = self._segments, []
        self._queued_bytes = 0
        if self._paused and not self._ended and self._socket.fileno() >= 0:
            self._paused = False
            self._loop.add_reader(self._socket.fileno(), self._readable)
        if not segments and self._ended:
            segments = [Segment(b"", time.monotonic_ns(), time.monotonic_ns(), False)]
        return segments

    def check_end(self) -> None:
        """See `StampedStream.check_end`."""
        if self._error is not None:
            raise httpcore2.ReadError(str(self._error)) from self._error

    async def arrived(self) -> None:
        """See `StampedStream.arrived`."""
        if not self._segments and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand all of `buffer` to the kernel."""
        if not buffer:
            return  # httpcore2 ends a body with an empty write: nothing is sent, and nothing must be stamped
        self._scanned = b""
        async with socket_errors_as(httpcore2.WriteTimeout, httpcore2.WriteError), asyncio.timeout(timeout):
            written_ns = await self._send_all(memoryview(buffer))
        if (watcher := observer.get(None)) is not None:
            watcher.written(written_ns)

    async def _send_all(self, left: memoryview) -> int:
        """Send everything. Returns when the last call that sent was made, CLOCK_MONOTONIC ns.

        When it was made and not when it returned: sending wakes the receiver, which often runs at once in our place,
        so that a clock read after the call may be later than the answer.
        """
        written_ns = time.monotonic_ns()
        while left:
            called_ns = time.monotonic_ns()
            try:
                sent = self._socket.send(left)
            except (BlockingIOError, InterruptedError):
                await self._writable()
                continue
            written_ns = called_ns
            left = left[sent:]
        return written_ns

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(self._socket.fileno(), _resolve, ready)
        try:
            await ready
        finally:
            if self._socket.fileno() >= 0:
                self._loop.remove_writer(self._socket.fileno())

    async def aclose(self) -> None:
        """Close the socket at once."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self._ended = True
        if self._waiter is not None:
            _resolve(self._waiter)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "TlsStream":
        """Wrap the connection in TLS and shake hands."""
        stream = TlsStream(self, ssl_context, server_hostname)
        try:
            async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
                await stream.shake_hands()
        except BaseException:
            await self.aclose()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        """What httpcore2 asks of a stream."""
        match info:
            case "socket":
                return self._socket
            case "client_addr":
                return self._socket.getsockname()
            case "server_addr":
                return self._socket.getpeername()
            case "is_readable":
                return self._ended or bool(self._segments) or _readable_now(self._socket)
        return None


class StampedBackend(httpcore2.AsyncNetworkBackend):
    """Makes stamped connections for httpcore2's pools and proxies."""

    def __init__(self) -> None:
        self._clock = StampClock()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> SocketStream:
        """Look the name up and connect to whichever of its addresses answers first (RFC 8305)."""
        loop = asyncio.get_running_loop()
        async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if (watcher := observer.get(None)) is not None:
                watcher.resolved(time.monotonic_ns())
            local = await loop.getaddrinfo(local_address, 0, type=socket.SOCK_STREAM) if local_address else None
            sock = await start_connection(
                addresses,
                local_addr_infos=local,
                happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY_S,
                interleave=1,
                loop=loop,
            )
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in socket_options or ():
            sock.setsockopt(*option)
        return SocketStream(sock, self._clock)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> SocketStream:
        """Connect to a unix socket; its data carry the time of the read."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_connect(sock, path)
        except BaseException:
            sock.close()
            raise
        for option in socket_options or ():
            sock.setsockopt(*option)
        return SocketStream(sock, self._clock)

    async def sleep(self, seconds: float) -> None:
        """httpcore2's pause between connection attempts."""
        await asyncio.sleep(seconds)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _readable_now(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
