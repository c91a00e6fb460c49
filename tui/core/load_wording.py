"""Levels of a load in words: one table for the screen, standard output and reports, and what must be said beside it."""

from collections.abc import Sequence

from tui.core.figures import Figure
from tui.core.load_results import LevelSummary, knees
from tui.core.wording import ABSENT, amount, three_digits

HEADING = (
    "load",
    "requests",
    "errors",
    "in flight",
    "TTFT p50",
    "TTFT p95",
    "TTFT p99",
    "p95 from due",
    "total p50",
    "total p95",
    "total p99",
    "goodput",
    "95 % interval",
)


def cells(one: LevelSummary) -> tuple[str, ...]:
    """One level under that heading."""
    interval = one.goodput_interval
    ttft, total = one.ttft, one.total
    return (
        one.level.label,
        str(one.requests),
        str(sum(one.errors.values())),
        three_digits(one.in_flight),
        *(amount(Figure.TTFT, value) for value in (ttft.median, ttft.p95, ttft.p99, one.ttft_from_due.p95)),
        *(amount(Figure.TOTAL, value) for value in (total.median, total.p95, total.p99)),
        f"{three_digits(one.goodput)}/s",
        f"{three_digits(interval.low)} to {three_digits(interval.high)}/s" if interval is not None else ABSENT,
    )


def notes(levels: Sequence[LevelSummary]) -> list[str]:
    """Sentences on errors, on what was not sent, and on the knees, without full stops."""
    said = []
    for one in levels:
        who = f"{one.target}, {one.level.label}"
        if one.errors:
            counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in one.errors.items())
            said.append(f"{who}: {counts}")
        if one.unsent:
            said.append(
                f"{who}: {one.unsent} requests were due and not sent, since too many were in flight "
                "(load.most_in_flight): the times are those of the others, and too short"
            )
    return [*said, *(f"{found.target}: {found.sentence}" for found in knees(levels))]
