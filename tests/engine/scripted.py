"""Streams whose bytes and stamps a test has written, through the very code that decodes real ones."""

import asyncio
import atexit
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import httpcore2

from tui.core.events import Content, Event, Instrument, Mark, Marked, RequestEnded
from tui.core.plan import RequestSpec
from tui.engine.answer_stream import AnswerStream, DecodeQueue
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender
from tui.engine.transport import Segment, StampedStream
from tui.engine.wires.messages.answer import MessageReader

T = TypeVar("T")

HEADERS: Mapping[str, str] = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


class ScriptedStream(StampedStream):
    """Gives out batches of segments, one batch per turn; after the last, nothing more comes."""

    def __init__(self, batches: Iterable[list[Segment]], breaks_with: str | None = None) -> None:
        super().__init__()
        self._batches = [batch for batch in batches if batch]
        self._breaks_with = breaks_with
        self._on_data: Callable[[bytes], None] | None = None

    def pull(self) -> list[Segment]:
        batch = self._batches.pop(0) if self._batches else []
        if self._batches and self._on_data is not None:
            asyncio.get_running_loop().call_soon(self._on_data, self._batches[0][-1].data)
        return batch

    def arrive(self, segment: Segment) -> None:
        """Let this be read now."""
        self._batches.append([segment])
        if self._on_data is not None:
            self._on_data(segment.data)

    def check_end(self) -> None:
        if self._breaks_with is not None:
            raise httpcore2.ReadError(self._breaks_with)

    async def arrived(self) -> None:
        assert self._batches, "read beyond the script"

    def subscribe(self, on_data: Callable[[bytes], None] | None) -> None:
        self._on_data = on_data


class Decoded:
    """One stream as it was decoded."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.instrument: Instrument | None = None
        self.error: Exception | None = None
        self.answer = MessageReader(RequestReporter(1, self.events.append))
        self.reusable = False
        self.progress = 0

    @property
    def pieces(self) -> list[tuple[str, int]]:
        """Every piece of content with its stamp."""
        contents = [event for event in self.events if isinstance(event, Content)]
        return [pair for event in contents for pair in zip(event.texts, event.t_ns, strict=True)]

    @property
    def marks(self) -> dict[Mark, int]:
        """The marks with their stamps."""
        return {event.mark: event.t_ns for event in self.events if isinstance(event, Marked)}

    def progressed(self) -> None:
        """Count a turn in which data came."""
        self.progress += 1


def segment(data: bytes, arrival_ns: int, *, delay_ns: int = 7, from_kernel: bool = True) -> Segment:
    """Data that were read `delay_ns` after they came."""
    return Segment(data, arrival_ns, arrival_ns + delay_ns, from_kernel)


END = segment(b"", 1 << 60)


@cache
def _runner() -> asyncio.Runner:
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run this in one loop for all of them: making one takes longer than reading an answer."""
    return _runner().run(work)


def decode(
    batches: Iterable[list[Segment]], headers: Mapping[str, str] = HEADERS, breaks_with: str | None = None
) -> Decoded:
    """Read a scripted answer; how it broke, if it did, is kept."""
    return in_loop(_decode(batches, headers, breaks_with))


async def _decode(batches: Iterable[list[Segment]], headers: Mapping[str, str], breaks_with: str | None) -> Decoded:
    decoded = Decoded()
    wire = ScriptedStream(batches, breaks_with)
    stream = AnswerStream(wire, headers, decoded.answer, DecodeQueue(gather_s=0), decoded.progressed)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: setattr(decoded, "instrument", stream.instrument(1)))
        try:
            async with asyncio.timeout(30):
                await stream.read()
        except Exception as error:  # the tests look at it
            decoded.error = error
    decoded.reusable = stream.for_reuse is not None
    return decoded


async def at_once() -> None:
    """No barrier."""


async def send_one(sender: RequestSender, spec: RequestSpec, emit: Callable[[Event], None]) -> RequestEnded:
    """One attempt at a request, over the connection of slot 0."""
    return await sender.send(spec, 0, RequestReporter(spec.request_id, emit), at_once)
