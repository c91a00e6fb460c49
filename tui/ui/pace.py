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

_BEHIND_S = 0.25
"""With an answer this much longer under way than on an idle link, nothing more is painted until it comes."""
_LATE_S, _EARLY_S = 0.15, 0.08
"""An answer later than this lowers the rate; one within this raises it again."""
_SLOWER, _FASTER = 1.5, 1.2
_UNANSWERED = 3
"""So many questions may be open before the first answer has come."""
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
        """When the questions that are not answered yet were sent."""
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
        # A tenth of leeway: ticks come at the frame rate too, and one that is a little early is not to be skipped.
        if self.queued() or now - self._painted_at < self._interval_s * 0.9 or self._is_behind(now):
            return False
        self._painted_at = now
        return True

    def _is_behind(self, now: float) -> bool:
        """Whether what was sent before has not arrived yet."""
        if not self._asked_at:
            return False
        age = now - self._asked_at[0]
        if age > (_LOST_AFTER_S if self._delays else _GIVE_UP_AFTER_S):
            self._asked_at.clear()
            self._follows = bool(self._delays)
            return False
        return age > self._idle_s + _BEHIND_S if self._delays else len(self._asked_at) >= _UNANSWERED

    @property
    def _idle_s(self) -> float:
        return min(self._delays, default=0.0)

    def question(self) -> bytes:
        """What to put behind whatever is being sent: a question, or nothing where the link is not followed."""
        if not self._follows:
            return b""
        self._asked_at.append(self._clock())
        return PROBE

    def answered(self) -> None:
        """The terminal has answered: all that stood before the oldest open question has arrived."""
        if not self._asked_at:
            return
        delay = self._clock() - self._asked_at.popleft()
        self._delays.append(delay)
        late = delay - self._idle_s
        if late > _LATE_S:
            self._interval_s = min(1 / SLOWEST, self._interval_s * _SLOWER)
        elif late < _EARLY_S:
            self._interval_s = max(self.frame_s, self._interval_s / _FASTER)

    @property
    def has_answers(self) -> bool:
        """Whether the terminal answers at all."""
        return bool(self._delays)

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._asked_at)

    def forget(self) -> None:
        """The terminal was given away meanwhile: no answer will come."""
        self._asked_at.clear()
