"""Replies: the events that the simulator plans, replies in one piece, and the API's errors with the checks for them."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class After(enum.Enum):
    """Fate of the connection once an event is written. All but the first are faults."""

    CONTINUE = enum.auto()
    CLOSE = enum.auto()
    """Close it, the response unfinished."""
    RESET = enum.auto()
    """Reset it, so that the peer reads an error instead of an end."""
    HANG = enum.auto()
    """Keep it open and silent until the peer closes it."""


class PlannedEvent(NamedTuple):
    """One event and the time at which it goes out."""

    offset_ns: int
    """Nanoseconds after the request's last byte."""
    name: str
    """Type of the event, on the wire and in the truth log."""
    body: dict[str, Any] | bytes
    """Data of the event. Bytes go out as they are, without SSE framing."""
    after: After = After.CONTINUE

    def encoded(self) -> bytes:
        """Return the bytes on the wire, before chunking."""
        if isinstance(self.body, bytes):
            return self.body
        return b"event: %b\ndata: %b\n\n" % (self.name.encode(), msgspec.json.encode(self.body))


@dataclass(frozen=True)
class Reply:
    """One response. Its headers go out right before the first bytes of `events`."""

    status: int
    headers: Mapping[str, str]
    events: Iterator[PlannedEvent]
    chunked: bool = False
    """True for a chunked body. Otherwise `events` is one event, and the headers give its length."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the request, for the truth log."""


def reply(status: int, content_type: str, body: bytes, headers: Mapping[str, str], offset_ns: int = 0) -> Reply:
    """Return a reply in one piece, `offset_ns` after the request."""
    return Reply(
        status=status,
        headers={**headers, "content-type": content_type, "content-length": str(len(body))},
        events=iter([PlannedEvent(offset_ns, "response", body)]),
    )


def json_reply(body: object, headers: Mapping[str, str], status: int = 200, offset_ns: int = 0) -> Reply:
    """Return a JSON reply in one piece, `offset_ns` after the request."""
    return reply(status, JSON, msgspec.json.encode(body), headers, offset_ns)


class ApiError(Exception):
    """Refusal of a request, in the API's words."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details = {} if code is None else {"details": {"error_code": code}}
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The API's name for this kind of error."""
        return _ERROR_TYPES[self.status]

    def reply(self, headers: Mapping[str, str]) -> Reply:
        """Return the reply in the API's shape."""
        body = {
            "type": "error",
            "error": {"type": self.type, "message": str(self), **self.details},
            "request_id": headers.get("request-id"),
        }
        return json_reply(body, {**headers, **self.headers}, self.status)


def refuse_unknown(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise ApiError if the request has a field that is not `known`."""
    for name in fields:
        if name not in known:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")


def check_object(value: object, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Return `value` as an object with no fields but the `known` ones. Raises ApiError."""
    if not isinstance(value, dict):
        raise ApiError(400, f"{where}: Input should be a valid dictionary or object to extract fields from")
    refuse_unknown({f"{where}.{name}": 0 for name in value if name not in known}, frozenset())
    return value


def required(fields: Mapping[str, Any], name: str) -> Any:
    """Return the field `name`. Raises ApiError if it is missing."""
    if name not in fields:
        raise ApiError(400, f"{name}: Field required")
    return fields[name]


def integer(value: object, name: str, least: int) -> int:
    """Return `value` as a whole number of at least `least`. Raises ApiError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(400, f"{name}: Input should be a valid integer")
    if value < least:
        raise ApiError(400, f"{name}: Input should be greater than or equal to {least}")
    return value


def optional_string(value: object, name: str) -> str | None:
    """Return `value` as a text or None. Raises ApiError."""
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"{name}: Input should be a valid string")
    return value


def one_of(value: object, name: str, known: tuple[str, ...]) -> None:
    """Raise ApiError unless `value` is one of those `known`, at least two."""
    if value not in known:
        names = [f"'{one}'" for one in known]
        raise ApiError(400, f"{name}: Input should be {', '.join(names[:-1])} or {names[-1]}")
