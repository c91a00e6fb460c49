"""Goodput: how many requests per second are as good as was promised."""

from collections.abc import Sequence

import msgspec

from tui.core.metrics import NS_PER_S
from tui.core.objectives import Objective, value_of
from tui.core.observation import Figure, Observation


class Goodput(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that meet every objective, among all of a series."""

    good: int
    count: int
    """All requests, failed ones included."""
    span_ns: int
    """From the first send to the last end."""
    per_second: float
    """Good requests per second of that span."""


def goodput(objectives: Sequence[Objective], observations: Sequence[Observation]) -> Goodput | None:
    """Requests that meet every per-request objective, per second from the first send to the last end.

    As in DistServe (Zhong et al., OSDI 2024): each limit on a figure holds for each request, whatever statistic of
    many requests it was set on; a limit on ITL for that statistic of the answer's own gaps. A request that failed, or
    lacks a figure that is limited, is not good. None without a span. It is a rate under the load that was offered:
    compare series of the same load only.
    """
    sent = [observation.sent_ns for observation in observations if observation.sent_ns is not None]
    ended = [observation.ended_ns for observation in observations if observation.ended_ns is not None]
    span = max(ended) - min(sent) if sent and ended else 0
    if span <= 0:
        return None
    good = sum(is_good(objectives, observation) for observation in observations)
    return Goodput(good=good, count=len(observations), span_ns=span, per_second=good * NS_PER_S / span)


def is_good(objectives: Sequence[Objective], observation: Observation) -> bool:
    """Did one request succeed, and meet every objective that a single request can meet?"""
    if observation.failed:
        return False
    for objective in objectives:
        if objective.figure is None:
            continue
        if objective.figure is Figure.ITL:
            assert objective.statistic is not None
            value = value_of(objective.statistic, sorted(observation.gaps_ns))
        else:
            value = observation.value(objective.figure)
        if value is None or not objective.is_kept_by(value):
            return False
    return True
