"""The body of an answer, from the connection's segments to the answer's events, each with its arrival.

It is an event stream, or one message in one piece.
"""

import asyncio
from collections.abc import Callable, Mapping

import httpcore2

from tui.core.events import Instrument, StampSource
from tui.core.metrics import percentile
from tui.engine.pump import Pump
from tui.engine.transport.body import RawBody
from tui.engine.transport.sse import SseDecoder
from tui.engine.transport.stamped_stream import Segment, StampedStream
from tui.engine.wires.messages.answer import AnswerReader

_END_OF_CHUNKS = b"0\r\n\r\n"
"""An empty body in chunks: what is left for httpcore2 to read once we have read the real one."""


class AnswerStream:
    """Takes a response's body over from httpcore2 and decodes it on the pump, between reads."""

    def __init__(
        self,
        stream: StampedStream,
        headers: Mapping[str, str],
        answer: AnswerReader,
        pump: Pump,
        on_progress: Callable[[], None],
        *,
        whole: bool = False,
    ) -> None:
        """`on_progress` is called after every turn in which data came. With `whole` the body is one message in JSON,
        which has arrived when its last byte has. Raises BodyError."""
        self._stream = stream
        self._body = RawBody(headers)
        self._answer = answer
        self._pump = pump
        self._on_progress = on_progress
        self._decoder = None if whole else SseDecoder()
        self._message = bytearray()
        self._raw: list[bytes] = []
        """What came of a message in one piece, as it was framed."""
        self._last_ns = 0
        self._delays_ns: list[int] = []
        self._from_kernel = True
        self._shared = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def read(self) -> None:
        """Decode until the answer has failed or the body is over.

        Raises httpcore2.ReadError if the connection broke, BodyError if the body cannot be decoded.
        """
        self._stream.subscribe(lambda: self._pump.add(self._turn))
        # What came with the headers is already there.
        self._pump.add(self._turn)
        try:
            await self._over
        finally:
            self._stream.subscribe(None)
            self._pump.drop(self._turn)

    @property
    def for_reuse(self) -> bytes | None:
        """What httpcore2 is to read in place of the body, so that the connection serves another request; None if it
        cannot."""
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
            over = False
            for segment in segments:
                over = self._take(segment) or over
        except Exception as error:  # whatever it is, it concerns this answer alone: the pump goes on with the others
            self._over.set_exception(error)
            return
        if segments:
            self._on_progress()
        if over:
            self._over.set_result(None)

    def _take(self, segment: Segment) -> bool:
        """Take in one segment; true if nothing more is to be read."""
        if not segment.data:
            self._stream.check_end()
            if not self._body.complete and not self._body.ends_with_connection:
                raise httpcore2.ReadError("the server closed the connection")
            if self._decoder is None:
                self._answer.take_whole(self._last_ns, bytes(self._message))
            return True
        self._from_kernel = self._from_kernel and segment.from_kernel
        self._last_ns = segment.arrival_ns
        before = self._answer.pieces
        data = self._body.feed(segment.data)
        if self._decoder is None:
            self._message += data
            self._raw.append(segment.data)
            if self._body.complete:
                self._answer.take_whole(segment.arrival_ns, bytes(self._message))
        else:
            for event in self._decoder.feed(data):
                self._answer.take(segment.arrival_ns, event)
        pieces = self._answer.pieces - before
        if segment.parts > 1 and pieces > 1 and self._decoder is not None:
            # They waited for this read together, and only the last one's arrival is known.
            self._shared += pieces - 1
            self._delays_ns.append(segment.read_ns - segment.since_ns)
        else:
            self._delays_ns.append(segment.read_ns - segment.arrival_ns)
        return self._body.complete or self._answer.failure is not None
