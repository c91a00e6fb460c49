"""Service levels: what a target must keep, as a person writes it, and whether it does.

`ttft.p95 < 800ms`, `total.p50 < 4s`, `errors < 1%`, `otps.p50 > 80`, `passed > 95%`, `cost < $0.002`.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import cache
from statistics import fmean, median

import msgspec

from tui.core import statistics
from tui.core.decomposition import Fit
from tui.core.distributions import share_bounds
from tui.core.events import Status
from tui.core.figures import FITTED, Figure, Use, figures_for
from tui.core.metrics import NS_PER_MS, NS_PER_S, percentile
from tui.core.observation import Observation, by_run, present
from tui.core.statistics import CONFIDENCE
from tui.core.wording import amount, counted, dollars, percent

ERRORS = "errors"
PASSED = "passed"
"""Share of answers that passed the checks of their prompt, among those that could be judged."""
COST = "cost"
"""Mean cost of a request at list prices, US dollars."""
FEWEST_FOR_COST = 8
"""Requests below which no mean cost is bounded: what a request costs has a limit, and no long tail as times have."""
_SHARES: dict[str, tuple[Status, ...]] = {
    ERRORS: (Status.FAILED,),
    "refused": (Status.REFUSED,),
    "truncated": (Status.TRUNCATED,),
}
"""Shares of all requests that ended so: objectives on no figure, as those on `PASSED` and `COST`."""
_ALIASES = {"ttlt": Figure.TOTAL.value}
_ALIKE = ", since each is like the one before it and tells less"
_UNITS = {"us": 1_000, "µs": 1_000, "ms": NS_PER_MS, "s": NS_PER_S}
_RATE_UNITS = ("", "tok/s", "/s")


@cache
def _shape() -> re.Pattern[str]:
    return re.compile(
        r"\s*(?P<name>[a-z_]+)\s*(?:\.\s*(?P<statistic>[a-z0-9]+))?"
        r"\s*(?P<sign><|>)\s*(?P<dollar>\$?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>\S*)\s*",
        re.IGNORECASE,
    )


class Statistic(StrEnum):
    """A statistic of a figure's samples. `p50` may be written for the median."""

    MIN = "min"
    MEDIAN = "median"
    MEAN = "mean"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    MAX = "max"

    @property
    def percent(self) -> int | None:
        """The percentile that it is; None for min, mean and max."""
        return _PERCENTS.get(self)


_PERCENTS = {Statistic.MEDIAN: 50, Statistic.P90: 90, Statistic.P95: 95, Statistic.P99: 99}


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """A limit; made by `parse`."""

    figure: Figure | None
    """None for a share of requests, and for their cost."""
    statistic: Statistic | None
    """None where there is no figure, and for one that is fitted."""
    limit: float
    """ns for times, 1/s for OTPS, a share (0.01 is 1 %) of requests, US dollars."""
    text: str
    """As it was written, blanks aside."""
    share: str = ERRORS
    """Without a figure, which requests a share is of: errors, refused, truncated or passed; or cost, which is none."""

    @property
    def less_is_better(self) -> bool:
        """True for an upper limit."""
        return self.share != PASSED if self.figure is None else self.figure.less_is_better

    @property
    def is_fitted(self) -> bool:
        """True where no single request has the figure."""
        return self.figure in FITTED

    def is_kept_by(self, value: float) -> bool:
        """True if `value`, in the limit's unit, is on the right side of the limit."""
        return value < self.limit if self.less_is_better else value > self.limit


class ObjectiveState(StrEnum):
    """State of an objective."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not yet known"

    @property
    def mark(self) -> str:
        """A shape for it; a word goes with it."""
        return "✔" if self is ObjectiveState.MET else "✖" if self is ObjectiveState.MISSED else "?"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """State of an objective, and the figures it rests on, in the unit of the limit."""

    objective: Objective
    state: ObjectiveState
    value: float | None
    """The statistic of these samples; absent without any."""
    low: float | None
    """The true value is below with probability 1 − confidence at most; absent where too few samples bound it."""
    high: float | None
    """The true value is above with probability 1 − confidence at most."""
    count: int
    """Samples it rests on; for ITL answers, for a share requests."""
    basis: str = ""
    """The figures in words, without a full stop."""

    @property
    def sentence(self) -> str:
        """The outcome in words, without a full stop."""
        return f"{self.objective.text}: {self.state.value}, {self.basis}"


def parse(text: str) -> Objective:
    """An objective from its text. Raises ValueError with a sentence that says what is wrong and what would be right."""
    quoted = f"Objective {text.strip()!r}: "
    match = _shape().fullmatch(text)
    if match is None:
        raise ValueError(quoted + "write it like 'ttft.p95 < 800ms', 'otps.p50 > 80' or 'errors < 1%'.")
    name, unit, sign = match["name"].lower(), match["unit"].lower(), match["sign"]
    number = float(match["number"])
    written = " ".join(text.split())
    if name == COST:
        if match["statistic"] or sign != "<" or not (match["dollar"] or unit in ("usd", "$")) or not number:
            raise ValueError(quoted + "'cost' is the mean of a request, in US dollars: write 'cost < $0.002'.")
        return Objective(figure=None, statistic=None, limit=number, text=written, share=COST)
    if match["dollar"]:
        raise ValueError(quoted + f"'{name}' is not given in dollars, only 'cost' is.")
    if name in _SHARES:
        if match["statistic"] or sign != "<" or unit != "%" or not 0 < number <= 100:
            raise ValueError(quoted + f"'{name}' is a share of all requests: write '{name} < 1%', up to 100 %.")
        return Objective(figure=None, statistic=None, limit=number / 100, text=written, share=name)
    if name == PASSED:
        if match["statistic"] or sign != ">" or unit != "%" or not 0 <= number < 100:
            raise ValueError(quoted + f"'{name}' is a share of all answers: write '{name} > 95%', below 100 %.")
        return Objective(figure=None, statistic=None, limit=number / 100, text=written, share=name)
    figure = parse_figure(name, quoted, also=(*FITTED, *_SHARES, PASSED, COST), fitted=FITTED)
    is_fitted = figure in FITTED
    if is_fitted and match["statistic"]:
        raise ValueError(quoted + f"{figure} is fitted to many answers: write it like '{figure} < 400ms'.")
    if match["statistic"] is None and not is_fitted:
        raise ValueError(quoted + f"say of what: '{name}.p50', '{name}.p95' or '{name}.max', for instance.")
    statistic = None if is_fitted else parse_statistic(match["statistic"].lower(), quoted)
    if (sign == "<") != figure.less_is_better:
        wanted = "<" if figure.less_is_better else ">"
        better = "less" if figure.less_is_better else "more"
        raise ValueError(quoted + f"{better} {name} is better, so the limit is written with '{wanted}'.")
    limit = number * scale(figure, unit, quoted)
    if not limit:
        raise ValueError(quoted + "the limit must be more than 0.")
    if math.isinf(limit):
        raise ValueError(quoted + "the limit is beyond all numbers.")
    return Objective(figure=figure, statistic=statistic, limit=limit, text=written)


def complaint_of(parse: Callable[[str], object], texts: Iterable[str]) -> str | None:
    """The complaint about the first text that `parse` refuses, as the end of a sentence; None if it takes all."""
    for text in texts:
        try:
            parse(text)
        except ValueError as error:
            return f"cannot be used. {str(error).removesuffix('.')}"
    return None


def parse_figure(name: str, quoted: str, also: tuple[str, ...] = (), fitted: tuple[Figure, ...] = ()) -> Figure:
    """A figure by its name or alias; `quoted` begins the sentence of the ValueError, `also` are other names for it.

    Of figures that are fitted only `fitted` are taken.
    """
    known = figures_for(Use.OBJECTIVE)
    for figure in (*known, *fitted):
        if figure == _ALIASES.get(name, name):
            return figure
    raise ValueError(quoted + f"'{name}' is not measured; take one of {', '.join([*known, *also])}.")


def parse_statistic(name: str, quoted: str) -> Statistic:
    """A statistic by its name; `quoted` begins the sentence of the ValueError."""
    try:
        return Statistic.MEDIAN if name == "p50" else Statistic(name)
    except ValueError:
        names = ", ".join(["p50", *(statistic.value for statistic in Statistic)])
        raise ValueError(quoted + f"'{name}' is not computed; take one of {names}.") from None


def scale(figure: Figure, unit: str, quoted: str) -> float:
    """Factor from a number in `unit` to ns or 1/s; `quoted` begins the sentence of the ValueError."""
    if figure.less_is_better and unit in _UNITS:
        return _UNITS[unit]
    if not figure.less_is_better and unit in _RATE_UNITS:
        return 1
    wanted = "us, ms or s" if figure.less_is_better else "tok/s, or no unit"
    raise ValueError(quoted + f"{figure.value} is given in {wanted}" + (f", not '{unit}'." if unit else "."))


def judge(
    objective: Objective,
    observations: Sequence[Observation],
    confidence: float = CONFIDENCE,
    *,
    family: int = 1,
    fitted: Callable[[], Fit] | None = None,
) -> Judgement:
    """Judge whether a target keeps an objective: met or missed only where a bound at `confidence` says so.

    Percentiles: `percentile_bounds`, exact; of ITL, and of runs with several requests, `clustered_bounds`. Shares:
    `share_bounds` (Clopper-Pearson), exact. A mean cost: `mean_bounds`, approximate. Min and max are of the runs at
    hand, so they are known at once. So is a mean time, from `FEWEST_FOR_MEAN` on: the rare slow answer that was not
    seen may be slow enough to decide it, so that no bound holds. Judged again after every run, it is wrong at some time
    more often than at the one time meant: what is shown beside a live series says "so far". A fitted figure: by the
    interval of the fit, which `fitted` makes where it is needed.

    `family` is how many judgements are made together. Any one "missed" fails them all, so its error is divided by
    their number (Bonferroni); all must be met to pass, which needs no correction (Berger, Technometrics 24, 1982).
    """
    fit = fitted() if fitted is not None and objective.is_fitted else None
    value, low, high, count = _estimate(objective, observations, confidence, fit)
    if family > 1:
        _, strict_low, strict_high, _ = _estimate(objective, observations, 1 - (1 - confidence) / family, fit)
        low, high = (strict_low, high) if objective.less_is_better else (low, strict_high)
    surely_kept, surely_not = (high, low) if objective.less_is_better else (low, high)
    state = ObjectiveState.UNKNOWN
    if surely_kept is not None and objective.is_kept_by(surely_kept):
        state = ObjectiveState.MET
    elif surely_not is not None and not objective.is_kept_by(surely_not):
        state = ObjectiveState.MISSED
    judgement = Judgement(objective=objective, state=state, value=value, low=low, high=high, count=count)
    return msgspec.structs.replace(judgement, basis=_basis(judgement, confidence, observations))


def judged_together(family: int, confidence: float = CONFIDENCE) -> str:
    """The family of judgements that are made together, without a full stop; empty for a single one."""
    if family < 2:
        return ""
    return (
        f"{family} judgements, made together: any is missed by mistake, or all are met by mistake, with a probability "
        f"of {percent(1 - confidence)} at most"
    )


def _estimate(
    objective: Objective, observations: Sequence[Observation], confidence: float, fit: Fit | None
) -> tuple[float | None, float | None, float | None, int]:
    """The statistic, its lower and upper bound, and the number of answers (of requests for a share) they rest on."""
    figure, statistic = objective.figure, objective.statistic
    if figure is not None and objective.is_fitted:
        found = None if fit is None else fit.of(figure)
        if fit is None or found is None:
            return None, None, None, 0
        interval = found.at(2 * confidence - 1).interval
        return found.value, interval.low, interval.high, fit.count
    if objective.share == COST:
        costs = [one.usd for one in observations if one.usd is not None]
        inflation = statistics.inflation_of(costs)
        bounds = statistics.mean_bounds(costs, confidence, inflation, fewest=FEWEST_FOR_COST)
        return (fmean(costs) if costs else None, *bounds, len(costs))
    if figure is None or statistic is None:
        kept = [is_kept for one in observations if (is_kept := kept_by(objective, one)) is not None]
        if not kept:
            return None, None, None, 0
        hits = kept.count(not objective.less_is_better)
        return (hits / len(kept), *share_bounds(hits, len(kept), confidence), len(kept))
    groups: Sequence[Sequence[float]] = by_run(observations, figure)
    count = sum(map(len, groups))
    if figure is Figure.ITL:
        groups = [observation.gaps_ns for observation in observations if observation.gaps_ns]
        count = len(groups)
    elif all(len(group) == 1 for group in groups):
        in_order = present(observations, figure)
        ascending, inflation = sorted(in_order), statistics.inflation_of(in_order)
        return (value_of(statistic, ascending), *_bounds(statistic, ascending, confidence, inflation), count)
    inflation = statistics.inflation_of([median(group) for group in groups])
    samples = sorted(map(fmean, groups)) if statistic is Statistic.MEAN else sorted(present(observations, figure))
    if statistic.percent is not None:
        bounds = statistics.clustered_bounds(groups, statistic.percent, confidence, inflation)
    else:
        bounds = _bounds(statistic, samples, confidence, inflation)
    return (value_of(statistic, samples), *bounds, count)


def kept_by(objective: Objective, observation: Observation) -> bool | None:
    """True if one request keeps a limit, whatever statistic of many requests it is on; None where it has no say."""
    if objective.share == PASSED:
        return observation.passed
    if objective.share == COST:
        value = observation.usd
    elif objective.figure is None:
        return observation.status not in _SHARES[objective.share]
    elif objective.figure is Figure.ITL and objective.statistic is not None:
        value = value_of(objective.statistic, sorted(observation.gaps_ns))
    else:
        value = observation.value(objective.figure)
    return None if value is None else objective.is_kept_by(value)


def value_of(statistic: Statistic, ascending: Sequence[float]) -> float | None:
    """One statistic of sorted samples, in their unit; None without any."""
    if not ascending:
        return None
    match statistic:
        case Statistic.MIN:
            return ascending[0]
        case Statistic.MAX:
            return ascending[-1]
        case Statistic.MEAN:
            return fmean(ascending)
        case Statistic.MEDIAN:
            return median(ascending)
        case _:
            return percentile(ascending, _PERCENTS[statistic])


def _bounds(
    statistic: Statistic, ascending: Sequence[float], confidence: float, inflation: float
) -> tuple[float | None, float | None]:
    if statistic.percent is not None:
        return statistics.percentile_bounds(ascending, statistic.percent, confidence, inflation)
    is_told = statistic is not Statistic.MEAN or len(ascending) >= statistics.FEWEST_FOR_MEAN
    value = value_of(statistic, ascending) if is_told else None
    return value, value


def _basis(judgement: Judgement, confidence: float, observations: Sequence[Observation]) -> str:
    objective, low, high = judgement.objective, judgement.low, judgement.high
    figure = objective.figure
    of = "request" if figure is None else "answer"
    if judgement.value is None and objective.share == COST:
        return "no price is known for it"
    if judgement.value is None and objective.share == PASSED:
        return "no answer was judged by a check"
    if judgement.value is None:
        return "not told by answers of these lengths, a sweep tells it" if objective.is_fitted else f"no {of}s yet"

    def written(value: float) -> str:
        if objective.share == COST:
            return dollars(value)
        return percent(value) if figure is None else amount(figure, value)

    said = f"{written(judgement.value)} in {counted(judgement.count, of)}"
    if objective.share == PASSED and (by_hand := sum(one.overruled for one in observations)):
        said += f" ({by_hand} overruled)"
    is_known = low is not None and low == high
    if objective.statistic in (Statistic.MIN, Statistic.MAX, Statistic.MEAN) and is_known:
        return f"{said}, of these alone"
    if objective.statistic is Statistic.MEAN:
        return f"{said}, too few for a mean: {statistics.FEWEST_FOR_MEAN} are needed"
    ends = [f"at least {written(low)}"] if low and low > 0 else []
    ends += [f"at most {written(high)}"] if high is not None else []
    if not ends:
        runs = [] if figure is None else [median(group) for group in by_run(observations, figure)]
        depends = statistics.inflation_of(runs) > 1
        return f"{said}, too few to bound it{_ALIKE if depends else ''}"
    surely = f"{percent(confidence)}, approximately" if objective.share == COST else percent(confidence)
    return f"{said}, {' and '.join(ends)} ({surely})"
