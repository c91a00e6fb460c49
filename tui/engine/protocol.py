"""Messages between the engine and its parent, and their frames on the pipe.

An engine begins with one line of text, which names the number of this protocol. Then come frames: a 4-byte big-endian
length and that many bytes of MessagePack. To the engine a frame is one command; from the engine it is a list of events,
of which the first is `Hello`.
"""

import re
import struct
from collections.abc import Iterator

import msgspec

from tui import __version__
from tui.core.events import Content, Event
from tui.core.load import LoadEnding, LoadSettings
from tui.core.load_shares import WHOLE, Ration, Share
from tui.core.plan import Plan, RequestSpec
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.errors import ChildError

PROTOCOL = 2
"""Number of this protocol. Raised with every change that an engine or a parent of the version before would not take."""
KEEP_STAMPS = "--keep-stamps"
"""Option of an engine that keeps the stamps and texts of loads beside it, and tells what figures follow from."""
_GREETING = re.compile(rb"LATENCY-TUI ENGINE (\d{1,9}) ([\w.+-]{1,40})\n")

_MOST_BEFORE_GREETING = 64 * 1024
"""Bytes of a shell's words before an engine's first line."""
_SHOWN_WORDS = 120

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""A longer frame means that the pipe is out of step."""
MAX_REMOTE_FRAME_BYTES = 8 * 1024 * 1024
"""The same where the engine runs on another machine."""
_USUAL_FRAME_BYTES = 4 * 1024 * 1024
"""Longest frame of what can be divided: of more than one event, or of more than one piece of content."""

_LENGTH = struct.Struct(">I")


class Greeting(msgspec.Struct, frozen=True):
    """The line that an engine begins with."""

    protocol: int
    app_version: str
    before: bytes
    """Bytes before it: words of a shell, not of the engine."""
    after: bytes
    """The beginning of the frames."""


def greeting(app_version: str) -> bytes:
    """The line that this program's engine begins with."""
    return f"LATENCY-TUI ENGINE {PROTOCOL} {app_version}\n".encode()


def greeting_in(data: bytes) -> Greeting | None:
    """The line in what an engine has sent so far; None while it has not come."""
    found = _GREETING.search(data)
    if found is None:
        return None
    return Greeting(int(found[1]), found[2].decode("ascii", "replace"), data[: found.start()], data[found.end() :])


class Beginning:
    """Beginning of an engine's output: words of a shell, perhaps, and the engine's first line."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._is_over = False
        self.data = b""
        """Bytes that came while the first line is not complete."""
        self.words = ""
        """Words before it."""

    def feed(self, data: bytes) -> bytes:
        """The frames in what came; none before the first line is complete. Raises ChildError for another program."""
        if self._is_over:
            return data
        self.data += data
        found = greeting_in(self.data)
        if found is None:
            if len(self.data) > _MOST_BEFORE_GREETING:
                raise ChildError(f"{self._place} printed text and no engine started: {quoted(self.data)}.")
            return b""
        self._is_over, self.data = True, b""
        self.words = quoted(found.before) if found.before.strip() else ""
        if found.protocol != PROTOCOL:
            raise ChildError(
                f"{self._place} has latency-tui {found.app_version}, whose engine speaks protocol {found.protocol}, "
                f"and this one ({__version__}) protocol {PROTOCOL}: install the same version on both."
            )
        return found.after


def quoted(words: bytes) -> str:
    """The last line of a program's words, as it is shown."""
    lines = clean(words.decode("utf-8", "replace")).strip().splitlines()
    return repr(lines[-1][:_SHOWN_WORDS]) if lines else "''"


class StartRun(msgspec.Struct, frozen=True, kw_only=True, tag="start_run"):
    """Fire these requests."""

    run_id: int
    requests: tuple[RequestSpec, ...]
    at_once: int | None = None
    """Size of the waves in which they are fired, in order, each when the one before is over; `None` is one wave."""
    is_held: bool = False
    """True where they start together with those of other engines: `Armed` says when they could, `Fire` when they do."""


class Fire(msgspec.Struct, frozen=True, kw_only=True, tag="fire"):
    """Let the requests of a run that is held go, at this moment of the engine's clock; at once where it is over."""

    run_id: int
    at_ns: int


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    """Answer with `Ponged`."""

    number: int
    is_lifeline: bool = True
    """True for the engine of another machine, which ends itself when no further ping comes for a minute."""


class Settle(msgspec.Struct, frozen=True, kw_only=True, tag="settle"):
    """Work as the engine of another machine's session: by this host's own files and keys, and those that are lent."""

    keys: dict[str, str] = {}
    """Values of environment variables that hold keys. They are kept in memory alone."""


class StartLoad(msgspec.Struct, frozen=True, kw_only=True, tag="start_load"):
    """Send the requests of a load, as they are due. Each is a `RequestBegun` first, so that the parent knows it."""

    run_id: int
    plan: Plan
    settings: LoadSettings
    seed: int
    first_request: int
    """Id of the first request; the others are counted up from it."""
    series: str = ""
    """Uid of the series that its requests are stored as."""
    share: Share = WHOLE
    """The engine's part of it. Each level of a load that is shared is `Armed`, and begins with a `Fire`."""


class Deal(msgspec.Struct, frozen=True, kw_only=True, tag="deal"):
    """Let a share of a load begin further requests."""

    run_id: int
    ration: Ration


class EndLoad(msgspec.Struct, frozen=True, kw_only=True, tag="end_load"):
    """Begin no further request of the load; what is in flight goes on, unless it is cancelled."""

    ending: LoadEnding


class KeepFiles(msgspec.Struct, frozen=True, kw_only=True, tag="keep_files"):
    """Keep these files, by their digest, for the requests that follow."""

    files: dict[str, bytes]


class CancelRequests(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_requests"):
    """Close these requests' connections at once; those already over are ignored."""

    request_ids: tuple[int, ...]


class CountTokens(msgspec.Struct, frozen=True, kw_only=True, tag="count_tokens"):
    """Count the tokens of each spec's prompt at its endpoint. The answer is a `TokensCounted` under the same id.

    A run that starts meanwhile ends it without an answer.
    """

    requests: tuple[RequestSpec, ...]


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag="ask"):
    """Send this request beside runs, and keep no time of it. The answer is one `Answered`.

    A run that starts meanwhile ends it, as does `CancelRequests`. Its id is below 0, so that no run has it.
    """

    request: RequestSpec


class ListModels(msgspec.Struct, frozen=True, kw_only=True, tag="list_models"):
    """List the models of these endpoints. The answer is one `ModelsListed` each, unless a run starts meanwhile."""

    endpoints: tuple[Endpoint, ...]


class Examine(msgspec.Struct, frozen=True, kw_only=True, tag="examine"):
    """Look at what stands at these endpoints. The answer is one `EndpointExamined` each, unless a run starts meanwhile.

    Nothing is asked that costs anything.
    """

    endpoints: tuple[Endpoint, ...]


Command = (
    KeepFiles
    | StartRun
    | Fire
    | StartLoad
    | Deal
    | EndLoad
    | CancelRequests
    | CountTokens
    | Ask
    | ListModels
    | Examine
    | Ping
    | Settle
)

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Errors of what is no message: the wrong shape, text that is none, and nesting without end."""
_encoder = msgspec.msgpack.Encoder()
_command_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_events_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])


def encode_command(command: Command) -> bytes:
    """One frame with `command`."""
    return _frame(_encoder.encode(command))


def encode_events(events: list[Event]) -> bytes:
    """One frame with `events`, or several where they are long."""
    payload = _encoder.encode(events)
    if len(payload) <= _USUAL_FRAME_BYTES:
        return _frame(payload)
    if len(events) > 1:
        half = len(events) // 2
        return encode_events(events[:half]) + encode_events(events[half:])
    event = events[0]
    if isinstance(event, Content) and len(event.texts) > 1:
        half = len(event.texts) // 2
        parts = ((event.t_ns[:half], event.texts[:half]), (event.t_ns[half:], event.texts[half:]))
        replace = msgspec.structs.replace
        return b"".join(encode_events([replace(event, t_ns=t_ns, texts=texts)]) for t_ns, texts in parts)
    return _frame(payload)


def decode_command(payload: bytes) -> Command:
    """The command of a frame. Raises ChildError for anything else."""
    try:
        return _command_decoder.decode(payload)
    except _UNREADABLE as error:
        raise ChildError(f"The engine was sent something it does not understand: {error}.") from None


def decode_events(payload: bytes) -> list[Event]:
    """The events of a frame. Raises ChildError for anything else."""
    try:
        return _events_decoder.decode(payload)
    except _UNREADABLE as error:
        raise ChildError(f"The engine sent something that is not understood here: {error}.") from None


class FrameSplitter:
    """Splitter of a stream of bytes into frames' payloads."""

    def __init__(self, longest: int = MAX_FRAME_BYTES) -> None:
        """A frame of more than `longest` bytes is refused before any of it is kept."""
        self._buffer = bytearray()
        self._longest = longest

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that `data` completes, in order. Raises ChildError if the stream is out of step."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > self._longest:
                raise ChildError(f"The engine's pipe is out of step: a frame of {length} bytes was announced.")
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            yield bytes(buffer[start + _LENGTH.size : end])
            start = end
        del buffer[:start]


def _frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload
