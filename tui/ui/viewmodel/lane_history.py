"""The samples of a lane over the session, taken in one by one: what a run costs does not grow with those before it."""

from bisect import insort

from tui.core.observation import Figure
from tui.core.outcome import Outcome
from tui.session.live import Lane

METRICS = (Figure.TTFT, Figure.TOTAL)
"""Those kept."""


class Samples:
    """One metric in the order of measurement, ns, and in ascending order."""

    def __init__(self) -> None:
        self.values: list[float | None] = []
        """`None` for a request that failed."""
        self._ascending: list[float] = []

    def add(self, value: float | None) -> None:
        """Take in the next one."""
        self.values.append(value)
        if value is not None:
            insort(self._ascending, value)

    @property
    def count(self) -> int:
        """How many there are, failures not counted."""
        return len(self._ascending)

    @property
    def best(self) -> float | None:
        """The smallest."""
        return self._ascending[0] if self._ascending else None

    @property
    def top(self) -> float:
        """The largest, or 0."""
        return self._ascending[-1] if self._ascending else 0

    @property
    def median(self) -> float | None:
        """The middle one, or the mean of the two in the middle."""
        count = len(self._ascending)
        if not count:
            return None
        return (self._ascending[(count - 1) // 2] + self._ascending[count // 2]) / 2


class LaneHistory:
    """The counted outcomes of one lane; `catch_up` takes in those that came since."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.samples: dict[Figure, Samples] = {}
        self._taken = 0
        self._last: Outcome | None = None
        self.catch_up()

    @property
    def label(self) -> str:
        """The lane's."""
        return self.lane.label

    def catch_up(self) -> bool:
        """True if anything has changed."""
        outcomes = self.lane.outcomes
        before = self._taken
        if before > len(outcomes) or (before and outcomes[before - 1] is not self._last):
            self._taken = 0  # the session was cleared
        if not self._taken:
            self.samples = {metric: Samples() for metric in METRICS}
        for outcome in outcomes[self._taken :]:
            if outcome.counted:
                for metric, samples in self.samples.items():
                    samples.add(outcome.value(metric))
        cleared = before and not self._taken
        self._taken = len(outcomes)
        self._last = outcomes[-1] if outcomes else None
        return bool(cleared) or self._taken != before
