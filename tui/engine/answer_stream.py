"""Body of an answer: from the connection's segments to events, each with its arrival.

The body is an event stream, or one message in one piece.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

import httpcore2

from tui.core.events import Instrument, StampSource
from tui.core.metrics import percentile
from tui.engine.transport import Segment, StampedStream
from tui.engine.transport.body import RawBody, SseDecoder
from tui.engine.wires import AnswerReader

DECODE_EVERY_S = 0.02
"""Time for which data are gathered before they are decoded, s. They are stamped already; only the screen waits."""
SLICE_S = 0.001
"""Longest that decoding keeps the event loop from reading sockets, s."""
_END_OF_CHUNKS = b"0\r\n\r\n"
"""An empty body in chunks, for httpcore2 to read in place of the real one."""


class DecodeQueue:
    """Queue of decoding jobs for all answers: run soon but in no hurry, and between reads of the sockets."""

    def __init__(self) -> None:
        self._jobs: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, job: Callable[[], None]) -> None:
        """Run `job` at the next turn. Adding it again before that changes nothing."""
        self._jobs[job] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DECODE_EVERY_S, self._turn)

    def drop(self, job: Callable[[], None]) -> None:
        """Forget `job`."""
        self._jobs.pop(job, None)

    def _turn(self) -> None:
        until = time.monotonic() + SLICE_S
        while self._jobs and time.monotonic() < until:
            job = next(iter(self._jobs))
            del self._jobs[job]
            job()
        # Sockets come first: what is left is done after they have been read.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(0, self._turn) if self._jobs else None


class AnswerStream:
    """Takes a response's body over from httpcore2 and decodes it on the queue, between reads."""

    def __init__(
        self,
        stream: StampedStream,
        headers: Mapping[str, str],
        reader: AnswerReader,
        queue: DecodeQueue,
        on_progress: Callable[[], None],
        *,
        whole: bool = False,
    ) -> None:
        """`on_progress` is called after every turn in which data came. With `whole` the body is one message in JSON.

        Raises BodyError.
        """
        self._stream = stream
        self._body = RawBody(headers)
        self._reader = reader
        self._queue = queue
        self._on_progress = on_progress
        self._decoder = None if whole else SseDecoder()
        self._message = bytearray()
        self._raw: list[bytes] = []
        """A message in one piece, as it was framed."""
        self._last_ns = 0
        self._delays_ns: list[int] = []
        self._from_kernel = True
        self._shared = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def read(self) -> None:
        """Decode until the answer has failed or the body is over.

        Raises httpcore2.ReadError if the connection broke, BodyError if the body cannot be decoded.
        """
        self._stream.subscribe(lambda: self._queue.add(self._turn))
        # What came with the headers is already there.
        self._queue.add(self._turn)
        try:
            await self._over
        finally:
            self._stream.subscribe(None)
            self._queue.drop(self._turn)

    @property
    def for_reuse(self) -> bytes | None:
        """Data for httpcore2 to read in place of the body, so that it keeps the connection; None if it cannot."""
        if not self._body.complete:
            return None
        if self._body.chunked:
            return _END_OF_CHUNKS
        return b"".join(self._raw) if self._decoder is None else None

    def instrument(self, request_id: int) -> Instrument:
        """The instrument's own delay over this answer's reads."""
        delays = sorted(self._delays_ns)
        known = bool(delays) and self._from_kernel
        return Instrument(
            request_id=request_id,
            stamp_source=StampSource.KERNEL if known else StampSource.READ,
            reads=len(delays),
            shared=self._shared,
            delay_p50_ns=percentile(delays, 50) if known else None,
            delay_p99_ns=percentile(delays, 99) if known else None,
            delay_max_ns=delays[-1] if known else None,
        )

    def _turn(self) -> None:
        if self._over.done():
            return
        try:
            segments = self._stream.take_over()
            # The end of the connection may stand behind the end of the body: it adds nothing.
            over = any(self._add(segment) for segment in segments)
        except Exception as error:  # whatever it is, it concerns this answer alone: the queue goes on with the others
            self._over.set_exception(error)
            return
        if segments:
            self._on_progress()
        if over:
            self._over.set_result(None)

    def _add(self, segment: Segment) -> bool:
        """Decode one segment. True if nothing more is to be read."""
        if not segment.data:
            self._stream.check_end()
            if not self._body.complete and not self._body.ends_with_connection:
                raise httpcore2.ReadError("the server closed the connection")
            if self._decoder is None:
                self._reader.feed_whole(self._last_ns, bytes(self._message))
            return True
        self._from_kernel = self._from_kernel and segment.from_kernel
        self._last_ns = segment.arrival_ns
        before = self._reader.pieces
        data = self._body.feed(segment.data)
        if self._decoder is None:
            self._message += data
            self._raw.append(segment.data)
            if self._body.complete:
                self._reader.feed_whole(segment.arrival_ns, bytes(self._message))
        else:
            for event in self._decoder.feed(data):
                self._reader.feed(segment.arrival_ns, event.event, event.data)
        pieces = self._reader.pieces - before
        if segment.parts > 1 and pieces > 1 and self._decoder is not None:
            # They waited for this read together, and only the last one's arrival is known.
            self._shared += pieces - 1
            self._delays_ns.append(segment.read_ns - segment.since_ns)
        else:
            self._delays_ns.append(segment.read_ns - segment.arrival_ns)
        return self._body.complete or self._reader.failure is not None
