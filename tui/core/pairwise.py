"""Pairwise claims on two targets by one figure, their cost or their pass rate: what is shown at a given error.

Medians are compared within runs, by the sign test of `tui.core.interleaved`; pass rates by an exact test; other
statistics, costs, and how much worse a pass rate may be, by the bounds of both.
"""

import math
from collections.abc import Sequence

from tui.core.figures import Figure
from tui.core.interleaved import differences, sign_test
from tui.core.objectives import PASSED, Objective, Statistic, judge
from tui.core.observation import Observation
from tui.core.pass_rate import Judged, exact_p, pass_rate
from tui.core.sequential import WITHIN
from tui.core.statistics import dependence


class Claims:
    """Claims on pairs, each wrong with one error at most. Bounds are worked out once per target and figure."""

    def __init__(self, error: float) -> None:
        self._error = error
        self._bounds: dict[tuple[int, str], tuple[float | None, float | None]] = {}

    def worse_and_as_good(self, by: Objective, first: Judged, second: Judged) -> tuple[bool, bool]:
        """Two claims: that the second is worse than the first; that it is not better by more than `WITHIN`.

        The limit of `by` says nothing.
        """
        if by.figure is not None and by.statistic is Statistic.MEDIAN and by.figure is not Figure.ITL:
            return _in_turn(by.figure, first, second, self._error)
        if by.share == PASSED and _passes_less(second, first, self._error):
            return True, True
        (low, high), (other_low, other_high) = (self._bounds_of(by, requests) for _, requests in (first, second))
        worst, best = (high, other_low) if by.less_is_better else (low, other_high)
        if worst is None or best is None:
            return False, False
        if by.less_is_better:
            return worst < best, worst <= best * (1 + WITHIN)
        return worst > best, worst >= best / (1 + WITHIN)

    def _bounds_of(self, by: Objective, requests: Sequence[Observation]) -> tuple[float | None, float | None]:
        """Both bounds, each at half of the error."""
        key = id(requests), by.text
        if key not in self._bounds:
            found = judge(by, requests, 1 - self._error / 2)
            self._bounds[key] = found.low, found.high
        return self._bounds[key]


def _passes_less(first: Judged, second: Judged, error: float) -> bool:
    """Shown by an exact test that the first passes less often."""
    judged = [[one for one in requests if one.passed is not None] for _, requests in (first, second)]
    rates = [pass_rate(requests) for requests in judged]
    if rates[0] is None or rates[1] is None:
        return False
    return rates[0].share < rates[1].share and exact_p(*judged) / 2 <= error


def _in_turn(figure: Figure, first: Judged, second: Judged, error: float) -> tuple[bool, bool]:
    """The claims on most of the runs."""
    logs = [math.log(other / own) for other, own in differences((figure, second, first)) if other > 0 and own > 0]
    leads = logs if figure.less_is_better else [-each for each in logs]
    together = dependence([leads])
    shifted = [each + math.log1p(WITHIN) for each in leads]
    return (
        _is_ahead(leads, error, sign_test(leads, together)),
        _is_ahead(shifted, error, sign_test(shifted, together)),
    )


def _is_ahead(leads: Sequence[float], error: float, p: float) -> bool:
    """True for the one side of a two-sided test."""
    return p / 2 <= error and sum(each > 0 for each in leads) > sum(each < 0 for each in leads)
