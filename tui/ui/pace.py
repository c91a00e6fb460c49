"""How often the lanes may be painted: as often as the link to the terminal carries.

What a program writes to a terminal over SSH vanishes into buffers of megabytes: that the link is slow cannot be seen
from what is accepted. So a question is put behind a frame that every terminal answers (DSR 5, "are you well?"), and
how long the answer takes says how much was in front of it.
"""

import time
from collections import deque
from collections.abc import Callable

FASTEST, SLOWEST = 10.0, 1.0
"""Frames per second when all is well, and on the slowest of links."""

PROBE = b"\x1b[5n"
ANSWER = "\x1b[0n"

_LATE_S = 0.25
"""How much longer than on an idle link an answer may take before the rate is lowered."""
_EARLY_S = 0.1
"""Within this the rate may rise again."""
_SLOWER, _FASTER = 1.6, 1.25
_GIVE_UP_AFTER_S = 5.0
"""A terminal that has not answered by then is asked no more."""
_REMEMBERED = 32
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
        self._asked_at: float | None = None
        self._delays: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def rate(self) -> float:
        """Frames per second at present."""
        return 1 / self._interval_s

    def may_paint(self) -> bool:
        """Whether a frame may be painted now; if so, it counts as painted."""
        if not self._follows:
            return True
        now = self._clock()
        since = now - self._painted_at
        # A tenth of leeway: ticks come at the frame rate too, and one that is a little early is not to be skipped.
        if since < self._interval_s * 0.9 or (self._behind(now) and since < 1 / SLOWEST):
            return False
        if self.queued() and self._delays:
            return False
        self._painted_at = now
        return True

    def _behind(self, now: float) -> bool:
        """Whether what was sent before has not arrived yet."""
        if self.queued():
            return True
        return self._asked_at is not None and now - self._asked_at > self._idle_s + _LATE_S

    @property
    def _idle_s(self) -> float:
        return min(self._delays, default=0.0)

    def question(self) -> bytes:
        """What to put behind the frame that is being sent: a question, or nothing while one is not answered."""
        now = self._clock()
        if not self._follows:
            return b""
        if self._asked_at is not None:
            if now - self._asked_at > _GIVE_UP_AFTER_S and not self._delays:
                self._follows = False
            return b""
        self._asked_at = now
        return PROBE

    def answered(self) -> None:
        """The terminal has answered: all that stood before the question has arrived."""
        if self._asked_at is None:
            return
        delay, self._asked_at = self._clock() - self._asked_at, None
        self._delays.append(delay)
        late = delay - self._idle_s
        if late > _LATE_S:
            self._interval_s = min(1 / SLOWEST, self._interval_s * _SLOWER)
        elif late < _EARLY_S:
            self._interval_s = max(self.frame_s, self._interval_s / _FASTER)

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return self._asked_at is not None

    def forget(self) -> None:
        """The terminal was given away meanwhile: no answer will come."""
        self._asked_at = None
