"""Where an answer ends: at its own end, at the token limit, or at a stop sequence."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

StopReason = Literal["end_turn", "max_tokens", "stop_sequence"]


class Ending:
    """How a stream of tokens ended; complete once the stream is exhausted."""

    def __init__(self) -> None:
        self.reason: StopReason = "end_turn"
        self.sequence: str | None = None
        """The stop sequence that was met."""
        self.tokens = 0
        """How many tokens went out, one cut short by a stop sequence included."""


def limited(source: Iterable[str], most: int, stops: Sequence[str], ending: Ending) -> Iterator[str]:
    """At most `most` tokens of `source`, up to the first stop sequence, which is left out.

    Tokens that may turn out to begin a stop sequence are looked ahead of, so the source is read that much further.
    """
    look_ahead = max((len(stop) for stop in stops), default=1) - 1
    held: deque[str] = deque()
    text = ""
    for taken, token in enumerate(source):
        if taken == most:
            ending.reason = "max_tokens"
            break
        held.append(token)
        text += token
        found = _first(text, stops)
        if found is not None:
            position, ending.sequence = found
            ending.reason = "stop_sequence"
            held = deque(_cut(held, position))
            break
        while held and len(text) - len(held[0]) >= look_ahead:
            released = held.popleft()
            text = text[len(released) :]
            ending.tokens += 1
            yield released
    for token in held:
        ending.tokens += 1
        yield token


def _first(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """Position and text of the stop sequence that is complete first; of two, the longer one."""
    found = [(at + len(stop), at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return None
    _, position, stop = min(found)
    return position, stop


def _cut(held: Iterable[str], length: int) -> Iterator[str]:
    """The tokens of `held` up to `length` characters; the last may be a part of one."""
    for token in held:
        if length <= 0:
            return
        yield token[:length]
        length -= len(token)
