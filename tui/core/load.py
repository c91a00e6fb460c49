"""A load: many requests of one plan, at levels of requests in flight or at rates of arrival. Pure parts.

A load asks how one target bears what is asked of it; a race asks which of several targets answers first. So a load
asks one target after another, and every level begins while the one before is still in flight. The engine sends
(`tui.engine.load`), from nothing but the plan and these settings, so that both sides know every request by its number.
"""

import math
import random
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from tui.core.engine_events import TaggedEvent
from tui.core.plan import Plan, RequestSpec
from tui.core.setting import open_setting
from tui.core.target import Retries

MAX_LEVELS = 64
MOST_IN_FLIGHT = 1024
DEFAULT_LEVELS = (1, 2, 4, 8)
DEFAULT_SECONDS = 30.0
"""Duration of a level that neither `seconds` nor `requests` ends, s."""
TRACE_COLUMN = "t"
"""Column of the rows with the moments of a trace, seconds."""

Arrivals = Literal["constant", "poisson", "gamma", "trace"]
_Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a load."""

    levels: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=MOST_IN_FLIGHT)], ...],
        open_setting(
            "Requests in flight, level by level: a new one is sent as one ends.",
            "requests",
            unset=f"{', '.join(map(str, DEFAULT_LEVELS))} without a rate",
        ),
    ] = ()
    """Empty without a rate: `DEFAULT_LEVELS`."""
    rate: Annotated[
        _Rate | tuple[_Rate, ...] | None,
        open_setting(
            "Requests per second in place of levels, or a list of such rates: sent when due, whatever is in flight.",
            "1/s",
            unset="none: by levels",
        ),
    ] = None
    arrivals: Annotated[
        Arrivals,
        open_setting(
            "Gaps between arrivals at a rate: constant, poisson, gamma, or trace, from the column t of the rows."
        ),
    ] = "poisson"
    burstiness: Annotated[
        float,
        msgspec.Meta(ge=0.01, le=100),
        open_setting("Shape of gamma gaps: 1 is poisson, less comes in bursts, more is even."),
    ] = 1.0
    seconds: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None,
        open_setting(
            "Counted time of every level; absent without requests too: 30. With both, what ends first.",
            "seconds",
            unset=f"{DEFAULT_SECONDS:g} without requests",
        ),
    ] = None
    requests: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        open_setting("Counted requests of every level.", "requests", unset="no limit"),
    ] = None
    ramp: Annotated[
        _Seconds, open_setting("Time in which a level is reached from the one before, not counted.", "seconds")
    ] = 1.0
    warm_up: Annotated[
        _Seconds, open_setting("Time at a level before it is counted; what is in flight then goes on.", "seconds")
    ] = 2.0
    most_in_flight: Annotated[
        int,
        msgspec.Meta(ge=1, le=MOST_IN_FLIGHT),
        open_setting("Most requests in flight at a rate; what is due beyond waits, and its wait counts."),
    ] = 256
    stop_at_refusals: Annotated[
        int,
        msgspec.Meta(ge=0, le=1000),
        open_setting("Refusals with 429 within ten seconds that end the load; 0: none do."),
    ] = 3
    bust_cache: Annotated[
        bool,
        open_setting(
            "Begin every prompt with a unique text, so that no request finds it in the cache.",
            label="new text per request",
        ),
    ] = False
    seed: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None,
        open_setting("Seed of the arrivals; absent: drawn, and recorded.", unset="drawn"),
    ] = None
    max_requests: Annotated[
        int,
        msgspec.Meta(ge=1, le=10_000_000),
        open_setting("Most requests of a load, warm-up included.", "requests", is_cap=True),
    ] = 10_000
    max_usd: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None,
        open_setting(
            "Estimated cost from which on no further request is begun.", "US dollars", is_cap=True, unset="no limit"
        ),
    ] = None
    fail_on: Annotated[
        tuple[str, ...], open_setting("Gates on the levels, such as 'goodput >= 12/s at ttft.p95 < 800ms'.")
    ] = ()

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates, as a list; empty for levels of concurrency, and for a trace at its own pace."""
        if self.rate is None:
            return ()
        return self.rate if isinstance(self.rate, tuple) else (self.rate,)

    @property
    def is_open(self) -> bool:
        """True where requests are sent when they are due, and not as others end."""
        return self.rate is not None or self.arrivals == "trace"

    @property
    def counted_s(self) -> float | None:
        """Counted time of a level; None where only the count of its requests ends it."""
        return DEFAULT_SECONDS if self.seconds is None and self.requests is None else self.seconds


class Level(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Level of load: requests in flight, or a rate of arrival."""

    concurrency: int | None = None
    rate: float | None = None
    """Requests per second; absent for a trace at its own pace."""
    arrivals: Arrivals | None = None
    """Gaps between arrivals; absent for levels of concurrency."""

    @property
    def label(self) -> str:
        """It in words: `4 in flight`, `2.5/s poisson`, `trace`."""
        if self.concurrency is not None:
            return f"{self.concurrency} in flight"
        return f"{self.rate:g}/s {self.arrivals}" if self.rate is not None else str(self.arrivals)

    @property
    def load(self) -> float:
        """Its place on an axis of load: requests in flight, or per second; 0 for a trace at its own pace."""
        return float(self.concurrency or self.rate or 0)


class LoadStep(msgspec.Struct, frozen=True, kw_only=True):
    """One level of one target."""

    lane: int
    """Index of the target among the plan's lanes."""
    number: int
    """Number of the level at this target, from 1."""
    level: Level
    before: float
    """Load of the level before, from which the ramp begins; 0 for a target's first."""


class LoadPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Place of a request in a load, as it is stored."""

    number: int
    """Number of the level at this target, from 1."""
    level: Level
    since_ns: int | None = None
    """Moment from which on the level is counted, CLOCK_MONOTONIC; absent for a request before it."""
    until_ns: int | None = None
    """End of the counted time, on the last request of a level that came to its end."""
    unsent: int = 0
    """Requests that were due by then and not sent, with `until_ns`."""
    part: int = 0
    """The engine that sent it, among those that shared the load: both moments are by its clock."""


class LoadEnding(StrEnum):
    """Reason why a load is over."""

    COMPLETE = "complete"
    RATE_LIMITED = "refused by the rate limit (429)"
    FAILING = "nothing succeeds"
    REQUESTS = "load.max_requests reached"
    COST = "the cost budget allows no more"
    CANCELLED = "cancelled"
    ENGINE = "the measuring process ended"


class RequestBegun(TaggedEvent, frozen=True, kw_only=True):
    """A request of a load was taken up. It is not yet sent: it may still have to connect."""

    request_id: int
    step: int
    """Index among the load's steps."""
    row: int
    """The row of the variables' values, from 0; past the last one it begins again."""
    due_ns: int
    """Moment at which it was to be sent: as a slot became free, or as its arrival was due."""
    since_ns: int | None = None
    """Moment from which on its level is counted; absent before, in ramp and warm-up."""
    part: int = 0
    """The engine that sends it, among those that share the load. Put in by this side, as is its host."""
    host: str | None = None


class LevelEnded(TaggedEvent, frozen=True, kw_only=True):
    """The counted time of a level is over. Its requests may still be in flight."""

    step: int
    since_ns: int
    until_ns: int
    unsent: int = 0
    """Requests that were due in this time and not sent: too many were in flight."""
    part: int = 0
    """The engine whose part of the level it is. Put in by this side."""


class LoadEnded(TaggedEvent, frozen=True, kw_only=True):
    """The end of a load: all its requests are over."""

    ending: LoadEnding


def levels_of(settings: LoadSettings) -> tuple[Level, ...]:
    """The levels of a load, in order."""
    if not settings.is_open:
        return tuple(Level(concurrency=each) for each in settings.levels or DEFAULT_LEVELS)
    if not settings.rates:
        return (Level(arrivals=settings.arrivals),)
    return tuple(Level(rate=each, arrivals=settings.arrivals) for each in settings.rates)


def steps_of(settings: LoadSettings, lanes: int) -> tuple[LoadStep, ...]:
    """All levels of all targets, one target after the other."""
    levels = levels_of(settings)
    return tuple(
        LoadStep(lane=lane, number=at + 1, level=level, before=levels[at - 1].load if at else 0.0)
        for lane in range(lanes)
        for at, level in enumerate(levels)
    )


def problem(settings: LoadSettings, plan: Plan) -> str | None:
    """Reason that a load cannot be begun, in one sentence; None when it can."""
    if plan.conversation.play:
        return "A load sends single requests: set conversation.play = false."
    if settings.levels and settings.rate is not None:
        return "A load has levels of requests in flight or a rate, not both: take load.levels or load.rate out."
    if max(len(settings.levels), len(settings.rates)) > MAX_LEVELS:
        return f"A load has at most {MAX_LEVELS} levels: give fewer."
    if isinstance(settings.rate, tuple) and not settings.rate:
        return "load.rate is an empty list: give a rate, or take it out."
    if settings.arrivals == "trace":
        if settings.levels:
            return "A trace says when requests are sent, levels how many are in flight: take load.levels out."
        try:
            trace_of(plan)
        except ValueError as error:
            return str(error)
    return None


def trace_of(plan: Plan) -> list[tuple[float, int]]:
    """The moments of a trace from its first, s, ascending, each with its row. Raises ValueError with a sentence."""
    moments: list[tuple[float, int]] = []
    for at, row in enumerate(plan.rows):
        try:
            moment = float(row.get(TRACE_COLUMN, ""))
        except ValueError:
            moment = math.nan
        if not math.isfinite(moment):
            raise ValueError(
                f"A trace needs a number of seconds in the column {TRACE_COLUMN} of every row of the variables; "
                f"row {at + 1} has none."
            )
        moments.append((moment, at))
    if len(moments) < 2 or max(moments)[0] == min(moments)[0]:
        raise ValueError(f"A trace needs two rows or more, at different moments in their column {TRACE_COLUMN}.")
    moments.sort()
    first = moments[0][0]
    return [(moment - first, at) for moment, at in moments]


def due_times(settings: LoadSettings, step: LoadStep, seed: int, plan: Plan) -> Iterator[tuple[float, int | None]]:
    """Seconds from a level's begin at which its requests are due, ascending; a trace's each with its row.

    A trace ends; everything else goes on for ever. The rate rises or falls over the ramp from that of the level before
    (a time change of a process of rate 1: Cinlar, Introduction to Stochastic Processes, 1975, 4.7).
    """
    if settings.arrivals == "trace":
        moments = trace_of(plan)
        factor = 1.0 if step.level.rate is None else (len(moments) - 1) / moments[-1][0] / step.level.rate
        yield from ((moment * factor, row) for moment, row in moments)
        return
    assert step.level.rate is not None
    at = moment = 0.0
    for gap in _unit_gaps(settings, random.Random(f"{seed} {step.lane} {step.number}")):
        at += gap
        # Rounding could turn two that are nearly at once.
        moment = max(moment, _moment_of(at, step.before, step.level.rate, settings.ramp))
        yield moment, None


def _unit_gaps(settings: LoadSettings, draws: random.Random) -> Iterator[float]:
    """Gaps of mean 1 without end; the first is from the level's begin."""
    shape = settings.burstiness
    while True:
        match settings.arrivals:
            case "constant":
                yield 1.0
            case "gamma":
                yield draws.gammavariate(shape, 1 / shape)
            case _:
                yield draws.expovariate(1.0)


def _moment_of(count: float, before: float, rate: float, ramp: float) -> float:
    """Moment up to which `count` arrivals are expected, where the rate goes from `before` to `rate` within `ramp`."""
    during = ramp * (before + rate) / 2
    if count >= during:
        return ramp + (count - during) / rate
    # before·t + (rate − before)·t²/(2·ramp) = count, in the form that does not cancel.
    slope = (rate - before) / ramp
    return 2 * count / (before + math.sqrt(max(0.0, before * before + 2 * slope * count)))


def starts_of(step: LoadStep, ramp: float) -> list[float]:
    """Seconds from a level's begin at which its further slots send their first request: evenly over the ramp.

    Answers to requests that are sent together would end together too, again and again.
    """
    more = int(step.level.load - step.before)
    return [ramp * at / more for at in range(more)]


def plan_of(plan: Plan, lane: int, row: int) -> Plan:
    """Plan of a load's request: its one target, and the one row of values, which begin again after the last."""
    one = msgspec.structs.replace(plan, targets=(plan.lanes[lane],), ask_all=False)
    return one.of_run(row)


def request_of(plan: Plan, request_id: int, buster: str | None = None) -> RequestSpec:
    """The request of a plan of `plan_of`. It is sent once: a second attempt would be load that nobody asked for.

    Raises KeyError with the name of a variable that has no value.
    """
    (spec,) = plan.requests(request_id)
    prompt = spec.prompt if buster is None else spec.prompt.begun_with(buster)
    return msgspec.structs.replace(spec, prompt=prompt, retries=Retries(max=0))


def buster_of(settings: LoadSettings, seed: int, number: int) -> str | None:
    """Text that the prompt of a load's request begins with: different in each, equally long in all; None without."""
    if not settings.bust_cache:
        return None
    return f"[{random.Random(f'{seed} load {number}').getrandbits(64):016x}]"
