"""Connections whose data carry the time of their arrival, under the SDK's HTTP client.

Here is what they share: `Segment`, the `Exchange` that is told of one request's steps, and `StampedStream`, a queue of
segments read by httpcore2 or taken over by the engine.
"""

import asyncio
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import httpcore2

from tui.core.events import Mark
from tui.engine.connection_failures import other_protocol
from tui.engine.reporter import RequestReporter
from tui.engine.transport.tcp_path import TcpPath

READ_BYTES = 64 * 1024
"""Most that one read takes."""
_END_OF_HEADERS = b"\r\n\r\n"


class Segment(NamedTuple):
    """Data as one read gave them; empty data are the end of the stream."""

    data: bytes
    arrival_ns: int
    """Moment of their arrival, CLOCK_MONOTONIC: the kernel's stamp, or `read_ns` where there is none."""
    read_ns: int
    """Moment of the read."""
    from_kernel: bool
    parts: int = 1
    """TCP segments that the read took at once; the kernel stamps only the last of them."""
    since_ns: int = 0
    """Moment after which all of it arrived: the loop's last look at its sockets, or the read before; 0 if unknown."""
    is_refused: bool = False
    """True where the kernel stamps, but gave no stamp for this, or one that fits no offset of the clocks."""


class Exchange:
    """One attempt at a request on its connection: told each step by httpcore2's trace and by the streams."""

    def __init__(
        self,
        reporter: RequestReporter,
        before_send: Callable[[], Awaitable[None]],
        after_send: Callable[[], None],
        *,
        is_aside: bool = False,
    ) -> None:
        """`before_send` is awaited when the connection stands and the request's first byte is about to be written.

        `after_send` is called when its last byte has been handed to the kernel. `is_aside` is true for what is asked
        beside runs: its body is read whole, within a limit, by whoever asked.
        """
        self.is_aside = is_aside
        self._reporter = reporter
        self._before_send = before_send
        self._after_send = after_send
        self._tunnelling = False
        """True while a proxy is asked for a tunnel: that is not our request."""
        self._connecting = False
        self._begins = False
        """True until the request's first byte is about to be written."""
        self._path: TcpPath | None = None
        self._reused = False
        self._written_ns = 0
        self._last_read_ns = 0
        self.headers_ns = 0
        """Arrival of the last byte of the response's headers, CLOCK_MONOTONIC."""

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore2's trace extension: called at each step of the connection, and awaited."""
        match name.partition(".")[2]:
            case "connect_tcp.started":
                self._connecting = True
                self._reporter.mark(Mark.CONNECT_STARTED)
            case "connect_tcp.complete":
                self._reporter.mark(Mark.CONNECTED)
            case "start_tls.started":
                self._reporter.mark(Mark.TLS_STARTED)
            case "start_tls.complete":
                self._reporter.mark(Mark.TLS_DONE)
            case "send_request_headers.started":
                self._tunnelling = info["request"].method == b"CONNECT"
                if not self._tunnelling:
                    self._reused = not self._connecting
                    if self._reused:
                        self._reporter.mark(Mark.REUSED)
                    await self._before_send()
                    self._begins = True
            case "send_request_body.complete" if not self._tunnelling:
                self._reporter.mark(Mark.SENT, self._written_ns)
                self._after_send()
            case "receive_response_headers.complete":
                self.headers_ns = self._last_read_ns
            case _:
                pass

    def resolved(self, t_ns: int) -> None:
        """The name was looked up."""
        self._reporter.mark(Mark.RESOLVED, t_ns)

    def writing(self, path: TcpPath) -> None:
        """A write begins on the connection with this path."""
        self._path = path
        if self._begins:
            self._begins = False
            path.begin()

    def report_path(self) -> None:
        """Report what the kernel has seen of the network since the request's first byte."""
        if self._path is None or self._begins or not self._written_ns:
            return
        if (acked_ns := self._path.acked_ns) is not None:
            self._reporter.mark(Mark.ACKED, acked_ns)
        if (seen := self._path.seen(self._reporter.request_id)) is not None:
            self._reporter.report(seen)

    def written(self, t_ns: int) -> None:
        """The last byte of a write was handed to the kernel."""
        self._written_ns = t_ns

    def was_read(self, segment: Segment) -> None:
        """A read of httpcore2's was served from this segment."""
        if segment.data:
            self._last_read_ns = segment.arrival_ns

    @property
    def found_it_closed(self) -> bool:
        """True for a failure on a kept connection before any byte of an answer: the server had closed it meanwhile."""
        return self._reused and not self._last_read_ns


exchange: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange of the request that the current task sends. Look-ups have none."""


class StampedStream(httpcore2.AsyncNetworkStream):
    """A queue of segments: read by httpcore2 or, once the body is taken over, by the engine."""

    def __init__(self) -> None:
        self._queue: deque[Segment] = deque()
        self._scanned = b""
        """The last bytes given out since the last write: an end of headers may be cut anywhere."""

    @abstractmethod
    def pull(self) -> list[Segment]:
        """All segments that have arrived, taken out of the queue."""

    @abstractmethod
    def check_end(self) -> None:
        """Call at an empty segment. Raises httpcore2.ReadError if the stream broke instead of ending."""

    @abstractmethod
    async def arrived(self) -> None:
        """Return when `pull` has something to give."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next data, at most `max_bytes`, and never beyond an end of HTTP headers: the raw body stays here."""
        if not self._queue:
            async with socket_errors_as(httpcore2.ReadTimeout, httpcore2.ReadError), asyncio.timeout(timeout):
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
        if not self._scanned and (other := other_protocol(data)):
            raise httpcore2.RemoteProtocolError(other)
        self._scanned = (self._scanned + data)[-3:]
        if (told := exchange.get(None)) is not None:
            told.was_read(segment)
        return data

    async def peek(self, seen: int) -> list[Segment]:
        """All that has arrived and is unread, once it is more than `seen` segments. It stays unread."""
        while len(self._queue) <= seen:
            self._queue.extend(self.pull())
            if len(self._queue) <= seen:
                await self.arrived()
        return list(self._queue)

    def take_over(self) -> list[Segment]:
        """All segments that have arrived and were not read yet, for a reader of the raw body."""
        segments = [*self._queue, *self.pull()]
        self._queue.clear()
        return segments

    @abstractmethod
    def subscribe(self, on_data: Callable[[bytes], None] | None) -> None:
        """Have `on_data` called with the latest of what has arrived, empty at the end, until `None` is given."""

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


@asynccontextmanager
async def socket_errors_as(on_timeout: type[Exception], on_error: type[Exception]) -> AsyncIterator[None]:
    """Turn what sockets raise into what httpcore2 expects."""
    try:
        yield
    except TimeoutError as error:
        raise on_timeout(str(error)) from error
    except OSError as error:
        raise on_error(str(error)) from error
