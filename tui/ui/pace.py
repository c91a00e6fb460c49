"""Pace of painting: how often lanes are painted, and how many at once, so that the link to the terminal keeps up.

What a program writes to a terminal over SSH vanishes into buffers of megabytes: that the link is slow cannot be seen
from what is accepted. So a question is put behind a frame that every terminal answers (DSR 5, "are you well?"), and
how long the answer takes says how much was in front of it, and how fast the link takes it away.
"""

import math
import time
from collections import deque
from collections.abc import Callable

FASTEST, SLOWEST = 10.0, 1.0
"""Frames per second when all is well, and on the slowest of links."""

PROBE = b"\x1b[5n"
ANSWER = "\x1b[0n"

_BEHIND_S = 0.25
"""With an answer this much longer under way than on an idle link, nothing more is painted until it comes."""
_LATE_S, _EARLY_S = 0.15, 0.08
"""An answer later than this lowers the rate; one within this raises it again."""
_SLOWER, _FASTER = 1.5, 1.2
_AHEAD_S = 0.06
"""A frame is no longer than what the link carries in this time, if it can be: a key's letter waits behind it."""
_LEAST_BYTES, _TELLING_BYTES = 256, 1_000
"""A batch shorter than the first is no frame; only one longer than the second tells the link's speed."""
_HOPE = 1.1
"""With every frame that was not held up, the link is taken to be so much faster."""
_NOISE_S = 0.02
"""An answer that is so little late was not held up by what stood in front of it."""
_FAST_BYTES_PER_S = 1e6
"""From here on the speed of a link is of no interest."""
_CHART_BYTES = 1_500
"""Size of charts and the table of the session, about."""
_UNANSWERED = 3
"""Most questions that may be open before the first answer has come."""
_GIVE_UP_AFTER_S = 3.0
"""A terminal from which no answer has come by then is asked no more."""
_LOST_AFTER_S = 5.0
"""An answer that has not come by then is lost: a laptop that slept, another terminal."""
_REMEMBERED = 256
"""Answers among which the fastest is taken for the idle link's: the link may change under a roaming laptop."""


class Pacer:
    """Says whether the lanes may be painted now. With a fixed rate: always, at that rate, and nothing is asked."""

    def __init__(self, fixed: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`fixed` is a rate in frames per second, or None to follow the link. `clock` is in seconds."""
        self.frame_s = 1 / (fixed or FASTEST)
        """Shortest time between two frames."""
        self.queued: Callable[[], int] = lambda: 0
        """Bytes that the terminal has not even accepted."""
        self._clock = clock
        self._follows = fixed is None
        self._interval_s = self.frame_s
        self._painted_at = float("-inf")
        self._asked_at: deque[float] = deque()
        """Send times of the questions that are not answered yet."""
        self._batches: deque[int] = deque()
        """The bytes in front of each of them."""
        self._bytes_per_s = math.inf
        self._lanes = 0
        """Number of lanes that the latest frame painted."""
        self._lane_bytes = 0.0
        self._answers: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        """Seconds that each took, and the bytes in front of its question."""

    @property
    def rate(self) -> float:
        """Frames per second at present."""
        return 1 / self._interval_s

    def may_paint(self) -> bool:
        """True if a frame may be painted now; it then counts as painted."""
        if not self._follows:
            return True
        now = self._clock()
        # A tenth of leeway: ticks come at the frame rate too, and one that is a little early is not to be skipped.
        if self.queued() or now - self._painted_at < self._interval_s * 0.9 or self._is_behind(now):
            return False
        self._painted_at = now
        return True

    def lanes(self, count: int) -> int:
        """Number of lanes, of `count`, that the present frame may paint: at least one."""
        self._lanes = count
        if self._follows and self._lane_bytes and self._bytes_per_s < _FAST_BYTES_PER_S:
            self._lanes = max(1, min(count, int(self._bytes_per_s * _AHEAD_S / self._lane_bytes)))
        return self._lanes

    @property
    def may_draw_charts(self) -> bool:
        """True if charts may be drawn while lanes stream, without keys having to wait."""
        return self._bytes_per_s * _AHEAD_S >= _CHART_BYTES

    def _is_behind(self, now: float) -> bool:
        """True if what was sent before has not arrived yet."""
        if not self._asked_at:
            return False
        age = now - self._asked_at[0]
        if age > (_LOST_AFTER_S if self._answers else _GIVE_UP_AFTER_S):
            self.forget()
            self._follows = bool(self._answers)
            return False
        return age > self._idle_s + _BEHIND_S if self._answers else len(self._asked_at) >= _UNANSWERED

    @property
    def _idle_s(self) -> float:
        return min(self._answers, default=(0.0, 0))[0]

    def question(self, waiting: int) -> bytes:
        """The question to put behind the `waiting` bytes that are being sent; empty where the link is not followed."""
        if not self._follows:
            return b""
        self._batches.append(waiting)
        self._asked_at.append(self._clock())
        if waiting >= _LEAST_BYTES and self._lanes:
            each = waiting / self._lanes
            self._lane_bytes = 0.8 * self._lane_bytes + 0.2 * each if self._lane_bytes else each
            self._lanes = 0
        return PROBE

    def answered(self) -> None:
        """The terminal has answered: all that stood before the oldest open question has arrived."""
        if not self._asked_at:
            return
        delay = self._clock() - self._asked_at.popleft()
        sent = self._batches.popleft()
        late = delay - self._idle_s if self._answers else 0.0
        self._measure(sent, late)
        self._answers.append((delay, sent))
        if late > _LATE_S:
            self._interval_s = min(1 / SLOWEST, self._interval_s * _SLOWER)
        elif late < _EARLY_S:
            self._interval_s = max(self.frame_s, self._interval_s / _FASTER)

    def _measure(self, sent: int, late: float) -> None:
        """Learn how fast the link is; two batches under way make it look slower, never faster."""
        # The fastest answer had bytes in front of it, too.
        more = sent - min(self._answers, default=(0.0, 0))[1]
        if late <= _NOISE_S and sent >= _LEAST_BYTES:
            self._bytes_per_s *= _HOPE
        elif late > _NOISE_S and more >= _TELLING_BYTES:
            found = more / late
            self._bytes_per_s = found if math.isinf(self._bytes_per_s) else 0.7 * self._bytes_per_s + 0.3 * found
        if self._bytes_per_s > _FAST_BYTES_PER_S:
            self._bytes_per_s = math.inf

    @property
    def has_answers(self) -> bool:
        """True if the terminal answers at all."""
        return bool(self._answers)

    @property
    def waits(self) -> bool:
        """True if an answer is still to come."""
        return bool(self._asked_at)

    def forget(self) -> None:
        """The terminal was given away meanwhile: no answer will come."""
        self._asked_at.clear()
        self._batches.clear()
