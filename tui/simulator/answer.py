"""A response as the server plays it: status, headers, and what goes out when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tui.simulator.planned import Planned
from tui.simulator.refusals import ApiError

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """One response. The headers go out right before the first bytes of `events`."""

    status: int
    headers: Mapping[str, str]
    events: Iterator[Planned]
    chunked: bool = False
    """Whether the body is chunked; if not, `events` is one event and the headers give its length."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the truth log says of the request."""


def reply(status: int, content_type: str, body: bytes, headers: Mapping[str, str], offset_ns: int = 0) -> Answer:
    """A response in one piece, `offset_ns` after the request."""
    return Answer(
        status=status,
        headers={**headers, "content-type": content_type, "content-length": str(len(body))},
        events=iter([Planned(offset_ns, "response", body)]),
    )


def json_reply(body: object, headers: Mapping[str, str], status: int = 200, offset_ns: int = 0) -> Answer:
    """A JSON response in one piece, `offset_ns` after the request."""
    return reply(status, JSON, msgspec.json.encode(body), headers, offset_ns)


def refusal(error: ApiError, headers: Mapping[str, str]) -> Answer:
    """An error in the API's shape."""
    body = {
        "type": "error",
        "error": {"type": error.type, "message": str(error)},
        "request_id": headers.get("request-id"),
    }
    return json_reply(body, {**headers, **error.headers}, error.status)
