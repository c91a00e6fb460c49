"""One finished request as statistics see it: its figures, and the conditions under which it was measured."""

import hashlib
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from tui.core import metrics
from tui.core.cost import Cost
from tui.core.events import Status
from tui.core.figures import SAMPLED, Figure
from tui.core.plan import RequestSpec
from tui.core.record import RequestRecord
from tui.core.statistics import CONFIDENCE, Description, Interval, clustered_bounds, describe, inflation_of

_ANSWERED = (Status.DONE, Status.TRUNCATED)

MOST_ITL_ANSWERS = 200
"""Answers whose gaps are summed up, the latest: they are many, and sorting millions of them would take seconds."""


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finished request. Figures of one that failed are absent; `tui.core.figures` says what they are."""

    status: Status = Status.DONE
    run: int = 0
    """Number of its run: requests of one run were measured under the same conditions."""
    fingerprint: str = ""
    """A digest of what was asked of whom, equal for equal requests."""
    fit_group: str = ""
    """A digest of what the time per token depends on: endpoint, model and parameters, but for `max_tokens`."""
    counted: bool = True
    """False for warm-up and sweeps, which no statistic counts."""
    host: str | None = None
    """Name of the host that it was sent from, by whose clock the two moments below are."""
    sent_ns: int | None = None
    ended_ns: int | None = None
    ttft_ns: int | None = None
    ttfo_ns: int | None = None
    total_ns: int | None = None
    tpot_ns: float | None = None
    otps: float | None = None
    """Output tokens per second."""
    characters_per_s: float | None = None
    gaps_ns: Sequence[int] = ()
    """The gaps between chunks."""
    set_up_ns: int | None = None
    """Connection set-up; absent on a reused connection."""
    upload_ns: int | None = None
    network_ns: int | None = None
    server_ns: int | None = None
    """The parts of TTFT, about; absent where it could not be split."""
    split_error_ns: int | None = None
    """Most that the parts are off."""
    thinking_ns: int | None = None
    """From the start of thinking to the first text; absent where there was no content."""
    input_tokens: int | None = None
    """The tokens of the prompt that had to be processed: new ones and those written to the cache."""
    cached_tokens: int = 0
    """The tokens of the prompt that were read from the cache."""
    output_tokens: int | None = None
    turn: int | None = None
    call: int = 0
    """Its place in a conversation that is played; see `RequestSpec`."""
    passed: bool | None = None
    """True if the answer passed its prompt's checks; absent without any, and where that could not be judged."""
    overruled: bool = False
    """True where a person's word is `passed`, and not the checks'."""
    usd: float | None = None
    """Its cost at list prices, US dollars; absent where that is not known, or it may have cost more."""
    paused: bool = False
    """True for an answer that the server broke off to go on later (`pause_turn`)."""
    answered_by: str | None = None
    """The model that answered, where it is another than the one asked."""
    held_back: bool = False
    """True for an answer that came all at once or in bursts, so that its speed is not known."""
    unasked_cache: bool = False
    """True where half of the prompt or more came from a cache that was not asked for."""
    other_delivery: bool = False
    """True for an answer in one piece in place of a stream."""
    proxy: str | None = None
    """The proxy that it went through."""
    attempt: int = 1
    """The attempt that its times are of: those before were turned away, or met a kept connection that was closed."""
    thinking_tokens: int | None = None
    """Tokens of thinking among the output tokens; absent where the API did not say."""

    @property
    def answered(self) -> bool:
        """True for a request with a complete answer, be it cut: only those are in statistics."""
        return self.status in _ANSWERED

    @property
    def failed(self) -> bool:
        """True for a request without an answer; a refusal is neither a failure nor an answer."""
        return not self.answered and self.status is not Status.REFUSED

    def is_of(self, record: RequestRecord) -> bool:
        """True if it is the observation of this request: no two have the same stamps on one clock."""
        timeline = record.timeline
        stamps = (timeline.sent_ns, timeline.ended_ns, record.spec.host)
        return (self.sent_ns, self.ended_ns, self.host) == stamps and timeline.sent_ns is not None

    def value(self, figure: Figure) -> float | None:
        """One figure, ns or 1/s; None where it is undefined, and of ITL, of which there are many."""
        declared = figure.declared
        if declared.sample is None or declared.samples is not None:
            return None
        value: float | None = getattr(self, declared.sample)
        return value


def observe(
    record: RequestRecord, *, run: int = 0, fingerprint: str = "", counted: bool = True, cost: Cost | None = None
) -> Observation | None:
    """A request as an observation; None while it is in flight, and for one that was cancelled or interrupted.

    Those say nothing of the target.
    """
    status, timeline, usage = record.status, record.timeline, record.usage
    if status is None or status in (Status.CANCELLED, Status.INTERRUPTED):
        return None
    found = Observation(
        status=status,
        run=run,
        fingerprint=fingerprint,
        fit_group=_fit_group(record.spec),
        counted=counted,
        host=record.spec.host,
        sent_ns=timeline.sent_ns,
        ended_ns=timeline.ended_ns,
        set_up_ns=metrics.set_up_ns(timeline),
        thinking_tokens=usage.thinking_tokens,
        proxy=record.response.proxy,
        attempt=record.attempt,
        other_delivery=record.response.streamed is False,
        passed=record.passed,
        overruled=record.overruled is not None,
        usd=None if cost is None or cost.is_lower_bound else cost.usd,
        turn=record.spec.turn,
        call=record.spec.call,
    )
    if not found.answered:
        return found
    rows = [figure.declared for figure in SAMPLED]
    figures = {str(row.sample): row.of(record) if row.samples is None else row.samples(record) for row in rows}
    written = usage.cache_creation_input_tokens or 0
    return msgspec.structs.replace(
        found,
        **figures,
        thinking_ns=metrics.thinking_ns(timeline),
        split_error_ns=None if (parts := record.split) is None else parts.error_ns,
        input_tokens=None if usage.input_tokens is None else usage.input_tokens + written,
        cached_tokens=usage.cache_read_input_tokens or 0,
        output_tokens=record.output_tokens,
        paused=record.stop_reason == "pause_turn",
        answered_by=record.other_model,
        held_back=record.has_no_pace,
        unasked_cache=record.reads_unasked_cache,
    )


def judged_anew(observations: Iterable[Observation], record: RequestRecord) -> list[Observation]:
    """These observations, that of `record` with the verdict that it has now."""
    verdict = {"passed": record.passed, "overruled": record.overruled is not None}
    return [msgspec.structs.replace(one, **verdict) if one.is_of(record) else one for one in observations]


def _fit_group(spec: RequestSpec) -> str:
    what = (spec.endpoint.name, spec.endpoint.base_url, spec.model, spec.parameters.without(("max_tokens",)))
    return hashlib.blake2b(msgspec.msgpack.encode(what), digest_size=16).hexdigest()


def samples(observations: Iterable[Observation], figure: Figure) -> list[float | None]:
    """One figure of every request, in order, as `statistics.describe` takes it: `None` is a failed request.

    A refusal, and an answer without the figure (no TTFO where all is thinking), are neither sample nor failure.
    Of ITL: all gaps of all answers in one list, and `None` for every failure.
    """
    found: list[float | None] = []
    for observation in observations:
        if observation.answered:
            found.extend(_values(observation, figure))
        elif observation.failed:
            found.append(None)
    return found


def _values(answer: Observation, figure: Figure) -> Sequence[float]:
    if figure is Figure.ITL:
        return answer.gaps_ns
    value = answer.value(figure)
    return () if value is None else (value,)


def present(observations: Iterable[Observation], figure: Figure) -> list[float]:
    """`samples` without the failures."""
    return [value for value in samples(observations, figure) if value is not None]


def per_run(observations: Sequence[Observation], figure: Figure) -> list[float]:
    """One figure of every run, in order: of several requests of a run, which share its conditions, the median.

    So it is what a comparison counts as independent. Requests of run 0, whose run is not known, stand alone.
    """
    return [median(values) for values in by_run(observations, figure)]


def runs_of(observations: Iterable[Observation]) -> dict[int, list[Observation]]:
    """The requests of each run, by its number, in order."""
    runs: dict[int, list[Observation]] = {}
    for one in observations:
        runs.setdefault(one.run, []).append(one)
    return runs


def by_run(observations: Sequence[Observation], figure: Figure) -> list[list[float]]:
    """One figure of the answers of each run that has any, in order."""
    runs: dict[int, list[float]] = {}
    for at, one in enumerate(observations):
        if one.answered and (values := _values(one, figure)):
            runs.setdefault(one.run or -1 - at, []).extend(values)
    return list(runs.values())


def summary(observations: Sequence[Observation], figure: Figure) -> Description:
    """All statistics of one figure of repeated requests.

    Gaps of one answer, and requests of one run, depend on each other: of those, what `clustered_bounds` bound.

    The one summary of many requests: screen, standard output and reports show it.
    """
    latest, groups = observations, by_run(observations, figure) if figure is not Figure.ITL else []
    if figure is Figure.ITL:
        latest = observations[-MOST_ITL_ANSWERS:]
        groups = [list(observation.gaps_ns) for observation in latest]
    elif all(len(group) == 1 for group in groups):
        return describe(samples(observations, figure))
    inflation = inflation_of([median(group) for group in groups if group])
    intervals = {each: _clustered(groups, each, inflation) for each in (50, 90, 95, 99)}
    found = describe(samples(latest, figure))
    return msgspec.structs.replace(
        found,
        median_interval=intervals[50],
        **{f"p{each}": getattr(found, f"p{each}") if intervals[each] else None for each in (90, 95, 99)},
    )


def _clustered(groups: Sequence[Sequence[float]], at: int, inflation: float) -> Interval | None:
    # Two one-sided bounds, each with half of what is left.
    low, high = clustered_bounds(groups, at, (1 + CONFIDENCE) / 2, inflation)
    return None if low is None or high is None else Interval(low=low, high=high, confidence=CONFIDENCE)
