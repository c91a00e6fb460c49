"""The truth to measure against: a Messages API that streams on time and writes down when it did what.

    python fidelity_server.py TOKENS STREAMS LOG [--aligned] [--host ADDRESS] [--tls CERTIFICATE KEY]

Prints its port, serves until SIGTERM, then writes LOG: a JSON list of `Answer`. One thread, one epoll, one heap of due
times; every byte is prepared before it is due, so that a send costs little more than the system call. Of a request it
reads no more than its length and its model, `lane-NUMBER`, which says where between two ticks its tokens fall.
"""

import argparse
import gc
import heapq
import json
import re
import select
import signal
import socket
import ssl
import struct
import sys
import time
from array import array
from pathlib import Path
from typing import NoReturn

import msgspec

TOKEN_EVERY_NS = 10_000_000
"""100 tokens per second."""
HEADERS_AFTER_NS, FIRST_TOKEN_AFTER_NS = 100_000_000, 200_000_000

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_READ_BYTES = 65536
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": *"(lane-(\d+))"')
_WORDS = ("The", " sky", " is", " blue", " because", " air", " scatters", " short", " waves", " more", ".", "\n")


class Answer(msgspec.Struct, kw_only=True):
    """One request and its answer: times are CLOCK_MONOTONIC, ns."""

    model: str
    received_ns: int
    """The clock, read right after the read that gave the request's last byte."""
    kernel_received_ns: int
    """When the kernel took that byte in."""
    before_ns: list[int] = msgspec.field(default_factory=list)
    """By piece of content: the clock right before the send."""
    after_ns: list[int] = msgspec.field(default_factory=list)
    """The clock right after it."""


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _message(model: str) -> dict[str, object]:
    usage = {"input_tokens": 9, "output_tokens": 1}
    fixed: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
    }
    return {"type": "message_start", "message": {**fixed, "stop_sequence": None, "model": model, "usage": usage}}


def _start(model: str) -> bytes:
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head + _chunk(
        _event("message_start", _message(model))
        + _event("content_block_start", block)
        + _event("ping", {"type": "ping"})
    )


def _token(text: str) -> bytes:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return _chunk(_event("content_block_delta", delta))


def _end(tokens: int) -> bytes:
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    events = (
        _event("content_block_stop", {"type": "content_block_stop", "index": 0})
        + _event("message_delta", {**stop, "usage": {"output_tokens": tokens}})
        + _event("message_stop", {"type": "message_stop"})
    )
    return _chunk(events) + b"0\r\n\r\n"


_TOKENS = [_token(word) for word in _WORDS]


class _Connection:
    """One client: what it sends, and where its answer stands."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self.sock = sock
        self.buffer = b""
        self.answer: Answer | None = None
        self.before, self.after = array("q"), array("q")
        self.tls: ssl.SSLObject | None = None
        if context is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
            self._shaken = False

    def decrypted(self, data: bytes) -> bytes:
        """The plain bytes in `data`; answers the handshake by the way."""
        if self.tls is None:
            return data
        self._incoming.write(data)
        plain = b""
        try:
            if not self._shaken:
                self.tls.do_handshake()
                self._shaken = True
            while part := self.tls.read(_READ_BYTES):
                plain += part
        except ssl.SSLWantReadError:
            pass
        if reply := self._outgoing.read():
            self.sock.sendall(reply)
        return plain

    def send(self, data: bytes) -> tuple[int, int]:
        """Send `data`; the clock right before and right after the system call."""
        if self.tls is not None:
            self.tls.write(data)
            data = self._outgoing.read()
        before = time.monotonic_ns()
        self.sock.sendall(data)
        return before, time.monotonic_ns()


class Server:
    """Serves until it is stopped; `answers` are all that were begun."""

    def __init__(self, tokens: int, streams: int, context: ssl.SSLContext | None, host: str, *, aligned: bool) -> None:
        self._tokens, self._context = tokens, context
        self._phase_ns = 0 if aligned else TOKEN_EVERY_NS // streams
        self._streams = streams
        self._connections: dict[int, _Connection] = {}
        self._due: list[tuple[int, int, int]] = []
        """Heap of (when, descriptor, step): step -1 is the headers, then one per token, then the end."""
        self.answers: list[Answer] = []
        self._listener = socket.create_server((host, 0), backlog=512)
        self._listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)  # accepted sockets inherit it
        self.port = int(self._listener.getsockname()[1])
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)

    def serve(self) -> NoReturn:
        """Run until an exception ends it."""
        while True:
            self._wait()
            for descriptor, _ in self._epoll.poll(0):
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._read(descriptor)
            # Time and again: a burst of sends must not keep requests waiting unread.
            until = time.monotonic_ns() + 1_000_000
            while self._due and self._due[0][0] <= (now := time.monotonic_ns()) and now < until:
                self._step(*heapq.heappop(self._due))

    def _wait(self) -> None:
        """Sleep until something arrives or is due. epoll's own timeout has a grain of 1 ms, select's of 1 µs."""
        seconds = (self._due[0][0] - time.monotonic_ns()) / 1e9 if self._due else 1.0
        if seconds > 0:
            select.select([self._epoll], [], [], seconds)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._epoll.register(sock, select.EPOLLIN)
        self._connections[sock.fileno()] = _Connection(sock, self._context)

    def _read(self, descriptor: int) -> None:
        connection = self._connections[descriptor]
        try:
            data, ancillary, _, _ = connection.sock.recvmsg(_READ_BYTES, 64, socket.MSG_DONTWAIT)
        except OSError:
            data, ancillary = b"", []
        read_ns = time.monotonic_ns()
        if not data:
            self._close(descriptor)
            return
        connection.buffer += connection.decrypted(data)
        head, found, body = connection.buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(_match(_LENGTH, head).group(1)):
            return
        connection.buffer = b""
        model = _match(_MODEL, body)
        answer = Answer(
            model=model.group(1).decode(), received_ns=read_ns, kernel_received_ns=_kernel_ns(ancillary, read_ns)
        )
        connection.answer = answer
        self.answers.append(answer)
        phase_ns = int(model.group(2)) % self._streams * self._phase_ns
        heapq.heappush(self._due, (_tick(read_ns + HEADERS_AFTER_NS) + phase_ns, descriptor, -1))

    def _step(self, due_ns: int, descriptor: int, step: int) -> None:
        connection = self._connections.get(descriptor)
        if connection is None or connection.answer is None:
            return
        try:
            if step < 0:
                connection.send(_start(connection.answer.model))
                due_ns += FIRST_TOKEN_AFTER_NS - HEADERS_AFTER_NS - TOKEN_EVERY_NS
            elif step < self._tokens:
                before, after = connection.send(_TOKENS[step % len(_TOKENS)])
                connection.before.append(before)
                connection.after.append(after)
            else:
                # First: whoever has read the end may stop this server at once, and reads its log.
                self._finish(connection)
                connection.send(_end(self._tokens))
                return
        except OSError:
            self._close(descriptor)
            return
        heapq.heappush(self._due, (due_ns + TOKEN_EVERY_NS, descriptor, step + 1))

    def _close(self, descriptor: int) -> None:
        connection = self._connections.pop(descriptor)
        self._finish(connection)
        self._epoll.unregister(descriptor)
        connection.sock.close()

    def _finish(self, connection: _Connection) -> None:
        if connection.answer is not None:
            connection.answer.before_ns = connection.before.tolist()
            connection.answer.after_ns = connection.after.tolist()
            connection.answer, connection.before, connection.after = None, array("q"), array("q")


def _match(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes]:
    found = pattern.search(data)
    assert found is not None, data
    return found


def _tick(after_ns: int) -> int:
    """The first multiple of the tokens' interval that is not before `after_ns`."""
    return -(-after_ns // TOKEN_EVERY_NS) * TOKEN_EVERY_NS


def _kernel_ns(ancillary: list[tuple[int, int, bytes]], read_ns: int) -> int:
    """The stamp among the ancillary data on CLOCK_MONOTONIC; by the tightest of a few looks at both clocks."""
    stamp_ns = 0
    for _, kind, value in ancillary:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            stamp_ns = seconds * 1_000_000_000 + nanoseconds
    looks = [(time.monotonic_ns(), time.time_ns(), time.monotonic_ns()) for _ in range(3)]
    before, real, after = min(looks, key=lambda look: look[2] - look[0])
    return stamp_ns - real + (before + after) // 2 if stamp_ns else read_ns


def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(description="A load server that logs its own times.")
    parser.add_argument("tokens", type=int)
    parser.add_argument("streams", type=int)
    parser.add_argument("log", type=Path)
    parser.add_argument("--aligned", action="store_true", help="all streams' tokens at the same instants")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    server = Server(options.tokens, options.streams, context, options.host, aligned=options.aligned)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    gc.disable()
    print(server.port, flush=True)
    try:
        server.serve()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        options.log.write_bytes(msgspec.json.encode(server.answers))


if __name__ == "__main__":
    main()
