"""A response before its answer: the headers that are kept, what they ask, and the form in which its body comes."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum

import httpx2

from tui.core.sanitize import clean
from tui.engine.transport import StampedStream
from tui.engine.transport.body import RawBody

_KEPT = re.compile(
    r"(anthropic-|x-)?ratelimit(-[\w-]+)?"
    r"|retry-after(-ms)?|server|server-timing|via|x-cache|x-served-by|cf-ray|cf-cache-status"
    r"|(x|openai|anthropic)-[\w-]*(overhead|latency|duration|service-time|response-time|process-time|processing-ms)[\w-]*"
)
"""Names of headers that say who answered, how long parts of the way took, and what is left of a limit."""
_MOST = 32
_LONGEST_NAME = 64
_LONGEST_VALUE = 256
_FIELDS = (b"", b"data", b"event", b"id", b"retry")
"""Names before the first colon of an event stream; a comment has none."""
_BODILESS = (204, 205)
"""Statuses of a success that never has a body, whatever its headers say."""
_SKIPPED = b"\xef\xbb\xbf \t\r\n"
_MOST_SKIPPED = 4096
"""Blank bytes after which nobody waits for others."""


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are kept, by their names in lower case: of these alone, few, short, and safe to show."""
    found = [(name.lower(), value) for name, value in headers.items() if len(name) <= _LONGEST_NAME]
    wanted = [(name, value) for name, value in found if _KEPT.fullmatch(name)]
    return {name: " ".join(clean(value).split())[:_LONGEST_VALUE] for name, value in wanted[:_MOST]}


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110).

    None for what is no time to wait. `now_s` is the time of day, s since 1970.
    """
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * factor
        except ValueError:
            try:
                date = parsedate_to_datetime(value)
                # RFC 9110 knows GMT only; two of its forms of a date do not say so.
                date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
                seconds = max(0.0, date.timestamp() - now_s)
            except (ValueError, OverflowError):
                continue
        if 0 <= seconds < math.inf:
            return seconds
    return None


class Delivery(Enum):
    """Form in which an answer comes, by its first bytes: what the headers say of it is often wrong or absent."""

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
