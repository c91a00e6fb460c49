"""A series: one plan run again and again, in fair order, until the evidence or the budget is complete.

Pure state: it says what to run next and takes in what came of it. `tui.session.series` drives it.
"""

import hashlib
import random
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tui.core.figures import Use, figures_for
from tui.core.plan import RequestSpec
from tui.core.setting import open_setting
from tui.core.sweep import Cell, Sweep, requests_of
from tui.core.wording import dollars, roughly

MAX_REPEATS = 10_000
_FAILED_RUNS = 3
"""Runs in a row without any answer after which a series goes no further."""

if TYPE_CHECKING:
    UntilSureBy = str
else:
    UntilSureBy = Literal[tuple(figure.value for figure in figures_for(Use.UNTIL_SURE))]
"""Names of the figures that "until sure" decides by; lower is better in all of them."""


class SeriesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a series."""

    repeats: Annotated[
        int,
        msgspec.Meta(ge=1, le=MAX_REPEATS),
        open_setting("Counted runs of a series; with until_sure the most there may be.", "runs"),
    ] = 10
    warm_ups: Annotated[
        int, msgspec.Meta(ge=0, le=100), open_setting("Runs before those, kept but not counted.", "runs")
    ] = 1
    """They open the connections and fill the server's caches."""
    in_turn: Annotated[
        bool, open_setting("Ask the targets one after another, so that they don't compete, and not all at once.")
    ] = False
    gap: Annotated[
        float,
        msgspec.Meta(ge=0, le=3600),
        open_setting("Pause between two runs.", "seconds", label="pause between runs, s", unset="no pause"),
    ] = 0.0
    concurrency: Annotated[
        int, msgspec.Meta(ge=1, le=32), open_setting("Requests per target that are in flight together.", "requests")
    ] = 1
    bust_cache: Annotated[
        bool | None,
        open_setting(
            "Begin every prompt with a unique text, so that no run finds it in the cache; absent: where hosts race.",
            label="new text per run",
            unset="where hosts race",
        ),
    ] = None
    seed: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None,
        open_setting("Seed of the orders of the targets; absent: drawn, and recorded.", unset="drawn"),
    ] = None
    max_requests: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        open_setting("Most requests of a series, warm-up included.", "requests", is_cap=True, unset="no limit"),
    ] = None
    """A run that would go beyond is not begun."""
    max_usd: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None,
        open_setting(
            "Estimated cost from which on no further run is begun.", "US dollars", is_cap=True, unset="no limit"
        ),
    ] = None
    until_sure: Annotated[
        UntilSureBy | None,
        open_setting(
            "Stop as soon as the target that is usually fastest in this metric is known.", unset="all repeats"
        ),
    ] = None
    choose: Annotated[
        str | None,
        open_setting(
            "Rule by which one target is chosen, such as 'fastest with passed > 95% and cost < $0.002'.", unset="none"
        ),
    ] = None
    confidence: Annotated[
        float, msgspec.Meta(ge=0.5, le=0.999), open_setting("Confidence that until_sure and choose have to reach.")
    ] = 0.95


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a series: whom to ask in which order, and what sets it apart."""

    series: str
    """Uid of the series."""
    number: int
    """From 1; warm-up runs are counted apart from the others."""
    warm_up: bool
    order: tuple[int, ...]
    """Indexes of the lanes, in the order in which they are asked."""
    in_turn: bool
    concurrency: int
    seed: int
    """The series' seed: with `number` and `warm_up` it gives the order again."""
    cache_buster: str | None = None
    """Text that the prompt begins with; `None` leaves it alone."""
    cell: Cell | None = None
    """Other lengths than the plan's, for a run of a sweep, which is kept but not counted."""
    sweep: bool = False
    """True in a sweep, in its warm-up too: all its runs ask the row of the variables that is in use."""


class Ending(StrEnum):
    """Reason why a series is over."""

    COMPLETE = "complete"
    SURE = "sure"
    REQUESTS = "request budget spent"
    COST = "the cost budget allows no more"
    CANCELLED = "cancelled"
    REFUSED = "one target answers, the others are refused"
    FAILING = "nothing succeeds"
    """Every request of several runs in a row failed."""


class Series:
    """A series under way."""

    def __init__(
        self, settings: SeriesSettings, uid: str, lanes: int, seed: int, sweep: Sweep | None = None, each: int = 1
    ) -> None:
        """`lanes` is how many are asked; `seed` is used where the settings name none.

        With `sweep` its counted runs have other lengths than the plan's. `each` is the most requests of a lane in a
        run: more than one in a conversation that is played.
        """
        self._each = each
        self.settings = settings
        self.uid = uid
        self.seed = seed if settings.seed is None else settings.seed
        self.sweep = sweep
        """Lengths in the counted runs; None for any series but a sweep."""
        self.lanes = lanes
        self.done = 0
        """Counted runs that are over."""
        self.warm_ups_done = 0
        self.requests = 0
        """Requests begun."""
        self.usd = 0.0
        """Estimated cost so far, US dollars."""
        self.run_ns: list[int] = []
        """Duration of every counted run without the gap, ns: a warm-up waits for what is started first."""
        self._failed_in_row = 0
        self.ending: Ending | None = None
        self.verdict: str | None = None
        """The finding of "until sure", in one sentence."""
        self.left = list(range(lanes))
        """Lanes that are still asked: "until sure" leaves out those that are beaten, or refused for good."""

    @property
    def total(self) -> int:
        """Counted runs it is to have at most."""
        return self.settings.repeats

    def next(self) -> Repeat | None:
        """The run that comes next, or None when the series is over, for which `ending` then has the reason."""
        if self.is_over():
            return None
        warm_up = self.warm_ups_done < self.settings.warm_ups
        number = (self.warm_ups_done if warm_up else self.done) + 1
        self.requests += self._requests_per_run
        cell = self.sweep.cell(number, self.seed) if self.sweep is not None and not warm_up else None
        # A sweep asks every length twice: the second time must not find the first in the cache.
        is_busted = bool(self.settings.bust_cache) or cell is not None
        return Repeat(
            series=self.uid,
            number=number,
            warm_up=warm_up,
            order=tuple(at for at in order_of(self.seed, number, self.lanes, warm_up=warm_up) if at in self.left),
            in_turn=self.settings.in_turn,
            concurrency=self.settings.concurrency,
            seed=self.seed,
            cell=cell,
            sweep=self.sweep is not None,
            cache_buster=_cache_buster(self.uid, number, warm_up=warm_up) if is_busted else None,
        )

    def is_over(self) -> bool:
        """True when no run follows; `ending` then has the reason."""
        if self.ending is None:
            self.ending = self._reason_to_end()
        return self.ending is not None

    def add(self, repeat: Repeat, took_ns: int, usd: float, *, all_failed: bool) -> None:
        """Add a run that is over: how long it took, ns, and its estimated cost, US dollars."""
        if repeat.warm_up:
            self.warm_ups_done += 1
        else:
            self.done += 1
            self.run_ns.append(took_ns)
        self.usd += usd
        self._failed_in_row = self._failed_in_row + 1 if all_failed else 0

    def end(self, reason: Ending) -> None:
        """End it before its time; a series that is over stays as it ended."""
        self.ending = self.ending or reason

    def progress(self, *, over: bool = False, paused: str = "") -> str:
        """Progress in words: runs done, time left and cost; once it is `over`, why it ended.

        `paused` tells how a paused series goes on.
        """
        name, warm_ups = "series" if self.sweep is None else "sweep", self.settings.warm_ups
        if self.done == 0 and self.warm_ups_done < warm_ups and not over:
            parts = [f"{name}: warm-up {self.warm_ups_done + 1} of {warm_ups}"]
        else:
            parts = [f"{name}: {self.done} of {self.total}"]
        if over:
            parts.append("done" if self.ending in (None, Ending.COMPLETE) else str(self.ending))
        elif paused:
            parts.append(f"paused, {paused}")
        elif (left_ns := self.left_ns()) is not None:
            parts.append(f"{roughly(left_ns)} left")
        if self.usd:
            parts.append(f"≈ {dollars(self.usd)}")
        return ", ".join(parts)

    def left_ns(self) -> int | None:
        """Estimated time until all repeats are done, ns; absent until a counted run is over.

        The mean of the latest eight runs and the gap, times the runs left.
        """
        if not self.run_ns:
            return None
        latest = self.run_ns[-8:]
        left = self.settings.warm_ups - self.warm_ups_done + self.settings.repeats - self.done
        return round(left * (sum(latest) / len(latest) + self.settings.gap * 1e9))

    def at_most(self, specs: Sequence[RequestSpec]) -> tuple[Sequence[RequestSpec], int]:
        """The most that it asks where each run asks `specs`: requests, and how often each is sent."""
        if self.sweep is not None:
            warm_up = Cell(padding_tokens=0, max_tokens=self.sweep.longest_answer)
            return requests_of(specs, [warm_up] * self.settings.warm_ups + self.sweep.at_most()), 1
        return specs, (self.settings.warm_ups + self.settings.repeats) * self.settings.concurrency

    @property
    def _requests_per_run(self) -> int:
        return len(self.left) * self.settings.concurrency * self._each

    def _reason_to_end(self) -> Ending | None:
        settings = self.settings
        if self.done >= settings.repeats:
            return Ending.COMPLETE
        if self._failed_in_row >= _FAILED_RUNS:
            return Ending.FAILING
        if settings.max_requests is not None and self.requests + self._requests_per_run > settings.max_requests:
            return Ending.REQUESTS
        if settings.max_usd is not None and self.usd >= settings.max_usd:
            return Ending.COST
        return None


def order_of(seed: int, number: int, lanes: int, *, warm_up: bool) -> tuple[int, ...]:
    """The order of the lanes in one run of a series: drawn from the seed, a new one for every run."""
    order = list(range(lanes))
    random.Random(f"{seed} {'warm-up' if warm_up else 'run'} {number}").shuffle(order)
    return tuple(order)


def busted(spec: RequestSpec, buster: str) -> RequestSpec:
    """The request with a cache buster; of each host another one, equally long, since they may share a cache."""
    if spec.host is not None:
        buster = f"[{hashlib.blake2b(f'{buster}{spec.host}'.encode(), digest_size=8).hexdigest()}]"
    return msgspec.structs.replace(spec, prompt=spec.prompt.begun_with(buster))


def _cache_buster(uid: str, number: int, *, warm_up: bool) -> str:
    """Different in every run, equally long in all."""
    return f"[{random.Random(f'{uid} {warm_up} {number}').getrandbits(64):016x}]"
