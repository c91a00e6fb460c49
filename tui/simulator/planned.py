"""The unit of a script: one event and when it goes out."""

import enum
from typing import Any, NamedTuple

import msgspec


class After(enum.Enum):
    """What happens to the connection once an event is written. All but the first are faults."""

    CONTINUE = enum.auto()
    CLOSE = enum.auto()
    """It is closed, the response unfinished."""
    RESET = enum.auto()
    """It is reset: the peer reads an error instead of an end."""
    HANG = enum.auto()
    """It stays open and silent until the peer closes it."""


class Planned(NamedTuple):
    """One event of the script."""

    offset_ns: int
    """Nanoseconds after the request's last byte."""
    name: str
    """The event's type, as it stands on the wire and in the truth log."""
    body: dict[str, Any] | bytes
    """The event's data; bytes go out as they are, without SSE framing."""
    after: After = After.CONTINUE

    def encoded(self) -> bytes:
        """The bytes on the wire, before chunking."""
        if isinstance(self.body, bytes):
            return self.body
        return b"event: %b\ndata: %b\n\n" % (self.name.encode(), msgspec.json.encode(self.body))
