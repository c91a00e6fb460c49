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
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import httpcore2
from aiohappyeyeballs import start_connection

from tui.engine.clock import StampClock

SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>; Python's socket module does not name it."""
_TIMESPEC = struct.Struct("qq")
_KERNEL_STAMPS = sys.platform == "linux" and struct.calcsize("P") == 8
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if _KERNEL_STAMPS else 0
_READ_BYTES = 64 * 1024
_PAUSE_BYTES = 4 * 1024 * 1024
"""Unread data at which reading pauses, so that a stream faster than its parser is held back by TCP."""
_HAPPY_EYEBALLS_DELAY_S = 0.25
"""RFC 8305's recommended delay between connection attempts."""
_END_OF_HEADERS = b"\r\n\r\n"


class Segment(NamedTuple):
    """Data as one read gave them; empty data are the end of the stream."""

    data: bytes
    arrival_ns: int
    """When they arrived, CLOCK_MONOTONIC: the kernel's stamp, or `read_ns` where there is none."""
    read_ns: int
    """When they were read."""
    from_kernel: bool


class WireObserver:
    """Is told what happens on the connections of one request; the base class ignores it."""

    def resolved(self, t_ns: int) -> None:
        """The name was looked up."""

    def written(self, t_ns: int) -> None:
        """A write's last byte was handed to the kernel."""

    def was_read(self, segment: Segment) -> None:
        """A read of httpcore2's was served from this segment."""


observer: ContextVar[WireObserver] = ContextVar("observer")
"""The observer of the request that the current task sends."""


class StampedStream(httpcore2.AsyncNetworkStream):
    """What both kinds of stream share: reading from a queue of segments, by httpcore2 or, taken over, by ourselves."""

    def __init__(self) -> None:
        self._queue: deque[Segment] = deque()
        self._scanned = b""
        """The last bytes given out since the last write: an end of headers may be cut anywhere."""

    @abstractmethod
    def pull(self) -> list[Segment]:
        """All segments that have arrived, taken out of the queue."""

    @abstractmethod
    def check_end(self) -> None:
        """To be called at an empty segment: raises httpcore2.ReadError if the stream broke instead of ending."""

    @abstractmethod
    async def arrived(self) -> None:
        """Return when `pull` has something to give."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next data, at most `max_bytes`, and never beyond an end of HTTP headers: whoever wants the body raw
        finds all of it still here."""
        if not self._queue:
            async with _raising(httpcore2.ReadTimeout, httpcore2.ReadError), asyncio.timeout(timeout):
                while not self._queue:
                    self._queue.extend(self.pull())
                    if not self._queue:
                        await self.arrived()
        segment = self._queue.popleft()
        if not segment.data:
            self.check_end()
        cut = min(max_bytes, self._to_end_of_headers(segment.data))
        if cut < len(segment.data):
            self._queue.appendleft(segment._replace(data=segment.data[cut:]))
        data = segment.data[:cut]
        self._scanned = (self._scanned + data)[-3:]
        if (watcher := observer.get(None)) is not None:
            watcher.was_read(segment)
        return data

    def take_over(self) -> list[Segment]:
        """All segments that have arrived and were not read yet; for whoever reads the body itself."""
        segments = [*self._queue, *self.pull()]
        self._queue.clear()
        return segments

    @abstractmethod
    def subscribe(self, on_data: Callable[[], None] | None) -> None:
        """Have `on_data` called whenever something has arrived, until `None` is given."""

    def give_back(self, data: bytes) -> None:
        """Put data in front of what has not been read."""
        now = time.monotonic_ns()
        self._queue.appendleft(Segment(data, now, now, False))

    def _to_end_of_headers(self, data: bytes) -> int:
        known = len(self._scanned)
        found = (self._scanned + data[: len(_END_OF_HEADERS) - 1]).find(_END_OF_HEADERS)
        if found < 0:
            found, known = data.find(_END_OF_HEADERS), 0
        return len(data) if found < 0 else found + len(_END_OF_HEADERS) - known


class SocketStream(StampedStream):
    """A connected TCP or unix socket."""

    def __init__(self, sock: socket.socket, clock: StampClock) -> None:
        super().__init__()
        self._socket = sock
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._segments: list[Segment] = []
        self._queued_bytes = self._latest_ns = 0
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
                data, ancillary, _, _ = self._socket.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
            else:
                data, ancillary = self._socket.recv(_READ_BYTES), []
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
            segment = Segment(data, max(arrival_ns, self._latest_ns), read_ns, True)
        self._latest_ns = segment.arrival_ns
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
        async with _raising(httpcore2.WriteTimeout, httpcore2.WriteError), asyncio.timeout(timeout):
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
            async with _raising(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
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


class TlsStream(StampedStream):
    """TLS over a stream of ours. A record carries the stamp of the segment that completed it."""

    def __init__(self, inner: StampedStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        super().__init__()
        self.inner = inner
        self._error: ssl.SSLError | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    async def shake_hands(self) -> None:
        """Do the handshake. Raises ssl.SSLError, OSError or httpcore2.ReadError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self.inner.read(_READ_BYTES)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                await self._flush()
                return

    def pull(self) -> list[Segment]:
        """See `StampedStream.pull`."""
        plain: list[Segment] = []
        for segment in self.inner.take_over():
            if not segment.data:
                plain.append(segment)
                break
            self._incoming.write(segment.data)
            plain += self._decrypted(segment)
            if plain and not plain[-1].data:
                break
        return plain

    def check_end(self) -> None:
        """See `StampedStream.check_end`."""
        if self._error is not None:
            raise httpcore2.ReadError(str(self._error)) from self._error
        self.inner.check_end()

    def subscribe(self, on_data: Callable[[], None] | None) -> None:
        """See `StampedStream.subscribe`."""
        self.inner.subscribe(on_data)

    def _decrypted(self, segment: Segment) -> list[Segment]:
        parts: list[bytes] = []
        ended = False
        while not ended:
            try:
                part = self._tls.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                part = b""
            except ssl.SSLError as error:
                # What was decrypted before is given out first.
                self._error, part = error, b""
            parts.append(part)
            ended = not part
        segments = [segment._replace(data=data)] if (data := b"".join(parts)) else []
        return [*segments, segment._replace(data=b"")] if ended else segments

    async def arrived(self) -> None:
        """See `StampedStream.arrived`."""
        await self.inner.arrived()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Encrypt and hand all of `buffer` to the kernel."""
        view = memoryview(buffer)
        while view:
            view = view[self._tls.write(view) :]
        await self._flush(timeout)
        self._scanned = b""

    async def _flush(self, timeout: float | None = None) -> None:
        if data := self._outgoing.read():
            await self.inner.write(data, timeout)

    async def aclose(self) -> None:
        """Close the connection at once, without TLS's good-bye: the server is to see it now."""
        await self.inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "TlsStream":
        """TLS inside TLS: through a proxy that is itself reached over TLS."""
        stream = TlsStream(self, ssl_context, server_hostname)
        async with _raising(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
            await stream.shake_hands()
        return stream

    def get_extra_info(self, info: str) -> Any:
        """What httpcore2 asks of a stream."""
        return self._tls if info == "ssl_object" else self.inner.get_extra_info(info)


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
        async with _raising(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
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
            async with _raising(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
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


@asynccontextmanager
async def _raising(on_timeout: type[Exception], on_error: type[Exception]) -> AsyncIterator[None]:
    """Turn what sockets raise into what httpcore2 expects."""
    try:
        yield
    except TimeoutError as error:
        raise on_timeout(str(error)) from error
    except OSError as error:
        raise on_error(str(error)) from error


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _readable_now(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
