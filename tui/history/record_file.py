"""The record file (`--record FILE`): every engine event, and every finished request, as one line of JSON each.

Lines of engine events have the fields of the classes in `tui.core.events` and a `type` that names the class in snake
case; all their `*_ns` are CLOCK_MONOTONIC nanoseconds. After a request's `request_ended` follows one line of `type`
`result` with the fields of `Result`.
"""

import os
from pathlib import Path

import msgspec

from tui.core.events import Event, Failure, Usage
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord
from tui.core.timeline import Timeline
from tui.errors import UsageError


class Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="result", omit_defaults=True):
    """One finished request; figures that are undefined are absent."""

    request_id: int
    target: str
    model: str
    endpoint: str
    simulated: bool
    status: str
    stop_reason: str | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    otps: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    http_status: int | None = None
    api_request_id: str | None = None
    failure: Failure | None = None
    usage: Usage = Usage()
    stamps: Timeline
    """The raw stamps, CLOCK_MONOTONIC nanoseconds."""


class RecordFile:
    """An open record file, appended to line by line and flushed per batch. Mode 0600 if it is made here."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending. Raises UsageError if that cannot be done."""
        self.path = path
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
        except OSError as error:
            raise UsageError(f"The record file {path} cannot be written: {error.strerror}.") from None
        self._encoder = msgspec.json.Encoder()

    def write_events(self, events: list[Event]) -> None:
        """Append a batch of events. Raises OSError."""
        self._file.write(self._encoder.encode_lines(events))
        self._file.flush()

    def write_result(self, record: RequestRecord) -> None:
        """Append the line of a finished request. Raises OSError."""
        self._file.write(self._encoder.encode(result_of(record)) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def result_of(record: RequestRecord) -> Result:
    """The result line of a request that has ended."""
    return Result(
        request_id=record.spec.request_id,
        target=record.spec.target,
        model=record.spec.model,
        endpoint=record.spec.endpoint.name,
        simulated=record.spec.endpoint.simulated,
        status=record.state.value,
        stop_reason=record.stop_reason,
        ttft_ms=_ms(record.ttft_ns),
        total_ms=_ms(record.total_ns),
        otps=record.otps,
        input_tokens=record.usage.input_tokens,
        output_tokens=record.usage.output_tokens,
        http_status=record.http_status,
        api_request_id=record.api_request_id,
        failure=record.failure,
        usage=record.usage,
        stamps=record.timeline,
    )


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / NS_PER_MS
