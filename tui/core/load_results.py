"""Results of a load: every level summed up, goodput and its interval, the knee of the curve, and all that in words."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from statistics import fmean, median, stdev

import msgspec

from tui.core.distributions import student_quantile
from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.goodput import is_good
from tui.core.load import Level
from tui.core.metrics import NS_PER_S
from tui.core.objectives import Objective
from tui.core.observation import Observation, observe, summary
from tui.core.record import RequestRecord
from tui.core.run import RunInfo, StoredRun
from tui.core.statistics import CONFIDENCE, RESAMPLES, Description, Interval, describe, median_draws, samples_needed
from tui.core.wording import ABSENT, amount, counted, format_duration, percent, three_digits

BATCHES = 10
"""Parts of equal length of a level's counted time; their rates tell the doubt of its goodput."""
FEWEST_LEVELS = 3
"""Levels below which a curve has no knee."""
_LATE_NS = 50_000_000  # of an arrival, from which on it is told: a machine, a connection or a full load made it so


class LoadSample(msgspec.Struct, frozen=True, kw_only=True):
    """A counted request of a load, with no more than the results need: there are many."""

    due_ns: int
    part: int
    """The engine by whose clock that is; see `LoadPlace`."""
    observation: Observation
    """Without the gaps between its chunks."""
    good: bool
    """True for an answer within every limit that holds for a single request."""
    error: str | None
    """The failure's kind, or how it ended otherwise than with an answer."""


class LevelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One level of one target. Times are ns, rates 1/s."""

    target: str
    model: str
    endpoint: str
    simulated: bool
    number: int
    """Its number at this target, from 1."""
    level: Level
    seconds: float
    """Counted time."""
    requests: int
    """Counted requests that are over, whatever became of them; `errors` are those without an answer, by kind."""
    answers: int
    errors: Mapping[str, int]
    unsent: int
    """Requests that were due and not sent: too many were in flight."""
    interrupted: int
    """Requests whose engine was lost, or the program ended; they say nothing of the target, and are not counted."""
    in_flight: float
    """Mean number in flight in the counted time, those of the warm-up included."""
    most_in_flight: int
    ttft: Description
    total: Description
    ttft_from_due: Description
    """TTFT from the moment at which the request was to be sent: what whoever waits for it sees."""
    total_from_due: Description
    lag: Description
    """From that moment to the send."""
    good: int
    throughput: float
    goodput: float
    """Requests within every limit per second; the throughput is of all answers."""
    batches: tuple[int, ...]
    """Good requests by the part of the counted time in which they were due."""
    observations: tuple[Observation, ...]
    totals: tuple[float, ...]
    """Total times from the moments at which they were due, ascending."""
    host: str | None = None
    """The one host that it tells of; None for all together."""
    hosts: tuple["LevelSummary", ...] = ()
    """The level by host, where the plan named any."""

    def goodput_bounds(self, confidence: float) -> tuple[float, float] | None:
        """One-sided bounds of the goodput, each at `confidence`; None where there are fewer good requests than parts.

        Batch means, ± t·s/√k of the rates of k parts of the time (Law, Simulation Modeling and Analysis, 2015, 9.5.3).
        """
        if self.good < BATCHES or not self.seconds:
            return None
        rates = [count * BATCHES / self.seconds for count in self.batches]
        margin = student_quantile(confidence, BATCHES - 1) * stdev(rates) / math.sqrt(BATCHES)
        return max(0.0, fmean(rates) - margin), fmean(rates) + margin

    @property
    def goodput_interval(self) -> Interval | None:
        """Two-sided interval of the goodput; None where there are too few good requests."""
        bounds = self.goodput_bounds((1 + CONFIDENCE) / 2)
        return None if bounds is None else Interval(low=bounds[0], high=bounds[1], confidence=CONFIDENCE)

    @property
    def power(self) -> float | None:
        """Goodput by the median total time from the due moment, 1/s²; see `knee`."""
        return self.goodput / (median(self.totals) / NS_PER_S) if self.totals else None


class _Tally:
    """Requests of one level of one target as they come in."""

    def __init__(self, record: RequestRecord, level: Level) -> None:
        self.spec = record.spec
        self.level = level
        self.samples: list[LoadSample] = []
        self.interrupted: Counter[str | None] = Counter()
        """By host."""
        self.since_ns: dict[int, int] = {}
        self.until_ns: dict[int, int] = {}
        """Counted times by the engines that sent it, each by its own clock."""
        self.unsent: dict[int, int] = {}

    def hosts(self) -> set[str | None]:
        """Hosts that sent it; none where the plan named none."""
        return {*(one.observation.host for one in self.samples), *self.interrupted} - {None}

    def add(self, record: RequestRecord, objectives: Sequence[Objective], run: int, part: int) -> None:
        observed = observe(record, run=run)
        if observed is None:
            self.interrupted[record.spec.host] += record.status is Status.INTERRUPTED
            return
        good = is_good(objectives, observed)
        needs_gaps = any(each.figure is Figure.ITL for each in objectives)
        moments = (record.timeline.due_ns, observed.sent_ns, observed.ended_ns)
        due_ns = next((moment for moment in moments if moment is not None), 0)
        status = observed.status
        error = record.failure.kind.value if record.failure is not None else None
        self.samples.append(
            LoadSample(
                due_ns=due_ns,
                part=part,
                observation=observed if needs_gaps else msgspec.structs.replace(observed, gaps_ns=()),
                good=good,
                error=error or (status.value if status is Status.REFUSED else None),
            )
        )


class LoadTally:
    """Requests of loads, gathered by target and level as they end; it keeps figures, and no content."""

    def __init__(self, objectives: Sequence[Objective] = ()) -> None:
        self._objectives = objectives
        self._levels: dict[tuple[str | None, str, str, int], _Tally] = {}
        self._spans: dict[tuple[str | None, str, str], list[_Span]] = {}
        """Begin and end of every request of a target, those of the warm-up too."""
        self._count = 0

    def add(self, info: RunInfo, record: RequestRecord) -> None:
        """Take in a request that is over; one that belongs to no load is left out."""
        place = info.load
        if place is None:
            return
        spec = record.spec
        who = (info.series, spec.target, spec.endpoint.base_url)
        begun_ns = record.earlier[0].timeline.queued_ns if record.earlier else record.timeline.queued_ns
        if begun_ns is not None and record.timeline.ended_ns is not None:
            self._spans.setdefault(who, []).append((place.part, begun_ns, record.timeline.ended_ns))
        if place.since_ns is None:
            return
        tally = self._levels.setdefault((*who, place.number), _Tally(record, place.level))
        tally.since_ns[place.part] = place.since_ns
        self._count += 1
        tally.add(record, self._objectives, self._count, place.part)
        if place.until_ns is not None:
            self.end_level(info, record.spec.target, record.spec.endpoint.base_url)

    def end_level(self, info: RunInfo, target: str, base_url: str) -> None:
        """Take in when a level's counted time was over, and how much of it was not sent."""
        place = info.load
        tally = None if place is None else self._levels.get((info.series, target, base_url, place.number))
        if place is not None and tally is not None and place.since_ns is not None and place.until_ns is not None:
            part, tally.unsent[place.part] = place.part, place.unsent
            tally.since_ns[part], tally.until_ns[part] = place.since_ns, place.until_ns

    def levels(self) -> list[LevelSummary]:
        """Every level that has a counted request, in the order in which they began."""
        found = ((who, tally) for who, tally in self._levels.items() if tally.samples or tally.interrupted.total())
        return [_summary(who[-1], tally, self._spans.get(who[:-1], [])) for who, tally in found]


def levels_in(runs: Iterable[StoredRun], objectives: Sequence[Objective] = ()) -> list[LevelSummary]:
    """Every level of the loads among `runs`."""
    tally = LoadTally(objectives)
    for run in runs:
        if run.info.load is not None:
            for record in run.requests:
                tally.add(run.info, record)
    return tally.levels()


def _summary(number: int, tally: _Tally, spans: Sequence["_Span"], host: str | None = None) -> LevelSummary:
    """One level, or what one host sent of it. Engines begin it together: moments since then are of one time."""
    since, ends = tally.since_ns, [until_ns - tally.since_ns[part] for part, until_ns in tally.until_ns.items()]
    if not ends:  # it was ended early
        ends = [(one.observation.ended_ns or since[one.part]) - since[one.part] for one in tally.samples]
    length_ns = max([1, *ends])
    seconds = length_ns / NS_PER_S
    own = [sample for sample in tally.samples if host in (None, sample.observation.host)]
    samples = sorted(own, key=lambda sample: sample.due_ns - since[sample.part])
    observations = tuple(sample.observation for sample in samples)
    parts = since.keys() if host is None else {sample.part for sample in samples}
    within = [(begun - since[part], end - since[part]) for part, begun, end in spans if part in parts]
    mean, most = _in_flight(within, length_ns)
    answers = [sample for sample in samples if sample.observation.answered]
    good = [sample for sample in samples if sample.good]
    batches = Counter(min(BATCHES - 1, (one.due_ns - since[one.part]) * BATCHES // length_ns) for one in good)
    spec = tally.spec
    return LevelSummary(
        target=spec.target,
        model=spec.model,
        endpoint=spec.endpoint.name,
        simulated=spec.endpoint.simulated,
        number=number,
        level=tally.level,
        seconds=seconds,
        requests=len(samples),
        answers=len(answers),
        errors=Counter(sample.error for sample in samples if sample.error is not None),
        unsent=sum(count for part, count in tally.unsent.items() if part in parts),
        interrupted=tally.interrupted.total() if host is None else tally.interrupted[host],
        in_flight=mean,
        most_in_flight=most,
        ttft=summary(observations, Figure.TTFT),
        total=summary(observations, Figure.TOTAL),
        ttft_from_due=_described_from_due(samples, Figure.TTFT),
        total_from_due=_described_from_due(samples, Figure.TOTAL),
        lag=describe([lag for sample in samples if (lag := _from_due(sample, 0)) is not None]),
        good=len(good),
        throughput=len(answers) / seconds,
        goodput=len(good) / seconds,
        batches=tuple(batches[batch] for batch in range(BATCHES)),
        observations=observations,
        totals=tuple(
            sorted(total for one in answers if (total := _from_due(one, one.observation.total_ns)) is not None)
        ),
        host=host,
        hosts=() if host else tuple(_summary(number, tally, spans, name) for name in sorted(map(str, tally.hosts()))),
    )


def _described_from_due(samples: Sequence[LoadSample], figure: Figure) -> Description:
    """A figure from the due moments on; a failure is one here too, a refusal neither sample nor failure."""
    times = [(one, _from_due(one, one.observation.value(figure))) for one in samples]
    return describe([time for one, time in times if time is not None or one.observation.failed])


def _from_due(sample: LoadSample, since_sent_ns: float | None) -> float | None:
    """A time that was measured from the send, from the due moment, ns; None where it is not known."""
    sent_ns = sample.observation.sent_ns
    return None if sent_ns is None or since_sent_ns is None else sent_ns - sample.due_ns + since_sent_ns


_Span = tuple[int, int, int]
"""The engine of a request, and the request's begin and end by that one's clock."""


def _in_flight(spans: Sequence[tuple[int, int]], length_ns: int) -> tuple[float, int]:
    """Mean and greatest number of requests in flight in the first so many nanoseconds."""
    within = [(max(begun, 0), min(ended, length_ns)) for begun, ended in spans]
    within = [(begun, ended) for begun, ended in within if begun < ended]
    # At one moment an end comes before a begin: a slot is free before it is taken.
    turns = sorted([(begun, 1) for begun, _ in within] + [(ended, -1) for _, ended in within])
    now = most = 0
    for _, change in turns:
        now += change
        most = max(most, now)
    return sum(ended - begun for begun, ended in within) / length_ns, most


class Knee(msgspec.Struct, frozen=True, kw_only=True):
    """The level beyond which more load costs more than it brings, and its doubt."""

    target: str
    at: Level | None
    """None where the curve has too few levels."""
    perhaps: tuple[Level, ...] = ()
    """Other levels that may be it; with it they are it with the confidence."""
    is_last: bool = False
    """True where it is the highest level: the knee is there or beyond."""
    confidence: float = CONFIDENCE

    @property
    def sentence(self) -> str:
        """In words, without a full stop."""
        if self.at is None:
            return f"no knee: that takes {FEWEST_LEVELS} levels with {counted(samples_needed(50), 'answer')} each"
        others = " and ".join(level.label for level in self.perhaps)
        doubt = f", {others} may be it as well" if others else ", no other level may be it"
        where = f"at {self.at.label}" + (" or beyond, the highest level asked" if self.is_last else "")
        return f"knee {where}{doubt} ({percent(self.confidence)})"


def knee(levels: Sequence[LevelSummary], confidence: float = CONFIDENCE) -> Knee:
    """The knee of one target's levels: the level of the greatest power, goodput by median total time.

    There the line from the origin touches the curve of delay over throughput (Kleinrock, Power and deterministic rules
    of thumb for probabilistic problems in computer communications, ICC 1979). The doubt is that of a bootstrap: parts
    of each level's time, for its goodput, and answers, for its median, are drawn anew; the levels that have the
    greatest power in most draws, as many as make up `confidence`, may be the knee.
    """
    known = [one for one in levels if len(one.totals) >= samples_needed(50) and one.goodput]
    target = levels[0].target if levels else ""
    if len(known) < FEWEST_LEVELS:
        return Knee(target=target, at=None)
    best = max(known, key=lambda one: one.power or 0.0)
    draws = [_power_draws(one, at) for at, one in enumerate(known)]
    wins = Counter(max(range(len(known)), key=powers.__getitem__) for powers in zip(*draws, strict=True))
    chosen, share = {known.index(best)}, wins[known.index(best)] / RESAMPLES
    for at, count in wins.most_common():
        if share >= confidence:
            break
        if at not in chosen:
            chosen.add(at)
            share += count / RESAMPLES
    return Knee(
        target=target,
        at=best.level,
        perhaps=tuple(one.level for at, one in enumerate(known) if at in chosen and one is not best),
        is_last=best.level.load == max(one.level.load for one in known),
        confidence=confidence,
    )


def _power_draws(level: LevelSummary, seed: int) -> list[float]:
    draws = Random(f"knee {seed}")
    goods = [sum(draws.choices(level.batches, k=BATCHES)) for _ in range(RESAMPLES)]
    medians = median_draws(level.totals, seed)
    draws.shuffle(medians)  # those of levels of one size share their ranks, and would move together
    return [good / level.seconds / middle for good, middle in zip(goods, medians, strict=True)]


def knees(levels: Sequence[LevelSummary]) -> list[Knee]:
    """The knee of every target with levels enough, in order of appearance."""
    of_targets = ([one for one in levels if one.target == name] for name in dict.fromkeys(one.target for one in levels))
    return [knee(of_target) for of_target in of_targets if len(of_target) >= FEWEST_LEVELS]


HEADING = (
    *("load", "requests", "errors", "in flight"),
    *("TTFT p50", "TTFT p95", "TTFT p99", "p95 from due"),
    *("total p50", "total p95", "total p99"),
    *("goodput", "95 % interval"),
)


def cells(one: LevelSummary) -> tuple[str, ...]:
    """One level under that heading."""
    interval = one.goodput_interval
    ttft, total = one.ttft, one.total
    return (
        one.level.label if one.host is None else f"from {one.host}",
        str(one.requests),
        str(sum(one.errors.values())),
        three_digits(one.in_flight),
        *(amount(Figure.TTFT, value) for value in (ttft.median, ttft.p95, ttft.p99, one.ttft_from_due.p95)),
        *(amount(Figure.TOTAL, value) for value in (total.median, total.p95, total.p99)),
        f"{three_digits(one.goodput)}/s",
        f"{three_digits(interval.low)} to {three_digits(interval.high)}/s" if interval is not None else ABSENT,
    )


def with_hosts(levels: Sequence[LevelSummary]) -> list[LevelSummary]:
    """The levels, each followed by what its hosts sent of it."""
    return [each for one in levels for each in (one, *one.hosts)]


def notes(levels: Sequence[LevelSummary]) -> list[str]:
    """Sentences on errors, on what was not sent, and on the knees, without full stops."""
    said = []
    for one in levels:
        who = f"{one.target}, {one.level.label}"
        if one.errors:
            counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in one.errors.items())
            said.append(f"{who}: {counts}")
        if one.interrupted:
            said.append(f"{who}: {one.interrupted:,} interrupted: their engine was lost, with its share of the load")
        if one.level.arrivals is not None and (one.lag.max or 0) >= _LATE_NS:
            said.append(f"{who}: requests left up to {format_duration(one.lag.max)} after they were due")
        if one.unsent:
            said.append(
                f"{who}: {counted(one.unsent, 'request')} due and not sent, since too many were in flight "
                "(load.most_in_flight): the times are those of the others, and too short"
            )
    return [*said, *(f"{found.target}: {found.sentence}" for found in knees(levels))]
