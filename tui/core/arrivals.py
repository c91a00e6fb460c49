"""Arrivals of an answer's content: whether it was held back on the way, and a summary of its gaps.

It was held back where many pieces of content come in few moments, far apart: a proxy that compresses or collects,
a sender that waits for acknowledgements (Nagle), or a server that replays a finished answer gives pieces in bursts. The
first token then says when a buffer was full, and rates say nothing.
"""

import math
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from statistics import median

import msgspec

from tui.core.engine_events import TaggedEvent

_MS = 1_000_000
FEWEST = 8
"""Pieces of content below which nothing is said."""
_TOGETHER_NS = _MS
"""Pieces closer together than this are of one burst, as long as there are pauses between bursts."""
_LEAST_APART_NS = 60 * _MS
"""Distance of bursts from which on they are no model's: some make several tokens in a step of up to 50 ms."""
_MOSTLY_TOGETHER = 0.55
_SHORT = 0.1
"""Longest that a burst may take, as a share of the distance between bursts."""
_AT_ONCE_NS = _MS // 10
"""Time per piece below which no model is: ten thousand pieces a second."""
_LONG_WAIT_NS, _LONG_WAIT = 20 * _MS, 20
"""Wait before an answer that came all at once: so long, and so many times as long as the answer."""
_LATE_PER_PIECE_NS = _MS // 4
"""Lateness of reads, per piece, in which a fast model might have sent them."""
_ACCURACY = 0.01
_GROWTH = math.log((1 + _ACCURACY) / (1 - _ACCURACY))
_LAST_BUCKET = 2_200
"""Bucket of a gap of a century."""
_MOST_PIECES = 1_000_000


class Held(StrEnum):
    """Verdict on the arrivals of one answer."""

    NO = "no"
    AT_ONCE = "at once"
    IN_BURSTS = "in bursts"


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """The moments in which the content of an answer came."""

    pieces: int
    bursts: int
    apart_ns: float | None
    """From the begin of one burst to that of the next, median; absent with fewer than two."""
    together: float
    """Share of the gaps that are within bursts."""
    burst_ns: float
    """Length of a burst, median of those of several pieces; 0 without any."""
    span_ns: int


def arrivals(stamps: Sequence[int]) -> Arrivals | None:
    """Gather stamps (ascending, ns) into bursts; None without any."""
    return _gathered(tuple(stamps)) if stamps else None


@lru_cache(maxsize=4)  # a dozen figures of an answer ask for it, one after the other
def _gathered(stamps: tuple[int, ...]) -> Arrivals:
    begins, lengths = [stamps[0]], list[int]()
    last, count = stamps[0], 1
    for before, after in pairwise(stamps):
        if after - before <= _TOGETHER_NS:
            count += 1
        else:
            lengths += [last - begins[-1]] if count > 1 else []
            begins.append(after)
            count = 1
        last = after
    lengths += [last - begins[-1]] if count > 1 else []
    distances = [later - earlier for earlier, later in pairwise(begins)]
    return Arrivals(
        pieces=len(stamps),
        bursts=len(begins),
        apart_ns=median(distances) if distances else None,
        together=1 - len(distances) / (len(stamps) - 1) if len(stamps) > 1 else 0.0,
        burst_ns=median(lengths) if lengths else 0.0,
        span_ns=stamps[-1] - stamps[0],
    )


def held_back(found: Arrivals, ttft_ns: int | None, late_ns: int | None, *, lost: bool = False) -> Held | None:
    """Judge a whole answer by its arrivals; None where that cannot be told.

    `late_ns` is the longest that data can have waited for the instrument's own read. Without it, or where it could
    itself have made the bursts, nothing is said; nor where segments were `lost`, which holds up all behind them.
    """
    if ttft_ns is None or late_ns is None:
        return None
    if found.pieces < FEWEST:
        return Held.NO
    if found.bursts == 1:
        is_fast = found.span_ns <= (found.pieces - 1) * _AT_ONCE_NS
        waited = ttft_ns >= max(_LONG_WAIT_NS, _LONG_WAIT * found.span_ns)
        if not (is_fast and waited):
            return Held.NO
        return Held.AT_ONCE if late_ns <= found.pieces * _LATE_PER_PIECE_NS and not lost else None
    apart = found.apart_ns or 0.0
    if found.together < _MOSTLY_TOGETHER or apart < _LEAST_APART_NS or found.burst_ns > _SHORT * apart:
        return Held.NO
    return Held.IN_BURSTS if 4 * late_ns <= apart and not lost else None


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
