"""The table below the lanes: per target, sparklines of TTFT and total over the session, with their figures."""

from collections.abc import Callable, Sequence

import msgspec

from tui.core.wording import format_duration
from tui.ui.viewmodel.lane_history import METRICS, LaneHistory, spark

Clip = Callable[[str, int], str]
"""Cuts or pads a text to exactly that many cells; given by the widget, which knows the terminal's widths."""

_FIGURES = ("last", "best", "median")
_FIGURE_CELLS = 7
_COUNT_CELLS = 6
_METRIC_CELLS = 6
_SHORTEST_SPARK = 8


class HistoryTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, and two lines per target: TTFT, then total."""

    heading: str
    lines: tuple[str, ...]
    spark: tuple[int, int]
    """First and last column of the sparklines, the last not included."""


def history_table(lanes: Sequence[LaneHistory], width: int, clip: Clip) -> HistoryTable:
    """The table in `width` cells. All targets share a scale from zero to the slowest, one per metric.

    The count is that of complete answers, with the failed ones after a plus sign.
    """
    rest = width - _METRIC_CELLS - len(_FIGURES) * (_FIGURE_CELLS + 1) - _COUNT_CELLS - 2
    longest = max((len(lane.label) for lane in lanes), default=0)
    label_cells = max(0, min(24, rest - _SHORTEST_SPARK, max(12, rest // 2, longest)))
    spark_cells = max(0, rest - label_cells)
    start = label_cells + 1 + _METRIC_CELLS
    heading = clip("", label_cells + _METRIC_CELLS + spark_cells + 2) + "".join(
        f" {name:>{_FIGURE_CELLS}}" for name in _FIGURES
    )
    tops = [max((lane.samples[metric].top for lane in lanes), default=0) for metric in METRICS]
    lines: list[str] = []
    for lane in lanes:
        label = lane.label
        for metric, top in zip(METRICS, tops, strict=True):
            samples = lane.samples[metric]
            values = samples.values
            figures = (values[-1] if values else None, samples.best, samples.median)
            failed = len(values) - samples.count
            count = f"{samples.count}+{failed}×" if failed else str(samples.count)
            lines.append(
                f"{clip(label, label_cells)} {metric.label:<{_METRIC_CELLS}}"
                f"{spark(values, spark_cells, 0, top):>{spark_cells}} "
                + "".join(f" {format_duration(None if ns is None else round(ns)):>{_FIGURE_CELLS}}" for ns in figures)
                + f"{count:>{_COUNT_CELLS}}"
            )
            label = ""
    return HistoryTable(
        heading=heading + f"{'n':>{_COUNT_CELLS}}", lines=tuple(lines), spark=(start, start + spark_cells)
    )
