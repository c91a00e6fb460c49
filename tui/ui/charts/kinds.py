"""The kinds of charts, in the order in which they follow each other. Light: what draws them is in `drawing`."""

from enum import StrEnum


class ChartKind(StrEnum):
    """A kind of chart, by the name that files have of it."""

    LATEST = "latest-run"
    TREND = "trend"
    DISTRIBUTION = "distribution"
    BOXES = "boxes"
    SCATTER = "scatter"
    GAPS = "gaps"
    SPEED = "speed"
    STEPS = "steps"
    PARTS = "parts"

    @property
    def tab(self) -> str:
        """The name in a row of all."""
        return _TABS[self]

    @property
    def heading(self) -> str:
        """The name above the chart."""
        return _TITLES[self]

    @property
    def of_one_lane(self) -> bool:
        """Whether it shows the current lane alone, or tells it from the others."""
        return self in _OF_ONE_LANE

    @property
    def of_one_metric(self) -> bool:
        """Whether it shows one metric, which can be chosen."""
        return self in (ChartKind.DISTRIBUTION, ChartKind.BOXES)

    @property
    def placeholder(self) -> str:
        """What to say while there is nothing to draw."""
        return _PLACEHOLDERS.get(self, "No complete answer yet.")

    def after(self, step: int) -> "ChartKind":
        """The kind `step` further on, around the end."""
        kinds = list(ChartKind)
        return kinds[(kinds.index(self) + step) % len(kinds)]


_TABS = {
    ChartKind.LATEST: "run",
    ChartKind.TREND: "trend",
    ChartKind.DISTRIBUTION: "dist",
    ChartKind.BOXES: "box",
    ChartKind.SCATTER: "scatter",
    ChartKind.GAPS: "gaps",
    ChartKind.SPEED: "speed",
    ChartKind.STEPS: "steps",
    ChartKind.PARTS: "parts",
}
_TITLES = {
    ChartKind.LATEST: "Latest run",
    ChartKind.TREND: "Trend by run",
    ChartKind.DISTRIBUTION: "Distribution",
    ChartKind.BOXES: "Box plots",
    ChartKind.SCATTER: "Total over TTFT",
    ChartKind.GAPS: "Gaps between chunks",
    ChartKind.SPEED: "Output speed, 1/s",
    ChartKind.STEPS: "Steps of the request",
    ChartKind.PARTS: "Where the time goes",
}
_OF_ONE_LANE = frozenset({ChartKind.TREND, ChartKind.DISTRIBUTION, ChartKind.GAPS, ChartKind.STEPS})
_PLACEHOLDERS = {
    ChartKind.LATEST: "No run yet.",
    ChartKind.TREND: "No counted run yet.",
    ChartKind.GAPS: "Fewer than two chunks yet.",
    ChartKind.SPEED: "Fewer than two chunks yet.",
    ChartKind.STEPS: "Nothing was sent yet.",
}
