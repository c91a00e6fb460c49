"""Shares of a load that several engines send together: which requests are whose, so that the whole is the same load.

Slots of a level of concurrency are dealt in turn. Arrivals are drawn once, from one seed, by every engine alike, and
each sends its own of them: those of a poisson process by a draw, which leaves one of `rate / of` at each (thinning:
Kingman, Poisson Processes, 1993, 5.1), all others in turn. Numbers, which are rows too, are then those of one engine.
Slots ask as fast as they are answered, so that their numbers are dealt out as the load goes on, by `Dealer`.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence

import msgspec

from tui.core.load import LoadSettings, LoadStep, due_times, levels_of
from tui.core.plan import Plan

STREAMS_PER_ENGINE = 100
"""Streams that one engine takes at once; more are shared by several, each on a core of its own."""
_REQUESTS_PER_ENGINE = 200.0
"""Requests per second that one engine begins, with a margin: each takes some 2 ms of its core."""
_TOKENS_PER_S = 100.0
"""Pace of an answer of which nothing is known, to tell how many will be in flight at a rate."""
_AHEAD_S = 0.5
"""Time for which a share has numbers ahead, s: more than they take on their way."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a load, from 0, of so many."""

    part: int = 0
    of: int = 1

    def slots(self, wanted: int) -> range:
        """Its slots of those of a level."""
        return range(self.part, wanted, self.of)

    def of_count(self, count: int) -> int:
        """Its part of a number, 1 at least."""
        return max(1, len(self.slots(count)))

    def arrivals(
        self, settings: LoadSettings, step: LoadStep, seed: int, plan: Plan
    ) -> Iterator[tuple[float, int | None, bool]]:
        """All arrivals of a level, as `due_times` has them, and which of them are its own."""
        marks = random.Random(f"{seed} {step.lane} {step.number} shares")
        is_drawn = settings.arrivals == "poisson"
        for at, (moment, row) in enumerate(due_times(settings, step, seed, plan)):
            whose = marks.randrange(self.of) if is_drawn else at % self.of
            yield moment, row, whose == self.part


WHOLE = Share()
"""A load that one engine sends alone."""


class Ration(msgspec.Struct, frozen=True, kw_only=True):
    """Further requests that a share may begin."""

    step: int
    """The level that `counted` is for."""
    numbers: tuple[int, ...] = ()
    """Numbers of requests, ascending."""
    counted: int = 0
    """Requests that it may count at that level, beside those before."""
    is_last: bool = False
    """True where no more will be counted at that level: all are dealt."""


class Allowance:
    """Requests that a load may begin: what its settings allow, or what is dealt to its share of one (see `Dealer`)."""

    def __init__(self, settings: LoadSettings, *, is_dealt: bool) -> None:
        self._settings = settings
        self.is_dealt = is_dealt
        self._numbers: deque[int] = deque()
        self._next = 0
        self._at = 0
        self._counts: Counter[int] = Counter()
        """Counts of levels that are not counted yet."""
        self._last: set[int] = set()
        """Levels whose counts are all dealt."""
        self.left: int | None = None
        """Counted requests that the level may still begin; None where time alone ends it."""

    def may_begin(self) -> bool:
        """True while a request may be begun."""
        return self.left != 0 and (bool(self._numbers) or not self.is_dealt)

    @property
    def is_used_up(self) -> bool:
        """True when all counted requests of the level are begun."""
        return self.left == 0 and (self._at in self._last or not self.is_dealt)

    def begin_level(self, at: int) -> None:
        """Go on to a level, which is not counted yet."""
        self._at, self.left = at, None

    def count(self) -> None:
        """Begin the counted time of the level."""
        if self._settings.requests is not None:
            self.left = self._counts.pop(self._at, 0) if self.is_dealt else self._settings.requests

    def deal(self, ration: Ration) -> None:
        """Take what was dealt."""
        self._numbers.extend(ration.numbers)
        if ration.step == self._at and self.left is not None:
            self.left += ration.counted
        else:
            self._counts[ration.step] += ration.counted
        if ration.is_last:
            self._last.add(ration.step)

    def take(self, *, counted: bool) -> int:
        """Begin a request; returns its number."""
        if self.left is not None and counted:
            self.left -= 1
        if self.is_dealt and self._numbers:
            return self._numbers.popleft()
        self._next += 1
        return self._next - 1


class _InHand:
    """Numbers and counts of one share that it has not used."""

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        self.counted = 0
        """Counts of the level that it has left."""
        self.fresh = 0
        """Those of them of which it was not told."""
        self.begun = 0
        """Requests that it has begun at the level."""
        self.is_counting = self.knows_last = False


class Dealer:
    """Deals the numbers of a load's requests, and the counts of its levels, out to shares as they use them up.

    So every number is asked once, whichever share is quick. Towards the end of a count less is dealt at a time (guided
    self-scheduling: Polychronopoulos and Kuck, IEEE Transactions on Computers, 1987), so that all shares come to it
    together. Moments are those of any one clock.
    """

    def __init__(self, settings: LoadSettings, steps: Sequence[LoadStep], shares: int) -> None:
        self._settings = settings
        self._steps = steps
        self._shares = shares
        self._held = {part: _InHand() for part in range(shares)}
        self._next = 0
        self._returned: deque[int] = deque()
        """Numbers that lost shares had left."""
        self._at = 0
        self._begun_s = 0.0
        self._pool = 0
        """Counts of the level that are not dealt."""

    @property
    def is_dry(self) -> bool:
        """True when all requests that the load may send are begun."""
        return not self._left and not any(held.numbers for held in self._held.values())

    def begin(self, step: int, now_s: float) -> dict[int, Ration]:
        """Go on to a level; returns what shares get."""
        self._at, self._begun_s, self._pool = step, now_s, self._settings.requests or 0
        for held in self._held.values():
            held.counted = held.begun = 0
            held.is_counting = held.knows_last = False
        return self._to_all(now_s)

    def begun(self, part: int, number: int, step: int, now_s: float, *, counted: bool) -> dict[int, Ration]:
        """Take in that a share has begun a request; returns what shares get."""
        held = self._held.get(part)
        if held is None:
            return {}
        if number in held.numbers:
            held.numbers.remove(number)
        if step == self._at:
            held.begun += 1
            held.is_counting |= counted
            held.counted -= counted and held.counted > 0
        had_pool = self._pool > 0
        ration = self._for(part, now_s)
        others = self._to_all(now_s, but=part) if had_pool and not self._pool else {}
        return others if ration is None else {part: ration, **others}

    def lose(self, part: int, now_s: float) -> dict[int, Ration]:
        """Take in that a share is gone: what it had left is dealt to the others, its counts as long as they count."""
        held = self._held.pop(part, _InHand())
        self._returned.extend(held.numbers)
        self._pool += held.counted if self._pool else 0
        if not any(map(self._slots, self._held)):
            self._pool = 0  # nobody is left who could count
        return self._to_all(now_s)

    @property
    def _left(self) -> int:
        return self._settings.max_requests - self._next + len(self._returned)

    def _to_all(self, now_s: float, but: int | None = None) -> dict[int, Ration]:
        for part in self._held:  # first the counts: then all know whether they were the last
            self._count(part, now_s)
        return {part: ration for part in self._held if part != but and (ration := self._for(part, now_s)) is not None}

    def _slots(self, part: int) -> int:
        return len(Share(part=part, of=self._shares).slots(self._steps[self._at].level.concurrency or 0))

    def _ahead(self, part: int, now_s: float) -> int:
        """Requests that a share may begin before what is dealt now has reached it."""
        slots = max(self._slots(part), math.ceil(self._steps[self._at].before / self._shares))
        return 2 * slots + math.ceil(self._held[part].begun / (now_s - self._begun_s + 0.1) * _AHEAD_S)

    def _count(self, part: int, now_s: float) -> None:
        """Deal a share counts of the level, if it has few left."""
        held, slots = self._held[part], self._slots(part)
        wanted = max(slots, min(self._ahead(part, now_s), self._pool // (2 * len(self._held)))) if slots else 0
        if 2 * held.counted <= wanted:
            more = min(self._pool, wanted - held.counted)
            self._pool -= more
            held.counted += more
            held.fresh += more

    def _for(self, part: int, now_s: float) -> Ration | None:
        """Ration of a share now; None for nothing."""
        held, is_counted = self._held[part], self._settings.requests is not None
        self._count(part, now_s)
        is_last = is_counted and not self._pool and not held.knows_last
        held.knows_last |= is_last
        # Numbers that are dealt beyond the counts stay unused where no further level of the target needs them.
        spare = self._ahead(part, now_s) if not is_counted or self._is_between(held) else 0
        is_few = 2 * (len(held.numbers) - held.counted) <= spare
        numbers = self._numbers(held.counted + (spare if is_few else 0) - len(held.numbers))
        held.numbers.extend(numbers)
        counted, held.fresh = held.fresh, 0
        if not (numbers or counted or is_last):
            return None
        return Ration(step=self._at, numbers=numbers, counted=counted, is_last=is_last)

    def _is_between(self, held: _InHand) -> bool:
        """True while a share sends what is not counted: before its counted time, and until the target's next level."""
        if not held.is_counting and self._settings.ramp + self._settings.warm_up > 0:
            return True
        later = self._steps[self._at + 1 : self._at + 2]
        return not (self._pool or held.counted) and bool(later) and later[0].lane == self._steps[self._at].lane

    def _numbers(self, count: int) -> tuple[int, ...]:
        numbers: list[int] = []
        while len(numbers) < count and self._left:
            if self._returned:
                numbers.append(self._returned.popleft())
            else:
                numbers.append(self._next)
                self._next += 1
        return tuple(numbers)


def engines_for(settings: LoadSettings, plan: Plan) -> int:
    """Engines that a load needs at this machine, by its requests in flight and per second, were there cores enough."""
    if not settings.is_open:
        most = max(level.concurrency or 0 for level in levels_of(settings))
        return math.ceil(most / STREAMS_PER_ENGINE)
    if not settings.rates:
        return 1
    tokens = max(plan.parameters_of(target).max_tokens or 0 for target in plan.targets)
    streams = min(settings.most_in_flight, max(settings.rates) * tokens / _TOKENS_PER_S)
    return max(1, math.ceil(streams / STREAMS_PER_ENGINE), math.ceil(max(settings.rates) / _REQUESTS_PER_ENGINE))
