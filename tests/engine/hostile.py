"""Servers that never stop sending: each behaviour is a head and what follows it, again and again."""

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import NamedTuple


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def delta(text: str) -> bytes:
    return event("content_block_delta", delta={"type": "text_delta", "text": text})


START = event("message_start", message={"usage": {"input_tokens": 1}})
STOP = event("message_delta", delta={"stop_reason": "end_turn"}) + event("message_stop")
STREAM, JSON = "content-type: text/event-stream", "content-type: application/json"
CHUNKED, GZIP = "transfer-encoding: chunked", "content-encoding: gzip"
BLOCK = 256 * 1024


def bomb(plain: bytes) -> Iterator[bytes]:
    """`plain`, again and again, as one gzip stream of less than a hundredth of its size."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # After a full flush nothing refers to what was before: the same bytes can follow themselves.
    block = packer.compress(plain * (BLOCK // len(plain))) + packer.flush(zlib.Z_FULL_FLUSH)
    return chain([b"\x1f\x8b\x08\0\0\0\0\0\0\xff"], repeat(block))


class Behaviour(NamedTuple):
    """An answer without an end."""

    status: str
    headers: tuple[str, ...]
    parts: Iterator[bytes]
    trailers: Iterator[bytes] = iter(())
    """Lines behind the last chunk, if the body comes in chunks."""


def behaviours() -> dict[str, Behaviour]:
    """All of them, fresh."""
    stream, error, whole = ("200 OK", (STREAM,)), ("500 Oh", (JSON,)), ("200 OK", (JSON,))
    late = chain([START + delta("x") + STOP], repeat(delta("late")))
    return {
        "a line": Behaviour(*stream, chain([START, b"data: "], repeat(b"x" * BLOCK))),
        "an event of many lines": Behaviour(*stream, chain([START], repeat(b"data: x\n" * (BLOCK // 8)))),
        "a line, gzipped": Behaviour("200 OK", (STREAM, GZIP), chain(bomb(b" "))),
        "comments, gzipped": Behaviour("200 OK", (STREAM, GZIP), bomb(b":\n")),
        "comments": Behaviour(*stream, repeat(b":\n" * (BLOCK // 2))),
        "a refusal": Behaviour(*error, repeat(b"x" * BLOCK)),
        "a refusal, gzipped": Behaviour("500 Oh", (JSON, GZIP), bomb(b" ")),
        "a message in one piece": Behaviour(*whole, repeat(b" " * BLOCK)),
        "a message in one piece, gzipped": Behaviour("200 OK", (JSON, GZIP), bomb(b" ")),
        "content behind the end": Behaviour(*stream, late),
        "trailers behind the end": Behaviour(
            "200 OK", (STREAM, CHUNKED), iter([START + delta("x") + STOP]), repeat(b"x-more: 1\r\n" * 100)
        ),
    }


class Hostile:
    """A server of one behaviour."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.base_url = ""
        self.sent = 0
        """Bytes that it was let send."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behaviour = behaviours()[self._name]
        chunked = CHUNKED in behaviour.headers
        # The other side's closing is the only end.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lines[0].partition(b":")[2]) if lines else 0)
            headers = "\r\n".join((f"HTTP/1.1 {behaviour.status}", *behaviour.headers, "", ""))
            writer.write(headers.encode())
            for part in behaviour.parts:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                await writer.drain()
                self.sent += len(part)
            if chunked:
                writer.write(b"0\r\n")
            for line in behaviour.trailers:
                writer.write(line)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(name: str) -> AsyncIterator[Hostile]:
    """A server of this behaviour on loopback."""
    hostile = Hostile(name)
    server = await asyncio.start_server(hostile.answer, "127.0.0.1", 0)
    try:
        hostile.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield hostile
    finally:
        server.close()
