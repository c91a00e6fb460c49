"""The session as charts see it."""

from chart_samples import MS, lane_with, outcome_of

from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.ui.charts.plot import MOST_LANES
from tui.ui.charts.scatter import scatter_plot
from tui.ui.charts.source import ChartSource, PinnedMedian, pinned_of


def test_the_current_lane_is_among_those_shown() -> None:
    lanes = [lane_with(f"lane-{number}", [outcome_of(1, MS)]) for number in range(12)]
    source = ChartSource(lanes=lanes, current=lanes[10], now_ns=0)
    shown = source.shown
    assert len(shown) == MOST_LANES
    assert shown[-1] == (MOST_LANES - 1, lanes[10])
    assert source.more == 4
    assert len({curve.symbol for curve in scatter_plot(source).curves}) == MOST_LANES


def test_a_snapshot_makes_bands_by_lane() -> None:
    lanes = {"many": tuple(outcome_of(run, (100 + run) * MS) for run in range(1, 22)), "one": (outcome_of(1, MS),)}
    snapshot = Snapshot(
        name="before",
        taken_unix_ns=0,
        lanes=tuple(
            LaneSnapshot(
                name=name,
                model="m",
                endpoint="e",
                prompt=Prompt(user="u"),
                parameters=Parameters(max_tokens=1),
                observations=observations,
            )
            for name, observations in lanes.items()
        ),
    )
    bands = pinned_of(snapshot)
    many = bands["many"].ttft
    assert many is not None
    assert (many.low, many.median, many.high) == (106 * MS, 111 * MS, 116 * MS)
    assert bands["one"].total == PinnedMedian(2 * MS, 2 * MS, 2 * MS)
    assert pinned_of(None) == {}
