"""Events of the Messages API as types, decoded so that no field that is not needed can cost an answer."""

import json
from typing import Any, TypeVar, get_args

import msgspec

from tui.engine.server_words import repaired

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Block(msgspec.Struct):
    """A block of content where it opens, or whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None


class Delta(msgspec.Struct):
    """A change of a block, or of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_details: object = None


class TokenDetails(msgspec.Struct):
    """Parts of the output tokens."""

    thinking_tokens: object = None


class MessageUsage(msgspec.Struct):
    """Counts and words of any type: `AnswerReader` checks each, so that an absurd one does not cost the answer."""

    input_tokens: object = None
    output_tokens: object = None
    cache_creation_input_tokens: object = None
    cache_read_input_tokens: object = None
    cache_creation: object = None
    output_tokens_details: TokenDetails | None = None
    service_tier: object = None
    speed: object = None
    inference_geo: object = None
    iterations: object = None


class Message(msgspec.Struct):
    """The head of a message."""

    id: object = None
    model: object = None
    usage: MessageUsage | None = None
    diagnostics: object = None


class StreamEvent(msgspec.Struct):
    """The fields of all event types that are read here; everything else is skipped while decoding."""

    type: str = ""
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: MessageUsage | None = None
    error: object = None
    choices: object = None
    """A field of OpenAI's protocol, which has no type."""


_decoder = msgspec.json.Decoder(StreamEvent)

_READ_HERE = frozenset({"message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop"})
_WORDS_OF_DELTA = ("text", "thinking", "partial_json")


def decode(event: str, data: bytes) -> StreamEvent | None:
    """The event in `data`; None for data to pass by: `[DONE]`, and whatever else has no type that is known.

    Optional fields of another type are left out. Raises ValueError or RecursionError if the content, or an event of
    a known name, cannot be read.
    """
    try:
        read = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if event not in _READ_HERE and not data.lstrip().startswith(b"{"):
            return None
        if not isinstance(error, msgspec.ValidationError):
            return _decoder.decode(repaired(data))
        value = msgspec.json.decode(data)
        read = salvaged(value, StreamEvent)
        if not isinstance(value, dict) or ((read.type or event) == "content_block_delta" and not _is_readable(value)):
            raise
    read.type = read.type or (event if event in _READ_HERE else "")
    return read


def salvaged(value: object, kind: type[_Struct]) -> _Struct:
    """Convert what of `value` fits the fields of `kind`."""
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        found = value.get(field.name) if isinstance(value, dict) else None
        try:
            fields[field.name] = msgspec.convert(found, field.type)
        except msgspec.ValidationError:
            inner = next((one for one in get_args(field.type) if one is not type(None)), None)
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(found, dict):
                fields[field.name] = salvaged(found, inner)
    return kind(**fields)


def _is_readable(value: object) -> bool:
    """True if the words of a delta can be read: those are content, which must not be lost in silence."""
    delta = value.get("delta") if isinstance(value, dict) else None
    return isinstance(delta, dict) and all(isinstance(delta.get(name), str | None) for name in _WORDS_OF_DELTA)


def field_of(data: bytes, name: str) -> dict[str, Any]:
    """A field of an event with all that stands in it; empty where it is no object."""
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
