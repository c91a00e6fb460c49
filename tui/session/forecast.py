"""Forecast of what a series, a sweep or a trial asks, costs and takes, for the question before it begins."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import median

import msgspec

from tui.core.cost import Cost, estimate, prices_at, total
from tui.core.events import Usage
from tui.core.load import LoadSettings, LoadStep, steps_of
from tui.core.metrics import NS_PER_S
from tui.core.observation import Observation
from tui.core.plan import Plan, RequestSpec
from tui.core.played import requests_at_most
from tui.core.run import RunFilter
from tui.core.series import SeriesSettings
from tui.core.sweep import requests_of, swept
from tui.core.wording import counted, dollars, roughly
from tui.errors import HistoryError
from tui.history.store import Store
from tui.session.conversation import is_played
from tui.session.lane import Lane
from tui.session.load import affordable, longest
from tui.session.series import sweep_around
from tui.session.session import Session

_LOOKED_AT = 20
"""Latest stored runs of a model that say how it answers."""
_VERDICTS_PER_CAP = 8
"""Part of its limit that a judge is expected to write."""


class Typical(msgspec.Struct, frozen=True):
    """A typical answer: medians of what was measured."""

    output_tokens: float
    total_ns: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, cost and time of what is about to begin."""

    requests: int
    judged: int = 0
    """Questions to models about the answers, besides."""
    expected: Cost | None
    """With answers as long as those before; None without any."""
    at_most: Cost | None
    """None where no price is known."""
    takes_ns: float | None
    """None where some target has not answered yet."""
    may_end_sooner: bool = False
    """True where it stops as soon as it is sure."""
    simulated: bool = False

    @property
    def sentence(self) -> str:
        """All of it in words."""
        count = counted(self.requests, "request")
        count += f" and {self.judged:,} to judges" if self.judged else ""
        parts = [f"up to {count}" if self.may_end_sooner else count]
        if self.expected is not None:
            parts.append(f"about {'≥' if self.expected.is_lower_bound else ''}{dollars(self.expected.usd)}")
        if self.at_most is None:
            parts.append("at prices that are not known")
        else:
            more = ", more where a price is not known" if self.at_most.is_lower_bound else ""
            parts.append(f"at most {dollars(self.at_most.usd)}{more}")
        besides = " and the judges' time" if self.judged else ""
        parts.append(
            f"about {roughly(self.takes_ns)}{besides}" if self.takes_ns is not None else "for a time not known yet"
        )
        said = ", ".join(parts)
        return f"{said}; SIMULATED, priced as the real thing" if self.simulated else said

    def asks_from(self, usd: float | None) -> bool:
        """True if it is to be asked about, where that begins at a highest cost of `usd`; None: never."""
        if usd is None:
            return False
        return self.at_most is None or self.at_most.is_lower_bound or self.at_most.usd >= usd


def forecast(
    session: Session,
    plan: Plan,
    settings: SeriesSettings | None = None,
    *,
    sweep: bool = False,
    stored: Mapping[str, Typical] | None = None,
) -> Forecast:
    """Forecast of one run of `plan`, or of a series or sweep of it under `settings`.

    `stored` are typical answers by model, for models that have not answered in this session.
    """
    specs = plan.of_run().requests(0)
    answers = _Answers(session.live.lanes, stored or {})
    turns = [specs] if sweep or not is_played(plan) else _turns(plan, specs, answers)
    runs: list[tuple[Sequence[RequestSpec], int]] = [(each, 1) for each in turns]
    highest, each, gap_s = list(specs if sweep else session.preview.paid(plan.of_run())), 1, 0.0
    judged = [] if sweep else _judged(session, plan, turns, answers)
    if settings is not None and sweep:
        cap = settings.max_usd
        around = sweep_around(specs, session.live, lambda asked: session.preview.pays_for(plan.budget, asked, cap))
        cells = around.at_most()
        runs += [([swept(spec, cell) for spec in specs], 1) for cell in cells]
        highest, gap_s = [*specs, *requests_of(specs, cells)], settings.gap
    elif settings is not None:
        count = settings.warm_ups + settings.repeats
        runs, each, gap_s = [(one, count) for one in turns], settings.concurrency, settings.gap
    times = each if sweep else each * runs[0][1]
    costs = [(_expected(session, one, answers), count) for one, count in runs]
    if judged:
        costs.append((_expected_of_judges(session, judged), runs[0][1]))
    return Forecast(
        requests=sum(len(one) * count for one, count in runs) * each,
        judged=len(judged) * times,
        expected=_times(costs, each),
        at_most=session.preview.cost(highest, times),
        takes_ns=_time(runs, answers, in_turn=settings is not None and settings.in_turn, gap_s=gap_s / len(turns)),
        may_end_sooner=sweep or (settings is not None and settings.until_sure is not None),
        simulated=plan.simulated,
    )


def forecast_of_load(
    session: Session, plan: Plan, settings: LoadSettings, stored: Mapping[str, Typical] | None = None
) -> Forecast:
    """Forecast of a load: with answers as those before, else no more than it may send."""
    answers, specs = _Answers(session.live.lanes, stored or {}), longest(plan)
    most = affordable(session.preview, session.live, plan, settings)
    found = [answers.of(spec) for spec in specs]
    counts = [_requests_at(step, settings, plan, found[step.lane]) for step in steps_of(settings, len(specs))]
    known = [(count, took) for count, took in counts if count is not None and took is not None]
    is_known = len(known) == len(counts)
    requests = min(most, math.ceil(sum(count for count, _ in known))) if is_known else most
    costs = [_expected(session, [spec], answers) for spec in specs]
    dearest = max(specs, key=lambda spec: cost.usd if (cost := session.preview.cost([spec])) is not None else 0.0)
    return Forecast(
        requests=requests,
        expected=_times([(cost, math.ceil(requests / len(specs))) for cost in costs], 1) if is_known else None,
        at_most=session.preview.cost([dearest], most),
        takes_ns=sum(took for _, took in known) * NS_PER_S if is_known else None,
        may_end_sooner=not is_known,
        simulated=plan.simulated,
    )


def _requests_at(
    step: LoadStep, settings: LoadSettings, plan: Plan, typical: Typical | None
) -> tuple[float | None, float | None]:
    """Requests of a level that are expected, and its time, s; None where neither settings nor answers tell it."""
    if settings.arrivals == "trace":
        return float(len(plan.rows)), None
    rate, counted_s = step.level.rate, settings.counted_s
    if step.level.concurrency is not None and typical is not None:
        rate = step.level.concurrency * NS_PER_S / typical.total_ns
    if rate is None:
        return None, None
    if settings.requests is not None:
        counted_s = min(math.inf if counted_s is None else counted_s, settings.requests / rate)
    takes_s = (counted_s or 0.0) + settings.ramp + settings.warm_up
    return takes_s * rate, takes_s


def _turns(plan: Plan, specs: Sequence[RequestSpec], answers: "_Answers") -> list[list[RequestSpec]]:
    """The requests of each turn of a conversation, behind answers as long as those before; tools are not foreseen."""
    typical = [answers.of(spec) for spec in specs]
    lengths = [None if one is None else round(one.output_tokens) for one in typical]
    lanes = [requests_at_most(spec, plan.conversation, length) for spec, length in zip(specs, lengths, strict=True)]
    in_turn: dict[int | None, list[RequestSpec]] = {}
    for one in chain.from_iterable(lanes):
        if not one.call:
            in_turn.setdefault(one.turn, []).append(one)
    return list(in_turn.values())


def typical_in(path: Path | None, models: Iterable[str]) -> dict[str, Typical]:
    """Typical answers of these models in the history at `path`. Waits for the disk: call it in a thread."""
    if path is None or not path.exists():
        return {}
    found = {}
    try:
        with Store(path) as store:
            for model in dict.fromkeys(models):
                rows = store.runs(RunFilter(model=model), limit=_LOOKED_AT)
                answers = [one for row in rows for one in row.targets if one.model == model and one.output_tokens]
                if typical := _typical([(one.output_tokens, one.total_ns) for one in answers]):
                    found[model] = typical
    except HistoryError:
        return found  # the question is asked without
    return found


class _Answers:
    """Typical answers: of the lane itself, else of its model in this session, else of stored runs."""

    def __init__(self, lanes: Sequence[Lane], stored: Mapping[str, Typical]) -> None:
        self._of_lanes = {lane.label: _of(lane.outcomes) for lane in lanes}
        self._of_models = {lane.target.model: found for lane in lanes if (found := self._of_lanes[lane.label])}
        self._stored = stored

    def of(self, spec: RequestSpec) -> Typical | None:
        """A typical answer to `spec`, cut at its `max_tokens`."""
        found = self._of_lanes.get(spec.target) or self._of_models.get(spec.model) or self._stored.get(spec.model)
        cap = spec.parameters.max_tokens
        if found is None or cap is None or found.output_tokens <= cap:
            return found
        return Typical(cap, found.total_ns * cap / found.output_tokens)


def _of(outcomes: Sequence[Observation]) -> Typical | None:
    return _typical([(one.output_tokens, one.total_ns) for one in outcomes if one.answered])


def _typical(answers: Sequence[tuple[int | None, int | None]]) -> Typical | None:
    known = [(tokens, took) for tokens, took in answers if tokens and took]
    if not known:
        return None
    return Typical(median(tokens for tokens, _ in known), median(took for _, took in known))


def _expected(session: Session, specs: Sequence[RequestSpec], answers: _Answers) -> Cost | None:
    costs = []
    for spec in specs:
        typical, prices = answers.of(spec), prices_at(session.live.spending.models, spec.model, spec.endpoint)
        if typical is None:
            return None
        usage = Usage(input_tokens=session.preview.length(spec), output_tokens=round(typical.output_tokens))
        costs.append(estimate(usage, prices, spec.parameters))
    return total(costs)


def _judged(
    session: Session, plan: Plan, turns: Sequence[Sequence[RequestSpec]], answers: _Answers
) -> list[RequestSpec]:
    """The questions to models about the answers of one run, with answers as long as those before."""
    found = []
    for spec in chain.from_iterable(turns):
        typical = answers.of(spec)
        length = None if typical is None else round(typical.output_tokens)
        found += session.preview.judges(plan.of_run(), [spec], length)
    return found


def _expected_of_judges(session: Session, judged: Sequence[RequestSpec]) -> Cost | None:
    models, costs = session.live.spending.models, []
    for spec in judged:
        said = (spec.parameters.max_tokens or 0) // _VERDICTS_PER_CAP
        usage = Usage(input_tokens=session.preview.length(spec), output_tokens=said)
        costs.append(estimate(usage, prices_at(models, spec.model, spec.endpoint), spec.parameters))
    return total(costs)


def _times(costs: Sequence[tuple[Cost | None, int]], each: int) -> Cost | None:
    known = [(cost, count) for cost, count in costs if cost is not None]
    if len(known) < len(costs):
        return None
    return msgspec.structs.replace(
        known[0][0],
        usd=sum(cost.usd * count for cost, count in known) * each,
        is_lower_bound=any(cost.is_lower_bound for cost, _ in known),
    )


def _time(
    runs: Sequence[tuple[Sequence[RequestSpec], int]], answers: _Answers, *, in_turn: bool, gap_s: float
) -> float | None:
    took = 0.0
    for specs, count in runs:
        times = [typical.total_ns for spec in specs if (typical := answers.of(spec)) is not None]
        if len(times) < len(specs):
            return None
        took += count * (sum(times) if in_turn else max(times))
    return took + (sum(count for _, count in runs) - 1) * gap_s * 1e9
