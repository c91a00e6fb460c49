"""A light decoder for server-sent events.

It follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, without the
`id` and `retry` fields, which the Messages API does not use.
"""

from typing import NamedTuple

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: its type (`message` if none was given) and its data, undecoded."""

    event: str
    data: bytes


class SseDecoder:
    """Turns bytes into events, wherever the bytes are cut; an event comes out with the byte that completes it."""

    def __init__(self) -> None:
        self._unfinished: list[bytes] = []
        self._event = ""
        self._data: list[bytes] = []
        self._first_line = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that `data` completes, in order. Linear in `data`, however long an event grows."""
        if self._after_cr and data:
            # The CR before already ended its line; this LF is only its second half.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        lines = data.splitlines(keepends=True)
        events: list[ServerSentEvent] = []
        for line in lines:
            field = line.rstrip(b"\r\n")
            if len(field) == len(line):
                self._unfinished.append(line)
                break
            if self._unfinished:
                self._unfinished.append(field)
                field = b"".join(self._unfinished)
                self._unfinished.clear()
            if self._first_line:
                field = field.removeprefix(_BYTE_ORDER_MARK)
                self._first_line = False
            if field:
                self._take(field)
            else:
                if self._data:
                    events.append(ServerSentEvent(self._event or "message", b"\n".join(self._data)))
                self._event, self._data = "", []
        self._after_cr = data.endswith(b"\r")
        return events

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
