"""Summary of an answer's content, where its stamps and texts stay with the engine that measured it.

All figures of the request can be computed from it: exactly, and those of the gaps between pieces to 1 %.
"""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from tui.core.engine_events import TaggedEvent
from tui.core.held_back import Arrivals

_ACCURACY = 0.01
_GROWTH = math.log((1 + _ACCURACY) / (1 - _ACCURACY))
_LAST_BUCKET = 2_200
"""Bucket of a gap of a century."""
_MOST_PIECES = 1_000_000


class GapSketch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Gaps between pieces of content, each known to 1 %: counts of buckets of one relative width, which add up.

    DDSketch (Masson, Rim and Lee, VLDB 2019), of whatever range.
    """

    buckets: dict[int, int] = {}
    """Count of gaps by bucket."""
    none: int = 0
    """Gaps of no time at all."""
    longest_ns: int = 0
    longest_at: int = 0
    """The longest gap, exactly, and the number of the piece that ended it, the first gap's from 1."""

    @staticmethod
    def of(gaps_ns: Sequence[int]) -> "GapSketch":
        """Sketch of these gaps, in order."""
        longest = max(gaps_ns, default=0)
        return GapSketch(
            buckets=dict(Counter(math.ceil(math.log(gap) / _GROWTH) for gap in gaps_ns if gap > 0)),
            none=sum(gap <= 0 for gap in gaps_ns),
            longest_ns=longest,
            longest_at=gaps_ns.index(longest) + 1 if gaps_ns else 0,
        )

    @property
    def gaps_ns(self) -> list[int]:
        """The gaps, each within 1 %, ascending: the middle of its bucket, and of the last one the longest."""
        middles = {at: round(2 * math.exp(at * _GROWTH) / (math.exp(_GROWTH) + 1)) for at in self.buckets}
        found = [0] * self.none
        for at in sorted(self.buckets):
            found += [min(middles[at], self.longest_ns)] * self.buckets[at]
        return [*found[:-1], self.longest_ns] if found else found


class ContentSummed(TaggedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The content of an answer whose stamps and texts stay where it was measured. Right before the request's end."""

    request_id: int
    arrivals: Arrivals
    first_ns: int
    last_ns: int
    thinking_pieces: int = 0
    characters: int = 0
    first_characters: int = 0
    first_text_ns: int | None = None
    first_other_ns: int | None = None
    gaps: GapSketch = GapSketch()
    in_order: bool = True
    """False where a stamp is earlier than the one before it."""

    @property
    def is_sound(self) -> bool:
        """True where its counts fit together, and none is of a size that no answer has."""
        pieces, gaps = self.arrivals.pieces, self.gaps
        counts = (*gaps.buckets.values(), gaps.none, self.thinking_pieces, self.characters, self.first_characters)
        return (
            0 < pieces <= _MOST_PIECES
            and min(counts) >= 0
            and sum(gaps.buckets.values()) + gaps.none == pieces - 1
            and max(map(abs, gaps.buckets), default=0) <= _LAST_BUCKET
            and self.thinking_pieces <= pieces
        )
