"""TLS over stamped streams, through memory buffers, so that the stamps survive the decryption."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import httpcore2

from tui.engine.transport import READ_BYTES, Segment, StampedStream, socket_errors_as

_MOST_AHEAD = 64
"""Segments that are decrypted before they are taken over: more stay where they hold the server back."""


class TlsStream(StampedStream):
    """TLS over a stamped stream. A record carries the stamp of the segment that completed it."""

    def __init__(self, inner: StampedStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        super().__init__()
        self.inner = inner
        self._error: ssl.SSLError | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._is_looking = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    async def shake_hands(self) -> None:
        """Do the handshake. Raises ssl.SSLError, OSError or httpcore2.ReadError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self.inner.read(READ_BYTES)
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

    def subscribe(self, on_data: Callable[[bytes], None] | None) -> None:
        """See `StampedStream.subscribe`."""
        self._on_data = on_data
        self.inner.subscribe(None if on_data is None else self._came)

    def _came(self, _: bytes) -> None:
        """Decrypt what has arrived, once all sockets that are ready have been read."""
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._is_looking = False
        if self._on_data is None:
            return
        if len(self._queue) < _MOST_AHEAD:
            self._queue.extend(self.pull())
        if self._queue:
            self._on_data(self._queue[-1].data)

    def _decrypted(self, segment: Segment) -> list[Segment]:
        parts: list[bytes] = []
        ended = False
        while not ended:
            try:
                part = self._tls.read(READ_BYTES)
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
        async with socket_errors_as(httpcore2.ConnectTimeout, httpcore2.ConnectError), asyncio.timeout(timeout):
            await stream.shake_hands()
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Facts that httpcore2 asks of a stream."""
        return self._tls if info == "ssl_object" else self.inner.get_extra_info(info)
