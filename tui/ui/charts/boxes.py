"""The chart "box": box plots of one metric across the lanes."""

from collections.abc import Sequence

import msgspec

from tui.core.metrics import percentile
from tui.core.observation import present
from tui.core.statistics import samples_needed
from tui.core.wording import amount
from tui.ui.charts.plot import Bar, BarRow, BarRows, Look, Numbers, around
from tui.ui.charts.source import Chart, ChartSource, axis_samples, axis_unit, bounded_note, by_answer, latest_answers

_WHISKER = Look("range", "range", "─", "-", "whisker", thin=True)
_BOX = Look("middle half", "half", "▒", "#", "bars")
_MEDIAN = Look("median", "median", "┃", "|", "median")


class FiveNumbers(msgspec.Struct, frozen=True):
    """Five numbers that tell the distribution of a lane's samples, in their unit."""

    min: float
    quarter: float
    median: float
    three_quarters: float
    max: float


def five_numbers(samples: Sequence[float]) -> FiveNumbers | None:
    """Smallest, quartiles by `metrics.percentile`, and largest of `samples`; None without any."""
    if not samples:
        return None
    ascending = sorted(samples)
    return FiveNumbers(*(percentile(ascending, percent) for percent in (0, 25, 50, 75, 100)))


def box_rows(source: ChartSource) -> BarRows:
    """From the smallest to the largest sample a line, from quarter to three quarters a box, and in it the median.

    The samples are the answers counted since anything asked was last changed.
    """
    rows = []
    for lane in source.lanes:
        found = five_numbers(axis_samples(source, lane))
        bars = []
        if found is not None:
            bars = [
                Bar(found.min, found.max, _WHISKER),
                Bar(found.quarter, found.three_quarters, _BOX),
                Bar(found.median, found.median, _MEDIAN),
            ]
        rows.append(BarRow(lane.label, tuple(bars)))
    ends = [end for row in rows for bar in row.bars[:1] for end in (bar.low, bar.high)]
    return BarRows(rows=tuple(rows), x=around(ends, axis_unit(source.metric)), grows=False)


def five_number_table(source: ChartSource) -> Numbers:
    """A row per lane: the five numbers, and the percentiles that the samples of any lane bound."""
    figures: list[list[float | None]] = []
    counts: list[int] = []
    for lane in source.lanes:
        samples = present(latest_answers(lane), source.metric)
        found = five_numbers(samples)
        five = msgspec.structs.astuple(found) if found else (None,) * 5
        counts.append(len(samples))
        figures.append([*five[:4], *_bounded(samples), five[4]])
    headings = ("min", "25%", "median", "75%", "p90", "p95", "p99", "max")
    columns = [
        place
        for place, heading in enumerate(headings)
        if not heading.startswith("p") or any(row[place] is not None for row in figures)
    ]
    rows = tuple(
        (lane.label, *(amount(source.metric, row[place]) for place in columns), str(count))
        for lane, row, count in zip(source.lanes, figures, counts, strict=True)
    )
    return Numbers(
        (source.metric.label, *(headings[place] for place in columns), "n"), rows, bounded_note(source.lanes)
    )


def _bounded(samples: Sequence[float]) -> list[float | None]:
    """p90, p95 and p99; each is absent where the samples are too few to bound it."""
    ascending = sorted(samples)
    return [
        percentile(ascending, percent) if len(ascending) >= samples_needed(percent) else None
        for percent in (90, 95, 99)
    ]


CHART = Chart(title="Box plots", of_one_metric=True, build=box_rows, version=by_answer, numbers=five_number_table)
