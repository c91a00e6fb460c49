"""Rhythm of a watch: at which moments of the wall clock a plan is measured, and which of them were missed.

The moments depend on the clock, the interval and the watch's name alone, so that a program that is started again goes
on as if it had never stopped, and two watches do not ask at the same second.
"""

import re
import zlib
from random import Random

import msgspec

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_S = 3_660 * 86_400
_SPAN = re.compile(r"(?:[0-9]+[smhd])+")
_PART = re.compile(r"([0-9]+)([smhd])")
_JITTER_SHARE, _MOST_JITTER_S = 0.1, 30.0
_GRACE_SHARE, _MOST_GRACE_S = 0.1, 60.0


def parse_span(text: str) -> int:
    """Seconds of a span such as `90s`, `5m`, `1h30m` or `7d`. Raises ValueError, with a sentence, for anything else."""
    if _SPAN.fullmatch(text):
        seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
        if 0 < seconds <= _LONGEST_S:
            return seconds
    raise ValueError(f"must be a span of time such as 90s, 5m, 1h30m or 7d, but is {text!r}")


def span_words(seconds: float) -> str:
    """A span in its largest units: `5m`, `1h30m`, `7d`."""
    left, words = round(seconds), ""
    for unit in reversed(_UNITS):
        count, left = divmod(left, _UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"


class Rhythm(msgspec.Struct, frozen=True):
    """The slots of one watch, numbered since 1970. Times are Unix time, s."""

    every_s: int
    name: str
    """The watch's: it shifts all slots, and jitters each by up to a tenth of the interval, 30 s at most."""

    @property
    def _shift_s(self) -> float:
        return zlib.crc32(self.name.encode()) % (self.every_s * 1_000) / 1_000

    @property
    def grace_s(self) -> float:
        """Longest that a slot may be late and still count as that slot."""
        return min(_MOST_GRACE_S, _GRACE_SHARE * self.every_s)

    def time_of(self, slot: int) -> float:
        """Moment of a slot."""
        jitter = Random(f"{self.name} {slot}").random() * min(_MOST_JITTER_S, _JITTER_SHARE * self.every_s)
        return slot * self.every_s + self._shift_s + jitter

    def slot_at(self, now: float) -> int:
        """The slot that began last: what is measured until the next one begins belongs to it."""
        return int((now - self._shift_s) // self.every_s)

    def due(self, done: int, now: float) -> tuple[int, int]:
        """The slot to wait for after slot `done`, and how many between were missed and are not made up."""
        current = self.slot_at(now)
        following = current if now <= self.time_of(current) + self.grace_s else current + 1
        following = max(following, done + 1)
        return following, following - done - 1
