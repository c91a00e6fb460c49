"""Failures: those that the same request meets again, those that end a load, and what they leave out of a comparison."""

from collections import Counter, deque
from collections.abc import Sequence

from tui.core.distributions import mann_whitney
from tui.core.events import FailureKind, RequestEnded, Status
from tui.core.load import LoadEnding
from tui.core.observation import Observation
from tui.core.statistics import CONFIDENCE
from tui.core.wording import percent

FOR_GOOD = frozenset(
    {
        FailureKind.NO_KEY,
        FailureKind.BAD_KEY,
        FailureKind.FORBIDDEN,
        FailureKind.UNKNOWN_MODEL,
        FailureKind.BAD_REQUEST,
        FailureKind.TOO_LARGE,
    }
)
"""Failures that the same request meets again."""
_BURST_S = 10.0
"""Time within which refusals by a rate limit count as one burst, s."""
_FAILURES_FOR_GOOD, _FAILURES = 3, 10
"""Failures in a row that end a load: of a kind that the same request meets again, and of any."""

Requests = tuple[str, Sequence[Observation]]
"""A name and its requests."""


class FailureWatch:
    """Watch on how the requests of a load end, for reasons to end it."""

    def __init__(self, stop_at_refusals: int) -> None:
        """So many refusals with 429 within ten seconds are one; 0: none are."""
        self._stop_at_refusals = stop_at_refusals
        self._refusals: deque[float] = deque()
        self._failures = 0

    def look(self, ended: RequestEnded, in_flight: int, now_s: float) -> LoadEnding | None:
        """Take in an end, heard of at a moment of any clock; returns the reason to end the load, if it is one."""
        failure = ended.failure
        if ended.status in (Status.CANCELLED, Status.INTERRUPTED):
            return None
        if failure is None:
            self._failures = 0
            return None
        self._failures += 1
        if failure.kind is FailureKind.RATE_LIMITED and self._stop_at_refusals:
            self._refusals.append(now_s)
            while self._refusals[0] < now_s - _BURST_S:
                self._refusals.popleft()
            if len(self._refusals) >= self._stop_at_refusals:
                return LoadEnding.RATE_LIMITED
        most = _FAILURES_FOR_GOOD if failure.kind in FOR_GOOD else max(_FAILURES, 2 * in_flight)
        return LoadEnding.FAILING if self._failures >= most else None


def failures_sentence(first: Requests, second: Requests) -> str:
    """The shares of requests that failed or were cut, without a full stop; empty where there are none.

    It warns where one set fails more often: requests that would have been slow may be missing from its figures.
    """
    parts = [f"{name} {said}" for name, requests in (first, second) if (said := _said(requests))]
    if not parts:
        return ""
    sentence = ", ".join(parts)
    worse = next(
        (name for name, a, b in ((first[0], first, second), (second[0], second, first)) if fails_more(a[1], b[1])), None
    )
    if worse is not None:
        sentence += f"; {worse} fails more often, so its figures may leave out the slow requests"
    return sentence


def fails_more(first: Sequence[Observation], second: Sequence[Observation], confidence: float = CONFIDENCE) -> bool:
    """True where requests of the first set surely fail more often than those of the second.

    A rank test of zeros and ones, which is the chi-squared test with continuity correction; two-sided.
    """
    if not first or not second:
        return False
    flags = [[float(not one.answered) for one in requests] for requests in (first, second)]
    shares = [sum(each) / len(each) for each in flags]
    return shares[0] > shares[1] and mann_whitney(*flags).p <= 1 - confidence


def _said(requests: Sequence[Observation]) -> str:
    counts = Counter(one.status for one in requests if one.status is not Status.DONE)
    count = len(requests)
    return ", ".join(
        f"{number} of {count} {'cut' if status is Status.TRUNCATED else status.value} ({percent(number / count)})"
        for status, number in counts.items()
    )
