"""Reading of what a server sends, in whatever shape it comes: JSON, and its own words for an error.

Servers and gateways that speak the Messages API have error forms of their own: FastAPI's `detail`, a bare `message`,
`error` as a text, lists of errors, problem+json (RFC 9457), a page of HTML, or plain text.
"""

import html
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

_HEADS = ("error", "errors", "title")
"""Fields that often say less than those that follow."""
_DETAILS = ("message", "detail", "msg", "error_message", "error_description", "errormessage", "description", "reason")
_DEEPEST = 6
_MOST_OF_LIST = 3
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LONGEST = 4096
"""Characters of a page that are looked at for a title."""


def error_in(body: bytes) -> tuple[str, str]:
    """Type and message of the error in a body; each empty where there is none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return "", _first_line(body.decode("utf-8", "replace"))
    return type_of(value), words_of(value)


def is_error(value: object) -> bool:
    """True for JSON that says that something failed, and nothing else."""
    if not isinstance(value, dict):
        return isinstance(value, list) and bool(value) and all(map(is_error, value))
    says = value.get("type") == "error" or value.get("object") == "error" or value.get("status") == "failure"
    return says or any(value.get(name) for name in ("error", "errors"))


def type_of(value: object) -> str:
    """The server's name for the kind of error; empty where it gave none."""
    if isinstance(value, list):
        return type_of(value[0]) if value else ""
    if not isinstance(value, dict):
        return ""
    inner = value.get("error")
    for found in (inner.get("type") if isinstance(inner, dict) else None, value.get("type"), value.get("__type")):
        if isinstance(found, str) and found not in ("error", "about:blank"):
            return found
    return ""


def words_of(value: object, depth: int = 0) -> str:
    """Words in `value`, wherever in it they stand; empty for none."""
    if depth > _DEEPEST:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        said = (words_of(one, depth + 1) for one in value[:_MOST_OF_LIST])
        return "; ".join(words for words in said if words)
    if not isinstance(value, dict):
        return ""
    fields = {str(name).lower(): found for name, found in value.items()}
    head = next((words for name in _HEADS if (words := words_of(fields.get(name), depth + 1))), "")
    if head and isinstance(fields.get("error"), dict):
        return head
    detail = next((words for name in _DETAILS if (words := words_of(fields.get(name), depth + 1))), "")
    where = fields.get("loc")
    if detail and isinstance(where, list):  # FastAPI names the field beside the message
        detail = f"{'.'.join(map(str, where))}: {detail}"
    parts = [head, detail] if head != detail else [head]
    return ": ".join(part.rstrip(".") if part is head and detail else part for part in parts if part)


def _first_line(text: str) -> str:
    text = text[:_LONGEST]
    if (title := _TITLE.search(text)) is not None:
        return html.unescape(_TAG.sub("", title[1])).strip()
    if text.lstrip().startswith("<"):
        text = html.unescape(_TAG.sub("\n", text))
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def repaired(data: bytes) -> str:
    """JSON with invalid UTF-8 or halves of surrogate pairs, without them. Raises ValueError or RecursionError.

    They are the server's fault, but the rest is still worth having. Slow, and right for what Python's own parser takes.
    """
    value = json.loads(data.decode("utf-8", "replace"))
    return json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def decode(data: bytes) -> object:
    """The JSON in `data`. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(repaired(data))


def decoded(data: bytes) -> Mapping[str, Any]:
    """The object in an event; empty for what is none."""
    try:
        read = decode(data)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none in what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def table(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object in a field; empty where there is none."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """The value if it is a text; empty else."""
    return value if isinstance(value, str) else ""
