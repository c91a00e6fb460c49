"""Frontier: the targets and variants than which no other is as fast, as cheap and as right, and better in one of these.

One is off the frontier if another is no worse in anything and better in something. That is shown where the other is
shown to be better in something, and in everything else shown to be no worse by more than `WITHIN`. It is on the
frontier where it is shown to be better in something than each of the others. All K(K − 1)·d claims share 1 − confidence
(Bonferroni), K being the targets and d what is compared. What is not shown is said of these requests alone: "so far".
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from tui.core.figures import Figure
from tui.core.grouping import Measured
from tui.core.objectives import Objective, Statistic, judge, parse
from tui.core.pairwise import Claims
from tui.core.pass_rate import Judged, pass_rate
from tui.core.statistics import CONFIDENCE
from tui.core.wording import ABSENT, amount, dollars

_TIMES = {
    figure: Objective(figure=figure, statistic=Statistic.MEDIAN, limit=1, text=f"{figure}.p50")
    for figure in (Figure.TOTAL, Figure.TTFT)
}
BY = tuple(_TIMES)
"""Times that targets are compared by, the usual one first."""
_COST = parse("cost < $1")
_PASSED = parse("passed > 0%")
MOST = 32
"""Targets above which there is no frontier: each look would compare thousands of pairs."""


class FrontierPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One target with its variant."""

    name: str
    model: str = ""
    endpoint: str = ""
    variant: str | None = None
    requests: int
    total_ns: Annotated[float | None, msgspec.Meta(description="Median total of complete answers.")] = None
    ttft_ns: Annotated[float | None, msgspec.Meta(description="Median TTFT of complete answers.")] = None
    usd: Annotated[float | None, msgspec.Meta(description="Mean cost of a request at list prices.")] = None
    passed: Annotated[float | None, msgspec.Meta(description="Share of answers that passed their checks.")] = None
    passes: Annotated[str, msgspec.Meta(description="The same in words: 18 of 20, and its interval.")] = ""
    on_frontier: bool
    shown: Annotated[bool, msgspec.Meta(description="False: so far, of these requests alone.")]
    beaten_by: Annotated[str, msgspec.Meta(description="The one that is as good or better in everything.")] = ""

    @property
    def state(self) -> str:
        """Its place in words."""
        where = "on the frontier" if self.on_frontier else f"behind {self.beaten_by}"
        return where if self.shown else f"{where}, so far"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Total, TTFT, cost and pass rate, with their units."""
        usd = ABSENT if self.usd is None else dollars(self.usd)
        times = amount(Figure.TOTAL, self.total_ns), amount(Figure.TTFT, self.ttft_ns)
        return *times, usd, self.passes or ABSENT

    def time_ns(self, by: Figure) -> float | None:
        """The median of the time that it is compared by."""
        return self.ttft_ns if by is Figure.TTFT else self.total_ns


class _Contender:
    """One target as it is compared."""

    def __init__(self, named: Judged, compared: Sequence[Objective]) -> None:
        self.named = named
        values = [judge(by, named[1]).value for by in compared]
        # What is not known is no better than anything.
        self.values = [
            None if value is None else -value if by.less_is_better else value
            for by, value in zip(compared, values, strict=True)
        ]


def frontier_note(by: Figure = Figure.TOTAL) -> str:
    """The way in which targets are compared, without a full stop."""
    sure = "so far: that may be chance, elsewhere all of it is sure at 95 %"
    return f"By median {by.label}, mean cost at list prices and pass rate; {sure}"


def frontier(
    named: Sequence[Judged], by: Figure = Figure.TOTAL, *, confidence: float = CONFIDENCE
) -> list[FrontierPoint]:
    """The points, in the order given; none without two targets, and where nothing but time is known of them.

    Compared are the median of `by`, one of `BY`, the mean cost and the pass rate, each where it is known of any.
    """
    time = _TIMES[by]
    compared = [
        each for each in (time, _COST, _PASSED) if any(judge(each, requests).value is not None for _, requests in named)
    ]
    if not 2 <= len(named) <= MOST or time not in compared or len(compared) < 2:
        return []
    contenders = [_Contender(each, compared) for each in named]
    error = (1 - confidence) / (len(named) * (len(named) - 1) * len(compared))
    claims = Claims(error)
    return [_point(one, contenders, compared, claims) for one in contenders]


def frontier_of(measured: Sequence[Measured], by: Figure = Figure.TOTAL) -> list[FrontierPoint]:
    """The same of what was measured, with who was asked."""
    points = frontier([(one.name, one.observations) for one in measured], by)
    return [
        msgspec.structs.replace(point, model=one.model, endpoint=one.endpoint, variant=one.variant)
        for point, one in zip(points, measured if points else (), strict=True)
    ]


def _point(
    one: _Contender, all_of_them: Sequence[_Contender], compared: Sequence[Objective], claims: Claims
) -> FrontierPoint:
    name, requests = one.named
    others = [other for other in all_of_them if other is not one]
    against = {id(other): [claims.worse_and_as_good(by, other.named, one.named) for by in compared] for other in others}
    beaten = [other for other in others if _dominates(other.values, one.values)]
    surely = [other for other in others if _surely_beaten(against[id(other)])]
    holds = all(any(claims.worse_and_as_good(by, one.named, other.named)[0] for by in compared) for other in others)
    by = next(iter(surely or beaten), None)
    rate = pass_rate(requests)
    total, ttft, usd, passed = (judge(each, requests).value for each in (*_TIMES.values(), _COST, _PASSED))
    return FrontierPoint(
        name=name,
        requests=len(requests),
        total_ns=total,
        ttft_ns=ttft,
        usd=usd,
        passed=passed,
        passes="" if rate is None else f"{rate.counts}, {rate.interval}",
        on_frontier=by is None,
        shown=bool(surely) if by is not None else holds,
        beaten_by="" if by is None else by.named[0],
    )


def _dominates(values: Sequence[float | None], others: Sequence[float | None]) -> bool:
    """True if the first are no worse in anything, and better in something."""
    pairs = list(zip(values, others, strict=True))
    if any(mine is None and other is not None for mine, other in pairs):
        return False
    known = [(mine, other) for mine, other in pairs if mine is not None]
    no_worse = all(other is None or mine >= other for mine, other in known)
    return no_worse and any(other is None or mine > other for mine, other in known)


def _surely_beaten(claims: Sequence[tuple[bool, bool]]) -> bool:
    return all(as_good for _, as_good in claims) and any(worse for worse, _ in claims)
