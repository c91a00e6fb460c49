"""Tokens as the simulator counts them, in prompts, answers and `count_tokens`, and the limits that end an answer.

A token is, in this order of preference: up to six letters or digits with the one space before them, a run of spaces,
a run of line breaks, up to three signs of ASCII punctuation, or any other single character (so one per Chinese
character or emoji). English text comes out at about 4.3 characters per token.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

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
