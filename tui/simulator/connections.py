"""Connections: HTTP/1.1 in, replies out."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable

import h11

from tui.simulator.api import SimulatedApi
from tui.simulator.playback import Playback, RequestLog, TruthLog
from tui.simulator.replies import ApiError, Reply

IDLE_S = 300.0
"""Time after which an idle connection is closed, seconds."""

MAX_BODY_BYTES = 32_000_000
"""The API's limit on a request, bytes."""


class Connection(asyncio.Protocol):
    """One client connection, which answers one request after the other."""

    def __init__(self, api: SimulatedApi, log: TruthLog, connections: "set[Connection]") -> None:
        self._api = api
        self._log = log
        self._connections = connections
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._playback: Playback | None = None
        self._is_kept = False
        """True once a request was answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a client, and send what is written at once.

        asyncio sets TCP_NODELAY only where the socket names its protocol, which one of `create_server` does not.
        """
        assert isinstance(transport, asyncio.Transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        # Data that the kernel does not take at once pauses the playback: a buffer would make its times untrue.
        transport.set_write_buffer_limits(high=0)
        self._connections.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop serving a client that has gone, or whose connection we closed."""
        self._connections.discard(self)
        self._idle.cancel()
        if self._playback is not None:
            self._playback.cancel()

    def pause_writing(self) -> None:
        """Pause the playback: the kernel takes no more for now."""
        if self._playback is not None:
            self._playback.pause()

    def resume_writing(self) -> None:
        """Resume the playback: the kernel takes data again."""
        if self._playback is not None:
            self._playback.resume()

    def data_received(self, data: bytes) -> None:
        """Read bytes of a request. With its last ones the answer begins."""
        now_ns = time.monotonic_ns()
        self._http.receive_data(data)
        self._advance(now_ns)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def _wait(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._transport.close)

    def _advance(self, now_ns: int) -> None:
        try:
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if self._http.they_are_waiting_for_100_continue:
                        go_on = h11.InformationalResponse(status_code=100, headers=[])
                        self._transport.write(self._http.send(go_on) or b"")
                    return
                if event is h11.PAUSED:
                    return
                if isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
                self._feed(event, now_ns)
        except h11.RemoteProtocolError as error:
            self._refuse(ApiError(400, f"The request is no HTTP/1.1: {error}"), now_ns)

    def _feed(self, event: object, now_ns: int) -> None:
        if isinstance(event, h11.Request):
            self._idle.cancel()
            self._request = event
            self._body.clear()
            self._size = 0
        elif isinstance(event, h11.Data):
            self._size += len(event.data)
            # The rest of a body that is too large is read and dropped: a client reads no answer before it has sent all.
            if self._size <= MAX_BODY_BYTES:
                self._body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._answer(now_ns)

    def _answer(self, now_ns: int) -> None:
        request = self._request
        assert request is not None
        method = request.method.decode()
        target = request.target.decode("ascii", "replace")
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        record = RequestLog(method, target, now_ns)
        if self._size > MAX_BODY_BYTES:
            answer = self._api.refused(ApiError(413, "Request exceeds the maximum size"))
        else:
            answer = self._api.answer(method, target, headers, b"".join(self._body), is_kept=self._is_kept)
        self._play(answer, record)

    def _refuse(self, error: ApiError, now_ns: int) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self._transport.abort()
            return
        self._play(error.reply({"connection": "close"}), RequestLog("", "", now_ns))

    def _play(self, reply: Reply, record: RequestLog) -> None:
        self._playback = Playback(self._transport, self._http, reply, record, self._log, self._played)
        self._playback.start()

    def _played(self) -> None:
        self._playback = None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._is_kept = True
            self._wait()
            self._advance(time.monotonic_ns())
        else:
            self._transport.close()


async def serve(
    listener: socket.socket, api: SimulatedApi, log: TruthLog, *, watch_fd: int | None, ready: Callable[[], None]
) -> None:
    """Serve on `listener` until SIGINT, SIGTERM or, if `watch_fd` is given, the end of input there."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if watch_fd is not None:
        _watch(loop, watch_fd, stop.set)
    connections: set[Connection] = set()
    server = await loop.create_server(lambda: Connection(api, log, connections), sock=listener, backlog=1024)
    try:
        ready()
        await stop.wait()
    finally:
        server.close()
        for connection in list(connections):
            connection.abort()
        # The aborted connections write their lines of the log in the loop's next turn.
        await asyncio.sleep(0)


def _watch(loop: asyncio.AbstractEventLoop, fd: int, ended: Callable[[], None]) -> None:
    """Call `ended` once the other end of a pipe is closed, even by a crash."""

    def readable() -> None:
        if not os.read(fd, 4096):
            loop.remove_reader(fd)
            ended()

    loop.add_reader(fd, readable)
