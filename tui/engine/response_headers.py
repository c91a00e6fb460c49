"""Headers of responses: those that are kept, since they tell the API from what stands before it, and what they ask."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from tui.core.sanitize import clean

_KEPT = re.compile(
    r"(anthropic-|x-)?ratelimit(-[\w-]+)?"
    r"|retry-after(-ms)?|server|server-timing|via|x-cache|x-served-by|cf-ray|cf-cache-status"
    r"|(x|openai|anthropic)-[\w-]*(overhead|latency|duration|service-time|response-time|process-time|processing-ms)[\w-]*"
)
"""Names of headers that say who answered, how long parts of the way took, and what is left of a limit."""
_MOST = 32
_LONGEST_NAME = 64
_LONGEST_VALUE = 256


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
