"""Choice among what was measured: the fastest or cheapest that keeps its objectives, with its doubt.

    fastest with passed > 95% and cost < $0.002
    cheapest with passed > 90% and total.p95 < 4s
    fastest ttft.p90

Error: a choice is wrong if what is chosen does not keep an objective, or if another candidate keeps them all and is
better by more than `WITHIN`. Half of 1 − confidence goes to each. One of K candidates is chosen, so that each is shown
to keep its objectives at a K-th of its half; all of them are needed, which divides nothing further (Berger,
Technometrics 24, 1982). Let b be the best of those that keep all m objectives: it is passed over wrongly only where one
of m objectives is taken as missed, or where one of the K − 1 others is taken to be as good. So each such claim is made
at the (m + K − 1)-th part of the other half (Bonferroni). Nothing is claimed of what is not shown: then it says who is
not excluded.

Medians are compared within runs, by the sign test of `tui.core.interleaved`: as good is at most `WITHIN` worse in most
of the runs. Other statistics, and costs, by their bounds.
"""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from tui.core.figures import FITTED, Figure
from tui.core.grouping import Measured
from tui.core.objectives import (
    COST,
    Judgement,
    Objective,
    ObjectiveState,
    Statistic,
    complaint_of,
    judge,
    parse_figure,
    parse_statistic,
)
from tui.core.objectives import parse as parse_objective
from tui.core.pairwise import Claims
from tui.core.pass_rate import Judged, pass_rate
from tui.core.sequential import WITHIN
from tui.core.statistics import CONFIDENCE
from tui.core.wording import ABSENT, amount, counted, dollars, percent

_SHAPE = re.compile(
    r"\s*(?P<goal>fastest|cheapest)(?:\s+(?P<by>(?!with\b)[^\s]+))?(?:\s+with\s+(?P<with>.+?))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
EXAMPLE = "fastest with passed > 95% and cost < $0.002"


class ChoiceRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule by which one is chosen; made by `parse`."""

    by: Objective
    """The figure and the statistic of which the best counts; its limit says nothing, and its text is empty where the
    rule names no figure."""
    objectives: tuple[Objective, ...]
    """Limits that it has to keep."""
    text: str
    """As it was written, blanks aside."""

    @property
    def label(self) -> str:
        """The figure that the best is by, in short: `total.p50`, `cost`."""
        figure, statistic = self.by.figure, self.by.statistic
        return COST if figure is None or statistic is None else f"{figure}.{_short(statistic)}"

    @property
    def heading(self) -> str:
        """The same with its unit."""
        figure = self.by.figure
        unit = "US dollars" if figure is None else "ms" if figure.less_is_better else figure.declared.unit.value
        return f"{self.label}, {unit}"

    @property
    def goal(self) -> str:
        """The word for better."""
        return "cheaper" if self.by.figure is None else "faster"

    def written(self, value: float | None) -> str:
        """A value of what the best is by, with its unit."""
        if value is None:
            return ABSENT
        return dollars(value) if self.by.figure is None else amount(self.by.figure, value)


class CandidateState(StrEnum):
    """State of a candidate."""

    CHOSEN = "chosen"
    MISSES = "misses an objective"
    NO_BETTER = "no better"
    """It may keep its objectives, and is not better than the one that is chosen by more than `WITHIN`."""
    OPEN = "not excluded"


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One candidate: a target with its prompt's variant."""

    name: str
    model: str
    endpoint: str
    variant: Annotated[str | None, msgspec.Meta(description="Absent for a plan with one prompt.")] = None
    state: CandidateState
    value: Annotated[
        float | None, msgspec.Meta(description="What the best is by: ms, 1/s or US dollars; absent without answers.")
    ] = None
    reason: Annotated[str, msgspec.Meta(description="Why, in words.")] = ""


class ChoiceOutcome(StrEnum):
    """Outcome of a choice."""

    CHOSEN = "chosen"
    NONE = "none qualifies"
    OPEN = "not yet known"


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A choice and its doubt."""

    rule: str
    by: Annotated[str, msgspec.Meta(description="What the best is by, with its unit.")]
    outcome: ChoiceOutcome
    chosen: Annotated[
        str, msgspec.Meta(description="The candidate; while it is not yet known, who leads; else empty.")
    ] = ""
    confidence: float
    """The choice is wrong with a probability of 1 − confidence at most."""
    candidates: tuple[Candidate, ...]
    sentence: str
    """The outcome in words, without a full stop."""


def parse(text: str) -> ChoiceRule:
    """A rule from its text. Raises ValueError with a sentence that says what is wrong and what would be right."""
    quoted = f"Choice {' '.join(text.split())!r}: "
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"{quoted}write it like '{EXAMPLE}', 'cheapest with passed > 90%' or 'fastest ttft.p90'.")
    is_by_cost = match["goal"].lower() == "cheapest"
    if is_by_cost and match["by"]:
        raise ValueError(f"{quoted}'cheapest' goes by cost alone, not by '{match['by']}': leave that out.")
    by = parse_objective("cost < $1") if is_by_cost else _by(match["by"] or "", quoted)
    try:
        objectives = tuple(map(parse_objective, _AND.split(match["with"]))) if match["with"] else ()
    except ValueError as error:
        raise ValueError(f"{quoted}{error}") from None
    if any(each.is_fitted for each in objectives):
        raise ValueError(f"{quoted}a figure that a sweep fits cannot choose: take one that every request has.")
    return ChoiceRule(by=by, objectives=objectives, text=" ".join(text.split()))


def refuse(text: str) -> str | None:
    """The complaint about a rule, as the end of a sentence, or None."""
    return complaint_of(parse, [text])


def _by(text: str, quoted: str) -> Objective:
    name, _, word = (text or Figure.TOTAL.value).lower().partition(".")
    figure = parse_figure(name, quoted)
    statistic = parse_statistic(word or "p50", quoted)
    if figure in FITTED or statistic in (Statistic.MIN, Statistic.MAX):
        raise ValueError(f"{quoted}min and max are of these answers alone: take p50, mean or a higher percentile.")
    return Objective(figure=figure, statistic=statistic, limit=math.inf, text=text)


def _short(statistic: Statistic) -> str:
    return "p50" if statistic is Statistic.MEDIAN else statistic.value


class _Judged:
    """A candidate with what is known of it."""

    def __init__(self, one: Measured, rule: ChoiceRule, keeps_at: float, misses_at: float) -> None:
        self.one = one
        self.observations = one.observations
        self.value = judge(rule.by, one.observations).value
        self.kept = [judge(each, one.observations, keeps_at) for each in rule.objectives]
        strictly = [judge(each, one.observations, misses_at) for each in rule.objectives]
        self.missed = [each for each in strictly if each.state is ObjectiveState.MISSED]
        self.silent = bool(one.observations) and not any(each.answered for each in one.observations)
        self.state = CandidateState.MISSES if self.missed or self.silent else CandidateState.OPEN
        self.reason = "no complete answer" if self.silent else "; ".join(each.sentence for each in self.missed)

    @property
    def named(self) -> Judged:
        """Its requests by name."""
        return self.one.name, self.observations

    @property
    def open(self) -> list[Judgement]:
        """The objectives that it is not shown to keep."""
        return [each for each in self.kept if each.state is not ObjectiveState.MET]

    @property
    def qualifies(self) -> bool:
        """True if it is shown to keep all its objectives."""
        return self.state is not CandidateState.MISSES and not self.open and self.value is not None

    def candidate(self, rule: ChoiceRule) -> Candidate:
        """Everything that is said of it."""
        one, figure = self.one, rule.by.figure
        return Candidate(
            name=one.name,
            model=one.model,
            endpoint=one.endpoint,
            variant=one.variant,
            state=self.state,
            value=self.value if self.value is None or figure is None else figure.converted(self.value),
            reason=self.reason,
        )


def choose(rule: ChoiceRule, measured: Sequence[Measured], confidence: float = CONFIDENCE) -> Choice:
    """Choose among everything that was measured, at one time; see the module for what is claimed."""
    count, limits = len(measured), len(rule.objectives)
    share = (1 - confidence) / (2 if limits and count > 1 else 1)
    each = share / max(1, limits + count - 1)
    judged = [_Judged(one, rule, 1 - share / max(1, count), 1 - each) for one in measured]
    leader = _best([one for one in judged if one.qualifies], rule)
    if leader is not None:
        for rival in judged:
            if rival is not leader and rival.state is CandidateState.OPEN:
                _compare(rule, leader, rival, each)
    is_open = any(one.state is CandidateState.OPEN for one in judged if one is not leader)
    if leader is None:
        outcome = ChoiceOutcome.OPEN if is_open or not judged else ChoiceOutcome.NONE
        for one in judged:
            if one.state is CandidateState.OPEN:
                one.reason = "; ".join(found.sentence for found in one.open) or "no such figure of its answers"
    else:
        outcome = ChoiceOutcome.OPEN if is_open else ChoiceOutcome.CHOSEN
        leader.reason = "; ".join(found.sentence for found in leader.kept)
        leader.state = CandidateState.OPEN if is_open else CandidateState.CHOSEN
    return Choice(
        rule=rule.text,
        by=rule.heading,
        outcome=outcome,
        chosen="" if leader is None else leader.one.name,
        confidence=confidence,
        candidates=tuple(one.candidate(rule) for one in judged),
        sentence=_sentence(rule, outcome, leader, judged, confidence),
    )


def _best(judged: Sequence[_Judged], rule: ChoiceRule) -> _Judged | None:
    known = [(one.value, at) for at, one in enumerate(judged) if one.value is not None]
    if not known:
        return None
    better = min if rule.by.less_is_better else max
    value = better(value for value, _ in known)
    return judged[next(at for found, at in known if found == value)]


def _compare(rule: ChoiceRule, leader: _Judged, rival: _Judged, error: float) -> None:
    """Say of a rival whether it is excluded: it is no better than the leader by more than `WITHIN`."""
    worse, as_good = Claims(error).worse_and_as_good(rule.by, leader.named, rival.named)
    usually = "dearer" if rule.by.figure is None else "slower"
    if worse or as_good:
        rival.state = CandidateState.NO_BETTER
        rival.reason = usually if worse else f"not {rule.goal} by more than {percent(WITHIN)}"
        return
    unknown = "; ".join(found.sentence for found in rival.open)
    rival.reason = f"it may be {rule.goal}{f', and keep its objectives: {unknown}' if unknown else ''}"


def _sentence(
    rule: ChoiceRule, outcome: ChoiceOutcome, leader: _Judged | None, judged: Sequence[_Judged], confidence: float
) -> str:
    count = counted(len(judged), "candidate")
    kept = f"keep {' and '.join(each.text for each in rule.objectives)}" if rule.objectives else ""
    names = ", ".join(one.one.name for one in judged if one is not leader and one.state is CandidateState.OPEN)
    sure = f"{percent(confidence)}, {count}"
    if outcome is ChoiceOutcome.NONE:
        return f"none is chosen: no candidate is left that may {kept or 'answer'} ({sure})"
    if leader is None:
        may = kept.replace("keep", "keeps", 1) if kept else "answers"
        return f"none is chosen yet: it is not shown that any {may}; not excluded: {names or 'none'} ({sure})"
    found = f"{rule.label} {rule.written(leader.value)}{_passed(leader)}"
    if outcome is ChoiceOutcome.OPEN:
        return f"none is chosen yet: {leader.one.name} leads, {found}; not excluded: {names} ({sure})"
    alone = f"no other that may {kept} is" if kept else "no other is"
    doubt = f"; {alone} {rule.goal} by more than {percent(WITHIN)}" if len(judged) > 1 else ""
    return f"{leader.one.name} is chosen: {found}{doubt} ({sure})"


def _passed(one: _Judged) -> str:
    rate = pass_rate(one.observations)
    return "" if rate is None else f", passed {rate.counts}"
