"""One request's way over the wire: what the connection's steps say, as marks in the request's timeline."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tui.core.events import Event, Mark, Marked
from tui.engine.transport.stamped_stream import Segment, WireObserver


class Exchange(WireObserver):
    """Takes part in sending one request: as httpcore2's trace and as the wire's observer."""

    def __init__(self, request_id: int, emit: Callable[[Event], None], before_send: Callable[[], Awaitable[None]]):
        self._request_id = request_id
        self._emit = emit
        self._before_send = before_send
        self._tunnelling = False
        """True while a proxy is asked for a tunnel: that is not our request."""
        self._connecting = False
        self._written_ns = 0
        self._last_read = Segment(b"", 0, 0, False)
        self.headers_ns = 0
        """When the last byte of the response's headers arrived, CLOCK_MONOTONIC."""

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore2's trace extension: called at each step of the connection, and awaited."""
        match name.partition(".")[2]:
            case "connect_tcp.started" | "connect_unix_socket.started":
                self._connecting = True
                self._mark(Mark.CONNECT_STARTED)
            case "connect_tcp.complete" | "connect_unix_socket.complete":
                self._mark(Mark.CONNECTED)
            case "start_tls.started":
                self._mark(Mark.TLS_STARTED)
            case "start_tls.complete":
                self._mark(Mark.TLS_DONE)
            case "send_request_headers.started":
                self._tunnelling = info["request"].method == b"CONNECT"
                if not self._tunnelling:
                    if not self._connecting:
                        self._mark(Mark.REUSED)
                    await self._before_send()
            case "send_request_body.complete" if not self._tunnelling:
                self._mark(Mark.SENT, self._written_ns)
            case "receive_response_headers.complete":
                self.headers_ns = self._last_read.arrival_ns
            case _:
                pass

    def resolved(self, t_ns: int) -> None:
        """See `WireObserver`."""
        self._mark(Mark.RESOLVED, t_ns)

    def written(self, t_ns: int) -> None:
        """See `WireObserver`."""
        self._written_ns = t_ns

    def was_read(self, segment: Segment) -> None:
        """See `WireObserver`."""
        self._last_read = segment

    def _mark(self, mark: Mark, t_ns: int | None = None) -> None:
        self._emit(Marked(request_id=self._request_id, mark=mark, t_ns=t_ns or time.monotonic_ns()))
