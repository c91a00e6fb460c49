"""Until sure: a rule that may be asked after every repeat whether the best target is known.

Looking again and again at an ordinary test finds a difference sooner or later where there is none. Here each claim is
tested by betting against it, which looks do not spoil: a gambler's wealth that no strategy can raise on average if the
claim's contrary is true reaches 1/α with probability α at most, at any time (Ville 1939; Ramdas, Grünwald, Vovk and
Shafer, Game-Theoretic Statistics, Statistical Science 38, 2023).

A repeat measures every target once, so that targets are compared within it, and what drifts over the hour falls out.
The bet for "j is faster than k" is on d, the log of k's figure over j's (of j's over k's for rates): each repeat
multiplies the wealth by 1 + tanh(λd). If d is as likely to be −x as x, for every x, its mean is 1 whatever the
distribution: so it is for two equal targets in random order. The λ are a mixture, a sixth of the wealth on each. That
is Efron's (JASA 64, 1969) conditionally symmetric t test made sequential by the method of mixtures (Robbins, Annals of
Mathematical Statistics 41, 1970; de la Peña, Annals of Probability 27, 1999, bounds the same factor). It also holds
where d tends below zero. Betting on the size of d ends in three quarters of the repeats that betting on its sign takes.

"At most y slower" is the same bet on d + ln(1 + y); there the shapes of both targets' logs must be alike.

Error: let b be the best target. For each of the K − 1 others at most two of the claims that are tested are untrue: that
it is faster than b, and either that it is at most y slower than b or, if it is as fast as b, that b is faster. No other
wrong claim can lead to a wrong end. So each claim is made at a wealth of 2(K − 1)/α (Bonferroni), and the end is wrong
with probability α at most, however often one looks.

With two targets 15 % apart, each with log-normal noise of 10 %, half of all series end within 13 repeats and nine in
ten within 24, at 95 % (`tests/core/test_sequential.py`).
"""

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tui.core.figures import Figure
from tui.core.statistics import CONFIDENCE
from tui.core.wording import percent

WITHIN = 0.05
"""The relative difference below which targets count as alike, unless told otherwise."""
_STAKES = tuple(0.5 * 3**power for power in range(6))
"""λ of the mixture: best is mean / variance of d, from 50 % noise on to 3 %."""


class Conclusion(StrEnum):
    """Conclusion after a repeat."""

    GO_ON = "go on"
    BEST = "best"
    """Sure: one target is best."""
    ALIKE = "alike"
    """Sure: the best is among several, and none of them is slower than the best by more than the given part."""
    SPENT = "spent"
    """The budget is spent, and nothing is sure."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Knowledge after some repeats."""

    conclusion: Conclusion
    best: tuple[str, ...]
    """The targets that can still be the best, in the order given: one when it is known."""
    repeats: int
    sentence: str
    """In words, without a full stop."""


class UntilSure:
    """The state of the rule for one figure over a series; one call per repeat, whose cost does not grow."""

    def __init__(
        self,
        figure: Figure,
        names: Sequence[str],
        *,
        budget: int,
        confidence: float = CONFIDENCE,
        within: float = WITHIN,
    ) -> None:
        """For two targets or more. `budget` is in repeats; `within` is a part of the better figure: 0.05 is 5 %."""
        if len(names) < 2:
            raise ValueError("Until sure compares targets: it needs two or more.")
        self._figure = figure
        self._names = tuple(names)
        self._budget = budget
        self._confidence = confidence
        self._within = within
        self._margin = math.log1p(within)
        self._log_needed = math.log(2 * (len(names) - 1) / (1 - confidence))
        self._repeats = 0
        pairs = [(j, k) for j in range(len(names)) for k in range(len(names)) if j != k]
        self._faster = {pair: _Wealth() for pair in pairs}
        self._close = {pair: _Wealth() for pair in pairs}

    def look(self, repeat: Sequence[float | None]) -> Decision:
        """Take in one repeat, a figure per target in their order (None for a failed request), and decide.

        A pair of which one failed learns nothing from the repeat: failures are for an objective to judge.
        """
        self._repeats += 1
        logs = [math.log(value) if value is not None and value > 0 else None for value in repeat]
        sign = 1 if self._figure.less_is_better else -1
        for (j, k), wealth in self._faster.items():
            mine, other = logs[j], logs[k]
            if mine is not None and other is not None:
                lead = sign * (other - mine)
                wealth.bet(lead)
                self._close[j, k].bet(lead + self._margin)
        return self._decide()

    def _decide(self) -> Decision:
        targets = range(len(self._names))
        beaten = {k for (j, k), wealth in self._faster.items() if wealth.reached(self._log_needed)}
        # All beaten in a circle is what cannot be; then nothing is known.
        left = [k for k in targets if k not in beaten] or list(targets)
        alone = next((j for j in targets if all(self._leads(j, k) for k in targets if k != j)), None)
        if alone is not None:
            return self._decision(Conclusion.BEST, [alone], f"sure: {self._names[alone]} is best in")
        if all(self._close[j, k].reached(self._log_needed) for j in left for k in left if j != k) and len(left) > 1:
            names = _listed([self._names[k] for k in left])
            said = f"sure: {names} are alike, no difference of more than {percent(self._within)} in"
            return self._decision(Conclusion.ALIKE, left, said)
        if self._repeats >= self._budget:
            return self._decision(Conclusion.SPENT, left, "budget spent, not sure which is best in")
        return self._decision(Conclusion.GO_ON, left, "not sure yet which is best in")

    def _leads(self, j: int, k: int) -> bool:
        return self._faster[j, k].reached(self._log_needed)

    def _decision(self, conclusion: Conclusion, best: list[int], said: str) -> Decision:
        return Decision(
            conclusion=conclusion,
            best=tuple(self._names[k] for k in best),
            repeats=self._repeats,
            sentence=f"{said} {self._figure.label} ({percent(self._confidence)}), {self._repeats} repeats",
        )


class _Wealth:
    """The gambler's wealth: the mean over λ of ∏ (1 + tanh(λd)), from 1."""

    def __init__(self) -> None:
        self._logs = [0.0] * len(_STAKES)
        self.log = 0.0
        """The wealth's logarithm now."""
        self._highest = 0.0

    def bet(self, lead: float) -> None:
        """1 + tanh(x) is 2 / (1 + exp(−2x)), taken in logs so that nothing overflows."""
        for at, stake in enumerate(_STAKES):
            x = -2 * stake * lead
            self._logs[at] += math.log(2) - (max(x, 0.0) + math.log1p(math.exp(-abs(x))))
        top = max(self._logs)
        self.log = top + math.log(math.fsum(math.exp(log - top) for log in self._logs) / len(_STAKES))
        self._highest = max(self._highest, self.log)

    def reached(self, log_needed: float) -> bool:
        """True if it was ever that high: Ville's bound is on the highest."""
        return self._highest >= log_needed


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
