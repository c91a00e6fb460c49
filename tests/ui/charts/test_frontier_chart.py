"""The frontier as a chart: a panel each for cost and pass rate, and the place of every lane."""

import msgspec
from chart_samples import MS, lane_with, outcome_of

from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.ui.charts.frontier import CHART, frontier_numbers, frontier_plot
from tui.ui.charts.plot import AxisUnit
from tui.ui.charts.source import ChartSource


def answers(ms: int, right: int | None, usd: float | None, count: int = 20) -> list[Observation]:
    return [
        msgspec.structs.replace(
            outcome_of(run, ms * MS, ms * MS), usd=usd, passed=None if right is None else run % 10 < right
        )
        for run in range(1, count + 1)
    ]


def source(**lanes: list[Observation]) -> ChartSource:
    made = [lane_with(name, outcomes) for name, outcomes in lanes.items()]
    return ChartSource(lanes=made, current=made[0], now_ns=0)


def test_each_lane_has_a_point_in_the_panels_of_what_is_known() -> None:
    found = source(quick=answers(100, 3, 0.004), cheap=answers(300, 10, 0.001), bad=answers(400, 3, 0.004))
    plot = frontier_plot(found)
    assert [axis.unit for axis in plot.panels] == [AxisUnit.PLAIN, AxisUnit.SHARE]
    assert [(curve.label, curve.panel, curve.points) for curve in plot.curves] == [
        ("quick (frontier)", 0, ((0.1, 4.0),)),
        ("cheap (frontier)", 0, ((0.3, 1.0),)),
        ("bad", 0, ((0.4, 4.0),)),
        ("", 1, ((0.1, 0.3),)),
        ("", 1, ((0.3, 1.0),)),
        ("", 1, ((0.4, 0.3),)),
    ]
    rows = frontier_numbers(found).rows
    assert (rows[1][0], *rows[1][2:5]) == ("cheap", "300 ms", "300 ms", "$0.0010")
    assert rows[2][1].startswith("behind ")


def test_it_goes_by_ttft_where_that_is_chosen() -> None:
    lanes = source(a=answers(100, 3, 0.004), b=answers(300, 10, 0.001))
    for lane in lanes.lanes:
        lane.outcomes[:] = [msgspec.structs.replace(one, ttft_ns=7 * MS) for one in lane.outcomes]
    chosen = msgspec.structs.replace(lanes, frontier_by=Figure.TTFT)
    assert [curve.points[0][0] for curve in frontier_plot(chosen).curves] == [0.007] * 4
    assert "By median TTFT" in str(frontier_numbers(chosen).note)
    assert (CHART.heading(lanes).rpartition(" ")[2], CHART.heading(chosen).rpartition(" ")[2]) == ("total", "TTFT")
    assert CHART.version(chosen) != CHART.version(lanes)


def test_what_is_not_shown_is_so_far() -> None:
    plot = frontier_plot(source(a=answers(100, 10, None, 3), b=answers(101, 10, None, 3)))
    assert [axis.unit for axis in plot.panels] == [AxisUnit.SHARE]
    assert [curve.label for curve in plot.curves] == ["a (frontier?)", "b"]


def test_without_prices_and_checks_there_is_nothing_to_draw() -> None:
    empty = source(a=answers(100, None, None), b=answers(90, None, None))
    assert not frontier_plot(empty).has_data
    assert frontier_numbers(empty).rows == ()
    assert "prices" in CHART.placeholder
