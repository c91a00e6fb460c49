"""Messages between the engine and its parent, and their frames on the pipe.

A frame is a 4-byte big-endian length and that many bytes of MessagePack. To the engine a frame is one command; from
the engine it is a list of events.
"""

import struct
from collections.abc import Iterator

import msgspec

from tui.core.events import Event
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.errors import ChildError

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""A longer frame means that the pipe is out of step."""
_USUAL_FRAME_BYTES = 16 * 1024 * 1024
"""Longest frame of more than one event."""

_LENGTH = struct.Struct(">I")


class StartRun(msgspec.Struct, frozen=True, kw_only=True, tag="start_run"):
    """Fire these requests."""

    run_id: int
    requests: tuple[RequestSpec, ...]
    at_once: int | None = None
    """Size of the waves in which they are fired, in order, each when the one before is over; `None` is one wave."""


class CancelRequests(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_requests"):
    """Close these requests' connections at once; those already over are ignored."""

    request_ids: tuple[int, ...]


class CountTokens(msgspec.Struct, frozen=True, kw_only=True, tag="count_tokens"):
    """Count the tokens of each spec's prompt at its endpoint. The answer is a `TokensCounted` under the same id.

    A run that starts meanwhile ends it without an answer.
    """

    requests: tuple[RequestSpec, ...]


class ListModels(msgspec.Struct, frozen=True, kw_only=True, tag="list_models"):
    """List the models of these endpoints. The answer is one `ModelsListed` each, unless a run starts meanwhile."""

    endpoints: tuple[Endpoint, ...]


class Examine(msgspec.Struct, frozen=True, kw_only=True, tag="examine"):
    """Look at what stands at these endpoints. The answer is one `EndpointExamined` each, unless a run starts meanwhile.

    Nothing is asked that costs anything.
    """

    endpoints: tuple[Endpoint, ...]


Command = StartRun | CancelRequests | CountTokens | ListModels | Examine

_encoder = msgspec.msgpack.Encoder()
_command_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_events_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])


def encode_command(command: Command) -> bytes:
    """One frame with `command`."""
    return _frame(_encoder.encode(command))


def encode_events(events: list[Event]) -> bytes:
    """One frame with `events`, or several where they are long."""
    payload = _encoder.encode(events)
    if len(payload) <= _USUAL_FRAME_BYTES or len(events) == 1:
        return _frame(payload)
    half = len(events) // 2
    return encode_events(events[:half]) + encode_events(events[half:])


def decode_command(payload: bytes) -> Command:
    """The command of a frame. Raises ChildError for anything else."""
    try:
        return _command_decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise ChildError(f"The engine was sent something it does not understand: {error}") from None


def decode_events(payload: bytes) -> list[Event]:
    """The events of a frame. Raises ChildError for anything else."""
    try:
        return _events_decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise ChildError(f"The engine sent something that is not understood here: {error}") from None


class FrameSplitter:
    """Splitter of a stream of bytes into frames' payloads."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that `data` completes, in order. Raises ChildError if the stream is out of step."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > MAX_FRAME_BYTES:
                raise ChildError(f"The engine's pipe is out of step: a frame of {length} bytes was announced.")
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            yield bytes(buffer[start + _LENGTH.size : end])
            start = end
        del buffer[:start]


def _frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload
