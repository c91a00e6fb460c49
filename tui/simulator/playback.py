"""Playback: writes a reply at its planned times, and logs when each event was really written."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Literal, Self

import h11
import msgspec

from tui.errors import UsageError
from tui.simulator.replies import After, PlannedEvent, Reply

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero, so that closing sends RST."""

End = Literal["complete", "cancelled", "fault"]


class RequestLog:
    """Facts about one request, from its last byte on."""

    def __init__(self, method: str, path: str, received_ns: int) -> None:
        self.method = method
        self.path = path
        self.received_ns = received_ns
        self.facts: Mapping[str, Any] = {}
        self.status: int | None = None
        self.events: list[tuple[str, int, int]] = []


class TruthLog:
    """Log of when each request really arrived and each event was really written, for tests to compare with.

    One line of JSON per request, written when its response has ended or its client has gone. Without a file it does
    nothing. All times are nanoseconds of CLOCK_MONOTONIC. The keys:

        request_id    as in the response header `request-id`; null for a request that was no HTTP
        method, path  of the request
        received_ns   when the request's last byte had been read
        model         of a request that names a known model; absent otherwise
        ordinal       number of earlier requests of the same content in this process; absent without a script
        fault         the fault that was asked for; absent without one
        status        the response's HTTP status; null if no header was sent
        events        [type, planned_ns, written_ns] for each event: `planned_ns` is when it should have been written,
                      `written_ns` is right after the write call returned; "response" for a reply in one piece
        end           "complete", "cancelled" (the client closed early, or the simulator was stopped) or "fault"
                      (the simulator broke off)
        end_ns        when that was
    """

    def __init__(self, path: Path | None) -> None:
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                self._file = path.open("ab", buffering=0)
            except OSError as error:
                raise UsageError(f"The log {path} cannot be written: {error.strerror}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, record: RequestLog, end: End, end_ns: int) -> None:
        """Append the request's line, unbuffered: it is in the file when this returns."""
        if self._file is None:
            return
        line = {
            "request_id": None,
            "method": record.method,
            "path": record.path,
            "received_ns": record.received_ns,
            **record.facts,
            "status": record.status,
            "events": record.events,
            "end": end,
            "end_ns": end_ns,
        }
        self._file.write(msgspec.json.encode(line) + b"\n")


class Playback:
    """A reply on its way out.

    Every event is one write at an absolute time, so a late event does not delay later ones. The next event is made as
    soon as the last is out, so that making it costs nothing at its time.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        connection: h11.Connection,
        reply: Reply,
        record: RequestLog,
        log: TruthLog,
        finished: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._reply = reply
        self._record = record
        self._log = log
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ready: tuple[PlannedEvent, bytes] | None = None
        self._paused = False
        self._ended = False
        record.facts = reply.facts

    def start(self) -> None:
        """Begin to write."""
        self._prepare()

    def pause(self) -> None:
        """Wait, because the socket takes no more: the log's times must stay those of the socket."""
        self._paused = True

    def resume(self) -> None:
        """Go on, because the socket takes data again."""
        self._paused = False
        if not self._ended and self._timer is None:
            self._schedule()

    def cancel(self) -> None:
        """Stop, because the client has gone."""
        self._end("cancelled")

    def _prepare(self) -> None:
        planned = next(self._reply.events, None)
        self._ready = None if planned is None else (planned, self._framed(planned.encoded()))
        self._schedule()

    def _schedule(self) -> None:
        if self._paused:
            return
        if self._ready is None:
            self._complete()
            return
        at_ns = self._record.received_ns + self._ready[0].offset_ns
        self._timer = self._loop.call_at(at_ns / 1e9, self._play)

    def _play(self) -> None:
        self._timer = None
        if self._paused or self._ready is None:
            return
        planned, data = self._ready
        if data:
            self._send_headers()
            self._transport.write(data)
            planned_ns = self._record.received_ns + planned.offset_ns
            self._record.events.append((planned.name, planned_ns, time.monotonic_ns()))
        if planned.after is After.CONTINUE:
            self._prepare()
        else:
            self._break_off(planned.after)

    def _send_headers(self) -> None:
        if self._record.status is not None:
            return
        self._record.status = self._reply.status
        headers = list(self._reply.headers.items())
        if self._reply.chunked and self._connection.their_http_version != b"1.0":
            headers.append(("transfer-encoding", "chunked"))
        self._transport.write(self._send(h11.Response(status_code=self._reply.status, headers=headers)))

    def _framed(self, data: bytes) -> bytes:
        if self._record.method == "HEAD":
            return b""
        if not data or not self._reply.chunked or self._connection.their_http_version == b"1.0":
            return data
        # By hand, at a third of the cost of h11: there may be thousands of events a second.
        return b"%x\r\n%b\r\n" % (len(data), data)

    def _send(self, event: h11.Event) -> bytes:
        return self._connection.send(event) or b""

    def _complete(self) -> None:
        self._send_headers()
        if not self._reply.chunked and self._record.method != "HEAD":
            # The body has gone out already; this tells h11, which compares its length with the header.
            self._send(h11.Data(data=bytes(int(self._reply.headers["content-length"]))))
        self._transport.write(self._send(h11.EndOfMessage()))
        self._end("complete")
        self._finished()

    def _break_off(self, after: After) -> None:
        if after is After.HANG:
            return
        if after is After.RESET:
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._end("fault")
        # Not `abort` for CLOSE, so that the data written before goes out first.
        (self._transport.abort if after is After.RESET else self._transport.close)()

    def _end(self, end: End) -> None:
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._log.write(self._record, end, time.monotonic_ns())
