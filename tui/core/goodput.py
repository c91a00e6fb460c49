"""Goodput: requests that meet every objective, as a share and under load per second."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from tui.core.distributions import share_bounds
from tui.core.metrics import NS_PER_S
from tui.core.objectives import Objective, kept_by
from tui.core.observation import Observation, runs_of
from tui.core.statistics import CONFIDENCE
from tui.core.wording import part_of, percent, three_digits


class Goodput(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that meet every objective, among all of a series."""

    good: int
    count: int
    """All requests, failed ones included."""
    low: float
    """Share of good requests: the true one is below with a probability of 2.5 % at most (Clopper-Pearson)."""
    high: float
    per_second: float | None
    """Good requests per second, from the first send of each run to its last end; only under load, where requests
    overlap. Pauses between runs, and checks of their answers, are in no span."""

    @property
    def sentence(self) -> str:
        """In words, without a full stop."""
        requests = part_of(self.good, self.count, "request")
        share = f"{percent(round(self.low, 2))} to {percent(round(self.high, 2))} ({percent(CONFIDENCE)})"
        rate = "" if self.per_second is None else f", {three_digits(self.per_second)} requests/s"
        return f"{requests} within every limit, {share}{rate}"


def goodput(objectives: Sequence[Objective], observations: Sequence[Observation]) -> Goodput | None:
    """Requests that meet every per-request objective, as a share, and under load per second.

    As in DistServe (Zhong et al., OSDI 2024): each limit on a figure holds for each request, whatever statistic of
    many requests it was set on; a limit on ITL for that statistic of the answer's own gaps. A request that failed, or
    lacks a figure that is limited, is not good. None without requests. The rate is under the load that was offered:
    compare series of the same load only.
    """
    if not observations:
        return None
    span = sum(_span(run) for run in runs_of(observations).values())
    good = sum(is_good(objectives, observation) for observation in observations)
    runs = Counter(observation.run for observation in observations if observation.run)
    # Of several hosts there is no span: each has a clock of its own.
    is_one_clock = len({observation.host for observation in observations}) == 1
    is_load = is_one_clock and span > 0 and max(runs.values(), default=0) > 1
    low, high = share_bounds(good, len(observations), (1 + CONFIDENCE) / 2)
    per_second = good * NS_PER_S / span if is_load else None
    return Goodput(good=good, count=len(observations), low=low, high=high, per_second=per_second)


def _span(observations: Sequence[Observation]) -> int:
    """Time from the first send to the last end, ns."""
    sent = [observation.sent_ns for observation in observations if observation.sent_ns is not None]
    ended = [observation.ended_ns for observation in observations if observation.ended_ns is not None]
    return max(0, max(ended) - min(sent)) if sent and ended else 0


def is_good(objectives: Sequence[Objective], observation: Observation) -> bool:
    """True if one request succeeded and met every objective that a single request can meet."""
    if not observation.answered:
        return False
    for objective in objectives:
        is_kept = kept_by(objective, observation)
        if is_kept is False or (is_kept is None and objective.figure is not None and not objective.is_fitted):
            return False
    return True
