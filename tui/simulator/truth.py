"""The truth log: when the simulator really received each request and wrote each event, for tests to compare with.

One line of JSON per request, written when its response has ended or its client has gone. All times are nanoseconds of
CLOCK_MONOTONIC. The keys:

    request_id    as in the response header `request-id`; null for a request that was no HTTP
    method, path  of the request
    received_ns   when the request's last byte had been read
    model         of a request that names a known model; absent otherwise
    ordinal       how many requests of the same content came before, in this process; absent without a script
    fault         the fault that was asked for; absent without one
    status        the response's HTTP status; null if no header was sent
    events        [type, planned_ns, written_ns] for each event: `planned_ns` is when it should have been written,
                  `written_ns` is right after the write call returned; the type of a response in one piece is "response"
    end           "complete", "cancelled" (the client closed early, or the simulator was stopped) or "fault"
                  (the simulator broke off)
    end_ns        when that was
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import msgspec

from tui.errors import UsageError

End = Literal["complete", "cancelled", "fault"]


class Record:
    """What is known of one request, from its last byte on."""

    def __init__(self, method: str, path: str, received_ns: int) -> None:
        self.method = method
        self.path = path
        self.received_ns = received_ns
        self.facts: Mapping[str, Any] = {}
        self.status: int | None = None
        self.events: list[tuple[str, int, int]] = []


class TruthLog:
    """Appends to a file, or does nothing without one."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                self._file = path.open("ab", buffering=0)
            except OSError as error:
                raise UsageError(f"The log {path} cannot be written: {error.strerror}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, record: Record, end: End, end_ns: int) -> None:
        """Append the request's line. Unbuffered: it is in the file when this returns."""
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
