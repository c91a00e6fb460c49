"""Body of an answer: from the connection's segments to events, each with its arrival.

The body is an event stream, or one message in one piece.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

import httpcore2

from tui.core.engine_events import StampSource
from tui.core.events import Instrument
from tui.core.metrics import percentile
from tui.engine.limits import LIMITS, Limits, too_long
from tui.engine.transport import Segment, StampedStream
from tui.engine.transport.body import RawBody, SseDecoder
from tui.engine.wires import AnswerReader

DECODE_EVERY_S = 0.02
"""Time for which data are gathered before they are decoded, s. They are stamped already; only the screen waits."""
SLICE_S = 0.001
"""Longest that decoding keeps the event loop from reading sockets, s."""
_MOST_DELAYS = 1_000_000
"""Reads whose delay is kept, of the first that an answer took."""
_END_OF_CHUNKS = b"0\r\n\r\n"
"""An empty body in chunks, for httpcore2 to read in place of the real one."""


class DecodeQueue:
    """Queue of decoding jobs for all answers, run between reads of the sockets: after a while, or at the next turn."""

    def __init__(self, gather_s: float = DECODE_EVERY_S) -> None:
        self._gathered, self._urgent = _Jobs(gather_s), _Jobs(0.0)

    def add(self, job: Callable[[], None], *, is_urgent: bool = False) -> None:
        """Run `job` once, with all that is gathered meanwhile, or without delay."""
        (self._urgent if is_urgent else self._gathered).add(job)

    def drop(self, job: Callable[[], None]) -> None:
        """Forget `job`."""
        self._gathered.drop(job)
        self._urgent.drop(job)


class _Jobs:
    """Decoding jobs of one delay."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._jobs: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, job: Callable[[], None]) -> None:
        """Run `job` at the next turn. Adding it again before that changes nothing."""
        self._jobs[job] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._after_s, self._turn)

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
        limits: Limits = LIMITS,
        slice_: Callable[[], AbstractContextManager[None]] = nullcontext,
        kept: list[tuple[str, bytes]] | None = None,
    ) -> None:
        """`on_progress` is called after every turn in which data came. With `whole` the body is one message in JSON.
        Every turn's decoding is done within a `slice_`, so that what it gives can be reported together.

        `kept` gets every event, as it came, where the answer is to be sent back later.
        Raises BodyError.
        """
        self._stream = stream
        self._body = RawBody(headers)
        self._reader = reader
        self._queue = queue
        self._on_progress = on_progress
        self._limits = limits
        self._slice = slice_
        self._kept = kept
        self._decoder = None if whole else SseDecoder(limits.event)
        self._message = bytearray()
        self._raw = bytearray()
        """A message in one piece, as it was framed."""
        self._segments: deque[Segment] = deque()
        """Segments that are taken over and not decoded."""
        self._decoding: Iterator[None] = iter(())
        """The segment that is being decoded."""
        self._decoded_bytes = 0
        self._last_ns = 0
        self._reads = 0
        self._delays_ns = array("q")
        self._from_kernel = True
        self._shared = self._refused = self._late_max_ns = 0
        self._ended = False
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def read(self) -> None:
        """Decode until the answer has failed or the body is over.

        Raises httpcore2.ReadError if the connection broke, BodyError if the body cannot be decoded.
        """
        if self._body.complete:
            return  # A body of no bytes: nothing will arrive that could end it.
        self._stream.subscribe(self._came)
        # What came with the headers is already there, and may be all.
        self._queue.add(self._turn, is_urgent=True)
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
        return bytes(self._raw) if self._decoder is None else None

    def instrument(self, request_id: int) -> Instrument:
        """The instrument's own delay over this answer's reads."""
        delays = sorted(self._delays_ns)
        known = bool(delays) and self._from_kernel
        return Instrument(
            request_id=request_id,
            stamp_source=StampSource.KERNEL if known else StampSource.READ,
            reads=self._reads,
            shared=self._shared,
            refused=self._refused,
            delay_p50_ns=percentile(delays, 50) if known else None,
            delay_p99_ns=percentile(delays, 99) if known else None,
            delay_max_ns=delays[-1] if known else None,
            late_max_ns=None if known or not self._late_max_ns else self._late_max_ns,
        )

    def _came(self, data: bytes) -> None:
        """Have what has arrived decoded; at once where it may be the end, for which the next request may wait."""
        self._queue.add(self._turn, is_urgent=self._body.may_end_with(data))

    def _turn(self) -> None:
        """Decode for a while. What is left waits for the next turn, so that no answer keeps the others from theirs."""
        if self._over.done():
            return
        until = time.monotonic() + SLICE_S
        worked = False
        try:
            with self._slice():
                while not self._ended and self._step():
                    worked = True
                    if time.monotonic() >= until:
                        self._queue.add(self._turn, is_urgent=True)
                        break
        except Exception as error:  # whatever it is, it concerns this answer alone: the queue goes on with the others
            self._over.set_exception(error)
            return
        if worked:
            self._on_progress()
        if self._ended:
            self._over.set_result(None)

    def _step(self) -> bool:
        """Decode a part of a segment. False if nothing has arrived that is not decoded."""
        if next(self._decoding, self) is None:
            return True
        if not self._segments:
            # Not before: what is not taken over holds the server back.
            self._segments.extend(self._stream.take_over())
        if not self._segments:
            return False
        self._decoding = self._decode(self._segments.popleft())
        return True

    def _decode(self, segment: Segment) -> Iterator[None]:
        """Decode one segment, part by part."""
        if not segment.data:
            self._end()
            return
        self._from_kernel = self._from_kernel and segment.from_kernel
        self._last_ns = segment.arrival_ns
        before = self._reader.pieces
        if self._decoder is None:
            self._raw += segment.data
        for data in self._body.feed(segment.data):
            self._feed(segment.arrival_ns, data)
            if self._reader.failure is not None:
                break
            yield
        if self._decoder is None and self._body.complete:
            self._feed_whole(segment.arrival_ns)
        self._note_delay(segment, self._reader.pieces - before)
        self._ended = self._body.complete or self._reader.failure is not None

    def _feed(self, t_ns: int, data: bytes) -> None:
        """Decode some bytes of the body."""
        limits = self._limits
        self._decoded_bytes += len(data)
        if self._reader.stopped:
            return  # What comes behind the end of the answer belongs to none.
        if self._decoder is None:
            self._message += data
            if max(len(self._message), len(self._raw)) > limits.event:
                raise too_long("a message in one piece", limits.event)
        elif self._decoded_bytes > limits.answer:
            raise too_long("it", limits.answer)
        else:
            for event in self._decoder.feed(data):
                if not self._reader.stopped:
                    self._reader.latest = event.data
                    if self._kept is not None:
                        self._kept.append((event.event, event.data))
                    self._reader.feed(t_ns, event.event, event.data)

    def _feed_whole(self, t_ns: int) -> None:
        self._reader.latest = bytes(self._message)
        if self._kept is not None:
            self._kept.append(("", self._reader.latest))
        self._reader.feed_whole(t_ns, self._reader.latest)

    def _end(self) -> None:
        """The connection is over."""
        self._stream.check_end()
        if not self._body.complete and not self._body.ends_with_connection:
            raise httpcore2.ReadError("the server closed the connection")
        if self._decoder is None and not self._body.complete:
            self._feed_whole(self._last_ns)
        self._ended = True

    def _note_delay(self, segment: Segment, pieces: int) -> None:
        """Count a read that gave this many pieces of content."""
        self._reads += 1
        self._refused += segment.is_refused
        if segment.since_ns:
            self._late_max_ns = max(self._late_max_ns, segment.read_ns - segment.since_ns)
        delay_ns = segment.read_ns - segment.arrival_ns
        if segment.parts > 1 and pieces > 1 and self._decoder is not None:
            # They waited for this read together, and only the last one's arrival is known.
            self._shared += pieces - 1
            delay_ns = segment.read_ns - segment.since_ns
        if len(self._delays_ns) < _MOST_DELAYS:
            self._delays_ns.append(delay_ns)
