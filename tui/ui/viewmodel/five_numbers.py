"""Five numbers that tell a distribution, per lane: a box plot's, and the table beside it."""

from collections.abc import Sequence

import msgspec

from tui.core.metrics import percentile
from tui.core.statistics import samples_needed
from tui.ui.viewmodel.chart_source import METRIC_LABELS, ChartSource, bounded_note, latest_answers, values_of
from tui.ui.viewmodel.figures import format_ms
from tui.ui.viewmodel.numbers import Numbers


class FiveNumbers(msgspec.Struct, frozen=True):
    """Of one lane's samples, ns."""

    min: int
    quarter: int
    median: int
    three_quarters: int
    max: int


def five_numbers(samples: Sequence[int]) -> FiveNumbers | None:
    """Smallest, quartiles by `metrics.percentile`, and largest of `samples`; None without any."""
    if not samples:
        return None
    ascending = sorted(samples)
    return FiveNumbers(*(percentile(ascending, percent) for percent in (0, 25, 50, 75, 100)))


def five_numbers_of(source: ChartSource) -> Numbers:
    """One row per lane; beyond the five, percentiles that the samples of any lane bound (`statistics.describe`)."""
    figures: list[list[int | None]] = []
    counts: list[int] = []
    for lane in source.lanes:
        samples = values_of(latest_answers(lane), source.metric)
        found = five_numbers(samples)
        low = msgspec.structs.astuple(found) if found else (None,) * 5
        counts.append(len(samples))
        figures.append([*low[:4], *_bounded(samples), low[4]])
    headings = ("min", "25%", "median", "75%", "p90", "p95", "p99", "max")
    columns = [
        place
        for place, heading in enumerate(headings)
        if not heading.startswith("p") or any(row[place] is not None for row in figures)
    ]
    rows = tuple(
        (lane.label, *(format_ms(row[place]) for place in columns), str(count))
        for lane, row, count in zip(source.lanes, figures, counts, strict=True)
    )
    return Numbers(
        (METRIC_LABELS[source.metric], *(headings[place] for place in columns), "n"), rows, bounded_note(source.lanes)
    )


def _bounded(samples: Sequence[int]) -> list[int | None]:
    """p90, p95 and p99, each where so many samples bound it."""
    ascending = sorted(samples)
    return [
        percentile(ascending, percent) if len(ascending) >= samples_needed(percent) else None
        for percent in (90, 95, 99)
    ]
