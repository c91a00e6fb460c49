"""Five numbers that tell a distribution, per lane: a box plot's, and the table beside it."""

from collections.abc import Sequence

import msgspec

from tui.core.metrics import percentile
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
    """One row per lane."""
    rows = []
    for lane in source.lanes:
        samples = values_of(latest_answers(lane), source.metric)
        found = five_numbers(samples)
        figures = msgspec.structs.astuple(found) if found else (None,) * 5
        rows.append((lane.label, *map(format_ms, figures), str(len(samples))))
    return Numbers(
        (METRIC_LABELS[source.metric], "min", "25%", "median", "75%", "max", "n"),
        tuple(rows),
        bounded_note(source.lanes),
    )
