"""Levels of a load as the JSON export has them: times in milliseconds, rates per second, derived from the requests."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from tui.core.load_results import Knee, LevelSummary, knees, levels_in
from tui.core.metrics import NS_PER_MS
from tui.core.objectives import Objective
from tui.core.run import StoredRun
from tui.core.statistics import Description, Interval


def _means(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class ExportedLevel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One level of load of one target, summed up; derived, like all. Its requests name it in their run's info."""

    target: str
    model: str
    endpoint: str
    simulated: bool
    number: Annotated[int, _means("Number of the level at this target, from 1.")]
    concurrency: Annotated[int | None, _means("Requests that were kept in flight; absent at a rate.")] = None
    rate: Annotated[float | None, _means("Requests per second that were due; absent for a trace's own pace.")] = None
    arrivals: Annotated[str | None, _means("Gaps between arrivals; absent for a level of concurrency.")] = None
    seconds: Annotated[float, _means("Counted time, without ramp and warm-up.")]
    requests: Annotated[int, _means("Counted requests, whatever became of them.")]
    answers: int
    errors: Annotated[dict[str, int], _means("Requests without an answer, by kind.")]
    unsent: Annotated[int, _means("Requests that were due and not sent: too many were in flight.")]
    in_flight: Annotated[float, _means("Mean number of requests in flight in the counted time.")]
    most_in_flight: int
    ttft_ms: Annotated[Description, _means("TTFT from the send, ms.")]
    ttlt_ms: Annotated[Description, _means("Total time from the send, ms.")]
    ttft_from_due_ms: Annotated[Description, _means("TTFT from the moment at which the request was to be sent, ms.")]
    ttlt_from_due_ms: Annotated[Description, _means("Total time from that moment, ms.")]
    send_lag_ms: Annotated[Description, _means("From that moment to the send, ms.")]
    good: Annotated[int, _means("Requests within every objective; answers where there are none.")]
    throughput: Annotated[float, _means("Answers per second.")]
    goodput: Annotated[float, _means("Requests within every objective, per second.")]
    goodput_interval: Annotated[Interval | None, _means("Absent with too few good requests.")] = None


class ExportedKnee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The level of load beyond which more costs more than it brings, of one target, and its doubt; derived."""

    target: str
    concurrency: int | None = None
    rate: float | None = None
    perhaps: Annotated[tuple[float, ...], _means("Other levels that may be it.")] = ()
    confidence: float
    sentence: str


def loads_of(
    runs: Iterable[StoredRun], objectives: Sequence[Objective]
) -> tuple[list[ExportedLevel], list[ExportedKnee]]:
    """The levels of the loads among the runs, and their knees."""
    found = levels_in(runs, objectives)
    return list(map(_level_of, found)), list(map(_knee_of, knees(found)))


def _level_of(one: LevelSummary) -> ExportedLevel:
    return ExportedLevel(
        target=one.target,
        model=one.model,
        endpoint=one.endpoint,
        simulated=one.simulated,
        number=one.number,
        concurrency=one.level.concurrency,
        rate=one.level.rate,
        arrivals=one.level.arrivals,
        seconds=one.seconds,
        requests=one.requests,
        answers=one.answers,
        errors=dict(one.errors),
        unsent=one.unsent,
        in_flight=one.in_flight,
        most_in_flight=one.most_in_flight,
        ttft_ms=_in_ms(one.ttft),
        ttlt_ms=_in_ms(one.total),
        ttft_from_due_ms=_in_ms(one.ttft_from_due),
        ttlt_from_due_ms=_in_ms(one.total_from_due),
        send_lag_ms=_in_ms(one.lag),
        good=one.good,
        throughput=one.throughput,
        goodput=one.goodput,
        goodput_interval=one.goodput_interval,
    )


def _in_ms(described: Description) -> Description:
    """Statistics of times, ms."""
    fields = {name: getattr(described, name) for name in described.__struct_fields__}
    for name, value in fields.items():
        if isinstance(value, Interval):
            ends = {"low": value.low / NS_PER_MS, "high": value.high / NS_PER_MS}
            fields[name] = msgspec.structs.replace(value, **ends)
        elif value is not None and name not in ("count", "failures"):
            fields[name] = value / NS_PER_MS
    return Description(**fields)


def _knee_of(found: Knee) -> ExportedKnee:
    return ExportedKnee(
        target=found.target,
        concurrency=None if found.at is None else found.at.concurrency,
        rate=None if found.at is None else found.at.rate,
        perhaps=tuple(level.load for level in found.perhaps),
        confidence=found.confidence,
        sentence=found.sentence,
    )
