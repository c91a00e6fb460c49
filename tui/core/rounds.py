"""Rounds of a plan over hours and days: one per run or series of the history, by target, summed up by the hour."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import median

import msgspec

from tui.core.change_points import FALSE_ALARMS, FEWEST, MOST, change_points
from tui.core.figures import Figure
from tui.core.metrics import NS_PER_S
from tui.core.run import RunRow
from tui.core.wording import amount, percent

HOUR_NS = 3_600 * NS_PER_S
FIGURES = (Figure.TTFT, Figure.TOTAL)
"""Figures that are followed over time: those that the history lists."""
_NO_ANSWER = frozenset({"failed", "interrupted", "refused"})


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One target in one round: the medians of its answers."""

    started_unix_ns: int
    ttft_ns: int | None
    total_ns: int | None
    failed: bool
    """True if a request of it had no answer."""

    def value(self, figure: Figure) -> int | None:
        """One of `FIGURES`."""
        return self.ttft_ns if figure is Figure.TTFT else self.total_ns


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """The rounds of one target that began within an hour of the clock."""

    began_unix_ns: int
    rounds: int
    failed: int
    medians: Mapping[Figure, float]
    """Medians over the rounds with an answer."""


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A place from which on a figure of one target lies elsewhere."""

    target: str
    figure: Figure
    last_before_unix_ns: int
    first_after_unix_ns: int
    before: float
    """Median of the rounds since the change before it."""
    after: float
    """Median of the rounds up to the change after it."""

    @property
    def words(self) -> str:
        """The change in words, without a moment and without a full stop."""
        rose = "rose" if self.after > self.before else "fell"
        before, after = (amount(self.figure, value) for value in (self.before, self.after))
        return f"{self.figure.label} {rose} from {before} to {after}"


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """The rounds of one target, summed up."""

    hours: tuple[Hour, ...] = ()
    shifts: tuple[Shift, ...] = ()
    rule: str = ""
    """Rate at which a change is stated by mistake, in words without a full stop."""


def past_of(rounds: Sequence[Round]) -> Past:
    """The hours and changes of one target, looked at by itself."""
    alone = {"": rounds}
    shifts = tuple(changes(alone))
    return Past(hours=tuple(by_hour(rounds)), shifts=shifts, rule=rule_sentence(alone, shifts))


def rounds_of(rows: Iterable[RunRow]) -> dict[str, list[Round]]:
    """The rounds of each target, oldest first; `rows` are entries of the history, a series folded into one."""
    found: dict[str, list[Round]] = {}
    for row in sorted(rows, key=lambda row: row.started_unix_ns):
        for one in row.targets:
            if one.status not in ("idle", "cancelled"):
                found.setdefault(one.target, []).append(
                    Round(
                        started_unix_ns=row.started_unix_ns,
                        ttft_ns=one.ttft_ns if one.total_ns is not None else None,
                        total_ns=one.total_ns,
                        failed=one.status in _NO_ANSWER,
                    )
                )
    return found


def by_hour(rounds: Sequence[Round]) -> list[Hour]:
    """The hours with rounds, oldest first."""
    hours = []
    for began, group in groupby(rounds, key=lambda one: one.started_unix_ns // HOUR_NS):
        within = list(group)
        medians = {
            figure: float(median(values))
            for figure in FIGURES
            if (values := [value for one in within if (value := one.value(figure)) is not None])
        }
        failed = sum(one.failed for one in within)
        hours.append(Hour(began_unix_ns=began * HOUR_NS, rounds=len(within), failed=failed, medians=medians))
    return hours


def changes(rounds: Mapping[str, Sequence[Round]], rate: float = FALSE_ALARMS) -> list[Shift]:
    """The changes of all targets and figures, oldest first. `rate` is that of any false alarm among all of them."""
    looked_at = [
        (target, figure, told)
        for target, of_target in rounds.items()
        for figure in FIGURES
        if len(told := [one for one in of_target if one.value(figure) is not None][-MOST:]) >= FEWEST
    ]
    found = [
        change
        for target, figure, told in looked_at
        for change in _changes_of(target, figure, told, rate / len(looked_at))
    ]
    return sorted(found, key=lambda change: change.first_after_unix_ns)


def _changes_of(target: str, figure: Figure, rounds: Sequence[Round], rate: float) -> Iterable[Shift]:
    values = [float(one.value(figure) or 0) for one in rounds]
    places = change_points(values, rate)
    edges = [0, *places, len(values)]
    for number, at in enumerate(places, 1):
        yield Shift(
            target=target,
            figure=figure,
            last_before_unix_ns=rounds[at - 1].started_unix_ns,
            first_after_unix_ns=rounds[at].started_unix_ns,
            before=median(values[edges[number - 1] : at]),
            after=median(values[at : edges[number + 1]]),
        )


def rule_sentence(rounds: Mapping[str, Sequence[Round]], found: Sequence[Shift]) -> str:
    """The rate of false alarms of `changes`, or why there can be none yet, without a full stop."""
    most = max((len(of_target) for of_target in rounds.values()), default=0)
    if most < FEWEST:
        return f"A change can be told from {FEWEST} rounds on; there are {most}"
    said = "" if found else "No change is shown. "
    return (
        f"{said}Where nothing changes, a look at all of these states any change with a probability of about "
        f"{percent(FALSE_ALARMS)}"
    )
