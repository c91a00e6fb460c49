"""The record file (`--record FILE`): every engine event, and every finished request, as one line of JSON each.

Lines of engine events have the fields of the classes in `tui.core.events` and a `type` that names the class in snake
case; all their `*_ns` are CLOCK_MONOTONIC nanoseconds. After a request's `request_ended` follows one line of `type`
`result` with the fields of `Result`.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui.core.events import Event, Failure, Usage
from tui.core.figures import Delay, Gaps, figures_of
from tui.core.record import Attempt, RequestRecord
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
    attempts: int = 1
    ttft_ms: float | None = None
    ttfo_ms: float | None = None
    total_ms: float | None = None
    tpot_ms: float | None = None
    otps: float | None = None
    gap_ms: Gaps | None = None
    """Inter-chunk latencies."""
    connect_ms: float | None = None
    cold_ttft_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    http_status: int | None = None
    api_request_id: str | None = None
    failure: Failure | None = None
    stamp_source: str | None = None
    instrument_delay_ms: Delay | None = None
    stamps_shared: int | None = None
    """Pieces of content that arrived before their stamp, by less than the delay."""
    retry_ms: float | None = None
    """Time that earlier attempts took; in no other figure."""
    earlier: list[Attempt] = []
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

    def write(self, events: Sequence[Event], ended: Sequence[RequestRecord] = ()) -> str | None:
        """Append a batch of events, and the results of the requests that ended with it.

        Returns a sentence if that fails; nothing more is written then.
        """
        if self._file.closed:
            return None
        try:
            self._file.write(self._encoder.encode_lines(events))
            self._file.write(self._encoder.encode_lines(map(result_of, ended)))
            self._file.flush()
        except OSError as error:
            self.close()
            return f"The record file {self.path} cannot be written ({error.strerror}); recording has stopped."
        return None

    def close(self) -> None:
        """Close the file; what is in its buffer after a failure is lost."""
        with contextlib.suppress(OSError):
            self._file.close()


def result_of(record: RequestRecord) -> Result:
    """The result line of a request that has ended."""
    figures = figures_of(record)
    return Result(
        request_id=record.spec.request_id,
        target=record.spec.target,
        model=record.spec.model,
        endpoint=record.spec.endpoint.name,
        simulated=record.spec.endpoint.simulated,
        status=record.state.value,
        stop_reason=record.stop_reason,
        attempts=record.attempt,
        ttft_ms=figures.ttft_ms,
        ttfo_ms=figures.ttfo_ms,
        total_ms=figures.ttlt_ms,
        tpot_ms=figures.tpot_ms,
        otps=figures.otps,
        gap_ms=figures.gaps_ms,
        connect_ms=figures.connect_ms,
        cold_ttft_ms=figures.cold_ttft_ms,
        input_tokens=figures.input_tokens,
        output_tokens=figures.output_tokens,
        http_status=record.http_status,
        api_request_id=record.api_request_id,
        failure=record.failure,
        stamp_source=figures.stamp_source,
        instrument_delay_ms=figures.instrument_delay_ms,
        stamps_shared=figures.stamps_shared,
        retry_ms=figures.retry_ms,
        earlier=record.earlier,
        usage=record.usage,
        stamps=record.timeline,
    )
