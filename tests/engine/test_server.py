"""Events on their way to the parent, over a pipe whose other end can stop reading."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tui.core.engine_events import Ponged
from tui.core.events import Content, Event, Kind, Mark, Marked, RunEnded, Usage, UsageReported
from tui.engine import server
from tui.engine.protocol import Command, FrameSplitter, Ping, decode_events, encode_command
from tui.engine.server import Outbox


class Pipe:
    """An outbox and the other end of its pipe."""

    def __init__(self, outbox: Outbox, transport: asyncio.WriteTransport, read_fd: int) -> None:
        self.outbox = outbox
        self.transport = transport
        self._fd = read_fd
        self._splitter = FrameSplitter()
        self.batches: list[list[Event]] = []

    async def read(self) -> list[Event]:
        """The next batches there are; blocks in a thread until there is something, empty at the end."""
        before = len(self.batches)
        while len(self.batches) == before:
            async with asyncio.timeout(10):
                data = await asyncio.to_thread(os.read, self._fd, 1 << 20)
            if not data:
                break
            self.batches += [decode_events(payload) for payload in self._splitter.feed(data)]
        return [event for batch in self.batches[before:] for event in batch]

    async def read_all(self) -> list[Event]:
        """Everything up to the end of the pipe."""
        events: list[Event] = []
        while batch := await self.read():
            events += batch
        return events


@pytest.fixture
async def pipe() -> AsyncIterator[Pipe]:
    read_fd, write_fd = os.pipe()
    writer = os.fdopen(write_fd, "wb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.Protocol, writer)
    yield Pipe(Outbox(transport), transport, read_fd)
    if not transport.is_closing():
        transport.abort()
    os.close(read_fd)
    await asyncio.sleep(0)


def text(request_id: int, t_ns: int, text: str, kind: Kind = Kind.TEXT) -> Content:
    return Content(request_id=request_id, kind=kind, t_ns=[t_ns], texts=[text])


async def test_consecutive_content_of_a_request_is_joined(pipe: Pipe) -> None:
    for event in [text(1, 1, "a"), text(2, 2, "x"), text(1, 3, "b"), text(2, 4, "y")]:
        pipe.outbox.put(event)
    assert await pipe.read() == [
        Content(request_id=1, kind=Kind.TEXT, t_ns=[1, 3], texts=["a", "b"]),
        Content(request_id=2, kind=Kind.TEXT, t_ns=[2, 4], texts=["x", "y"]),
    ]
    assert len(pipe.batches) == 1


async def test_nothing_is_joined_over_another_kind_or_event(pipe: Pipe) -> None:
    events: list[Event] = [
        text(1, 1, "a", Kind.THINKING),
        text(1, 2, "b"),
        UsageReported(request_id=1, usage=Usage(output_tokens=1)),
        text(1, 3, "c"),
        Marked(request_id=1, mark=Mark.MESSAGE_STOP, t_ns=4),
    ]
    for event in events:
        pipe.outbox.put(event)
    assert await pipe.read() == events


async def test_nothing_is_joined_to_what_was_written(pipe: Pipe) -> None:
    pipe.outbox.put(text(1, 1, "a"))
    assert await pipe.read() == [text(1, 1, "a")]
    pipe.outbox.put(text(1, 2, "b"))
    assert await pipe.read() == [text(1, 2, "b")]


async def test_closing_writes_the_rest(pipe: Pipe) -> None:
    pipe.outbox.put(text(1, 1, "a"))
    pipe.outbox.close()
    assert await pipe.read_all() == [text(1, 1, "a")]


async def test_a_parent_that_does_not_read_loses_nothing(pipe: Pipe) -> None:
    piece = "x" * 1000
    for batch in range(5):
        for number in range(100):
            pipe.outbox.put(text(1, batch * 100 + number, piece))
        pipe.outbox._flush()
    # The pipe and the transport's buffer are full: the rest is kept here, joined.
    assert pipe.transport.get_write_buffer_size() > 0
    assert len(pipe.outbox._events) == 1
    pipe.outbox.put(RunEnded(run_id=1, t_ns=999))
    received: list[Event] = []
    while not received or not isinstance(received[-1], RunEnded):
        received += await pipe.read()
    contents = [event for event in received if isinstance(event, Content)]
    assert [t_ns for content in contents for t_ns in content.t_ns] == list(range(500))
    assert "".join(text for content in contents for text in content.texts) == piece * 500


async def test_a_closed_pipe_is_no_trouble(pipe: Pipe) -> None:
    pipe.transport.abort()
    pipe.outbox.put(text(1, 1, "a"))
    pipe.outbox._flush()
    pipe.outbox.close()


async def test_an_engine_that_was_pinged_ends_when_no_ping_follows() -> None:
    commands: asyncio.Queue[Command | None] = asyncio.Queue()
    answered: list[Ponged] = []
    reader = server._CommandReader(commands, answered.append, 0.05)
    for number in (1, 2):
        reader.data_received(encode_command(Ping(number=number)))
    assert [pong.number for pong in answered] == [1, 2]
    assert answered[0].t_ns <= answered[1].t_ns
    assert commands.empty(), "a ping is no command"
    async with asyncio.timeout(30):
        assert await commands.get() is None
    assert commands.empty(), "one end for all pings"
