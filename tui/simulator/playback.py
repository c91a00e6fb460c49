"""Writes an answer at its planned times."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable

import h11

from tui.simulator.answer import Answer
from tui.simulator.planned import After, Planned
from tui.simulator.truth import End, Record, TruthLog

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends RST."""


class Playback:
    """One response on its way out.

    Every event is one write at an absolute time: being late once delays no later event. The next event is made as soon
    as the last is out, so that making it costs nothing at its time.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        connection: h11.Connection,
        answer: Answer,
        record: Record,
        log: TruthLog,
        finished: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._answer = answer
        self._record = record
        self._log = log
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ready: tuple[Planned, bytes] | None = None
        self._paused = False
        self._ended = False
        record.facts = answer.facts

    def start(self) -> None:
        """Begin to play."""
        self._prepare()

    def pause(self) -> None:
        """The socket takes no more: wait, so that the log's times stay those of the socket."""
        self._paused = True

    def resume(self) -> None:
        """The socket takes data again."""
        self._paused = False
        if not self._ended and self._timer is None:
            self._schedule()

    def cancel(self) -> None:
        """The client has gone."""
        self._end("cancelled")

    def _prepare(self) -> None:
        planned = next(self._answer.events, None)
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
        self._record.status = self._answer.status
        headers = list(self._answer.headers.items())
        if self._answer.chunked and self._connection.their_http_version != b"1.0":
            headers.append(("transfer-encoding", "chunked"))
        self._transport.write(self._send(h11.Response(status_code=self._answer.status, headers=headers)))

    def _framed(self, data: bytes) -> bytes:
        if self._record.method == "HEAD":
            return b""
        if not data or not self._answer.chunked or self._connection.their_http_version == b"1.0":
            return data
        # By hand: a third of what h11 costs, and there may be thousands of events a second.
        return b"%x\r\n%b\r\n" % (len(data), data)

    def _send(self, event: h11.Event) -> bytes:
        return self._connection.send(event) or b""

    def _complete(self) -> None:
        self._send_headers()
        if not self._answer.chunked and self._record.method != "HEAD":
            # h11 holds the length that the headers gave against the body, which has gone out already.
            self._send(h11.Data(data=bytes(int(self._answer.headers["content-length"]))))
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
        # Not `abort` for CLOSE: what was written before goes out first.
        (self._transport.abort if after is After.RESET else self._transport.close)()

    def _end(self, end: End) -> None:
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._log.write(self._record, end, time.monotonic_ns())
