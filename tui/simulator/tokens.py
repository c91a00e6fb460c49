"""Tokens as the simulator counts them, in prompts, answers and `count_tokens`, and the limits that end an answer.

A token is, in this order of preference: up to six letters or digits with the one space before them, a run of spaces,
a run of line breaks, up to three signs of ASCII punctuation, or any other single character (so one per Chinese
character or emoji). English text comes out at about 4.3 characters per token. Images and PDF are checked here, and
counted by the API's published formulas.
"""

import base64
import binascii
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from tui.simulator.replies import ApiError

_TOKEN = re.compile(r" ?[0-9A-Za-z_\u00c0-\u024f]{1,6}|[ \t]+|[\r\n]+|[!-/:-@\[-^`{-~]{1,3}|.", re.DOTALL)

MESSAGE_TOKENS = 4
"""Tokens of each turn beside its text."""

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


def split(text: str) -> list[str]:
    """Split `text` into its tokens; joined again they are `text`."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Count the tokens of `text`."""
    return sum(1 for _ in _TOKEN.finditer(text))


class Stop:
    """Reason and length of a stream of tokens; complete once the stream is exhausted."""

    def __init__(self) -> None:
        self.reason: StopReason = "end_turn"
        self.sequence: str | None = None
        """Stop sequence that was met."""
        self.tokens = 0
        """Tokens that went out, including one cut short by a stop sequence."""


def limited(source: Iterable[str], most: int, stops: Sequence[str], stop: Stop) -> Iterator[str]:
    """Yield at most `most` tokens of `source`, up to the first stop sequence, which is left out.

    Holds tokens back that may begin a stop sequence, so the source is read that much further.
    """
    look_ahead = max((len(sequence) for sequence in stops), default=1) - 1
    held: deque[str] = deque()
    text = ""
    for taken, token in enumerate(source):
        if taken == most:
            stop.reason = "max_tokens"
            break
        held.append(token)
        text += token
        found = _first(text, stops)
        if found is not None:
            position, stop.sequence = found
            stop.reason = "stop_sequence"
            held = deque(_cut(held, position))
            break
        while held and len(text) - len(held[0]) >= look_ahead:
            released = held.popleft()
            text = text[len(released) :]
            stop.tokens += 1
            yield released
    for token in held:
        stop.tokens += 1
        yield token


def _first(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """Return position and text of the stop sequence that is complete first; of two, the longer one."""
    found = [(at + len(stop), at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return None
    _, position, stop = min(found)
    return position, stop


def _cut(held: Iterable[str], length: int) -> Iterator[str]:
    """Yield the tokens of `held` up to `length` characters; the last may be a part of one."""
    for token in held:
        if length <= 0:
            return
        yield token[:length]
        length -= len(token)


FILE_BLOCKS = ("image", "document")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TOKENS_PER_PAGE = 3_000
_TOKENS_OF_UNKNOWN = 1_600


def check_file(block: Mapping[str, Any], where: str) -> None:
    """Raise ApiError for a block that the API would refuse."""
    source = block.get("source")
    if not isinstance(source, dict) or source.get("type") != "base64":
        raise ApiError(400, f"{where}.source.type: the simulator takes 'base64'")
    media_type, known = source.get("media_type"), _IMAGES if block["type"] == "image" else ("application/pdf",)
    if media_type not in known:
        raise ApiError(400, f"{where}.source.base64.media_type: Input should be {' or '.join(map(repr, known))}")
    data = _data(block)
    if not data:
        raise ApiError(400, f"{where}.source.base64.data: invalid base64 data")
    if block["type"] == "document" and b"%PDF-" not in data[:1024]:
        raise ApiError(400, f"{where}.source.base64.data: The PDF specified was not valid.")


def count_files(content: object) -> int:
    """The tokens of the images and documents in a turn: width × height / 750, and 3,000 a page."""
    blocks = content if isinstance(content, list) else []
    return sum(_tokens(block) for block in blocks if isinstance(block, dict) and block.get("type") in FILE_BLOCKS)


def file_of_part(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """A part of OpenAI's protocols as a block; None for what is none."""
    url = given.get("image_url") or given.get("file_data") or given.get("file")
    if isinstance(url, dict):
        url = url.get("url") or url.get("file_data")
    if not isinstance(url, str) or not url.startswith("data:"):
        return None
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    kind = "document" if media_type == "application/pdf" else "image"
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


def _tokens(block: Mapping[str, Any]) -> int:
    data = _data(block)
    if block["type"] == "document":
        pages = data.replace(b"/Pages", b"").count(b"/Type /Page") or 1
        return pages * _TOKENS_PER_PAGE
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        return math.ceil(width * height / 750)
    return _TOKENS_OF_UNKNOWN


def _data(block: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(block["source"]["data"]), validate=True)
    except (binascii.Error, KeyError, TypeError):
        return b""
