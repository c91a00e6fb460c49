"""What stamped streams share: data in segments, each with its arrival, read by httpcore2 or taken over by ourselves."""

import asyncio
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import NamedTuple

import httpcore2

READ_BYTES = 64 * 1024
"""Most that one read takes."""
_END_OF_HEADERS = b"\r\n\r\n"


class Segment(NamedTuple):
    """Data as one read gave them; empty data are the end of the stream."""

    data: bytes
    arrival_ns: int
    """When they arrived, CLOCK_MONOTONIC: the kernel's stamp, or `read_ns` where there is none."""
    read_ns: int
    """When they were read."""
    from_kernel: bool
    parts: int = 1
    """TCP segments that the read took at once; the kernel stamps only the last of them."""
    since_ns: int = 0
    """When the read before was made: the earlier parts arrived after it."""


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


@asynccontextmanager
async def socket_errors_as(on_timeout: type[Exception], on_error: type[Exception]) -> AsyncIterator[None]:
    """Turn what sockets raise into what httpcore2 expects."""
    try:
        yield
    except TimeoutError as error:
        raise on_timeout(str(error)) from error
    except OSError as error:
        raise on_error(str(error)) from error
