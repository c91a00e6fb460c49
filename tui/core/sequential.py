"""Until sure: a rule that may be asked after every repeat whether the best target is known.

Looking again and again at an ordinary test finds a difference sooner or later where there is none. Here each claim is
tested by betting against it, which looks do not spoil: a gambler's wealth that no strategy can raise on average if the
claim's contrary is true reaches 1/α with probability α at most, at any time (Ville 1939; Ramdas, Grünwald, Vovk and
Shafer, Game-Theoretic Statistics, Statistical Science 38, 2023).

A repeat measures every target once, so that targets are compared within it, and what drifts over the hour falls out.
The claim is that j is usually faster than k: in more than half of the repeats, whatever the shapes of their times. The
bet is on the sign alone: a repeat multiplies the wealth by 1 + λ where j was faster, by 1 − λ where k was. If j is
faster in half of the repeats at most, its mean is 1 at most. The λ are a mixture, a sixth of the wealth on each
(Robbins, Annals of Mathematical Statistics 41, 1970). A bet on sizes needs symmetric differences: cold caches make it
sure of the target with the worse median. Where noise is log-normal, signs take a third more repeats; where a part of
the answers is four times slower, a fifth as many. "Usually at most y slower" is the same bet, with j favoured by 1 + y.

Error: let b be the target that is usually faster than every other. For each of the K − 1 others at most two of the
claims that are tested are untrue: that it is faster than b, and either that it is at most y slower than b or, if it is
as fast as b, that b is faster. No other wrong claim can lead to a wrong end. So each claim is made at a wealth of
2(K − 1)/α (Bonferroni), and the end is wrong with probability α at most, however often one looks. A target that is
beaten needs not be asked again: what is asked next may depend on what is known.

That is exact for repeats that are independent once shared drift is out. A target whose own level drifts makes one
difference resemble the one before it. So a claim is made only when the log of the wealth, which grows with the number
of repeats, exceeds what is needed by the factor that such dependence raises a variance by: (1 + r)/(1 − r), r being the
lag-1 correlation of the differences, plus half its standard error. This can only delay an end. At r = 0.5 it keeps the
error near α, where plain bets are wrong in a third of the series (docs/accuracy.md), for a fifth more repeats.

With two targets 15 % apart, each with log-normal noise of 10 %, half of all series end within 22 repeats and nine in
ten within 40, at 95 % (`tests/core/test_sequential.py`).
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import msgspec

from tui.core.comparison import two_digits
from tui.core.figures import Figure
from tui.core.statistics import CONFIDENCE, dependence
from tui.core.wording import counted, percent

WITHIN = 0.05
"""The relative difference below which targets count as alike, unless told otherwise."""
_STAKES = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""λ of the mixture; best is 2p − 1 for a target that is faster in a share p of the repeats."""
_MOST_REPEATS = 10_000
_CAUTION = 0.5
"""Standard errors that are added to a correlation: signs that all agree say nothing of their dependence."""


class Conclusion(StrEnum):
    """Conclusion after a repeat."""

    GO_ON = "go on"
    BEST = "best"
    """Sure: one target is usually the fastest."""
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
    more: int | None
    """About how many more repeats would tell, if they go on like these; of a budget that is spent, where any can."""
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
        self._refusing: set[int] = set()
        self._missing: set[int] = set()
        pairs = [(j, k) for j in range(len(names)) for k in range(len(names)) if j != k]
        # One list for both claims and both directions: a lead of j over k is k's over j, negative.
        leads: dict[tuple[int, int], list[float]] = {pair: [] for pair in pairs if pair[0] < pair[1]}
        self._leads = leads
        self._faster = {(j, k): _Signs(leads[min(j, k), max(j, k)]) for j, k in pairs}
        self._close = {(j, k): _Signs(leads[min(j, k), max(j, k)]) for j, k in pairs}

    @property
    def left(self) -> list[int]:
        """Places of the targets that can still be the best, and are worth asking."""
        answering = [k for k in range(len(self._names)) if k not in self._refusing | self._missing]
        beaten = {k for (j, k), signs in self._faster.items() if signs.sure and j in answering}
        # All beaten in a circle is what cannot be; then nothing is known.
        return [k for k in answering if k not in beaten] or answering

    def exclude(self, place: int, *, misses: bool = False) -> None:
        """Leave a target out that is refused for good, or surely `misses` what it must keep."""
        (self._missing if misses else self._refusing).add(place)

    def look(self, repeat: Sequence[float | None]) -> Decision:
        """Take in one repeat, a figure per target in their order (None where it was not asked or failed), and decide.

        A pair of which one failed learns nothing from the repeat: failures are for an objective to judge.
        """
        logs = [math.log(value) if value is not None and 0 < value < math.inf else None for value in repeat]
        self._repeats += 1
        for (j, k), leads in self._leads.items():
            if (lead := self._lead(logs, j, k)) is None:
                continue
            leads.append(lead)
            for pair, ahead in (((j, k), lead), ((k, j), -lead)):
                self._faster[pair].add(ahead, self._log_needed)
                self._close[pair].add(ahead + self._margin, self._log_needed)
        return self._decide()

    def _lead(self, logs: Sequence[float | None], j: int, k: int) -> float | None:
        """The log of k's figure over j's, of j's over k's for rates: above 0 where j was faster."""
        mine, other = logs[j], logs[k]
        if mine is None or other is None:
            return None
        return other - mine if self._figure.less_is_better else mine - other

    def _decide(self) -> Decision:
        left = self.left
        if len(left) == 1 and len(self._refusing) < len(self._names) - 1:
            name = self._names[left[0]]
            said = f"sure: {name} is usually fastest in"
            return self._decision(Conclusion.BEST, left, said, self._dependence(left[0]))
        if all(self._close[j, k].sure for j in left for k in left if j != k) and len(left) > 1:
            names = _listed([self._names[k] for k in left])
            said = f"sure: {names} are alike, usually no difference of more than {percent(self._within)} in"
            return self._decision(Conclusion.ALIKE, left, said)
        if self._repeats < self._budget:
            return self._decision(Conclusion.GO_ON, left, "not sure yet which is usually fastest in")
        more = self._more(left)
        tail = f"; about {more:,} more would tell if they go on like these" if more else ""
        said = "budget spent, not sure which is usually fastest in"
        return self._decision(Conclusion.SPENT, left, said, tail, more=more)

    def _dependence(self, best: int) -> str:
        """A remark where differences from the best clearly resemble the ones before: more repeats were asked then."""
        found = [dependence([leads]) for pair, leads in self._leads.items() if best in pair]
        clear = [each.correlation for each in found if each.is_clear]
        if not clear:
            return ""
        return f"; repeats resemble those before them (correlation {max(clear):.2f}), so more of them were asked for"

    def _more(self, left: Sequence[int]) -> int | None:
        """Repeats that would make the one that leads sure: the wealth grows by the relative entropy of its share."""
        needed = [max(self._faster[j, k].more(self._log_needed) for k in left if k != j) for j in left if len(left) > 1]
        least = min(needed, default=math.inf)
        return None if math.isinf(least) else min(_MOST_REPEATS, two_digits(math.ceil(least)))

    def _decision(
        self, conclusion: Conclusion, best: list[int], said: str, tail: str = "", *, more: int | None = None
    ) -> Decision:
        repeats = self._repeats
        refused = [self._names[k] for k in sorted(self._refusing)]
        tail += f"; refused: {', '.join(refused)}" if refused else ""
        return Decision(
            conclusion=conclusion,
            best=tuple(self._names[k] for k in best),
            repeats=repeats,
            more=more,
            sentence=f"{said} {self._figure.label} ({percent(self._confidence)}), {counted(repeats, 'repeat')}{tail}",
        )


class _Signs:
    """The gambler's wealth after bets on signs: the mean over λ of (1 + λ)^wins · (1 − λ)^losses."""

    def __init__(self, leads: Sequence[float]) -> None:
        """`leads` are those of the pair so far, from which their dependence is told."""
        self.wins = 0
        self.losses = 0
        self.sure = False
        """True if the claim could ever be made: Ville's bound is on the highest wealth."""
        self._leads = leads

    def add(self, lead: float, log_needed: float) -> None:
        """Bet on one repeat, the latest of the leads; a tie leaves the wealth as it is."""
        self.wins += lead > 0
        self.losses += lead < 0
        # Most wealth is small: only what would be enough for independent repeats is looked at closer.
        if not self.sure and (wealth := log_mixture(self.wins, self.losses)) >= log_needed:
            self.sure = wealth >= log_needed * dependence([self._leads], _CAUTION).inflation

    def more(self, log_needed: float) -> float:
        """Repeats that are missing if the share of wins stays as it is; infinite where it is half at most."""
        share = (self.wins + 0.5) / (self.wins + self.losses + 1)
        if share <= 0.5:
            return math.inf
        growth = math.log(2) + share * math.log(share) + (1 - share) * math.log(1 - share)
        needed = log_needed * dependence([self._leads]).inflation
        return max(1.0, (needed + math.log(len(_STAKES))) / growth - self.wins - self.losses)


@lru_cache(maxsize=65_536)
def log_mixture(wins: int, losses: int, gain: float = 1.0) -> float:
    """The log of the gambler's wealth, who gains `gain` times a stake at a win, and loses it else."""
    logs = [wins * math.log1p(stake * gain) + losses * math.log1p(-stake) for stake in _STAKES]
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs) / len(_STAKES))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
