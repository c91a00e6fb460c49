"""Trials of a change: the plan to run, the result beside the prediction, the trial log, and accepting a change."""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import median

import msgspec

from tui.advice.suggestion import Change, Saving, Trial
from tui.core import statistics
from tui.core.comparison import FEWEST
from tui.core.figures import Figure, Use
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.pass_rate import compared_pairs
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.run import StoredRun
from tui.core.sequential import Conclusion, Decision, UntilSure
from tui.core.series import SeriesSettings
from tui.core.statistics import CONFIDENCE, Interval
from tui.core.target import Target
from tui.core.wording import change, counted

BUDGET = 40
"""Number of repeats after which a trial ends even if it is not sure."""

Pair = tuple[float | None, float | None]
"""Figure of one repeat without and with the change, ns; None for a request that failed."""


class TrialVerdict(StrEnum):
    """Verdict of a trial on its change."""

    FASTER = "faster"
    SLOWER = "slower"
    ALIKE = "no difference of more than 5 %"
    OPEN = "not sure"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return "not sure whether it makes a difference" if self is TrialVerdict.OPEN else f"sure: {self.value}"


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """Entry of the trial log: a change that was tried, with prediction and measurement."""

    id: str
    """Id of the suggestion, or name of the rule that had none."""
    target: str
    headline: str
    trial: Trial
    predicted: Saving | None
    """Predicted saving; None where the trial was to learn the effect."""
    result: TrialVerdict
    repeats: int
    saved_ns: float | None
    """Median without the change − median with it, ns; None without answers of both."""
    interval: Interval | None
    """Interval of that; None with too few repeats. It describes these runs alone, which ended once they were sure."""
    held: bool | None
    """True if measurement and prediction agree within their intervals; None without either interval."""
    sentence: str
    passes: str = ""
    """Pass rates of both, and their exact test, in words; empty without checks."""
    simulated: bool = False
    accepted: bool | None = None
    """Decision of the person; None until then."""
    model: str = ""
    """Model of the target without the change."""
    endpoint: str = ""
    """Name of the endpoint."""
    prompt: str = ""
    """Beginning of the user's turn, on one line."""
    series: str = ""
    """Uid of the series that measured it."""
    begun_unix_ns: int = 0
    """Wall-clock time of the trial's start, nanoseconds since 1970."""


def trial_plan(plan: Plan, label: str, trial: Trial) -> Plan:
    """Return a plan with the target called `label` without and with the change, side by side.

    Raises KeyError for a target that the plan does not have.
    """
    target = plan.lanes[_place(plan, label)]
    changed = trial.change.target_of(target)
    if trial.change.edit is None:
        return msgspec.structs.replace(plan, targets=(target, changed), ask_all=False)
    prompt = trial.change.prompt_of(plan.prompt_of(target))
    variant = msgspec.structs.replace(prompt, name=f"{prompt.name or 'as it is'}, {trial.change.label}")
    return msgspec.structs.replace(
        plan,
        variants=(*(plan.variants or (plan.prompt,)), variant),
        targets=(target, msgspec.structs.replace(changed, variant=variant.name)),
        ask_all=False,
    )


def trial_settings(trial: Trial) -> SeriesSettings:
    """Return the settings of a trial: both in turn, in random order each time, until sure or out of budget."""
    figure = trial.figure if Use.UNTIL_SURE in trial.figure.declared.uses else Figure.TOTAL
    return SeriesSettings(repeats=BUDGET, warm_ups=1, in_turn=True, until_sure=figure.value)


def origin_of(plan: Plan, label: str) -> tuple[int, Prompt]:
    """Find the index of the target behind the lane called `label`, and its prompt. Raises KeyError if there is none."""
    place = _place(plan, label)
    each = len(plan.variants) if plan.ask_all and plan.variants else 1
    return place // each, plan.prompt_of(plan.lanes[place])


def goes_to_shared(plan: Plan, change: Change) -> bool:
    """Report whether accepting changes the shared parameters: with a single target that keeps its model."""
    return len(plan.targets) == 1 and change.model is None


def accepted_parameters(parameters: Parameters, change: Change) -> Parameters:
    """Return the shared parameters with the change."""
    return parameters.without(change.unset).overridden_by(change.parameters)


def accepted_target(target: Target, change: Change, *, shared: bool) -> Target:
    """Return the target with the change; with `shared`, free of what would hide the change in the shared parameters."""
    if shared:
        changed = [name for name in change.parameters.__struct_fields__ if getattr(change.parameters, name) is not None]
        return msgspec.structs.replace(
            target,
            parameters=target.parameters.without((*change.unset, *changed)),
            drop=tuple(name for name in target.drop if name not in changed),
        )
    return msgspec.structs.replace(change.target_of(target), name=target.name)


def _place(plan: Plan, label: str) -> int:
    for place, target in enumerate(plan.lanes):
        if target.label == label:
            return place
    raise KeyError(label)


def pairs_of(before: Sequence[Observation], after: Sequence[Observation], figure: Figure) -> list[Pair]:
    """Pair the figures of each run that has both. Of several requests in one run the first counts."""
    first = {one.run: one.value(figure) for one in reversed(before) if one.counted}
    second = {one.run: one.value(figure) for one in reversed(after) if one.counted}
    return [(first[run], second[run]) for run in sorted(first.keys() & second.keys())]


def conclude(
    trial_id: str,
    target: str,
    headline: str,
    trial: Trial,
    predicted: Saving | None,
    pairs: Sequence[Pair],
    *,
    passes: str = "",
    simulated: bool = False,
) -> TrialResult:
    """Conclude from the repeats, by the rule that is valid after each of them (`sequential.UntilSure`).

    A change that makes no difference is found faster or slower with probability 1 − `CONFIDENCE` at most.
    """
    decision = _decide(trial.figure, pairs)
    result = TrialVerdict.OPEN
    if decision is not None and decision.conclusion is Conclusion.BEST:
        result = TrialVerdict.FASTER if decision.best == (_AFTER,) else TrialVerdict.SLOWER
    elif decision is not None and decision.conclusion is Conclusion.ALIKE:
        result = TrialVerdict.ALIKE
    before = [value for value, _ in pairs if value is not None]
    after = [value for _, value in pairs if value is not None]
    saved = median(before) - median(after) if before and after else None
    interval = _interval(before, after)
    return TrialResult(
        id=trial_id,
        target=target,
        headline=headline,
        trial=trial,
        predicted=predicted,
        result=result,
        repeats=len(pairs),
        saved_ns=saved,
        interval=interval,
        held=_held(predicted, saved, interval),
        sentence=_sentence(trial.figure, result, saved, interval, len(pairs))
        + _outlook(result, saved, decision)
        + f"; {passes}" * bool(passes),
        passes=passes,
        simulated=simulated,
    )


_BEFORE, _AFTER = "as it is", "changed"


def passes_of(before: Sequence[Observation], after: Sequence[Observation]) -> str:
    """The pass rates without and with a change, and their exact test, in words; empty without checks."""
    counted = [[one for one in each if one.counted] for each in (before, after)]
    return compared_pairs([((_BEFORE, counted[0]), (_AFTER, counted[1]))])[0]


def _decide(figure: Figure, pairs: Sequence[Pair]) -> Decision | None:
    # No more than there are: of what is still open then, the rule says how many more would tell.
    rule = UntilSure(figure, (_BEFORE, _AFTER), budget=min(BUDGET, len(pairs)), confidence=CONFIDENCE)
    decision = None
    for pair in pairs:
        decision = rule.look(pair)
        if decision.conclusion is not Conclusion.GO_ON:
            break
    return decision


def _interval(before: Sequence[float], after: Sequence[float]) -> Interval | None:
    if min(len(before), len(after)) < FEWEST:
        return None
    draws = [statistics.median_draws(sorted(samples), seed) for seed, samples in enumerate((before, after))]
    return statistics.percentile_bootstrap([a - b for a, b in zip(*draws, strict=True)], CONFIDENCE)


def _held(predicted: Saving | None, saved: float | None, measured: Interval | None) -> bool | None:
    """Report whether both are as close as their errors allow. The errors are independent, so their squares add."""
    if predicted is None or predicted.interval is None or saved is None or measured is None:
        return None
    if saved < predicted.ns:
        return predicted.ns - saved <= math.hypot(predicted.ns - predicted.interval.low, measured.high - saved)
    return saved - predicted.ns <= math.hypot(predicted.interval.high - predicted.ns, saved - measured.low)


def _sentence(
    figure: Figure, result: TrialVerdict, saved: float | None, interval: Interval | None, repeats: int
) -> str:
    if saved is None:
        return f"no answers of both in {counted(repeats, 'repeat')}"
    # A saving is a change downwards.
    ends = (-interval.high, -interval.low) if interval else (None, None)
    return f"{result.sentence}, {figure.label} {change(figure, -saved, *ends)}, {counted(repeats, 'repeat')}"


def _outlook(result: TrialVerdict, saved: float | None, decision: Decision | None) -> str:
    """The repeats that are missing, or the flattery of having stopped as soon as it was sure."""
    if saved is None or decision is None:
        return ""
    if result is TrialVerdict.OPEN and decision.more:
        return f"; about {counted(decision.more, 'more repeat')} would tell if they go on like these"
    if result in (TrialVerdict.FASTER, TrialVerdict.SLOWER):
        return "; the true difference is likely smaller, since the trial stopped once it was sure"
    return ""


def merged(entries: Iterable[TrialResult]) -> list[TrialResult]:
    """Return the entries in their order, each trial once: a decision replaces the undecided entry."""
    found: dict[bytes, TrialResult] = {}
    for entry in entries:
        undecided = msgspec.json.encode(msgspec.structs.replace(entry, accepted=None))
        known = found.setdefault(undecided, entry)
        if known.accepted is None:
            found[undecided] = entry
    return list(found.values())


def concerning(entries: Iterable[TrialResult], runs: Sequence[StoredRun]) -> list[TrialResult]:
    """Return the entries that belong to these runs, or to a model that they use at the same endpoint.

    A model that a change puts in place of another counts as well: once accepted, it is the model in use.
    """
    series = {run.info.series for run in runs if run.info.series is not None}
    specs = [record.spec for run in runs for record in run.requests]
    used = {(spec.model, spec.endpoint.name, spec.endpoint.simulated) for spec in specs}
    return [
        entry
        for entry in entries
        if entry.series in series
        or any(
            (model, entry.endpoint, entry.simulated) in used for model in (entry.model, entry.trial.change.model or "")
        )
    ]
