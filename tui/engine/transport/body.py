"""Decoders of a response's raw body: its framing and compression, and the server-sent events in it.

Whatever comes out of a `feed` came in with that call's bytes, so that the stamp of a segment holds for every event that
it completed. h11 and httpx2 do the same work at about five times the CPU, between the socket and the stopwatch.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tui.engine.limits import LIMITS, BodyError, too_long

PART_BYTES = 16 * 1024
"""Most that is decompressed at once: a few bytes can become a thousand times as many."""
_LONGEST_SIZE_LINE = 4096
_LAST_CHUNK = b"0\r\n\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")
_WHOLE_EVENT = re.compile(rb"event: ([^\r\n]*)\ndata: ([^\r\n]*)\n\n")
"""An event as servers usually write it."""


class RawBody:
    """Decoder of a body, according to its response's headers (names in lower case)."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Raises BodyError for an encoding that was not asked for."""
        self.chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        """True if the body comes in chunks, and so marks its end."""
        length = headers.get("content-length", "")
        self._left = int(length) if not self.chunked and length.isdigit() else None
        """Bytes still to come, of the body or of the present chunk; None while that is not known."""
        self._line = b""
        self._in_trailers = self._after_chunk = False
        encoding = headers.get("content-encoding", "identity").lower().strip()
        if encoding not in ("identity", "", "gzip", "deflate"):
            raise BodyError(f"the server used an encoding that was not asked for: {encoding[:40]!r}")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding in ("gzip", "deflate") else None
        self.complete = self._left == 0
        """True once the last byte of the body has been fed."""

    @property
    def ends_with_connection(self) -> bool:
        """True if only the end of the connection ends the body."""
        return not self.chunked and self._left is None

    def may_end_with(self, data: bytes) -> bool:
        """False if `data`, not fed yet, are not the last of the body; empty data are the end of the connection."""
        return data.endswith(_LAST_CHUNK) or not data if self.chunked or self._left is None else True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that `data` adds to the body, in parts. Raises BodyError if they cannot belong to one."""
        if self.chunked:
            plain = self._unchunk(data)
        elif self._left is None:
            plain = data
        else:
            plain = data[: self._left]
            self._left -= len(plain)
            self.complete = self._left == 0
        if self._inflate is None:
            yield plain
            return
        # What comes behind the end of the compressed data is dropped: zlib would keep all of it.
        full = True
        while (plain or full) and not self._inflate.eof:
            try:
                part = self._inflate.decompress(plain, PART_BYTES)
            except zlib.error as error:
                raise BodyError(f"its compression is damaged ({error})") from None
            plain, full = self._inflate.unconsumed_tail, len(part) == PART_BYTES
            if part:
                yield part

    def _unchunk(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        position = 0
        if not (self._left or self._line or self._after_chunk or self._in_trailers):
            # Whole chunks, as most reads give them; whatever else comes is taken piece by piece.
            while (head := _SIZE_LINE.match(data, position)) and (size := int(head[1], 16)):
                start = head.end()
                if data[start + size : start + size + 2] != b"\r\n":
                    break
                parts.append(data[start : start + size])
                position = start + size + 2
        while position < len(data) and not self.complete:
            if self._left:
                part = data[position : position + self._left]
                parts.append(part)
                position += len(part)
                self._left -= len(part)
                self._after_chunk = self._left == 0
                continue
            end = data.find(b"\n", position)
            if end < 0:
                self._line += data[position:]
                if len(self._line) > _LONGEST_SIZE_LINE:
                    raise BodyError("a chunk's size is missing")
                break
            line = (self._line + data[position:end]).strip()
            self._line = b""
            position = end + 1
            self._size_line(line)
        return b"".join(parts)

    def _size_line(self, line: bytes) -> None:
        """One line of the framing: the end of a chunk, a chunk's size, or a trailer."""
        if self._after_chunk:
            self._after_chunk = False
            if line:
                raise BodyError("a chunk is longer than its size")
        elif self._in_trailers:
            self.complete = not line
        else:
            digits = line.partition(b";")[0].strip()
            if not digits or len(digits) > 16 or digits.strip(b"0123456789abcdefABCDEF"):
                raise BodyError("a chunk's size cannot be read")
            self._left = int(digits, 16)
            self._in_trailers = self._left == 0


class ServerSentEvent(NamedTuple):
    """One event: its type (`message` if none was given) and its data, undecoded."""

    event: str
    data: bytes


class SseDecoder:
    """Decoder of server-sent events, wherever the bytes are cut: an event comes out with the byte that completes it.

    It follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, without the
    `id` and `retry` fields, which no wire uses.
    """

    def __init__(self, longest: int = LIMITS.event) -> None:
        """`longest` is that of a line and of an event, in bytes."""
        self._longest = longest
        self._unfinished = bytearray()
        self._event = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._first_line = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that `data` completes, in order. Linear in `data`, however long an event grows.

        Raises BodyError for an event that is too long.
        """
        if self._after_cr and data:
            # The CR before already ended its line; this LF is only its second half.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        events: list[ServerSentEvent] = []
        if not (self._unfinished or self._event or self._data or self._first_line):
            position = 0
            # Whole events, as most reads give them; whatever else comes is taken line by line.
            while (whole := _WHOLE_EVENT.match(data, position)) and whole.end() - position <= self._longest:
                name, value = whole.groups()
                events.append(ServerSentEvent(name.decode("utf-8", "replace") or "message", value))
                position = whole.end()
            data = data[position:]
        lines = data.splitlines(keepends=True)
        for line in lines:
            field = line.rstrip(b"\r\n")
            if len(field) == len(line):
                self._unfinished += line
                if len(self._unfinished) > self._longest:
                    raise too_long("a line of the stream", self._longest)
                break
            if self._unfinished:
                self._unfinished += field
                field = bytes(self._unfinished)
                self._unfinished.clear()
            if self._first_line:
                field = field.removeprefix(_BYTE_ORDER_MARK)
                self._first_line = False
            if field:
                self._field(field)
            else:
                if self._data:
                    events.append(ServerSentEvent(self._event or "message", b"\n".join(self._data)))
                self._event, self._data, self._data_bytes = "", [], 0
        self._after_cr = data.endswith(b"\r")
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(line) + 1
            if self._data_bytes > self._longest:
                raise too_long("an event of the stream", self._longest)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
