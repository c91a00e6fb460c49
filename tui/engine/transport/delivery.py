"""Delivery of an answer, by the first bytes of its body: what the headers say of it is often wrong or absent."""

from enum import Enum

import httpx2

from tui.engine.transport import StampedStream
from tui.engine.transport.body import RawBody

_FIELDS = (b"", b"data", b"event", b"id", b"retry")
"""Names before the first colon of an event stream; a comment has none."""
_BODILESS = (204, 205)
"""Statuses of a success that never has a body, whatever its headers say."""
_SKIPPED = b"\xef\xbb\xbf \t\r\n"
_MOST_SKIPPED = 4096
"""Blank bytes after which nobody waits for others."""


class Delivery(Enum):
    """Form in which an answer comes."""

    STREAM = "text/event-stream"
    """Server-sent events."""
    WHOLE = "application/json"
    """JSON in one piece."""


async def delivery_of(response: httpx2.Response) -> Delivery | None:
    """The form in which the body of this success comes; None for neither. All of it stays unread.

    Raises BodyError, or an error of the connection.
    """
    connection = response.extensions["network_stream"]
    assert isinstance(connection, StampedStream)
    declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code in _BODILESS:
        return None
    seen, begins, is_over = 0, b"", RawBody(response.headers).complete
    while not is_over and len(begins) <= _MOST_SKIPPED:
        segments = await connection.peek(seen)
        seen = len(segments)
        body = RawBody(response.headers)
        begins = b"".join(part for segment in segments for part in body.feed(segment.data))
        is_over = body.complete or not all(segment.data for segment in segments)
        line = begins.lstrip(_SKIPPED)
        if line[:1] in (b"{", b"["):
            return Delivery.WHOLE
        field, colon, _ = line.partition(b":")
        if colon and field in _FIELDS:
            return Delivery.STREAM
        first, newline, _ = line.partition(b"\n")
        has_words = bool(first.strip()) and b":" not in first and first.strip() not in _FIELDS
        if line.startswith(b"<") or (has_words and (newline or is_over) and declared != Delivery.WHOLE.value):
            return None  # a page, or words, whatever they are called
        if line and (colon or newline):
            break
    if is_over and not begins and declared == Delivery.WHOLE.value:
        return None
    return next((form for form in Delivery if declared == form.value), None)
