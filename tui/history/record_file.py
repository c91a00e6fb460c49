"""The record file (`--record FILE`): every engine event, and every finished request, as one line of JSON each.

Lines of engine events have the fields of the classes in `tui.core.events` and a `type` that names the class in snake
case; all their `*_ns` are CLOCK_MONOTONIC nanoseconds. After a request's `request_ended` follows one line of `type`
`result` with the fields of `RequestResult`.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui.config.paths import open_private
from tui.core.events import Event
from tui.core.finished import FinishedRequest, finished_fields
from tui.core.record import RequestRecord
from tui.errors import UsageError


class RequestResult(FinishedRequest, frozen=True, kw_only=True, tag_field="type", tag="result", omit_defaults=True):
    """Line of one finished request, with the names of the JSON export; figures that are undefined are absent."""


class RecordFile:
    """An open record file, appended to line by line and flushed per batch. Mode 0600 if it is made here."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending. Raises UsageError if that cannot be done."""
        self.path = path
        try:
            self._file = os.fdopen(open_private(path, os.O_WRONLY | os.O_APPEND), "ab")
        except OSError as error:
            raise UsageError(f"The record file {path} cannot be written: {error.strerror}.") from None
        self._encoder = msgspec.json.Encoder()

    def write(self, events: Sequence[Event], ended: Sequence[RequestRecord] = ()) -> str | None:
        """Append a batch of events, and the results of the requests that ended with it.

        Returns a sentence if that fails; nothing more is written then.
        """
        if self._file.closed:
            return None
        try:
            self._file.write(self._encoder.encode_lines(events))
            self._file.write(self._encoder.encode_lines(RequestResult(**finished_fields(record)) for record in ended))
            self._file.flush()
        except OSError as error:
            self.close()
            return f"The record file {self.path} cannot be written ({error.strerror}); recording has stopped."
        return None

    def close(self) -> None:
        """Close the file; what is in its buffer after a failure is lost."""
        with contextlib.suppress(OSError):
            self._file.close()
