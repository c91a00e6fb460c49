"""Rehearsal of the engine: a few answers from a small server on loopback, before anything is measured.

The first request of a process pays for lazy imports, the first TLS context and cold caches, 20 to 90 ms in users of
the SDK; here nobody sees it. The instrument's delay in the rehearsal is shown as its calibration.
"""

import asyncio
import contextlib

from tui.core.events import Event, Instrument
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Timeouts
from tui.engine.reporter import RequestReporter
from tui.engine.request import RequestSender, at_once

_REQUESTS = 3
_CHUNKS = 10
_CHUNK_EVERY_S = 0.002
_WITHIN_S = 3.0

_START = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":1}}}\n\n'
_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}\n\n'
)
_END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":10}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)


async def rehearse(sender: RequestSender) -> Instrument | None:
    """Send a few requests to loopback. Gives the instrument's part in the last one, or None if it failed."""
    events: list[Event] = []
    with contextlib.suppress(OSError, TimeoutError):
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        async with server, asyncio.timeout(_WITHIN_S):
            port = server.sockets[0].getsockname()[1]
            spec = RequestSpec(
                request_id=0,
                target="rehearsal",
                model="rehearsal",
                endpoint=Endpoint(name="rehearsal", base_url=f"http://127.0.0.1:{port}"),
                prompt=Prompt(user="x"),
                parameters=Parameters(max_tokens=1),
                timeouts=Timeouts(),
            )
            for _ in range(_REQUESTS):
                await sender.send(spec, 0, RequestReporter(0, events.append), at_once)
    return next((event for event in reversed(events) if isinstance(event, Instrument)), None)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        for last in (*[b""] * (_REQUESTS - 1), b"connection: close\r\n"):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n")
            writer.write(last + b"\r\n")
            for event in (_START, *[_DELTA] * _CHUNKS, _END):
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                await asyncio.sleep(_CHUNK_EVERY_S)
            writer.write(b"0\r\n\r\n")
    writer.close()
