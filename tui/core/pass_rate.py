"""Pass rate: the share of answers that passed their checks, its interval, and exact comparisons of two of them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

import msgspec

from tui.core.distributions import binomial_at_least, holm, share_bounds
from tui.core.observation import Observation
from tui.core.statistics import CONFIDENCE
from tui.core.wording import percent

Judged = tuple[str, Sequence[Observation]]
"""A name and its requests."""


class PassRate(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that passed among those that were judged; a request that failed or was refused did not pass."""

    passed: int
    judged: int
    unjudged: int
    """Answers that have no verdict although others have."""
    overruled: int = 0
    """Answers of which a person's word counts, and not the checks'."""
    low: float
    """The true share is below with a probability of 2.5 % at most (Clopper-Pearson)."""
    high: float

    @property
    def share(self) -> float:
        """The share of these answers."""
        return self.passed / self.judged

    @property
    def counts(self) -> str:
        """`18 of 20`, and how many of these by a person's word."""
        return f"{self.passed} of {self.judged}{f', {self.overruled} overruled' if self.overruled else ''}"

    @property
    def interval(self) -> str:
        """The interval in words."""
        return f"{percent(round(self.low, 3))} to {percent(round(self.high, 3))}"

    @property
    def sentence(self) -> str:
        """In words, without a full stop."""
        rest = f"; {self.unjudged} could not be judged" if self.unjudged else ""
        return f"passed {self.counts}, {self.interval} ({percent(CONFIDENCE)}){rest}"


def pass_rate(observations: Sequence[Observation]) -> PassRate | None:
    """The pass rate of these requests; None where none was judged."""
    verdicts = [observation.passed for observation in observations]
    unjudged = verdicts.count(None)
    overruled = sum(observation.overruled for observation in observations)
    return rate_of(verdicts.count(True), len(verdicts) - unjudged, unjudged, overruled)


@lru_cache(maxsize=1024)
def rate_of(passed: int, judged: int, unjudged: int = 0, overruled: int = 0) -> PassRate | None:
    """The pass rate by its counts; None where none was judged."""
    if not judged:
        return None
    low, high = share_bounds(passed, judged, (1 + CONFIDENCE) / 2)
    return PassRate(passed=passed, judged=judged, unjudged=unjudged, overruled=overruled, low=low, high=high)


def differing(sets: Sequence[Judged], confidence: float = CONFIDENCE) -> list[str]:
    """One sentence, without a full stop, per pair that was judged: all of them together are wrong with 1 − `confidence`
    at most (Holm).

    Sets with one request per run and the same runs are pairs, compared by McNemar's exact test; others by Fisher's.
    """
    return [sentence for sentence in compared_pairs(list(combinations(sets, 2)), confidence) if sentence]


def compared_pairs(pairs: Sequence[tuple[Judged, Judged]], confidence: float = CONFIDENCE) -> list[str]:
    """The same for these pairs; empty for one of which a side has no verdicts."""
    judged = [
        [(name, [one for one in requests if one.passed is not None]) for name, requests in pair] for pair in pairs
    ]
    asked = [pair for pair in judged if all(requests for _, requests in pair)]
    adjusted = iter(holm([exact_p(first[1], second[1]) for first, second in asked]))
    return [_sentence(pair[0], pair[1], next(adjusted), confidence) if pair in asked else "" for pair in judged]


def _sentence(first: Judged, second: Judged, p: float, confidence: float) -> str:
    rates = [pass_rate(requests) for _, requests in (first, second)]
    counts = [rate.counts for rate in rates if rate is not None]
    shares = [rate.share for rate in rates if rate is not None]
    said = f"{first[0]} {counts[0]}, {second[0]} {counts[1]} (exact test, p = {p:.2g})"
    if p > 1 - confidence or shares[0] == shares[1]:
        return f"passed: no difference shown between {said}"
    better = first[0] if shares[0] > shares[1] else second[0]
    return f"passed: {better} passes more often: {said}"


def exact_p(first: Sequence[Observation], second: Sequence[Observation]) -> float:
    """Two-sided p of the exact test of two sets that were judged: McNemar's where they are pairs, else Fisher's."""
    by_run, other = ({one.run: one.passed for one in requests} for requests in (first, second))
    is_paired = by_run.keys() == other.keys() and 0 not in by_run
    if is_paired and len(by_run) == len(first) == len(second):
        wins = sum(by_run[run] is True and other[run] is False for run in by_run)
        losses = sum(by_run[run] is False and other[run] is True for run in by_run)
        return mcnemar(wins, losses)
    passed = [sum(one.passed is True for one in requests) for requests in (first, second)]
    return fisher(passed[0], len(first), passed[1], len(second))


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided p of McNemar's exact test: the sign test of the pairs of which one alone passed."""
    count = wins + losses
    return min(1.0, 2 * binomial_at_least(max(wins, losses), count, 0.5)) if count else 1.0


def fisher(hits: int, of: int, other_hits: int, of_other: int) -> float:
    """Two-sided p of Fisher's exact test: all tables with the same sums that are no likelier than this one."""
    total, together = of + of_other, hits + other_hits
    ways = [
        comb(of, k) * comb(of_other, together - k) for k in range(max(0, together - of_other), min(of, together) + 1)
    ]
    here = comb(of, hits) * comb(of_other, other_hits)
    return min(1.0, sum(way for way in ways if way <= here) / comb(total, together))
