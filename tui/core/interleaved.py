"""Two plans asked in turn, old and new within every repeat, and their comparison: what drifts meanwhile hits both.

Results of two sessions differ by whatever changed between them, and more runs only make that surer. Here each repeat
measures both, and its difference is one sample. The sign test asks whether one side is faster in more than half of the
repeats (Conover, Practical Nonparametric Statistics, 1999, 3.4); the interval is that of the median difference, from
one order statistic to another, and agrees with the test. Both are exact whatever the shapes and the shared drift; they
are widened where differences resemble the ones before them.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Generic, TypeVar

import msgspec

from tui.core.comparison import RESOLUTION_NS, Comparison, Verdict, more_runs, round_number, two_digits
from tui.core.distributions import binomial_at_least, holm, normal_quantile, student_tail
from tui.core.failures import failures_sentence
from tui.core.figure_row import Unit
from tui.core.figures import Figure, Use, figures_for
from tui.core.grouping import Measured
from tui.core.observation import Observation, present, runs_of
from tui.core.parameters import Parameters, shared_by
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.snapshot import Snapshot
from tui.core.statistics import CONFIDENCE, Dependence, Interval, dependence, percentile_interval
from tui.core.target import Endpoint, Target
from tui.core.wording import change, counted, part_of, percent, round_amount

REPEATS = 20
"""Repeats where nobody says how many: the sign test then finds what is faster in four repeats of five."""
SIDES = ("A", "B")
"""Names of the plans of a command line, the first and the second."""
PINNED_AND_NOW = ("pinned", "now")
"""Names of what is pinned and of what is on screen."""
_WORTH = 0.05


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a plan, with everything that it is asked."""

    label: str
    host: str | None = None
    model: str
    endpoint: Endpoint
    prompt: Prompt
    parameters: Parameters

    @property
    def question(self) -> tuple[object, ...]:
        """All that decides the answer: everything but names."""
        prompt = msgspec.structs.replace(self.prompt, name="")
        return self.model, self.endpoint, self.host, prompt, self.parameters


def sides_of(plan: Plan) -> list[Side]:
    """Every lane of a plan. Raises KeyError for an endpoint that it does not have."""
    return [
        Side(
            label=target.label,
            host=target.host,
            model=target.model,
            endpoint=plan.endpoint_of(target),
            prompt=plan.prompt_of(target),
            parameters=plan.parameters_of(target),
        )
        for target in plan.lanes
    ]


def sides_in(snapshot: Snapshot, endpoints: Sequence[Endpoint]) -> list[Side]:
    """Every lane of a snapshot, at `endpoints` of its names. Raises KeyError for one that is not among them."""
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    return [
        Side(
            label=lane.target or lane.name,
            host=lane.host,
            model=lane.model,
            endpoint=by_name[lane.endpoint],
            prompt=lane.prompt,
            parameters=lane.parameters,
        )
        for lane in {lane.target or lane.name: lane for lane in snapshot.lanes}.values()
    ]


def paired(old: Sequence[Side], new: Sequence[Side]) -> list[tuple[Side, Side]]:
    """Sides of one label, old and new; where each has only one, those two, whatever they are called."""
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    before = {side.label: side for side in old}
    return [(before[side.label], side) for side in new if side.label in before]


def interleaved(pairs: Sequence[tuple[Side, Side]], plan: Plan, names: tuple[str, str]) -> Plan:
    """The plan that asks both sides of all pairs; `names` tell old from new.

    Limits, retries and budget are those of `plan`, so that both sides are asked alike, and so are the variables'
    values.
    """
    both = [(name, side) for pair in pairs for name, side in zip(names, pair, strict=True)]
    prompts = _Named([msgspec.structs.replace(side.prompt, name="") for _, side in both], [name for name, _ in both])
    endpoints = _Named([side.endpoint for _, side in both], [side.endpoint.name for _, side in both])
    shared = shared_by([side.parameters for _, side in both])
    targets = []
    for at, (name, side) in enumerate(both):
        old = both[at - 1][1] if at % 2 else None
        own = {field: value for field, value in side.parameters.set_ones() if getattr(shared, field) is None}
        targets.append(
            Target(
                model=side.model,
                name=f"{side.label} · {name}",
                endpoint=endpoints.names[at],
                parameters=Parameters(**own),
                variant=prompts.names[at] if len(prompts.unique) > 1 else None,
                host=side.host,
                against=None if old is None else f"{old.label} · {names[0]}",
            )
        )
    variants = tuple(msgspec.structs.replace(each, name=name) for name, each in prompts.unique.items())
    return msgspec.structs.replace(
        plan,
        prompt=variants[0],
        variants=variants if len(variants) > 1 else (),
        ask_all=False,
        parameters=shared,
        targets=tuple(targets),
        endpoints=tuple(msgspec.structs.replace(each, name=name) for name, each in endpoints.unique.items()),
        default_endpoint=endpoints.names[0],
    )


_T = TypeVar("_T")


class _Named(Generic[_T]):
    """Things with names that tell them apart; equal ones share one."""

    def __init__(self, things: Sequence[_T], names: Sequence[str]) -> None:
        self.unique: dict[str, _T] = {}
        self.names: list[str] = []
        """The name of each thing."""
        for thing, name in zip(things, names, strict=True):
            known = next((known for known, other in self.unique.items() if other == thing), None)
            free, number = name, 1
            while known is None and free in self.unique:
                number += 1
                free = f"{name} {number}"
            self.unique.setdefault(known or free, thing)
            self.names.append(known or free)


def joined_rows(old: Plan, new: Plan) -> tuple[dict[str, str], ...]:
    """The rows of values of two plans side by side; the shorter begins again. Raises KeyError with a variable to which
    they give different values."""
    count = max(len(old.rows), len(new.rows))
    rows = []
    for at in range(count):
        first, second = (plan.rows[at % len(plan.rows)] if plan.rows else {} for plan in (old, new))
        for name in first.keys() & second.keys():
            if first[name] != second[name]:
                raise KeyError(name)
        rows.append({**first, **second})
    return tuple(rows)


Turns = tuple[Figure, tuple[str, Sequence[Observation]], tuple[str, Sequence[Observation]]]
"""A figure, and the new and the old side by name, with their requests."""


def questions_of(name: str, now: Sequence[Observation], old: str, before: Sequence[Observation]) -> list[Turns]:
    """The questions of one pair: one per headline figure."""
    return [(figure, (name, now), (old, before)) for figure in figures_for(Use.HEADLINE)]


def measured_in_turn(measured: Sequence[Measured]) -> list[Turns]:
    """The questions of all results whose target was asked in turn with another of them."""
    by_target = {(one.target, one.turn, one.call): one for one in measured}
    found: list[Turns] = []
    for one in measured:
        target = next((each for each in one.plan.targets if each.label == one.target), None)
        old = by_target.get((target.against or "", one.turn, one.call)) if target is not None else None
        if old is not None:
            found += questions_of(one.name, one.observations, old.name, old.observations)
    return found


def failures_in_turn(questions: Sequence[Turns]) -> list[str]:
    """The failures on either side of each pair, without a full stop: see `failures_sentence`."""
    found = [failures_sentence(now, before) for _, now, before in questions]
    return list(dict.fromkeys(filter(None, found)))


def differences(turns: Turns, most: int | None = None) -> list[tuple[float, float]]:
    """The figure of both sides in every run that has both, new first, in order; at `most` the first so many.

    Of several requests in a run the median counts.
    """
    figure, (_, now), (_, before) = turns
    first, second = _by_run(now, figure), _by_run(before, figure)
    return [(first[run], second[run]) for run in sorted(first.keys() & second.keys())][:most]


def _by_run(observations: Sequence[Observation], figure: Figure) -> dict[int, float]:
    return {run: median(values) for run, of_run in runs_of(observations).items() if (values := present(of_run, figure))}


def compare_in_turn(
    questions: Sequence[Turns], *, confidence: float = CONFIDENCE, shares: int = 1, most: int | None = None
) -> tuple[Comparison, ...]:
    """Compare sides that were asked in turn; all verdicts together are wrong with 1 − `confidence` at most.

    `shares` and the family are those of `comparison.compare_together`; of each question the first `most` runs count.
    """
    found = [differences(turns, most) for turns in questions]
    leads = [[now - before for now, before in pairs] for pairs in found]
    together = dependence(leads)
    ps = [sign_test(each, together) for each in leads]
    family = len(questions) * shares
    return tuple(
        _judged(turns, pairs, min(1.0, shares * p), family, confidence, together)
        for turns, pairs, p in zip(questions, found, holm(ps), strict=True)
    )


def sign_test(leads: Sequence[float], together: Dependence) -> float:
    """Two-sided p of the sign test; a tie says nothing."""
    wins, losses = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    count = wins + losses
    if not count:
        return 1.0
    p = min(1.0, 2 * binomial_at_least(max(wins, losses), count, 0.5))
    inflation = together.inflation
    if inflation == 1 or p == 1:
        return p
    z = normal_quantile(1 - max(p, 1e-15) / 2) / math.sqrt(inflation)
    worth = count / inflation
    return max(p, min(1.0, 2 * student_tail(z, max(1.0, worth - 1))), min(1.0, 2.0 ** (1 - math.floor(worth))))


def _judged(
    turns: Turns, pairs: Sequence[tuple[float, float]], p: float, family: int, confidence: float, together: Dependence
) -> Comparison:
    figure, (name, _), (old, _) = turns
    leads = sorted(now - before for now, before in pairs)
    count = len(pairs)
    interval = percentile_interval(leads, 50, confidence, together.inflation)
    fewest = 1 + math.ceil(math.log2(family / (1 - confidence)))
    verdict = Verdict.NONE_SHOWN if interval is not None and count >= fewest else Verdict.TOO_FEW
    difference = median(leads) if leads else None
    is_seen = difference is not None and (figure.declared.unit is not Unit.TIME or abs(difference) >= RESOLUTION_NS)
    if is_seen and interval is not None and p <= 1 - confidence and (interval.low > 0 or interval.high < 0):
        verdict = Verdict.FASTER if (interval.high < 0) == figure.less_is_better else Verdict.SLOWER
    medians = tuple(median(values) for values in zip(*pairs, strict=True)) if pairs else (None, None)
    worth = round_number(min(map(abs, medians)) * _WORTH) if pairs else 0.0
    is_open = verdict is Verdict.NONE_SHOWN and interval is not None and worth > 0
    more = more_runs(interval, count, worth) if is_open and interval is not None else None
    said = _sentence(figure, (name, old), verdict, difference, interval, leads, fewest)
    if more:
        said += f"; about {two_digits(more):,} more would tell {round_amount(figure, worth)} apart"
    if together.is_clear and verdict is not Verdict.TOO_FEW:
        said += f"; repeats resemble those before them (correlation {together.correlation:.2f}), so this is widened"
    return Comparison(
        figure=figure,
        first=name,
        second=old,
        verdict=verdict,
        counts=(count, count),
        medians=(medians[0], medians[1]),
        difference=None if verdict is Verdict.TOO_FEW else difference,
        interval=None if verdict is Verdict.TOO_FEW else interval,
        p=p,
        family=family,
        correlation=together.correlation if together.is_clear else None,
        worth=worth if more is not None else None,
        more_runs=more,
        sentence=said,
    )


def _sentence(
    figure: Figure,
    names: tuple[str, str],
    verdict: Verdict,
    difference: float | None,
    interval: Interval | None,
    leads: Sequence[float],
    fewest: int,
) -> str:
    if verdict is Verdict.TOO_FEW or interval is None or difference is None:
        return f"too few repeats of both to compare {names[0]} and {names[1]}: {len(leads)}, {fewest} are needed"
    note = percent(interval.confidence)
    if verdict is Verdict.NONE_SHOWN:
        return (
            f"no difference shown: {figure.label} of {names[0]} "
            f"{change(figure, difference, interval.low, interval.high, note)} against {names[1]}, "
            f"{counted(len(leads), 'repeat')} in turn"
        )
    ahead = sum((lead < 0) == (difference < 0) and lead != 0 for lead in leads)
    ends = (interval.low, interval.high)
    if verdict is Verdict.SLOWER:
        names, difference, ends = names[::-1], -difference, (-interval.high, -interval.low)
    return (
        f"{names[0]} is usually faster: {figure.label} {change(figure, difference, *ends, note)} in the median repeat, "
        f"in {part_of(ahead, len(leads), 'repeat')} in turn"
    )
