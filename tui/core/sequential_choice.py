"""Choice after every repeat: the target that is usually the fastest of those not shown to miss their objectives.

A limit on a share, and one on a percentile, says of each request whether it keeps the limit, and how large the share of
those that do must be. Against that a gambler bets, as in `tui.core.sequential`: a request that keeps the limit
multiplies the wealth by 1 − λ, one that does not by 1 + λq/(1 − q), q being the share that is wanted. While at least q
keep it the mean is 1 at most, so that 1/α is reached with probability α at most, however often one looks. That takes
requests for independent. Limits on means, and on what a request costs, are judged at 8, 16, 32 … requests, the k-th
time with α/k(k + 1), which adds up to α.

Half of 1 − confidence goes to who is fastest, half to the m objectives of the one that is best of those that keep them.
"""

import math
from collections.abc import Sequence

import msgspec

from tui.core.choice import Candidate, CandidateState, Choice, ChoiceOutcome, ChoiceRule, parse
from tui.core.figures import Figure, Use, figures_for
from tui.core.objectives import COST, PASSED, Objective, ObjectiveState, Statistic, judge, kept_by
from tui.core.observation import Observation
from tui.core.pass_rate import pass_rate
from tui.core.sequential import Conclusion, Decision, UntilSure, log_mixture
from tui.core.series import SeriesSettings
from tui.core.wording import percent

CandidateAnswers = tuple[str, str, str | None, Sequence[Observation]]
"""Model, endpoint, variant and requests of a target."""
_FIRST_LOOK = 8
_SURE = (Conclusion.BEST, Conclusion.ALIKE)


def rule_of(settings: SeriesSettings) -> ChoiceRule | None:
    """The rule by which a series chooses; where it names no figure, by that of "until sure"."""
    if settings.choose is None:
        return None
    rule = parse(settings.choose)
    if settings.until_sure is None or rule.by.figure is None or rule.by.text:
        return rule
    by = Objective(figure=Figure(settings.until_sure), statistic=Statistic.MEDIAN, limit=math.inf, text="")
    return msgspec.structs.replace(rule, by=by)


def sure_by(settings: SeriesSettings) -> Figure | None:
    """The figure by which "until sure" decides: the choice's, where that has one; None without."""
    if settings.until_sure is None:
        return None
    rule = rule_of(settings)
    return Figure(settings.until_sure) if rule is None or rule.by.figure is None else rule.by.figure


def refusal(settings: SeriesSettings) -> str | None:
    """Reason why a series cannot choose before its end by this rule, in one sentence; None where it can."""
    rule = rule_of(settings)
    if rule is None or settings.until_sure is None:
        return None
    figures = figures_for(Use.UNTIL_SURE)
    if rule.by.figure in figures and rule.by.statistic is Statistic.MEDIAN:
        return None
    names = ", ".join(f"{figure.value}.p50" for figure in figures)
    return f"until_sure chooses by {names}, not by {rule.label}: choose by one of these, or leave until_sure out."


def _share(objective: Objective) -> float | None:
    """The share of requests that must keep a limit; None where no share tells it."""
    if objective.figure is None:
        if objective.share == PASSED:
            return objective.limit
        return None if objective.share == COST else 1 - objective.limit
    if objective.statistic is None or objective.statistic.percent is None or objective.figure is Figure.ITL:
        return None
    below = objective.statistic.percent / 100
    return below if objective.less_is_better else 1 - below


def _bet(objective: Objective, error: float) -> "_Bet | _Looks":
    share = _share(objective)
    return _Looks(objective, error) if share is None else _Bet(objective, share, math.log(1 / error))


class _Bet:
    """A bet against one objective of one target."""

    def __init__(self, objective: Objective, share: float, log_needed: float) -> None:
        self.objective = objective
        self._share = share
        self._gain = share / (1 - share)
        self._log_needed = log_needed
        self._kept = 0
        self._missed = 0
        self.sure = False

    def add(self, observation: Observation) -> None:
        """Bet on one request that has a say."""
        is_kept = kept_by(self.objective, observation)
        if is_kept is None:
            return
        self._kept += is_kept
        self._missed += not is_kept
        wealth = log_mixture(self._missed, self._kept, self._gain)
        self.sure = self.sure or wealth >= self._log_needed

    @property
    def keeps(self) -> bool:
        """True while the share of those that keep it is what is wanted."""
        count = self._kept + self._missed
        return count > 0 and self._kept >= self._share * count

    @property
    def sentence(self) -> str:
        """The requests that were seen, without a full stop."""
        return f"it misses {self.objective.text}: {self._missed} of {self._kept + self._missed} do not keep it"


class _Looks:
    """The judgements of one objective of one target, at ever greater distances."""

    def __init__(self, objective: Objective, error: float) -> None:
        self.objective = objective
        self._error = error
        self._seen: list[Observation] = []
        self._looks = 0
        self.sentence = ""
        self.sure = False

    def add(self, observation: Observation) -> None:
        """Take one request in, and judge all of them when it is time."""
        self._seen.append(observation)
        if len(self._seen) < _FIRST_LOOK << self._looks:
            return
        self._looks += 1
        found = judge(self.objective, self._seen, 1 - self._error / (self._looks * (self._looks + 1)))
        if found.state is ObjectiveState.MISSED and not self.sure:
            self.sure, self.sentence = True, f"it misses {found.sentence}"

    @property
    def keeps(self) -> bool:
        """True while the value is on the right side of the limit."""
        value = judge(self.objective, self._seen).value
        return value is not None and self.objective.is_kept_by(value)


class SequentialChoice:
    """The choice of a series under way; one call per repeat."""

    def __init__(self, rule: ChoiceRule, names: Sequence[str], *, budget: int, confidence: float) -> None:
        """`names` are two or more; `budget` is in repeats."""
        self._rule = rule
        self._names = tuple(names)
        self._confidence = confidence
        error = (1 - confidence) / (2 if rule.objectives else 1)
        each = error / max(1, len(rule.objectives))
        self._bets = [[_bet(objective, each) for objective in rule.objectives] for _ in names]
        assert rule.by.figure is not None
        self.race = UntilSure(rule.by.figure, names, budget=budget, confidence=1 - error)
        self._missing: dict[int, str] = {}

    def look(self, repeat: Sequence[float | None], asked: Sequence[Sequence[Observation]]) -> Decision:
        """Take in one repeat: the figure of each target, and its requests; both empty where it was not asked."""
        for at, observations in enumerate(asked):
            for bet in self._bets[at]:
                for observation in observations:
                    bet.add(observation)
                if bet.sure and at not in self._missing:
                    self._missing[at] = bet.sentence
                    self.race.exclude(at, misses=True)
        return self.race.look(repeat)

    def is_open(self, decision: Decision) -> bool:
        """True while who is fastest is sure, and that one does not keep its objectives so far."""
        best = [self._names.index(name) for name in decision.best]
        return decision.conclusion in _SURE and any(self._doubts(at) for at in best)

    def _doubts(self, at: int) -> str:
        """The objectives that a target does not keep so far, though that may be chance; empty without any."""
        return " and ".join(bet.objective.text for bet in self._bets[at] if not bet.keeps)

    def choice(self, decision: Decision, measured: Sequence[CandidateAnswers]) -> Choice:
        """The choice as it stands after a decision; `measured` is in the order of the names."""
        rule = self._rule
        values = [judge(rule.by, requests).value for _, _, _, requests in measured]
        left = [self._names.index(name) for name in decision.best if self._names.index(name) not in self._missing]
        known = [(value, at) for at in left if (value := values[at]) is not None]
        leader = min(known)[1] if known else None
        is_sure = decision.conclusion in _SURE and leader is not None and not self._doubts(leader)
        outcome = ChoiceOutcome.CHOSEN if is_sure else ChoiceOutcome.OPEN
        if len(self._missing) == len(self._names):
            outcome = ChoiceOutcome.NONE
        candidates = []
        for at, (model, endpoint, variant, _) in enumerate(measured):
            state, reason = CandidateState.NO_BETTER, f"usually not faster than {decision.best[0]}" if left else ""
            if at in self._missing:
                state, reason = CandidateState.MISSES, self._missing[at]
            elif is_sure and at == leader:
                state, reason = CandidateState.CHOSEN, decision.sentence
            elif not is_sure and at in left:
                state, reason = CandidateState.OPEN, "not shown to be slower"
            value = values[at]
            figure = rule.by.figure
            candidates.append(
                Candidate(
                    name=self._names[at],
                    model=model,
                    endpoint=endpoint,
                    variant=variant,
                    state=state,
                    value=None if value is None or figure is None else figure.converted(value),
                    reason=reason,
                )
            )
        return Choice(
            rule=rule.text,
            by=rule.heading,
            outcome=outcome,
            chosen="" if leader is None else self._names[leader],
            confidence=self._confidence,
            candidates=tuple(candidates),
            sentence=self._sentence(decision, outcome, leader, [requests for _, _, _, requests in measured]),
        )

    def _sentence(
        self, decision: Decision, outcome: ChoiceOutcome, leader: int | None, requests: Sequence[Sequence[Observation]]
    ) -> str:
        texts = " and ".join(each.text for each in self._rule.objectives)
        missing = "; ".join(f"{self._names[at]}: {said}" for at, said in sorted(self._missing.items()))
        tail = f"; left out: {missing}" if missing else ""
        if outcome is ChoiceOutcome.NONE:
            return f"none is chosen: every target is shown to miss {texts} ({percent(self._confidence)}){tail}"
        rate = None if leader is None else pass_rate(requests[leader])
        passed = f"; it {rate.sentence}" if rate is not None else ""
        name = "" if leader is None else self._names[leader]
        if outcome is ChoiceOutcome.CHOSEN:
            kept = f", and is not shown to miss {texts}" if texts else ""
            return f"{name} is chosen: {decision.sentence}{kept}{passed}{tail}"
        doubts = "" if leader is None else self._doubts(leader)
        leads = f"; {name} leads{f', and does not keep {doubts} so far' if doubts else ''}" if name else ""
        return f"none is chosen yet: {decision.sentence}{leads}{passed}{tail}"
